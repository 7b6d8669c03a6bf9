"""Anthropic Messages, both sides: JSON and server-sent events (spec: binding-anthropic). A wire without state."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried
from ..sse import encode_event
from .anthropic_body import body_of
from .anthropic_create import create_of
from .anthropic_decoder import AnthropicDecoder
from .anthropic_encoder import AnthropicEncoder
from .anthropic_errors import encode_error, error_status
from .base import Answer, Request, TurnFacts, refusal
from .stateless import JSON, Create, Exchanged, json_answer, plain_start

__all__ = ["KEY_HEADER", "VERSION", "AnthropicClient", "AnthropicServer", "AnthropicStream"]

#: The long-standing version of the wire.
VERSION = "2023-06-01"
#: Where the key stands on this wire.
KEY_HEADER = "x-api-key"
_MAX_TOKENS = 4096


class AnthropicClient:
    """Client side: each turn is an exchange of its own, with the whole history in it.

    `version` goes out as `anthropic-version`; `max_tokens` is sent where a context has no `max_output_tokens`.
    """

    name = "anthropic"

    def __init__(self, *, version: str = VERSION, max_tokens: int = _MAX_TOKENS) -> None:
        self._version = version
        self._max_tokens = max_tokens

    def exchange(self, message: models.ClientMessage) -> Exchanged:
        """Return the exchange that says a message; NotCarried where the wire has none."""
        start = plain_start(message, self.name)
        final = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        said = body_of(start, stream=not final, version=self._version, max_tokens=self._max_tokens)
        headers = dict(JSON, accept="application/json" if final else "text/event-stream")
        headers["anthropic-version"] = self._version
        if isinstance(start.trace, models.Trace):
            headers["traceparent"] = start.trace.traceparent
        request = Request("POST", "/messages", headers, msgspec.json.encode(said.body), key_header=KEY_HEADER)
        return Exchanged(start, request, AnthropicDecoder(start.turn, said), [*said.ignored])

    def snapshot(self, message: models.ClientMessage) -> Exchanged:
        """Raise NotCarried: the wire names no turns, so none can be asked for again."""
        raise NotCarried(self.name, "asking again for a turn")


class AnthropicServer:
    """Server side, stateless: requests in, turns out; messages in, answers out."""

    name = "anthropic"

    def receive(self, request: Request) -> Create:
        """Return the turn of a request below `…/v1`; Refuse where it asks for none."""
        if request.method == "POST" and request.path.strip("/") == "messages":
            return create_of(request.body)
        shown = f"{request.method} {request.path}"[:120]
        raise refusal("unsupported_message", "fix", f"There is no route {shown}.", status=404)

    def stream(self, facts: TurnFacts, create: Create) -> AnthropicStream:
        """Return what writes the answer of an accepted turn."""
        return AnthropicStream(facts)

    def error(self, error: models.Error, *, status: int | None = None) -> Answer:
        """Return an error in this wire's envelope."""
        more: dict[str, str] = {}
        if isinstance(error.retry_after_ms, int):
            more["retry_after"] = str(-(-error.retry_after_ms // 1000))
        return json_answer(encode_error(error, status=status), status or error_status(error), **more)


class AnthropicStream:
    """Writes one answer: event by event, or whole at its end."""

    def __init__(self, facts: TurnFacts) -> None:
        self.encoder = AnthropicEncoder(facts)

    def sse(self, message: models.ServerMessage) -> bytes:
        """Return the events of a message as bytes."""
        return b"".join(encode_event(msgspec.json.encode(e), event=e["type"]) for e in self.encoder.feed(message))

    def refused(self, error: models.Error) -> bytes:
        """Return the last event of a stream that this side gives up."""
        return encode_event(msgspec.json.encode(encode_error(error)), event="error")

    def end(self) -> bytes:
        """Return nothing: message_stop was the end."""
        return b""

    def response(self) -> dict[str, Any]:
        """Return the whole answer."""
        return self.encoder.message()
