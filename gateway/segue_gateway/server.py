"""Runs an endpoint on a port: uvicorn, quiet, ended in order by a signal.

`serving` is for programs and tests that run an endpoint beside other things in one loop; `run` is the command's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from .app import create_app
from .endpoint import Endpoint
from .hosts import is_loopback
from .protocol import SegueHTTPProtocol, SegueWebSocketProtocol, library_limit

__all__ = ["Server", "is_loopback", "run", "serving"]


class Server(uvicorn.Server):
    """One server; `ready` is called with its URL once it takes connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        host: str,
        port: int,
        ready: Callable[[str], None] = lambda url: None,
        metrics: Callable[[Request], Awaitable[Response]] | None = None,
    ) -> None:
        if endpoint.principal_kind == "single" and not is_loopback(host):
            raise ValueError(f"without keys the endpoint serves the loopback interface only, not {host}")  # SEG-CAP-015
        endpoint.loopback_only = endpoint.principal_kind == "single"
        self.endpoint = endpoint
        self.ready = ready
        self.url = ""
        super().__init__(
            uvicorn.Config(
                create_app(endpoint, metrics),
                host=host,
                port=port,
                http=SegueHTTPProtocol,
                ws=endpoint.websocket_protocol or SegueWebSocketProtocol,
                ws_max_size=library_limit(endpoint.settings.message_bytes),
                ws_per_message_deflate=False,  # the protocol class brings its own
                lifespan="on",
                log_config=None,
                log_level="critical",  # what goes wrong is logged where it does, without the bodies
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets)
        address = self.servers[0].sockets[0].getsockname()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self.url = f"http://{host}:{address[1]}"
        self.ready(self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End it in order: no new connections, notices and a short grace, then the rest."""
        for server in self.servers:
            server.close()
        await self.endpoint.shutdown()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take SIGINT and SIGTERM as the wish to end; unlike uvicorn, do not raise them again behind the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.asynccontextmanager
async def serving(endpoint: Endpoint, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an endpoint for as long as the block lasts; yields its URL, such as `http://127.0.0.1:49152`."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = Server(endpoint, host, port, ready.set_result)
    task = asyncio.get_running_loop().create_task(server._serve())  # without signals: they are the program's
    try:
        both: set[asyncio.Future[Any]] = {ready, task}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await task  # says why it could not begin
        yield ready.result()
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task


def run(
    endpoint: Endpoint,
    host: str,
    port: int,
    ready: Callable[[str], None],
    metrics: Callable[[Request], Awaitable[Response]] | None = None,
) -> None:
    """Serve an endpoint until a signal ends it, with `/metrics` where somebody answers it."""
    server = Server(endpoint, host, port, ready, metrics)
    # What was loaded stays, and most of what a turn makes is freed without the collector: it need not look so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve())
