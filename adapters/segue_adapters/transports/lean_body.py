"""How the body of an HTTP/1.1 answer is framed (RFC 9112, section 6): by a length, in chunks, or by the connection."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["Body", "body_of"]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?")
_LINE = 4_096  # bytes of a chunk's first line
_TRAILERS = 16_384


class Body:
    """Bytes of a connection in, bytes of a body out. `over` when it is whole; `rest` is what came behind it."""

    framed = True
    ends_with_the_connection = False

    def __init__(self) -> None:
        self.over = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of the body these bytes hold; ValueError where they are none."""
        raise NotImplementedError


class _Sized(Body):
    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size
        self.over = size == 0

    def feed(self, data: bytes) -> bytes:
        """Return the bytes up to the announced length."""
        body, self.rest = data[: self._left], data[self._left :]
        self._left -= len(body)
        self.over = self._left == 0
        return body


class _Unframed(Body):
    framed = False
    ends_with_the_connection = True

    def feed(self, data: bytes) -> bytes:
        """Return all of it."""
        return data


class _Chunked(Body):
    def __init__(self) -> None:
        super().__init__()
        self._held = b""
        self._left = 0  # of the chunk that is read
        self._state = "size"

    def feed(self, data: bytes) -> bytes:
        """Return the data of the chunks, without their sizes."""
        data, at = self._held + data if self._held else data, 0
        parts: list[bytes] = []
        while at < len(data) and not self.over:
            if self._state == "data":
                part = data[at : at + self._left]
                parts.append(part)
                at += len(part)
                self._left -= len(part)
                if not self._left:
                    self._state = "behind"
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                if len(data) - at > (_TRAILERS if self._state == "trailers" else _LINE):
                    raise ValueError("a line of a chunk has no end")
                break
            line, at = data[at:end], end + 2
            if self._state == "behind":
                if line:
                    raise ValueError("a chunk is longer than its size")
                self._state = "size"
            elif self._state == "size":
                size = _SIZE.fullmatch(line)
                if size is None:
                    raise ValueError("a chunk has no size")
                self._left = int(size[1], 16)
                self._state = "data" if self._left else "trailers"
            elif not line:
                self.over = True
        self._held = b"" if self.over else data[at:]
        self.rest = data[at:] if self.over else b""
        return b"".join(parts)


def body_of(status: int, headers: Mapping[str, str]) -> Body:
    """Return how the body of an answer is framed; ValueError where its headers don't say it in one way."""
    if status in (204, 304):
        return _Sized(0)
    coding = headers.get("transfer-encoding", "").strip().lower()
    if coding:
        if coding != "chunked":
            raise ValueError(f"its transfer coding is {coding[:40]}")
        return _Chunked()
    told = headers.get("content-length")
    if told is None:
        return _Unframed()
    sizes = {size.strip() for size in told.split(",")}
    size = sizes.pop()
    if sizes or not (size.isascii() and size.isdecimal()) or len(size) > 15:
        raise ValueError(f"its length is {told[:40]!r}")
    return _Sized(int(size))
