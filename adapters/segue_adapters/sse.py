"""Server-sent events, sans-IO: bytes in, events out, and events to bytes.

An own parser, since a conformance suite has to see what a lenient one hides: a stream that ends in
the middle of an event, and bytes that are not UTF-8. (WHATWG HTML, section 9.2.)
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from .errors import RemoteProtocolError

__all__ = ["SSEEvent", "SSEParser", "encode_comment", "encode_event"]


@dataclass(frozen=True, slots=True)
class SSEEvent:
    """One event: its name (`message` where none was given), its data, and the last id that was set."""

    event: str
    data: str
    id: str | None = None


class SSEParser:
    """Turns the bytes of a `text/event-stream` body into events.

    `feed` takes any slice of the body, also one that ends inside a character or between CR and LF.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        # The line that is not whole yet, in pieces: joined once, so that a long line costs its length, not its square.
        self._pieces: list[str] = []
        self._first = True
        self._event = ""
        self._data: list[str] = []
        self._last_id: str | None = None

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """Return the events that are whole after this chunk; raises RemoteProtocolError on bytes that are not UTF-8."""
        return self._lines(self._decode(chunk, final=False), final=False)

    def close(self) -> list[SSEEvent]:
        """Return what the end of the body completes; an event cut in the middle is dropped, as WHATWG says."""
        return self._lines(self._decode(b"", final=True), final=True)

    @property
    def unfinished(self) -> bool:
        """Whether bytes of an event came whose closing blank line did not."""
        return bool("".join(self._pieces).strip() or self._data)

    def _decode(self, chunk: bytes, *, final: bool) -> str:
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(
                f"the event stream is not UTF-8: {error.reason} at byte {error.start} of a chunk",
                expected="an event stream in UTF-8",
                got=repr(chunk[:80]),
            ) from error
        if self._first and text:
            self._first = False
            text = text.removeprefix("\ufeff")
        return text

    def _lines(self, text: str, *, final: bool) -> list[SSEEvent]:
        waits = bool(self._pieces) and self._pieces[-1] == "\r"
        if text and not waits and not final and "\n" not in text and "\r" not in text:
            self._pieces.append(text)
            return []
        buffer = "".join([*self._pieces, text])
        # A CR at the very end may be the first half of CRLF: wait for the next chunk.
        held = ""
        if buffer.endswith("\r") and not final:
            buffer, held = buffer[:-1], "\r"
        if "\r" in buffer:
            buffer = buffer.replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = buffer.split("\n")
        self._pieces = [piece for piece in (rest, held) if piece]
        events: list[SSEEvent] = []
        for line in lines:
            if line.startswith("data: "):  # what most lines are, and what is in them, without a detour
                self._data.append(line[6:])
            elif event := self._line(line):
                events.append(event)
        return events

    def _line(self, line: str) -> SSEEvent | None:
        if not line:
            if not self._data:
                self._event = ""
                return None
            event = SSEEvent(self._event or "message", "\n".join(self._data), self._last_id)
            self._event, self._data = "", []
            return event
        if line.startswith(":"):
            return None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._last_id = value
        return None


def encode_event(data: bytes, *, event: str | None = None, id: int | None = None) -> bytes:
    """Return one event as bytes; `data` is one line of JSON."""
    head = b""
    if id is not None:
        head += b"id: %d\n" % id
    if event is not None:
        head += b"event: " + event.encode() + b"\n"
    return head + b"data: " + data + b"\n\n"


def encode_comment(text: str = "") -> bytes:
    """Return a comment: bytes on the line that no client takes for an event."""
    return b": " + text.encode() + b"\n\n"
