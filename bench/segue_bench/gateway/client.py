"""A client that costs almost nothing: prepared bytes out, and of what comes in only where the answer ends.

It reads no JSON but the id that a conversation goes on from. Over a WebSocket it offers no compression, and masks with
a key of zeros, which is legal and leaves the bytes as they are.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .provider import MODEL

__all__ = ["MODES", "Client", "Mode", "connect"]

_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
_ID = re.compile(rb'"(resp_[A-Za-z0-9_-]+)"')


def _message(role: str, text: str) -> dict[str, object]:
    part = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": part, "text": text}]}


def history(size: int) -> list[dict[str, object]]:
    """Return messages of user and assistant in turn, `size` bytes of text in all."""
    each = max(1, size // 10)
    return [_message("assistant" if n % 2 else "user", ("The sea is blue. " * each)[:each]) for n in range(10)]


@dataclass(frozen=True, slots=True)
class Mode:
    """A wire and how its answer comes: `json`, `stream`, or a WebSocket by its wire's name."""

    name: str
    path: str
    socket: bool = False
    streamed: bool = True
    subprotocol: str = ""
    end: bytes = b""


MODES = {
    mode.name: mode
    for mode in (
        Mode("json", "/v1/responses", streamed=False),
        Mode("stream", "/v1/responses"),
        Mode("openai-ws", "/v1/responses", socket=True, end=b'"type":"response.completed"'),
        Mode("segue-ws", "/segue/v1", socket=True, subprotocol="segue.v1", end=b'"type":"turn.completed"'),
    )
}


class Client(asyncio.Protocol):
    """One connection, one turn at a time. `received` and `sent` count bytes since it was opened."""

    def __init__(self, mode: Mode, host: str) -> None:
        self.mode = mode
        self.sent = self.received = 0
        self.last = b""
        self._host = host
        self._buffer = bytearray()
        self._at = 0
        self._turns = 0
        self._size: int | None = None
        self._upgraded = not mode.socket
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.parent: str | None = None

    # -- turns

    async def turn(self, items: list[dict[str, object]]) -> float:
        """Hold a turn and return how long it took, in seconds; raises where it ends otherwise than completed."""
        data = self.request(items)
        began = time.perf_counter()
        await self.exchange(data)
        took = time.perf_counter() - began
        if b'"completed"' not in self.last:
            raise RuntimeError(f"the turn did not complete: {self.last[-400:]!r}")
        return took

    async def hold(self, items: list[dict[str, object]]) -> None:
        """Hold a turn from which the following ones go on."""
        await self.turn(items)
        found = _ID.findall(self.last)
        self.parent = found[-1].decode() if self.mode.subprotocol else found[0].decode()

    def request(self, items: list[dict[str, object]]) -> bytes:
        """Return the bytes of a turn that goes on from the parent, where there is one."""
        self._turns += 1
        if self.mode.subprotocol:
            name = f"t{id(self)}-{time.monotonic_ns()}"
            body: dict[str, object] = {"type": "turn.start", "turn": name, "context": {"model": MODEL}}
            if self.parent is not None:
                body["parent"] = self.parent
        else:
            body = {"type": "response.create"} if self.mode.socket else {"stream": self.mode.streamed}
            body["model"] = MODEL
            if self.parent is not None:
                body["previous_response_id"] = self.parent
        data = json.dumps({**body, "input": items}, separators=(",", ":")).encode()
        if self.mode.socket:
            return _frame(data)
        head = (
            f"POST {self.mode.path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer bench-key\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data

    async def exchange(self, data: bytes) -> None:
        """Send bytes and wait for the end of what answers them."""
        assert self._transport is not None
        self._done = asyncio.get_running_loop().create_future()
        self._at, self._size = 0, None
        self._buffer.clear()
        self.sent += len(data)
        self._transport.write(data)
        await self._done

    async def upgrade(self) -> None:
        """Turn the connection into a WebSocket."""
        protocol = f"sec-websocket-protocol: {self.mode.subprotocol}\r\n" if self.mode.subprotocol else ""
        await self.exchange(
            f"GET {self.mode.path} HTTP/1.1\r\nhost: {self._host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            f"authorization: Bearer bench-key\r\nsec-websocket-version: 13\r\n{protocol}".encode()
            + b"sec-websocket-key: "
            + _KEY
            + b"\r\n\r\n"
        )
        if b" 101 " not in self.last[:20]:
            raise RuntimeError(f"no WebSocket: {self.last[:200]!r}")
        self._upgraded = True

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    # -- what comes in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(RuntimeError(f"the connection was lost behind {bytes(self._buffer[-200:])!r}"))

    def data_received(self, data: bytes) -> None:
        """Count it, and see whether it ends the answer."""
        self.received += len(data)
        self._buffer += data
        ends: Callable[[], bool] = self._ended_socket if self.mode.socket and self._upgraded else self._ended_http
        if self._done is not None and not self._done.done() and ends():
            self.last = bytes(self._buffer)
            self._done.set_result(None)

    def _ended_http(self) -> bool:
        if self._size is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self._buffer[:end]).lower()
            _, _, rest = head.partition(b"content-length:")
            self._size = end + 4 + int(rest.split(b"\r\n", 1)[0]) if rest else 0
            if b"transfer-encoding: chunked" not in head and not rest:
                self._size = end + 4
        return len(self._buffer) >= self._size if self._size else self._buffer.endswith(b"\r\n0\r\n\r\n")

    def _ended_socket(self) -> bool:
        buffer = self._buffer
        while len(buffer) - self._at >= 2:
            size, head = buffer[self._at + 1], 2
            if size == 126:
                size, head = int.from_bytes(buffer[self._at + 2 : self._at + 4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(buffer[self._at + 2 : self._at + 10], "big"), 10
            if len(buffer) - self._at < head + size:
                return False
            start = self._at + head
            self._at = start + size
            if buffer[start - head] == 0x89 and self._transport is not None:  # a ping
                self._transport.write(b"\x8a" + bytes([0x80 | size]) + bytes(4) + bytes(buffer[start : self._at]))
            head_of = buffer[start : start + 40]
            if self.mode.end in head_of or b'.failed"' in head_of or b'"type":"error"' in head_of:
                self.last = bytes(buffer)
                return True
        return False


def _frame(data: bytes) -> bytes:
    if len(data) < 126:
        size = bytes([0x80 | len(data)])
    elif len(data) < 65_536:
        size = b"\xfe" + len(data).to_bytes(2, "big")
    else:
        size = b"\xff" + len(data).to_bytes(8, "big")
    return b"\x81" + size + bytes(4) + data


async def connect(url: str, mode: Mode) -> Client:
    """Return an open connection to the server at `url`, upgraded where the mode wants it."""
    parts = urlsplit(url)
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: Client(mode, parts.netloc), parts.hostname or "", parts.port or 80
    )
    if mode.socket:
        await client.upgrade()
    return client
