"""WebSockets on real sockets: every fault is one sentence of the right class, and nothing hangs."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
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
from segue_adapters.transports.base import Frame, Options
from segue_adapters.transports.websocket import Socket, open_socket
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Response

OPTIONS = Options(connect_timeout=2.0, silence_timeout=2.0)


def told(fault: TransportError, *words: str) -> None:
    assert fault.where.startswith(("http", "ws"))
    assert str(fault).startswith(f"{fault.what} ({fault.where})")
    for word in words:
        assert word in str(fault)
    for noise in ("Traceback", "[Errno", "object at 0x", "\n", "_ssl.c"):
        assert noise not in str(fault)


async def opened(url: str, options: Options = OPTIONS) -> None:
    await (await open_socket(url, options)).close()


def say(content: bytes = b"", *, hang: bool = False) -> Callable[..., Awaitable[None]]:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        await writer.drain()
        if hang:
            await asyncio.sleep(30)

    return handler


def http(status: str, body: bytes = b"", *lines: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"content-length: {len(body)}", *lines))
    return head.encode() + b"\r\n" + body


# ---- the upgrade


def test_nothing_listens_and_no_such_host(run: Any, free_port: int) -> None:
    with pytest.raises(Unreachable) as caught:
        run(opened(f"ws://127.0.0.1:{free_port}"))
    told(caught.value, "refused", "is it running?")
    with pytest.raises(Unreachable) as caught:
        run(opened("ws://nosuchhost.invalid"))
    told(caught.value, "no such host", "spelling")


@pytest.mark.parametrize(
    "url", ["ws://[::1", "ws://a..b", "ws://127.0.0.1:99999", "http://127.0.0.1", "x", "", "ws://"]
)
def test_what_is_no_url(run: Any, url: str) -> None:
    with pytest.raises(Unreachable, match="no WebSocket URL"):
        run(opened(url))


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (http("401 Unauthorized", b"{}"), Unauthorised, ["answered 401", "--api-key-env"]),
        (http("403 Forbidden"), Unauthorised, ["answered 403", "may not"]),
        (http("404 Not Found", b"<h1>no</h1>"), WrongKind, ["answered 404 with an HTML page", "HTTP wire"]),
        (http("426 Upgrade Required", b"{}", "upgrade: websocket"), WrongKind, ["answered 426"]),
        (http("200 OK", b"<!doctype html>", "content-type: text/html"), WrongKind, ["answered 200 with an HTML page"]),
        (http("500 Oops", b"{}"), WrongKind, ["answered 500"]),
        (http("101 Switching Protocols", b"", "upgrade: websocket"), WrongKind, ["not answered as WebSocket"]),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", WrongKind, ["not answered as WebSocket"]),
        (b"\x00\x01\x02\x03\r\n\r\n", WrongKind, ["not answered as WebSocket"]),
        (b"HTTP/1.1 200 OK\r\n", WrongKind, ["not answered as WebSocket"]),
        (b"", WrongKind, ["not answered as WebSocket"]),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000, WrongKind, ["not answered as WebSocket"]),
        (http("200 OK", b"x" * 3_000_000), WrongKind, ["not answered as WebSocket"]),
    ],
)
def test_answers_that_are_no_upgrade(run: Any, raw_server: Any, content: bytes, kind: Any, words: list[str]) -> None:
    frames: list[Frame] = []

    async def main() -> TransportError:
        async with raw_server(say(content)) as port:
            with pytest.raises(kind) as caught:
                await opened(f"ws://127.0.0.1:{port}/v1?key=1", Options(tap=frames.append))
            assert [f.kind for f in frames] == (
                ["open", "response"] if "answered as" not in str(caught.value) else ["open"]
            )
            return caught.value

    fault = run(main())
    assert type(fault) is kind
    told(fault, *words)
    assert len(str(fault)) < 300


def test_a_redirect_does_not_take_the_key_with_it(run: Any, raw_server: Any, http_server: Any) -> None:
    seen: list[Any] = []

    async def main() -> TransportError:
        async with http_server(b"", seen) as elsewhere:
            moved = http("307 Moved", b"", f"location: {elsewhere.replace('http', 'ws')}")
            async with raw_server(say(moved)) as port:
                with pytest.raises(WrongKind) as caught:
                    await opened(f"ws://127.0.0.1:{port}", Options(api_key="secret"))
                return caught.value

    fault = run(main())
    told(fault, "answered 307, a redirect to ws://127.0.0.1", "not followed")
    assert seen == []


def test_a_reset_in_place_of_an_answer(run: Any, raw_server: Any) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def main() -> TransportError:
        async with raw_server(reset) as port:
            with pytest.raises(TransportError) as caught:
                await opened(f"ws://127.0.0.1:{port}")
            return caught.value

    fault = run(main())
    assert type(fault) is WrongKind  # so that probing goes on and tries another wire
    told(fault, "not answered as WebSocket")


def test_a_fault_below_the_upgrade_is_told_as_what_it_is(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise InvalidHandshake("the proxy said no") from ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("segue_adapters.transports.websocket._Connect", fail)
    with pytest.raises(Unreachable, match="refused"):
        run(opened("ws://127.0.0.1:1"))


def test_a_server_that_hangs(run: Any, raw_server: Any) -> None:
    async def main() -> TransportError:
        async with raw_server(say(hang=True)) as port:
            with pytest.raises(TimedOut) as caught:
                await opened(f"ws://127.0.0.1:{port}", Options(connect_timeout=0.2))
            return caught.value

    told(run(main()), "not answered within 0.2 s", "is it alive?")


def test_tls(run: Any, raw_server: Any, websocket_server: Any, self_signed: ssl.SSLContext) -> None:
    async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def main() -> None:
        async with raw_server(complain) as port:
            with pytest.raises(TLSFault) as caught:
                await opened(f"wss://127.0.0.1:{port}")
            told(caught.value, "TLS handshake failed", "ws://")
        async with websocket_server(talk, ssl=self_signed) as url:
            with pytest.raises(TLSFault) as caught:
                await opened(url.replace("ws:", "wss:"))
            told(caught.value, "certificate was not accepted", "--insecure")
            await opened(url.replace("ws:", "wss:"), Options(verify=False))
            with pytest.raises(TransportError) as plain:
                await opened(url, OPTIONS)
            told(plain.value)

    run(main())


def test_a_key_that_no_header_can_bear(run: Any, free_port: int) -> None:
    with pytest.raises(LocalProtocolError, match="the API key has characters"):
        run(opened(f"ws://127.0.0.1:{free_port}", Options(api_key="key\n")))


def test_an_open_socket(run: Any, websocket_server: Any) -> None:
    frames: list[Frame] = []
    asked: list[Any] = []

    def note(connection: ServerConnection, request: Any) -> Response | None:
        asked.append((request.path, dict(request.headers.raw_items())))
        return None

    async def talk(connection: ServerConnection) -> None:
        async for frame in connection:
            await connection.send(frame)

    async def main() -> None:
        async with websocket_server(talk, process_request=note, subprotocols=["segue.v1"]) as url:
            options = Options(api_key="key-1", tap=frames.append)
            socket = await open_socket(url + "/p?q=1", options, subprotocols=("segue.v1",), label="a")
            assert socket.subprotocol == "segue.v1"
            assert socket.response_headers["upgrade"] == "websocket"
            await socket.send("ä")
            await socket.send(b"\0")
            await socket.send_fragments(["a", "b"])
            assert [await socket.receive(2) for _ in range(3)] == ["ä", b"\0", "ab"]
            assert await socket.ping(2)
            await socket.close()
            assert not await socket.ping(0.2)
            await socket.close()

    run(main())
    path, headers = asked[0]
    assert path == "/p?q=1"
    assert (headers["authorization"], headers["User-Agent"]) == ("Bearer key-1", "segue/1.0")
    assert [(f.direction, f.kind) for f in frames] == [
        ("sent", "open"), ("sent", "text"), ("sent", "binary"), ("sent", "text"),
        ("received", "text"), ("received", "binary"), ("received", "text"),
    ]  # fmt: skip


# ---- while it is open


def after(
    run: Any, websocket_server: Any, talk: Any, use: Callable[[Socket], Awaitable[Any]], options: Options = OPTIONS
) -> Any:
    async def main() -> Any:
        async with websocket_server(talk) as url:
            socket = await open_socket(url, options)
            try:
                return await use(socket)
            finally:
                await socket.close()

    return run(main())


def faulted(run: Any, websocket_server: Any, talk: Any, kind: type[TransportError], options: Options = OPTIONS) -> Any:
    async def use(socket: Socket) -> TransportError:
        with pytest.raises(kind) as caught:
            await socket.receive(3)
        with pytest.raises((ConnectionCut, AnswerTooLarge)):
            await socket.send("too late")
        return caught.value

    return after(run, websocket_server, talk, use, options)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1009, 1011, 4410])
@pytest.mark.parametrize("reason", ["", "too much of it"])
def test_closes_are_told_with_code_and_reason(run: Any, websocket_server: Any, code: int, reason: str) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    fault = faulted(run, websocket_server, talk, ConnectionCut)
    assert type(fault) is ConnectionCut
    told(fault, f"closed with code {code}", reason)
    assert (fault.code, fault.reason) == (code, reason)


def test_a_cut_without_a_close_frame(run: Any, websocket_server: Any) -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.transport.abort()

    fault = faulted(run, websocket_server, talk, ConnectionCut)
    told(fault, "cut without a close frame")
    assert fault.code == 1006


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"\x81\x02\xff\xff", 1007, "not UTF-8"),
        (b"\xf1\x02{}", 1002, "no WebSocket frame"),
        (b"\x81\x82{}{}{}", 1002, "no WebSocket frame"),
        (b"\x80\x01x", 1002, "no WebSocket frame"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, 1002, "no WebSocket frame"),
    ],
)
def test_bytes_that_are_no_frames(run: Any, websocket_server: Any, content: bytes, code: int, words: str) -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.transport.write(content)
        await connection.wait_closed()

    fault = faulted(run, websocket_server, talk, ConnectionCut)
    told(fault, words)
    assert fault.code == code


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_frame_of_20_mb(run: Any, websocket_server: Any, compression: str | None) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * 20_000_000)

    async def main() -> TransportError:
        async with websocket_server(talk, compression=compression) as url:
            socket = await open_socket(url, Options(message_bytes=1_000_000))
            with pytest.raises(AnswerTooLarge) as caught:
                await socket.receive(3)
            await socket.close()
            return caught.value

    told(run(main()), "larger than 1000000 bytes", "was closed")


def test_silence_is_limited(run: Any, websocket_server: Any) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def use(socket: Socket) -> None:
        for _ in range(2):
            with pytest.raises(TimedOut) as caught:
                await socket.receive(0.1)
            told(caught.value, "nothing came for 0.1 s")
        await socket.send("still open")

    after(run, websocket_server, talk, use)


async def upgraded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the upgrade by hand, so that nothing answers what comes behind it."""
    import base64
    import hashlib

    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    key = next(line.partition(": ")[2] for line in head if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    lines = ("HTTP/1.1 101 Switching", "upgrade: websocket", "connection: upgrade", f"sec-websocket-accept: {accept}")
    writer.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")
    await writer.drain()


def test_a_dead_peer_holds_up_neither_ping_nor_close_nor_send(run: Any, raw_server: Any) -> None:
    async def dead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgraded(reader, writer)
        await asyncio.sleep(30)

    async def main() -> float:
        async with raw_server(dead) as port:
            url, began = f"ws://127.0.0.1:{port}", time.monotonic()
            socket = await open_socket(url, Options(silence_timeout=0.3))
            assert not await socket.ping(0.2)
            with pytest.raises(TimedOut) as caught:
                await socket.send("x" * 30_000_000)
            told(caught.value, "not taken for 0.3 s", "does the endpoint read")
            with pytest.raises(ConnectionCut):
                await socket.send("more")
            with pytest.raises(ConnectionCut):
                await socket.send_fragments(["more"])
            await socket.close()
            again = await open_socket(url, OPTIONS)
            await again.close()
            third = await open_socket(url, OPTIONS)
            third.abort()
            third.abort()
            with pytest.raises(ConnectionCut):
                await third.receive(1)
            return time.monotonic() - began

    assert run(main()) < 4


def test_a_reader_that_is_cancelled_leaves_the_socket_open(run: Any, websocket_server: Any) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("hello")
        await connection.wait_closed()

    async def use(socket: Socket) -> None:
        reading = asyncio.create_task(socket.receive())
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await socket.send("x")
        assert await socket.receive(2) == "hello"

    after(run, websocket_server, talk, use)


def test_a_flood_that_nobody_reads_can_be_closed(run: Any, websocket_server: Any) -> None:
    async def talk(connection: ServerConnection) -> None:
        while True:
            await connection.send("x" * 1000)
            await asyncio.sleep(0)  # or this server would let nobody else run

    async def use(socket: Socket) -> float:
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await socket.close()
        return time.monotonic() - began

    assert after(run, websocket_server, talk, use) < 2.5


def test_a_pong_is_found_behind_more_frames_than_are_held(run: Any, websocket_server: Any) -> None:
    """The peer answers a ping while it sends on and on: nobody reads that yet, and all of it is read later."""

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        for number in range(300):
            await connection.send(f"{number} " + "x" * 2000)
        await connection.recv()

    async def main() -> None:
        async with websocket_server(talk) as url:
            link = await open_socket(url, OPTIONS)
            await link.send("go")
            await asyncio.sleep(0.1)
            assert await link.ping(2)
            frames = [await link.receive(2) for _ in range(300)]
            assert [str(frame).partition(" ")[0] for frame in frames] == [str(number) for number in range(300)]
            reading = asyncio.create_task(link.receive())
            await asyncio.sleep(0)
            assert await link.ping(2)  # somebody reads: it is left to him
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await link.close()

    run(main())
