"""A bare WebSocket of OpenAI's wire with the extension, spoken to in messages as they stand on a Segue wire.

For checks that look at messages one by one: what the extension's events say is put back into the message that they
stand for, member by member, so that what an event leaves out is missing there.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
from segue_adapters.transports.websocket import Socket
from segue_adapters.wires.openai_ws_extension import ExtendedWSClient
from segue_schemas import models

from .clock import now

__all__ = ["TranslatedSocket"]

_CLIENT: msgspec.json.Decoder[models.ClientMessage] = msgspec.json.Decoder(models.ClientMessage)


class TranslatedSocket(Socket):
    """What `Socket` does, with messages of a Segue wire as its frames."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._wire = ExtendedWSClient()
        self._waiting: deque[str] = deque()
        self.url, self.label = socket.url, socket.label

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    async def send(self, frame: str | bytes) -> None:
        """Send a client's message."""
        for one in self._wire.send(_CLIENT.decode(frame)):
            await self._socket.send(one)

    async def receive(self, limit: float | None = None) -> str | bytes:
        """Return the next message."""
        until = None if limit is None else now() + limit
        while not self._waiting:
            left = None if until is None else max(0.0, until - now())
            for message in self._wire.receive(await self._socket.receive(left)):
                self._waiting.append(msgspec.json.encode(message).decode())
        return self._waiting.popleft()

    async def ping(self, limit: float) -> bool:
        """Return whether a ping is answered."""
        return await self._socket.ping(limit)

    async def close(self, code: int = 1000) -> None:
        """Close."""
        await self._socket.close(code)

    def abort(self) -> None:
        """Cut the connection."""
        self._socket.abort()
