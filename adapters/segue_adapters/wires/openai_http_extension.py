"""The Responses extension over HTTP, client side: creates with `segue`, all else over the routes of Segue over HTTP.

The header goes with each request. An endpoint that has not declared itself gets no `segue` (SEG-EXT-004): where
discovery said nothing the first request is plain, and its answer's header tells for those that follow.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from segue_schemas import models

from ..errors import NotCarried, RemoteProtocolError
from .base import Exchange, NotJSON, Request, check_json
from .extension import EXTENDED, ContextMemory, declaration, declares, extended_body
from .extension_decoder import ExtensionDecoder, refused_by, segue_of
from .openai_http import Create, OpenAIHTTPClient
from .segue_http import SegueHTTPClient

__all__ = ["ExtendedHTTPClient"]


class ExtendedHTTPClient:
    """Client side: each message is an exchange of its own.

    `declared`: the endpoint said in discovery that it speaks the extension here. `routes`: it serves Segue over HTTP
    too, so that what names a turn or a continuation can be asked there (an exchange with `elsewhere`).
    """

    name = EXTENDED["openai-http"]

    def __init__(self, *, declared: bool = False, routes: bool = False) -> None:
        self.declared = declared
        self._routes = routes
        self._plain = OpenAIHTTPClient()
        self._native = SegueHTTPClient()
        self._memory = ContextMemory()

    def exchange(self, message: models.ClientMessage) -> Exchange:
        """Return the exchange that says a message; NotCarried where there is none."""
        if isinstance(message, models.TurnStart):
            return ExtendedCreate(message, self) if self.declared else PlainCreate(message, self)
        if self._routes and self.declared:
            exchange = self._native.exchange(message)
            exchange.elsewhere = True
            return exchange
        return self._plain.exchange(message)

    def snapshot(self, message: models.ClientMessage) -> Exchange:
        """Return the exchange that asks for a named turn as it stands; NotCarried without the routes."""
        if not self._routes or not self.declared:
            raise NotCarried(self.name, "asking again for a turn without Segue over HTTP beside it")
        exchange = self._native.snapshot(message)
        exchange.elsewhere = True
        return exchange

    def body(self, start: models.TurnStart, *, stream: bool) -> bytes:
        """Return the body of a create."""
        if isinstance(start.lane, str):
            raise NotCarried(self.name, "a lane")
        if start.retention == "connection":
            raise NotCarried(self.name, "retention `connection`: HTTP has no connection state")
        return msgspec.json.encode(extended_body(start, wire=self.name, stream=stream, memory=self._memory))

    def answered(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's head: whoever bears the header has declared itself."""
        self.declared = self.declared or declares(headers)

    def ended(self, messages: list[models.ServerMessage]) -> list[models.ServerMessage]:
        """Take note of what a turn came to; return it."""
        for message in messages:
            if isinstance(message, models.TurnCompleted) and isinstance(message.continuation, models.Continuation):
                self._memory.told(message.continuation)
        return messages


class PlainCreate(Create):
    """POST /responses to an endpoint that may or may not speak the extension."""

    def __init__(self, start: models.TurnStart, client: ExtendedHTTPClient) -> None:
        super().__init__(start)
        self.request = _declared(self.request)
        self._client = client

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status line and the headers; they tell whether the endpoint has declared itself."""
        super().head(status, headers)
        self._client.answered(headers)


class ExtendedCreate(Create):
    """POST /responses with `segue`."""

    def __init__(self, start: models.TurnStart, client: ExtendedHTTPClient) -> None:
        final = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        self._client = client
        super().__init__(start, body=client.body(start, stream=not final))
        self.request = _declared(self.request)
        retention = start.retention if isinstance(start.retention, str) else "cached"
        self._decoder: ExtensionDecoder = ExtensionDecoder(start.turn, retention=retention)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status line and the headers; they tell whether the endpoint has declared itself."""
        super().head(status, headers)
        self._client.answered(headers)

    def data(self, chunk: bytes) -> list[models.ServerMessage]:
        """Return what bytes of the body complete."""
        return self._client.ended(super().data(chunk))

    def end(self) -> list[models.ServerMessage]:
        """Return what the end of the body completes."""
        if self.status >= 400 and (told := self._refusal()) is not None:
            return [told]
        return self._client.ended(super().end())

    def _refusal(self) -> models.ErrorMessage | None:
        """Return the refusal that the body says whole, None where it came from somebody who knows nothing of it."""
        try:
            body = check_json(bytes(self._body))
            segue = segue_of(body) if isinstance(body, dict) else None
        except (NotJSON, RemoteProtocolError):
            return None
        if segue is None or not isinstance(segue.error, models.Error):
            return None
        return refused_by(segue, self._turn)


def _declared(request: Request) -> Request:
    headers = {**request.headers, **declaration()}
    return Request(request.method, request.path, headers, request.body, request.query)
