"""Memory for each idle WebSocket connection, beside a bare uvicorn app with the same deflate settings.

The bare app accepts and waits, and does no more. Memory is what the operating system counts as resident, before the
connections and with them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import uvicorn
from segue_gateway import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol
from segue_gateway.server import Server
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from .targets import Process

__all__ = ["main", "measure"]

_PATHS = {"segue-ws": "/segue/v1", "openai-ws": "/v1/responses"}


async def _bare_app(
    scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    named = "segue.v1" if "segue.v1" in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": named})
    while (await receive())["type"] != "websocket.disconnect":
        pass


class _Bare(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(f"READY ws://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process has now."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)], text=True)) * 1024


async def _each(url: str, process: Process, path: str, count: int, deflate: bool) -> float:
    """Return the bytes for each of `count` connections that are open and say nothing."""
    named = [Subprotocol("segue.v1")] if path == _PATHS["segue-ws"] else None
    async with contextlib.AsyncExitStack() as stack:

        async def opened() -> None:
            socket = connect(
                url + path, subprotocols=named, compression="deflate" if deflate else None, ping_interval=None
            )
            await stack.enter_async_context(socket)

        for _ in range(20):  # what is made once is no connection's
            await opened()
        await asyncio.sleep(0.3)
        before = _resident(process.pid)
        for _ in range(count):
            await opened()
        await asyncio.sleep(0.5)
        return (_resident(process.pid) - before) / count


@contextlib.contextmanager
def _server(kind: str) -> Iterator[tuple[str, Process]]:
    process = Process([sys.executable, "-m", "segue_bench.gateway.idle", kind])
    try:
        yield process.ready(r"READY (\S+)"), process
    finally:
        process.end()


def measure(rounds: int, count: int, draw: random.Random) -> dict[str, list[tuple[float, float]]]:
    """Return, by wire and compression, bytes for each connection of the gateway and of the bare app, one pair a round.

    Each figure is of a fresh process: memory that was once used is not given back.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for wire, path in _PATHS.items():
            for deflate in (True, False):
                pair: dict[str, float] = {}
                order = ["gateway", "bare"]
                draw.shuffle(order)
                for kind in order:
                    with _server(kind) as (url, process):
                        pair[kind] = asyncio.run(_each(url, process, path, count, deflate))
                told = f"{wire}{', deflate' if deflate else ''}"
                found.setdefault(told, []).append((pair["gateway"], pair["bare"]))
    return found


def main() -> None:
    """Serve one side until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("gateway", "bare"))
    if parser.parse_args().kind == "bare":
        config = uvicorn.Config(
            _bare_app, port=0, ws=SegueWebSocketProtocol, ws_per_message_deflate=False, log_config=None, lifespan="off"
        )
        _Bare(config).run()
        return
    server = Server(Endpoint(), "127.0.0.1", 0, lambda url: print(f"READY {url.replace('http', 'ws', 1)}", flush=True))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve())


if __name__ == "__main__":
    main()
