"""A transport that sends what is written in one turn of the event loop in one piece.

The head of an answer, its body and its end are written one after the other; each would be a packet of its own, for
which the client wakes up, and a call of the system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

__all__ = ["joined"]

_PIECE = 65_536  # bytes that are not held back any longer


class _Joined:
    """Stands for a transport: everything is the transport's but `write` and what ends it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] = []
        self._size = 0
        self._call_soon = asyncio.get_running_loop().call_soon
        # What is asked for often is looked up once.
        self.is_closing: Callable[[], bool] = transport.is_closing
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send the data with what else is written before the loop's next turn."""
        if not data:
            return
        if not self._held:
            self._call_soon(self._send)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size >= _PIECE:
            self._send()

    def _send(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held, self._size = [], 0
            self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Return how much was written and is not sent."""
        return self._size + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Send what was written, and close."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._held, self._size = [], 0
        self._transport.abort()


def joined(transport: asyncio.Transport) -> asyncio.Transport:
    """Return a transport that is this one, and joins what is written."""
    return cast(asyncio.Transport, _Joined(transport))
