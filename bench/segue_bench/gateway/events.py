"""Events per second of CPU from an engine to a client, beside a bare `websockets` server that sends the same frames.

The engine is in the process and writes a thousand deltas, either all of them ready at once or each behind a turn of the
event loop, as they come from a network. What it costs to record them is part of the figure: the bare server records
nothing. `deflate` is the compression that both offer by default.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from segue_gateway import Endpoint, Settings
from segue_gateway.engines.base import Delta, Ended, EngineEvent, ItemBegun, ItemEnded, Request
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.server import serving
from segue_gateway.stores.base import Bounds
from segue_gateway.stores.opening import open_store
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from .targets import Process

__all__ = ["DELTAS", "main", "measure"]

DELTAS = 1_000
_ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]}


class _Burst(ScriptedEngine):
    """Writes a thousand words; `singly`: each when the event loop has had its turn."""

    def __init__(self, *, singly: bool) -> None:
        super().__init__()
        self._singly = singly

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Yield one message in a thousand pieces."""
        yield ItemBegun(0, _ANSWER)
        for _ in range(DELTAS):
            if self._singly:
                await asyncio.sleep(0)
            yield Delta(0, "/content/0/text", append="word and ")
        yield ItemEnded(0)
        yield Ended("completed", None, None)


async def _gateway(store: str, singly: bool) -> None:
    settings = Settings()
    endpoint = Endpoint(_Burst(singly=singly), open_store(store, Bounds.of(settings)), settings=settings)
    async with serving(endpoint) as url:
        print(f"READY {url.replace('http', 'ws', 1)}/segue/v1", flush=True)
        await asyncio.Event().wait()


async def _bare(file: Path, deflate: bool) -> None:
    frames: list[str] = json.loads(file.read_text())

    async def answer(socket: ServerConnection) -> None:
        async for _ in socket:
            for frame in frames:
                await socket.send(frame)

    named = [Subprotocol("segue.v1")]
    async with serve(answer, "127.0.0.1", 0, subprotocols=named, compression="deflate" if deflate else None) as server:
        print(f"READY ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/segue/v1", flush=True)
        await server.serve_forever()


def _start(name: str) -> str:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]}
    return json.dumps({"type": "turn.start", "turn": name, "input": [item], "context": {"model": "scripted"}})


async def _talk(url: str, turns: int, deflate: bool) -> list[str]:
    """Hold some turns; return the frames of the last one."""
    named = [Subprotocol("segue.v1")]
    frames: list[str] = []
    async with connect(url, subprotocols=named, compression="deflate" if deflate else None, max_size=None) as socket:
        for number in range(turns):
            await socket.send(_start(f"t{time.monotonic_ns()}-{number}"))
            frames = []
            async for frame in socket:
                frames.append(str(frame))
                if str(frame).startswith('{"type":"turn.completed"'):
                    break
    return frames


@contextlib.contextmanager
def _server(*words: str) -> Iterator[tuple[str, Process]]:
    process = Process([sys.executable, "-m", "segue_bench.gateway.events", *words])
    try:
        yield process.ready(r"READY (\S+)"), process
    finally:
        process.end()


def measure(rounds: int, turns: int, folder: Path, draw: random.Random) -> dict[str, list[float]]:
    """Return, by what was measured, the share of the bare server's events per CPU second, one a round."""
    file = folder / "frames.json"
    with _server("--store", "memory") as (url, _):
        file.write_text(json.dumps(asyncio.run(_talk(url, 1, False))))
    found: dict[str, list[float]] = {}
    for deflate in (False, True):
        with contextlib.ExitStack() as stack:
            servers = {
                "bare": stack.enter_context(_server("--bare", str(file), *(["--deflate"] if deflate else []))),
                **{
                    f"{store}, {'one by one' if singly else 'at once'}": stack.enter_context(
                        _server(
                            "--store",
                            "memory" if store == "memory" else f"sqlite:{folder / f'e{deflate}{singly}.db'}",
                            *(["--singly"] if singly else []),
                        )
                    )
                    for store in ("memory", "sqlite")
                    for singly in (False, True)
                },
            }
            for _ in range(rounds):
                rates: dict[str, float] = {}
                order = list(servers)
                draw.shuffle(order)
                for name in order:
                    url, process = servers[name]
                    asyncio.run(_talk(url, 1, deflate))
                    before = process.cpu() or 0.0
                    asyncio.run(_talk(url, turns, deflate))
                    rates[name] = turns * DELTAS / max(0.01, (process.cpu() or 0.0) - before)
                for name, rate in rates.items():
                    if name != "bare":
                        told = f"{name}{', deflate' if deflate else ''}"
                        found.setdefault(told, []).append(rate / rates["bare"])
    return found


def main() -> None:
    """Serve one side until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bare", type=Path)
    parser.add_argument("--deflate", action="store_true")
    parser.add_argument("--store", default="memory")
    parser.add_argument("--singly", action="store_true")
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_gateway(asked.store, asked.singly) if asked.bare is None else _bare(asked.bare, asked.deflate))


if __name__ == "__main__":
    main()
