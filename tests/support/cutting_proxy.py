"""A TCP proxy on loopback that cuts to order, and an engine that counts how often it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from segue_gateway.engines.base import EngineEvent, Request
from segue_gateway.engines.scripted import ScriptedEngine

__all__ = ["Counting", "Proxy", "proxied"]


class Counting(ScriptedEngine):
    """The scripted engine; `asked` holds the items of each request that reached it."""

    def __init__(self, slow_seconds: float = 0.6) -> None:
        super().__init__(slow_seconds=slow_seconds)
        self.asked: list[list[bytes]] = []

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Note the request and answer it."""
        self.asked.append([bytes(item) for item in request.items])
        async for event in super().generate(request):
            yield event


class Proxy:
    """Passes bytes on. `heads` are the first lines of the requests; `upgrade` is what an upgrade gets instead."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.heads: list[str] = []
        self.upgrade: bytes | None = None
        self.swallow = False
        self.cut_behind_upgrade = False
        self.cut_when: Callable[[bytes], bool] | None = None
        self.cuts = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def upgrades(self) -> int:
        return sum("/segue/v1 " in head and head.startswith("GET") for head in self.heads)

    def cut(self) -> None:
        """Cut every connection, without a word."""
        self.cuts += 1
        for writer in list(self._open):
            writer.transport.abort()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                await self._pass(reader, writer)
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.partition(b"\r\n")[0].decode())
        asks = b"upgrade: websocket" in head.lower()
        if asks and self.swallow:
            await reader.read()
            return
        if asks and self.upgrade is not None:
            writer.write(self.upgrade)
            await writer.drain()
            return
        back, out = await asyncio.open_connection(*self.target)
        self._open.add(out)
        out.write(head)
        try:
            up = asyncio.create_task(self._pump(reader, out, None))
            down = asyncio.create_task(self._pump(back, writer, asks))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        finally:
            self._open.discard(out)
            out.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgraded: bool | None) -> None:
        while chunk := await reader.read(65536):
            if upgraded is None:
                for line in chunk.split(b"\r\n"):
                    if line.endswith(b" HTTP/1.1"):
                        self.heads.append(line.decode())
            writer.write(chunk)
            await writer.drain()
            if upgraded and self.cut_behind_upgrade:
                self.cut()
            if upgraded is not None and self.cut_when is not None and self.cut_when(chunk):
                self.cut_when = None
                self.cut()

    async def close(self) -> None:
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """Give a proxy in front of the server at a URL."""
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    proxy = Proxy(host, int(port))
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
