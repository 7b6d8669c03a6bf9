"""Small real servers on loopback, and a runner that lets no test hang and no task outlive its test."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path
from shutil import which
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from segue_schemas import models
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

    gc.freeze()  # only what this test makes is searched: collecting all that is loaded would take longer than the test
    try:
        result = asyncio.run(main())
        gc.collect()
    finally:
        gc.unfreeze()
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


# ---- turns, as hypothesis draws them


TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


def _json(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


@dataclass
class DrawnTurn:
    """A turn's server messages, and the whole items that they build (without the discarded)."""

    start: models.TurnStart
    messages: list[models.ServerMessage]
    items: list[dict[str, Any]]


def _parts(kind: str, member: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(TEXT.map(lambda text: {"type": kind, member: text}), max_size=3)


_SAID = st.lists(
    st.one_of(
        TEXT.map(lambda t: {"type": "output_text", "text": t}), TEXT.map(lambda t: {"type": "refusal", "refusal": t})
    ),
    max_size=3,
)
_CALL = {"call_id": st.sampled_from(["call_1", "call_2"]), "name": st.just("f")}
_KNOWN = st.one_of(
    st.fixed_dictionaries({"type": st.just("message"), "role": st.just("assistant"), "content": _SAID}),
    st.fixed_dictionaries({"type": st.just("function_call"), **_CALL, "arguments": TEXT}),
    st.fixed_dictionaries({"type": st.just("custom_tool_call"), **_CALL, "input": TEXT}),
    st.fixed_dictionaries(
        {"type": st.just("reasoning"), "summary": _parts("summary_text", "text")},
        optional={"content": _parts("reasoning_text", "text"), "encrypted_content": TEXT},
    ),
)
_OPEN = st.fixed_dictionaries(
    {"type": st.sampled_from(["vendor:thing", "later_call"])},
    optional={"text": TEXT, "deep": st.recursive(st.none() | st.booleans() | TEXT, st.lists, max_leaves=4)},
)  # fmt: skip


def _cut(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted({0, len(text), *draw(st.sets(st.integers(0, len(text)), max_size=3))})
    return [text[a:b] for a, b in pairwise(cuts)]


def _stream(draw: st.DrawFn, index: int, item: dict[str, Any]) -> list[models.ServerMessage]:
    """Say an item by skeleton and deltas: the lists of parts and the texts in pieces, all else in the skeleton."""
    skeleton, deltas = {}, []

    def grow(at: str, text: str) -> None:
        deltas.extend(models.ItemDelta(turn="t", index=index, at=at, append=piece) for piece in _cut(draw, text))

    def put(at: str, value: Any) -> None:
        deltas.append(models.ItemDelta(turn="t", index=index, at=at, put=_json(value)))

    for member, value in item.items():
        if member in ("content", "summary"):
            if draw(st.booleans()):
                skeleton[member] = []
            else:
                put(f"/{member}", [])
            for position, part in enumerate(value):
                text = next(name for name in ("text", "refusal") if name in part)
                first = draw(st.integers(0, len(part[text])))
                put(f"/{member}/{draw(st.sampled_from(['-', position]))}", {**part, text: part[text][:first]})
                grow(f"/{member}/{position}/{text}", part[text][first:])
        elif member in ("arguments", "input"):
            first = draw(st.integers(0, len(value)))
            if first or draw(st.booleans()):
                skeleton[member] = value[:first]
            grow(f"/{member}", value[first:])
            if member not in skeleton and not value:
                put(f"/{member}", "")
        else:
            skeleton[member] = value
    begun = models.ItemStarted(turn="t", index=index, item=_json(skeleton))
    return [begun, *deltas, models.ItemCompleted(turn="t", index=index)]


@st.composite
def _turns(draw: st.DrawFn, *, known: bool = False) -> DrawnTurn:
    items: list[dict[str, Any]] = draw(st.lists(_KNOWN if known else st.one_of(_KNOWN, _KNOWN, _OPEN), max_size=4))
    ways: list[list[models.ServerMessage]] = []
    for index, item in enumerate(items):
        how = draw(st.sampled_from(["streamed", "streamed", "whole", "in its skeleton"]))
        if how == "streamed":
            ways.append(_stream(draw, index, item))
        else:
            empty = {k: v for k, v in item.items() if how != "whole" or k not in ("content", "summary", "arguments")}
            end = _json(item) if how == "whole" else msgspec.UNSET
            ways.append([models.ItemStarted(turn="t", index=index, item=_json(empty)),
                         models.ItemCompleted(turn="t", index=index, item=end)])  # fmt: skip
    ending = draw(st.sampled_from(["completed", "incomplete", "failed", "discards"]))
    if ending == "discards" and ways:
        ways[-1].pop()
        items = items[:-1]
    body = [message for way in ways for message in way]
    if draw(st.booleans()):  # items side by side, begun in order
        body = [way[0] for way in ways] + [m for row in zip_longest(*(way[1:] for way in ways)) for m in row if m]
    usage = models.Usage(input_tokens=1, output_tokens=2, total_tokens=3, cached_tokens=1)
    terminal: models.ServerMessage
    if ending == "failed":
        error = models.Error(code="upstream_failed", advice="retry", effect="unknown", message="it broke")
        terminal = models.TurnFailed(turn="t", error=error, usage=draw(st.sampled_from([usage, msgspec.UNSET])))
    else:
        terminal = models.TurnCompleted(turn="t", status="completed", usage=usage)
        if ending != "completed":
            terminal.status, terminal.reason = (
                "incomplete",
                draw(st.sampled_from(["max_output_tokens", "content_filter"])),
            )
        if ending == "discards" and ways:
            terminal.discarded = [len(ways) - 1]
    messages = [models.TurnAccepted(turn="t"), models.TurnProgress(turn="t", phase="thinking"), *body, terminal]
    for seq, message in enumerate(m for m in messages if not isinstance(m, models.TurnProgress)):
        message.seq = seq
    context = draw(st.sampled_from([{"model": "m"}, {"model": "m", "tools": [], "temperature": None, "error": "echo"}]))
    start = models.TurnStart(turn="t", input=[], context=_json(context))
    if draw(st.booleans()):
        start.parent = "resp_0"
    return DrawnTurn(start, messages, items)


@pytest.fixture
def turns() -> Callable[..., st.SearchStrategy[DrawnTurn]]:
    """Turns of every kind of item; `known=True` leaves open types out."""
    return _turns


@pytest.fixture
def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
