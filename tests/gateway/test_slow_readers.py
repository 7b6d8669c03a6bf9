"""Clients that take nothing of what they are sent, on real sockets: they are told so, or dropped; turns go on (G4)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from gateway_lab import TEXT, StepEngine, says
from segue_adapters.sse import SSEEvent, SSEParser
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Ended, ItemEnded
from segue_gateway.outlet import Outlet
from segue_gateway.server import serving
from segue_gateway.settings import Settings
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

PIECES = 400
PIECE = "x" * 64_000  # the record is larger than what two kernels hold for one connection


def run(main: Callable[[Endpoint, str], Awaitable[None]], **settings: int) -> None:
    """Serve an endpoint whose answer is long, and run a client against it."""

    async def serve() -> None:
        steps = [TEXT, *[says(PIECE)] * PIECES, ItemEnded(0), Ended("completed")]
        endpoint = Endpoint(StepEngine(*steps), settings=Settings(**settings))
        async with asyncio.timeout(50), serving(endpoint) as url:
            await main(endpoint, url)

    asyncio.run(serve())


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection that holds little of what it has not been asked for."""
    parts = urlsplit(url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, (parts.hostname, parts.port))
    return await asyncio.open_connection(sock=line, limit=1_024)


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"{method} /segue/v1{path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "Content-Type: application/json", "", ""]).encode() + body


START = json.dumps({"input": [], "context": {"model": "steps"}}).encode()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[None]]:
    """Return what waits until a client was told that it is too slow, and how long it is given then."""
    ends, given = asyncio.Event(), [60.0]
    give_up = Outlet.give_up

    def noticed(self: Outlet, seconds: float) -> None:
        give_up(self, given[0])
        ends.set()

    async def wait(seconds: float = 60.0) -> None:
        given[0] = seconds
        await ends.wait()

    monkeypatch.setattr(Outlet, "give_up", noticed)
    return wait


def events(answer: bytes) -> list[SSEEvent]:
    """Return the events of a chunked answer that came to its end."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    parser, found = SSEParser(), []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return found
        found += parser.feed(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]


async def whole(reader: asyncio.StreamReader) -> bytes:
    """Read an answer to the end of its body."""
    data = bytearray()
    while not data.endswith(b"0\r\n\r\n"):
        chunk = await reader.read(1 << 20)
        assert chunk, "the answer was broken off"
        data += chunk
    return bytes(data)


def test_over_http_the_last_event_says_so_and_the_turn_is_read_on(told: Callable[..., Awaitable[None]]) -> None:
    async def main(endpoint: Endpoint, url: str) -> None:
        reader, writer = await connect(url)
        writer.write(request("PUT", "/turns/t", START))
        await told()
        seen = events(await whole(reader))
        assert [event.event for event in seen[:2]] == ["turn.accepted", "item.started"]
        last = seen[-1]
        assert last.event == "error"
        message = json.loads(last.data)
        assert message["error"]["code"] == "slow_reader"
        assert (message["turn"], "refused" in message, "seq" in message) == ("t", False, False)
        number = int(seen[-2].id or "")
        assert number < PIECES
        assert await reader.read() == b""
        writer.close()
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request("GET", "/turns/t/events", b"", f"Last-Event-ID: {number}"))
        rest = events(await whole(reader))
        assert [int(event.id or "") for event in rest] == list(range(number + 1, PIECES + 4))
        assert rest[-1].event == "turn.completed"
        writer.close()

    run(main, reader_ms=200)


def test_over_http_whoever_takes_nothing_at_all_is_dropped(told: Callable[..., Awaitable[None]]) -> None:
    async def main(endpoint: Endpoint, url: str) -> None:
        reader, writer = await connect(url)
        writer.write(request("PUT", "/turns/t", START))
        await told(0.05)
        await asyncio.sleep(0.3)
        with pytest.raises((AssertionError, ConnectionError)):
            await whole(reader)
        writer.close()

    run(main, reader_ms=100)


@pytest.mark.parametrize("path", ["/segue/v1", "/v1/responses"])
def test_over_a_websocket_the_connection_is_closed_behind_the_error(
    told: Callable[..., Awaitable[None]], path: str
) -> None:
    async def main(endpoint: Endpoint, url: str) -> None:
        native = path == "/segue/v1"
        reader, writer = await connect(url)
        protocol = ClientProtocol(
            parse_uri(url.replace("http", "ws") + path), subprotocols=[Subprotocol("segue.v1")] if native else None
        )
        protocol.max_size = None
        protocol.send_request(protocol.connect())
        writer.writelines(protocol.data_to_send())
        while not protocol.events_received():
            protocol.receive_data(await reader.read(1_024))
        start = {"type": "turn.start", "turn": "t", "input": []}
        create = {"type": "response.create", "model": "steps", "input": "Go."}
        protocol.send_text(json.dumps(start if native else create).encode())
        writer.writelines(protocol.data_to_send())
        await told()
        frames: list[Frame] = []
        while not any(frame.opcode is Opcode.CLOSE for frame in frames):
            data = await reader.read(1 << 20)
            assert data, "the connection was broken off"
            protocol.receive_data(data)
            frames += [event for event in protocol.events_received() if isinstance(event, Frame)]
        assert protocol.close_rcvd is not None
        assert protocol.close_rcvd.code == (4408 if native else 1008)
        said = json.loads(frames[-2].data)
        assert said["type"] == "error"
        assert said["error"]["code"] == "slow_reader"
        assert "refused" not in said
        writer.close()

    run(main, reader_ms=200)
