"""The lean HTTP client: how bodies are framed, when a connection is used again, and who does it otherwise."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from segue_adapters.errors import ConnectionCut, Unreachable, WrongKind
from segue_adapters.transports.base import Options
from segue_adapters.transports.http import HTTPPool
from segue_adapters.transports.lean import LeanPool, http_pool
from segue_adapters.transports.lean_body import body_of
from segue_adapters.wires.base import Request

POST = Request("POST", "/turns", {"x-mine": "a"}, b"{}")
OPTIONS = Options(silence_timeout=2.0, connect_timeout=2.0)


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%X;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers + b"\r\n"


@given(
    st.lists(st.binary(min_size=1, max_size=30), max_size=5),
    st.lists(st.integers(0, 200), max_size=6),
    st.sampled_from([b"", b"x: y\r\n"]),
    st.binary(max_size=5),
)
def test_chunks_in_any_pieces(chunks: list[bytes], cuts: list[int], trailers: bytes, behind: bytes) -> None:
    data = chunked(*chunks, trailers=trailers) + behind
    body, read = body_of(200, {"transfer-encoding": "Chunked"}), b""
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    rest = b""
    for first, last in itertools.pairwise(places):
        if body.over:
            rest += data[first:last]
        else:
            read += body.feed(data[first:last])
    assert (read, body.over, body.rest + rest) == (b"".join(chunks), True, behind)


@pytest.mark.parametrize(
    "data", [b"zz\r\n", b"-1\r\n", b"0x5\r\n", b"\r\n", b"3\r\nabcd\r\n", b"1" * 5_000, b" 5\r\n", b"5 5\r\nhello\r\n"]
)
def test_what_is_no_chunk(data: bytes) -> None:
    body = body_of(200, {"transfer-encoding": "chunked"})
    with pytest.raises(ValueError, match="chunk"):
        body.feed(data)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "5, 6"},
        {"content-length": "-1"},
        {"content-length": "5a"},
        {"content-length": "９"},
        {"transfer-encoding": "gzip, chunked"},
        {"transfer-encoding": "identity"},
    ],
)
def test_a_body_that_is_framed_in_no_way_that_is_known(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="its "):
        body_of(200, headers)


def test_other_frames() -> None:
    sized = body_of(200, {"content-length": "3, 3"})
    assert (sized.feed(b"abcd"), sized.over, sized.rest) == (b"abc", True, b"d")
    assert body_of(200, {"content-length": "0"}).over
    assert body_of(204, {"content-length": "9"}).over
    endless = body_of(200, {})
    assert (endless.feed(b"all"), endless.over, endless.framed) == (b"all", False, False)


class Server:
    """Answers each request with the next of its answers; notes which connection a request came over."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, bytes]] = []
        self._count = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._count = self._count, self._count + 1
        while self.answers:
            head = await reader.read(4_096)
            if not head:
                return
            self.asked.append((number, head))
            answer = self.answers.pop(0)
            writer.write(answer)
            await writer.drain()
            if b"close" in answer:
                return


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def over(run: Any, raw_server: Any, server: Server, times: int) -> list[int]:
    """Return over which connections so many requests went."""

    async def main() -> None:
        async with raw_server(server) as port:
            pool = http_pool(f"http://127.0.0.1:{port}/v1", OPTIONS)
            assert isinstance(pool, LeanPool)
            for _ in range(times):
                assert (await pool.fetch(POST)).body == b"ok"
            await pool.close()

    run(main())
    return [number for number, _ in server.asked]


def test_a_request_as_it_is_written(run: Any, raw_server: Any) -> None:
    server = Server(OK)
    over(run, raw_server, server, 1)
    head, _, body = server.asked[0][1].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert (lines[0], body) == ("POST /v1/turns HTTP/1.1", b"{}")
    named = dict(line.split(": ", 1) for line in lines[1:])
    assert named["host"].startswith("127.0.0.1:")
    assert (named["content-length"], named["x-mine"], named["accept-encoding"]) == ("2", "a", "gzip")
    assert len(named) == len(lines) - 1


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (OK, [0, 0]),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", [0, 0]),
        (b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + OK, [0, 0]),
        (OK + b"more than that", [0, 1]),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", [0, 1]),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", [0, 1]),
        (b"HTTP/1.1 200 OK\r\nx-end: close\r\n\r\nok", [0, 1]),
    ],
)
def test_a_connection_is_used_again_where_the_answer_is_whole(
    run: Any, raw_server: Any, answer: bytes, connections: list[int]
) -> None:
    assert over(run, raw_server, Server(answer, OK), 2) == connections


def test_an_answer_that_is_left_is_not_read_on(run: Any, raw_server: Any) -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"
    server = Server(half, OK)

    async def main() -> None:
        async with raw_server(server) as port:
            pool = LeanPool(f"http://127.0.0.1:{port}", OPTIONS)
            async with pool.stream(POST) as answer, aclosing(answer.chunks()) as chunks:
                assert await anext(chunks) == b"half"
            assert (await pool.fetch(POST)).body == b"ok"
            await pool.close()

    run(main())
    assert [number for number, _ in server.asked] == [0, 1]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
    ],
)
def test_heads_that_readers_would_read_in_two_ways_are_refused(run: Any, raw_server: Any, head: bytes) -> None:
    async def main() -> None:
        async with raw_server(Server(head)) as port:
            with pytest.raises(WrongKind, match="not HTTP"):
                await http_pool(f"http://127.0.0.1:{port}", OPTIONS).fetch(POST)

    run(main())


def test_a_header_or_path_with_a_line_feed_is_not_sent(run: Any, free_port: int) -> None:
    pool = LeanPool(f"http://127.0.0.1:{free_port}", OPTIONS)
    for request in (Request("GET", "/a b"), Request("GET", "/a\r\nx: y"), Request("GET", "/", {"x": "a\r\nb: c"})):
        with pytest.raises(Unreachable, match="no usable"):
            run(pool.fetch(request))


def test_a_reader_that_is_slow_slows_the_server_down(run: Any, raw_server: Any) -> None:
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.read(4_096)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(800):
            writer.write(b"x" * 65_536)
            await writer.drain()
            written += 65_536

    async def main() -> None:
        async with raw_server(flood) as port:
            pool = LeanPool(f"http://127.0.0.1:{port}", Options(answer_bytes=1 << 30))
            async with pool.stream(POST) as answer, aclosing(answer.chunks()) as chunks:
                await anext(chunks)
                before = -1
                while before != written:  # until nothing moves any more
                    before = written
                    await asyncio.sleep(0.1)
                assert written < 800 * 65_536
                read = len([chunk async for chunk in chunks])
                assert read > 1
            await pool.close()
            with pytest.raises(ConnectionCut):
                await closed_meanwhile(pool)

    async def closed_meanwhile(pool: LeanPool) -> None:
        async with pool.stream(POST) as answer:
            await pool.close()
            async for _ in answer.chunks():
                pass

    run(main())


def test_what_the_lean_client_can_not_do_the_general_one_does() -> None:
    for base, options in (
        ("http://user:secret@127.0.0.1", Options()),
        ("http://127.0.0.1:99999", Options()),
        ("ftp://127.0.0.1", Options()),
        ("http://müller.example", Options()),
        ("http://127.0.0.1", Options(tap=lambda frame: None)),
    ):
        assert isinstance(http_pool(base, options), HTTPPool), base
    assert isinstance(http_pool("https://api.example:443/v1", Options()), LeanPool)
