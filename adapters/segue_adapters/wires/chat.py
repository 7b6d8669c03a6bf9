"""Chat Completions, both sides: JSON and server-sent events (spec: binding-chat). A wire without state."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from ..sse import encode_event
from .base import TurnFacts
from .chat_body import body_of
from .chat_create import create_of
from .chat_decoder import ChatDecoder
from .chat_encoder import ChatEncoder
from .responses import encode_error, error_status
from .stateless import Create, Said
from .stateless_sides import StatelessClient, StatelessServer

__all__ = ["ChatClient", "ChatServer", "ChatStream"]


class ChatClient(StatelessClient):
    """Client side: each turn is an exchange of its own, with the whole history in it.

    `role` is that of the instructions: `system`, which every endpoint knows, or `developer`. `max_tokens` is the name
    under which `max_output_tokens` goes: `max_completion_tokens`, or the older `max_tokens`.
    """

    name = "chat"
    path = "/chat/completions"

    def __init__(self, *, role: str = "system", max_tokens: str = "max_completion_tokens") -> None:
        self._role = role
        self._max_tokens = max_tokens

    def said(self, start: models.TurnStart, *, stream: bool) -> Said:
        """Return the request that says this turn; NotCarried for what has no place in it."""
        return body_of(start, stream=stream, role=self._role, max_tokens=self._max_tokens)

    def decoder(self, turn: str, said: Said) -> ChatDecoder:
        """Return what reads the answer to a request."""
        return ChatDecoder(turn, said)


class ChatServer(StatelessServer):
    """Server side, stateless: requests in, turns out; messages in, answers out."""

    name = "chat"
    path = "/chat/completions"

    def create(self, body: bytes) -> Create:
        """Return the turn that a body asks for; Refuse where it asks for none."""
        return create_of(body)

    def stream(self, facts: TurnFacts, create: Create) -> ChatStream:
        """Return what writes the answer of an accepted turn."""
        return ChatStream(facts, usage=create.usage)

    def envelope(self, error: models.Error, status: int | None) -> tuple[Any, int]:
        """Return an error in OpenAI's envelope, and its status."""
        return {"error": encode_error(error)}, status or error_status(error)


class ChatStream:
    """Writes one answer: chunk by chunk, or whole at its end."""

    def __init__(self, facts: TurnFacts, *, usage: bool = False) -> None:
        self.encoder = ChatEncoder(facts, usage=usage)

    def sse(self, message: models.ServerMessage) -> bytes:
        """Return the chunks of a message as bytes."""
        return b"".join(encode_event(msgspec.json.encode(chunk)) for chunk in self.encoder.feed(message))

    def refused(self, error: models.Error) -> bytes:
        """Return the last event of a stream that this side gives up."""
        return encode_event(msgspec.json.encode({"error": encode_error(error)}))

    def end(self) -> bytes:
        """Return the end mark; a turn that failed has none."""
        return b"" if self.encoder.failed is not None else encode_event(b"[DONE]")

    def response(self) -> dict[str, Any]:
        """Return the whole answer."""
        return self.encoder.completion()
