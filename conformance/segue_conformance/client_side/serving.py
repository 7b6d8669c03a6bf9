"""Serves the endpoint of one run on a loopback port of its own: the reference endpoint behind the front."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from segue_gateway.app import create_app
from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol
from segue_gateway.settings import Settings
from uvicorn.protocols.http.h11_impl import H11Protocol

from .front import Front, Hooks, Scope
from .model import PlainModel
from .seen import Log

__all__ = ["KEY", "serving"]

#: The key that the agent is given. It opens nothing else.
KEY = "sk-segue-check-client"


class _PlainWires(Endpoint):
    """The reference endpoint without the Responses extension: what is judged on OpenAI's wires is what they carry."""

    def extends(self, wire: str) -> bool:
        """Return that no wire is served with the extension, so that a client that declares it gets the plain wire."""
        return False


_SETTINGS = Settings(grace_ms=0, heartbeat_ms=500, endpoint="segue-check-client")


@contextlib.asynccontextmanager
async def serving(log: Log, hooks: Hooks, wires: frozenset[str], model: PlainModel) -> AsyncIterator[str]:
    """Serve for as long as the block lasts; yields the origin, such as `http://127.0.0.1:49152`."""
    endpoint = _PlainWires(model, settings=_SETTINGS, keys={"agent": KEY})
    transports: dict[Any, asyncio.Transport] = {}

    class Protocol(H11Protocol):
        """Remembers its transport: only that can be cut without a word."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.client, None)
            super().connection_lost(exc)

    def abort(scope: Scope) -> None:
        transport = transports.get(scope.get("client"))
        if transport is not None:
            transport.abort()

    front = Front(create_app(endpoint), log, hooks, wires, abort)
    server = uvicorn.Server(
        uvicorn.Config(
            front,
            host="127.0.0.1",
            port=0,
            http=Protocol,
            ws=SegueWebSocketProtocol,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.get_running_loop().create_task(server._serve())  # without signals: they are the command's
    try:
        while not server.started:
            if task.done():
                await task
                raise OSError("the endpoint did not start")
            await asyncio.sleep(0.005)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        for transport in list(transports.values()):
            transport.abort()
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await task
