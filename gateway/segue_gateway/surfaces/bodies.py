"""Request bodies: read to the declared limit and no further, decoded where they are compressed.

A body that is too large is read on and thrown away for a while before the refusal goes out: a client that still sends
would see a broken connection instead of the reason.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from segue_adapters.wires.base import refusal

from ..refusals import message_too_large

if TYPE_CHECKING:
    zstd: Any
elif sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["read_body"]


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int = ...) -> bytes:
        """Return what the data decodes to, at most so many bytes of it."""
        ...


async def read_body(chunks: AsyncIterator[bytes], coding: str, limit: int) -> bytes:
    """Return the decoded body; Refuse `message_too_large` past the limit, status 415 for an unknown coding."""
    decompressor = _decompressor(coding.strip().lower())
    body = bytearray()
    thrown = 0
    async for chunk in chunks:
        if len(body) > limit:
            thrown += len(chunk)
            if thrown > limit:
                break
            continue
        body += chunk if decompressor is None else _decode(decompressor, chunk, limit + 1 - len(body))
    if len(body) > limit:
        raise message_too_large(limit)
    if decompressor is not None and not getattr(decompressor, "eof", True):
        raise refusal("malformed_message", "fix", f"The body ends before its {coding} coding does.")
    return bytes(body)


def _decompressor(coding: str) -> _Decompressor | None:
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip"):
        return zlib.decompressobj(31)
    if coding == "zstd":
        # As much as a sender may count on (RFC 8878): a small body must not claim a window of gigabytes.
        made: _Decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})
        return made
    text = f"Content-Encoding '{coding[:40]}' is not known here; send gzip, zstd, or the body as it is."
    raise refusal("invalid_request", "fix", text, param="Content-Encoding", status=415)


def _decode(decompressor: _Decompressor, chunk: bytes, room: int) -> bytes:
    if not chunk:
        return b""
    ended = getattr(decompressor, "eof", False)
    try:
        decoded = b"" if ended else decompressor.decompress(chunk, room)
    except (zlib.error, zstd.ZstdError, ValueError, OSError) as error:
        raise refusal("malformed_message", "fix", f"The body does not decode: {error}.") from None
    if ended or getattr(decompressor, "unused_data", b""):  # nothing is dropped in silence
        raise refusal("malformed_message", "fix", "The body goes on behind the end of its coding.")
    return decoded
