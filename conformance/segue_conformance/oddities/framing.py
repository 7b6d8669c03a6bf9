"""Oddities in how bytes are parted: fragments and pings of a WebSocket, lines and chunks of an event stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from segue_adapters.wires.base import Request
from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol
from segue_gateway.surfaces.http import EventStream
from starlette.responses import Response, StreamingResponse

__all__ = [
    "AllInOneWrite", "AnswersInChunks", "CommentsAndRetries", "EndsLinesWithCR", "EndsLinesWithCRLF", "Fragments",
    "PingsBetween", "SplitsCharacters",
]  # fmt: skip

_HTTP = ("segue-http", "openai-http+segue")
_WS = ("segue-ws", "openai-ws+segue")


class _InFragments(SegueWebSocketProtocol):
    size = 97

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        # The library's own object, whose way of sending is the seam.
        library: Any = self.conn
        text, rest = library.send_text, library.send_continuation

        def parted(data: bytes) -> None:
            self.between()
            text(data[: self.size], fin=len(data) <= self.size)
            for first in range(self.size, len(data), self.size):
                self.between()
                rest(data[first : first + self.size], fin=first + self.size >= len(data))

        library.send_text = parted

    def between(self) -> None:
        """Send what stands in front of each frame."""


class Fragments(Endpoint):
    """Messages come in frames of 97 bytes, which end inside of characters too.

    Legal: RFC 6455, 5.4; SEG-WS-010 speaks of "one text message of the WebSocket", not of its frames.
    """

    wires: ClassVar[tuple[str, ...]] = _WS
    websocket_protocol = _InFragments


class _Pinging(_InFragments):
    size = 509

    def between(self) -> None:
        """Send a ping, and a pong to nothing."""
        self.conn.send_ping(b"between")
        self.conn.send_pong(b"nobody asked")


class PingsBetween(Endpoint):
    """Pings, and pongs that nobody asked for, stand between the frames of every message.

    Legal: RFC 6455, 5.4 and 5.5.3: control frames may stand inside of a fragmented message; a pong may be unsolicited.
    """

    wires: ClassVar[tuple[str, ...]] = _WS
    websocket_protocol = _Pinging


class _Lines(Endpoint):
    """The reference endpoint with event streams of other bytes."""

    wires: ClassVar[tuple[str, ...]] = _HTTP

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Write whole events otherwise."""
        given = super().gives_event(wire, data, stream)
        return self.written(given) if wire in _HTTP else given

    def written(self, data: bytes) -> bytes:
        """Return the bytes of whole events in another form."""
        return data


class EndsLinesWithCR(_Lines):
    """Lines of event streams end in CR alone.

    Legal: SEG-HTTP-030 asks for server-sent events, whose lines end in CR, LF or both.
    """

    def written(self, data: bytes) -> bytes:
        """End lines otherwise."""
        return data.replace(b"\n", b"\r")


class EndsLinesWithCRLF(_Lines):
    """Lines of event streams end in CRLF, and no blank stands behind the colon.

    Legal: SEG-HTTP-030 asks for server-sent events, whose lines end in CR, LF or both; the blank is optional.
    """

    def written(self, data: bytes) -> bytes:
        """End lines otherwise."""
        return data.replace(b"\n", b"\r\n").replace(b": ", b":", 1)


class CommentsAndRetries(_Lines):
    """Comments, `retry` lines and fields that nobody knows stand between all events and in them.

    Legal: binding-segue-http, Events: "Comment lines are legal anywhere and mean nothing"; a reader of server-sent
    events ignores what it does not know.
    """

    def written(self, data: bytes) -> bytes:
        """Put them in."""
        first, _, rest = data.partition(b"\n")
        return b":\n\nretry: 86400000\n: keep alive\n\n" + first + b"\n: inside\nvendor: x\n" + rest + b": behind\n\n"


class _Chunks(Endpoint):
    """The reference endpoint with event streams in other chunks."""

    wires: ClassVar[tuple[str, ...]] = _HTTP

    def gives_response(self, wire: str, request: Request | None, response: Response) -> Response:
        """Part a stream otherwise."""
        given = super().gives_response(wire, request, response)
        if wire in _HTTP and isinstance(given, EventStream):
            given.chunks = self.parted(given.chunks)
        return given

    def parted(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Return the same bytes in other pieces."""
        return chunks


class SplitsCharacters(_Chunks):
    """Chunks of event streams have 211 bytes: they end inside of lines and of characters.

    Legal: HTTP gives chunks no meaning; SEG-HTTP-030 speaks of events.
    """

    async def parted(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Return small pieces."""
        async for chunk in chunks:
            for first in range(0, len(chunk), 211):
                yield chunk[first : first + 211]


class AllInOneWrite(_Chunks):
    """What an event stream brings within a part of the declared interval goes out at once.

    Legal: SEG-LIVE-010 asks for a sign of life "at least every `limits.heartbeat_ms`", and no event has to come sooner.
    """

    async def parted(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Return what came within a while, together."""
        held, pause = b"", self.settings.heartbeat_ms / 1000 * 0.3
        coming: asyncio.Future[bytes] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(anext(chunks))
                done, _ = await asyncio.wait({coming}, timeout=pause if held else None)
                if not done:
                    yield held
                    held = b""
                    continue
                try:
                    held += coming.result()
                except StopAsyncIteration:
                    break
                coming = None
            if held:
                yield held
        finally:
            if coming is not None and not coming.done():
                coming.cancel()
                await asyncio.wait({coming})


class AnswersInChunks(Endpoint):
    """Whole answers come in chunks of 101 bytes, without a length.

    Legal: HTTP gives chunks no meaning; SEG-HTTP-040 speaks of the whole.
    """

    wires: ClassVar[tuple[str, ...]] = _HTTP

    def gives_response(self, wire: str, request: Request | None, response: Response) -> Response:
        """Part a whole answer."""
        given = super().gives_response(wire, request, response)
        body = bytes(getattr(given, "body", b""))
        if wire not in (*_HTTP, "discovery") or not body:
            return given
        headers = {name: value for name, value in given.headers.items() if name != "content-length"}
        pieces = (body[first : first + 101] for first in range(0, len(body), 101))
        return StreamingResponse(_aiter(pieces), given.status_code, headers)


async def _aiter(pieces: Any) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
