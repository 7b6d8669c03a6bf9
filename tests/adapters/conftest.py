"""Small real servers on loopback, and a runner that lets no test hang and no task outlive its test."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Talk = Callable[[ServerConnection], Awaitable[None]]


def _run(work: Coroutine[Any, Any, Any], limit: float = 8.0) -> Any:
    """Run to its end within `limit` seconds; no task may be left and no exception go unseen."""
    unseen: list[dict[str, Any]] = []

    async def main() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        async with asyncio.timeout(limit):
            result = await work
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:  # what is being cancelled or closed may need a turn of the loop, and no more than that
            await asyncio.wait(left, timeout=1.0)
        assert not [task for task in left if not task.done()]
        return result

    result = asyncio.run(main())
    gc.collect()
    assert not unseen
    return result


@pytest.fixture
def run() -> Callable[..., Any]:
    return _run


@asynccontextmanager
async def _raw(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
                await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def raw_server() -> Callable[..., AbstractAsyncContextManager[int]]:
    """A TCP server whose handler says bytes; gives its port."""
    return _raw


async def read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Return request line, headers in lower case, and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", 0)))


def http_answer(status: str, body: bytes = b"", kind: str = "application/json", **headers: str) -> bytes:
    named = {"content-type": kind, "content-length": str(len(body)), "connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


@asynccontextmanager
async def _http(answers: Any, seen: list[tuple[str, dict[str, str], bytes]] | None = None) -> AsyncIterator[str]:
    """Serve one answer for each connection: bytes, a mapping of "METHOD /path" to bytes, or a function of both."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, headers, body = await read_request(reader)
        if seen is not None:
            seen.append((line, headers, body))
        asked = line.rpartition(" ")[0]
        if callable(answers):
            answer = answers(asked, headers, body)
        elif isinstance(answers, dict):
            answer = answers.get(asked, http_answer("404 Not Found", b"<h1>no</h1>", "text/html"))
        else:
            answer = answers
        writer.write(answer)
        await writer.drain()

    async with _raw(handler) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def http_server() -> Callable[..., AbstractAsyncContextManager[str]]:
    """An HTTP server that answers as told; gives its URL."""
    return _http


@asynccontextmanager
async def _websocket(talk: Talk, **options: Any) -> AsyncIterator[str]:
    server: Server = await serve(talk, "127.0.0.1", 0, close_timeout=0.5, **options)
    try:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
def websocket_server() -> Callable[..., AbstractAsyncContextManager[str]]:
    """A WebSocket server whose handler talks; gives its URL."""
    return _websocket


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS context with a certificate that nobody vouches for."""
    if which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder: Path = tmp_path_factory.mktemp("tls")
    names = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1", "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *names]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
