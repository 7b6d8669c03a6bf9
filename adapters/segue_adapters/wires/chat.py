"""Chat Completions, both sides: JSON and server-sent events (spec: binding-chat). A wire without state."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried
from ..sse import encode_event
from .base import Answer, Request, TurnFacts, refusal
from .chat_body import body_of
from .chat_create import create_of
from .chat_decoder import ChatDecoder
from .chat_encoder import ChatEncoder
from .responses import encode_error, error_status
from .stateless import JSON, Create, Exchanged, json_answer, plain_start

__all__ = ["ChatClient", "ChatServer", "ChatStream"]


class ChatClient:
    """Client side: each turn is an exchange of its own, with the whole history in it.

    `role` is that of the instructions: `system`, which every endpoint knows, or `developer`. `max_tokens` is the name
    under which `max_output_tokens` goes: `max_completion_tokens`, or the older `max_tokens`.
    """

    name = "chat"

    def __init__(self, *, role: str = "system", max_tokens: str = "max_completion_tokens") -> None:
        self._role = role
        self._max_tokens = max_tokens

    def exchange(self, message: models.ClientMessage) -> Exchanged:
        """Return the exchange that says a message; NotCarried where the wire has none."""
        start = plain_start(message, self.name)
        final = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        said = body_of(start, stream=not final, role=self._role, max_tokens=self._max_tokens)
        headers = dict(JSON, accept="application/json" if final else "text/event-stream")
        if isinstance(start.trace, models.Trace):
            headers["traceparent"] = start.trace.traceparent
        request = Request("POST", "/chat/completions", headers, msgspec.json.encode(said.body))
        return Exchanged(start, request, ChatDecoder(start.turn, said), [*said.ignored])

    def snapshot(self, message: models.ClientMessage) -> Exchanged:
        """Raise NotCarried: the wire names no turns, so none can be asked for again."""
        raise NotCarried(self.name, "asking again for a turn")


class ChatServer:
    """Server side, stateless: requests in, turns out; messages in, answers out."""

    name = "chat"

    def receive(self, request: Request) -> Create:
        """Return the turn of a request below `…/v1`; Refuse where it asks for none."""
        if request.method == "POST" and request.path.strip("/") == "chat/completions":
            return create_of(request.body)
        shown = f"{request.method} {request.path}"[:120]
        raise refusal("unsupported_message", "fix", f"There is no route {shown}.", status=404)

    def stream(self, facts: TurnFacts, create: Create) -> ChatStream:
        """Return what writes the answer of an accepted turn."""
        return ChatStream(facts, usage=create.usage)

    def error(self, error: models.Error, *, status: int | None = None) -> Answer:
        """Return an error in OpenAI's envelope."""
        more: dict[str, str] = {}
        if isinstance(error.retry_after_ms, int):
            more["retry_after"] = str(-(-error.retry_after_ms // 1000))
        return json_answer({"error": encode_error(error)}, status or error_status(error), **more)


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
