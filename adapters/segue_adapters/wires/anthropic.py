"""Anthropic Messages, both sides: JSON and server-sent events (spec: binding-anthropic). A wire without state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from ..sse import encode_event
from .anthropic_body import body_of
from .anthropic_create import create_of
from .anthropic_decoder import AnthropicDecoder
from .anthropic_encoder import AnthropicEncoder
from .anthropic_errors import encode_error, error_status
from .base import TurnFacts
from .stateless import Create, Said
from .stateless_sides import StatelessClient, StatelessServer

__all__ = [
    "KEY_HEADER",
    "VERSION",
    "VERSION_HEADER",
    "AnthropicClient",
    "AnthropicServer",
    "AnthropicStream",
    "version_in",
]

#: The long-standing version of the wire.
VERSION = "2023-06-01"
#: Where the key stands on this wire.
KEY_HEADER = "x-api-key"
#: Where its version stands.
VERSION_HEADER = "anthropic-version"
_MAX_TOKENS = 4096


def version_in(headers: Mapping[str, str]) -> str:
    """Return the version that a caller's own headers ask for, by default the long-standing one."""
    return {name.lower(): value for name, value in headers.items()}.get(VERSION_HEADER, VERSION)


class AnthropicClient(StatelessClient):
    """Client side: each turn is an exchange of its own, with the whole history in it.

    `version` goes out as `anthropic-version`; `max_tokens` is sent where a context has no `max_output_tokens`.
    """

    name = "anthropic"
    path = "/messages"
    key_header = KEY_HEADER

    def __init__(self, *, version: str = VERSION, max_tokens: int = _MAX_TOKENS) -> None:
        self._version = version
        self._max_tokens = max_tokens

    def said(self, start: models.TurnStart, *, stream: bool) -> Said:
        """Return the request that says this turn; NotCarried for what has no place in it."""
        return body_of(start, stream=stream, version=self._version, max_tokens=self._max_tokens)

    def decoder(self, turn: str, said: Said) -> AnthropicDecoder:
        """Return what reads the answer to a request."""
        return AnthropicDecoder(turn, said)

    def headers(self) -> dict[str, str]:
        """Return the version of the wire."""
        return {VERSION_HEADER: self._version}


class AnthropicServer(StatelessServer):
    """Server side, stateless: requests in, turns out; messages in, answers out."""

    name = "anthropic"
    path = "/messages"

    def create(self, body: bytes) -> Create:
        """Return the turn that a body asks for; Refuse where it asks for none."""
        return create_of(body)

    def stream(self, facts: TurnFacts, create: Create) -> AnthropicStream:
        """Return what writes the answer of an accepted turn."""
        return AnthropicStream(facts)

    def envelope(self, error: models.Error, status: int | None) -> tuple[Any, int]:
        """Return an error in this wire's envelope, and its status."""
        return encode_error(error, status=status), status or error_status(error)


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
