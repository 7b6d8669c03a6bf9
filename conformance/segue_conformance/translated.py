"""A bare WebSocket of OpenAI's wire with the extension, spoken to in messages as they stand on a Segue wire.

For checks that look at messages one by one: what the extension's events say is put back into the message that they
stand for, member by member, so that what an event leaves out is missing there. Where one event of the record became
several, its number stands in the last of them, and belongs to all; where it became none, the next event's `from` says
so, which is no merging.
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
        self._unnumbered: list[models.ItemStarted | models.ItemDelta] = []
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
                self._take(message)
        return self._waiting.popleft()

    def _take(self, message: models.ServerMessage) -> None:
        """Take a message; one without its number waits for the event that bears it, next in its turn."""
        seq = getattr(message, "seq", None)
        if isinstance(message, models.ItemStarted | models.ItemDelta) and not isinstance(seq, int):
            self._unnumbered.append(message)
            return
        held, self._unnumbered = self._unnumbered, []
        for part in held:
            if isinstance(seq, int) and part.turn == getattr(message, "turn", None):
                first = getattr(message, "from_", None)
                part.seq = first if isinstance(first, int) else seq
            self._waiting.append(msgspec.json.encode(part).decode())
        if isinstance(message, models.ItemDelta) and not isinstance(message.append, str):
            message.from_ = msgspec.UNSET
        self._waiting.append(msgspec.json.encode(message).decode())

    async def ping(self, limit: float) -> bool:
        """Return whether a ping is answered."""
        return await self._socket.ping(limit)

    async def close(self, code: int = 1000) -> None:
        """Close."""
        await self._socket.close(code)

    def abort(self) -> None:
        """Cut the connection."""
        self._socket.abort()
