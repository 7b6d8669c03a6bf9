"""HTTP on real sockets: every fault is one sentence of the right class, and nothing hangs."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest
from segue_adapters.errors import (
    AnswerTooLarge,
    ConnectionCut,
    LocalProtocolError,
    TimedOut,
    TLSFault,
    TransportError,
    Unauthorised,
    Unreachable,
    WrongKind,
)
from segue_adapters.transports.base import Frame, Options, refused_status
from segue_adapters.transports.http import HTTPPool
from segue_adapters.transports.lean import http_pool
from segue_adapters.wires.base import Answer, Request

#: The client that is tested: the general one, then the lean one of a gateway, which raises the same faults.
POOL: list[Any] = [HTTPPool]


@pytest.fixture(autouse=True, params=[HTTPPool, http_pool], ids=["general", "lean"])
def _pool(request: pytest.FixtureRequest) -> None:
    POOL[0] = request.param


OPTIONS = Options(connect_timeout=2.0, silence_timeout=2.0)
GET = Request("GET", "/x")


async def fetch(url: str, request: Request = GET, *, limit: float | None = 5.0, options: Options = OPTIONS) -> Answer:
    pool = POOL[0](url, options)
    try:
        return await pool.fetch(request, limit=limit)
    finally:
        await pool.close()


def told(fault: TransportError, *words: str) -> None:
    """Check that a fault is one sentence that says what and where, and keep the reader from internals."""
    assert fault.where.startswith(("http", "ws"))
    assert str(fault).startswith(f"{fault.what} ({fault.where})")
    for word in words:
        assert word in str(fault)
    for noise in ("Traceback", "[Errno", "object at 0x", "\n", "_ssl.c"):
        assert noise not in str(fault)


def say(*pieces: bytes, then: str = "close") -> Callable[..., Awaitable[None]]:
    """Return a handler that waits for a request, says these bytes, and then closes, cuts or stays silent."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then == "cut":
            writer.transport.abort()
        elif then == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif then == "hang":
            await asyncio.sleep(30)

    return handler


OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"


def fails(run: Any, raw_server: Any, handler: Any, kind: type[TransportError], *words: str, **more: Any) -> Any:
    async def main() -> TransportError:
        async with raw_server(handler) as port:
            with pytest.raises(kind) as caught:
                await fetch(f"http://127.0.0.1:{port}", **more)
            return caught.value

    fault = run(main())
    assert type(fault) is kind
    told(fault, *words)
    return fault


def test_a_whole_answer(run: Any, http_server: Any) -> None:
    seen: list[Any] = []
    frames: list[Frame] = []
    options = Options(api_key="key-1", headers={"X-Mine": "a"}, tap=frames.append)

    async def main() -> Answer:
        answer = b"HTTP/1.1 201 Made\r\nX-Upper: a\r\ncontent-length: 2\r\n\r\nhi"
        async with http_server(answer, seen) as url:
            return await fetch(url + "/v1/", Request("POST", "/p", {"a": "b"}, b"{}", {"q": "ä b"}), options=options)

    answer = run(main())
    assert (answer.status, answer.headers["x-upper"], answer.body) == (201, "a", b"hi")
    line, headers, body = seen[0]
    assert line == "POST /v1/p?q=%C3%A4+b HTTP/1.1"
    assert (headers["authorization"], headers["x-mine"], headers["a"], body) == ("Bearer key-1", "a", "b", b"{}")
    assert (headers["user-agent"], headers["accept-encoding"]) == ("segue/1.0", "gzip")
    assert [(f.direction, f.kind) for f in frames] == [
        ("sent", "request"),
        ("received", "response"),
        ("received", "body"),
    ]


def test_nothing_listens(run: Any, free_port: int) -> None:
    with pytest.raises(Unreachable) as caught:
        run(fetch(f"http://127.0.0.1:{free_port}"))
    told(caught.value, "refused", "is it running?")


def test_no_such_host(run: Any) -> None:
    with pytest.raises(Unreachable) as caught:
        run(fetch("http://nosuchhost.invalid"))
    told(caught.value, "no such host", "spelling")


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://a..b", "http://127.0.0.1:99999", "ftp://127.0.0.1", "nonsense", "", "http://", "http://\0"],
)
def test_what_is_no_url(run: Any, url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        run(fetch(url))
    assert caught.value.hint


def test_tls_to_a_plain_port(run: Any, raw_server: Any) -> None:
    async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main() -> None:
        async with raw_server(complain) as port:
            with pytest.raises(TLSFault) as caught:
                await fetch(f"https://127.0.0.1:{port}")
            told(caught.value, "TLS handshake failed", "try http://")
        async with raw_server(say(then="hang")) as port:
            with pytest.raises(Unreachable) as late:
                await fetch(f"https://127.0.0.1:{port}", options=Options(connect_timeout=0.2))
            told(late.value, "no connection within 0.2 s", "that it serves TLS")

    run(main())


def test_plain_to_a_tls_port(run: Any, raw_server: Any, self_signed: ssl.SSLContext) -> None:
    async def main() -> None:
        async with raw_server(say(OK), self_signed) as port:
            with pytest.raises(TransportError) as caught:
                await fetch(f"http://127.0.0.1:{port}")
            told(caught.value)

    run(main())


def test_a_certificate_that_nobody_vouches_for(run: Any, raw_server: Any, self_signed: ssl.SSLContext) -> None:
    async def main() -> None:
        async with raw_server(say(OK, b"\r\nhi"), self_signed) as port:
            url = f"https://127.0.0.1:{port}"
            with pytest.raises(TLSFault) as caught:
                await fetch(url)
            told(caught.value, "certificate was not accepted", "self", "--insecure")
            answer = await fetch(url, options=Options(verify=False))
            assert answer.body == b"hi"

    run(main())


def test_a_server_that_hangs(run: Any, raw_server: Any) -> None:
    options = Options(silence_timeout=0.2)
    fails(run, raw_server, say(then="hang"), TimedOut, "nothing came for 0.2 s", options=options)
    fails(run, raw_server, say(OK, b"\r\n", then="hang"), TimedOut, "nothing came for 0.2 s", options=options)
    fails(run, raw_server, say(then="hang"), TimedOut, "no whole answer came within 0.2 s", limit=0.2)


def test_a_server_that_drips(run: Any, raw_server: Any) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    began = time.monotonic()
    fails(run, raw_server, drip, TimedOut, "within 0.3 s", limit=0.3)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        (say(), ConnectionCut, "cut"),
        (say(then="cut"), ConnectionCut, "cut before an answer"),
        (say(then="reset"), ConnectionCut, "cut before an answer"),
        (say(OK, b"content-length: 9\r\n\r\nhalf", then="reset"), ConnectionCut, "mid-answer"),
        (say(b"HTTP/1.1 200"), ConnectionCut, "cut"),
        (say(OK, b"content-length: 9\r\n\r\nhalf"), ConnectionCut, "mid-answer"),
        (say(OK, b"content-length: 9\r\n\r\nhalf", then="cut"), ConnectionCut, "mid-answer"),
        (say(OK, b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"), ConnectionCut, "mid-answer"),
        (say(OK, b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", then="cut"), ConnectionCut, "mid-answer"),
        (say(OK, b"transfer-encoding: chunked\r\n\r\nzz\r\n"), ConnectionCut, "mid-answer"),
        (say(OK, b"content-encoding: gzip\r\n\r\nno gzip"), ConnectionCut, "decompressed"),
        (say(OK, b"content-encoding: gzip\r\n\r\n", gzip.compress(b"x" * 999)[:-9]), ConnectionCut, "middle"),
        (say(OK, b"content-encoding: br\r\n\r\nxx"), WrongKind, "coded as br"),
        (say(b"SSH-2.0-OpenSSH_9\r\n\r\n"), WrongKind, "not HTTP"),
        (say(b"\x00\x01\x02\x03" * 100), WrongKind, "not HTTP"),
        (say(b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n"), WrongKind, "not HTTP"),
        (say(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000), WrongKind, "not HTTP"),
    ],
)  # fmt: skip
def test_broken_answers(run: Any, raw_server: Any, handler: Any, kind: type[TransportError], words: str) -> None:
    fault = fails(run, raw_server, handler, kind, words)
    assert len(str(fault)) < 300


def test_a_body_of_20_mb(run: Any, raw_server: Any) -> None:
    options = Options(answer_bytes=1_000_000)
    body = say(OK, b"content-length: 20000000\r\n\r\n", *[b"x" * 1_000_000] * 20)
    fails(run, raw_server, body, AnswerTooLarge, "more than 1000000 bytes", options=options)


def test_a_body_that_swells(run: Any, raw_server: Any) -> None:
    """300 MB of zeros in 300 kB: counted as it swells, never in memory as a whole."""
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handler = say(OK, b"content-encoding: gzip\r\n\r\n", bomb)
    del bomb
    fails(run, raw_server, handler, AnswerTooLarge, options=Options(answer_bytes=1_000_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 40_000


def test_compressed_answers(run: Any, raw_server: Any) -> None:
    content = b"abc" * 100_000

    async def main(packed: bytes, coding: bytes) -> bytes:
        async with raw_server(say(OK, b"content-encoding: " + coding + b"\r\n\r\n", packed[:50], packed[50:])) as port:
            return (await fetch(f"http://127.0.0.1:{port}")).body

    assert run(main(gzip.compress(content), b"GZIP")) == content
    assert run(main(content, b"identity")) == content
    assert run(main(b"", b"gzip")) == b""
    behind = gzip.compress(b"x" * 10) + b"behind the end" * 1000
    assert run(main(behind, b"gzip")) == b"x" * 10


def test_a_redirect_is_not_followed(run: Any, http_server: Any) -> None:
    seen: list[Any] = []

    async def main() -> Answer:
        async with http_server(b"", seen) as elsewhere:
            moved = f"HTTP/1.1 307 Moved\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n".encode()
            async with http_server(moved) as url:
                return await fetch(url, options=Options(api_key="secret"))

    answer = run(main())
    assert (answer.status, seen) == (307, [])
    fault = refused_status(307, "http://a", b"", "", upgrade=False, location=answer.headers["location"])
    assert isinstance(fault, WrongKind)
    told(fault, "a redirect to http://127.0.0.1", "not followed")


@pytest.mark.parametrize(
    ("status", "upgrade", "kind", "words"),
    [
        (401, False, Unauthorised, "--api-key-env"),
        (401, True, Unauthorised, "--api-key-env"),
        (403, False, Unauthorised, "may not"),
        (404, False, WrongKind, "answered 404 with an HTML page"),
        (404, True, WrongKind, "upgrade was answered 404 with an HTML page"),
        (200, True, WrongKind, "HTTP wire"),
        (302, False, WrongKind, "answered 302"),
    ],
)
@pytest.mark.parametrize(("body", "content_type"), [(b"<h1>no</h1>", ""), (b"no", "text/html; charset=utf-8")])
def test_what_a_status_means(
    status: int, upgrade: bool, kind: type[TransportError], words: str, body: bytes, content_type: str
) -> None:
    fault = refused_status(status, "http://a", body, content_type, upgrade=upgrade)
    assert type(fault) is kind
    told(fault, words)
    assert fault.status == status


@pytest.mark.parametrize("value", ["secret\n", "sec\rret", "sécret", "secret\0", "secret "])
def test_a_key_that_no_header_can_bear_is_told_without_it(run: Any, http_server: Any, value: str) -> None:
    async def main(options: Options) -> None:
        async with http_server(b"") as url:
            await fetch(url, options=options)

    for options in (Options(api_key=value), Options(headers={"X-Key": value}), Options(headers={"a b": "c"})):
        with pytest.raises(LocalProtocolError, match="no HTTP header can bear") as caught:
            run(main(options))
        assert "ret" not in str(caught.value)
    assert Options(headers={"Authorization": ""}).request_headers()["authorization"] == ""


def test_leaving_in_the_middle_drops_the_rest(run: Any, raw_server: Any) -> None:
    """A peer that never ends its body must not hold up who leaves."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def stumble(pool: Any, how: type[BaseException]) -> None:
        async with pool.stream(GET) as answer:
            async for _ in answer.chunks():
                raise how

    async def main() -> float:
        async with raw_server(endless) as port:
            pool = POOL[0](f"http://127.0.0.1:{port}", OPTIONS)
            began = time.monotonic()
            async with pool.stream(GET) as answer, aclosing(answer.chunks()) as chunks:
                assert await anext(chunks)
            for how in (ValueError, asyncio.CancelledError):
                with pytest.raises(how):
                    await stumble(pool, how)
            await pool.close()
            return time.monotonic() - began

    assert run(main()) < 2


def test_giving_up_from_outside(run: Any, raw_server: Any) -> None:
    async def main() -> None:
        async with raw_server(say(OK, b"\r\nsome", then="hang")) as port:
            task = asyncio.create_task(fetch(f"http://127.0.0.1:{port}", limit=None))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())


@pytest.mark.parametrize(("method", "resend", "fate"), [
    ("GET", False, "answered"), ("PUT", False, "answered"), ("POST", False, "cut"), ("POST", True, "answered"),
])  # fmt: skip
def test_a_kept_connection_that_the_server_ends_meanwhile(run: Any, method: str, resend: bool, fate: str) -> None:
    run(_kept(method, resend, fate))


async def _kept(method: str, resend: bool, fate: str) -> None:
    asked: list[int] = []
    number = count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = next(number)
        while (await reader.read(4096)).endswith(b"\r\n\r\n"):
            asked.append(mine)
            if asked.count(mine) == 2 and mine == 0:
                break  # the second one on the first connection finds it ended
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = POOL[0](f"http://127.0.0.1:{port}", Options(resend_posted=resend))
    try:
        assert (await pool.fetch(Request(method, "/", {}, b""))).body == b"ok"
        if fate == "cut":
            with pytest.raises(ConnectionCut):
                await pool.fetch(Request(method, "/", {}, b""))
            assert asked == [0, 0]
        else:
            assert (await pool.fetch(Request(method, "/", {}, b""))).body == b"ok"
            assert asked == [0, 0, 1]
    finally:
        await pool.close()
        server.close()
