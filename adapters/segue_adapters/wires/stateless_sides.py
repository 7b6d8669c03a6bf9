"""Both sides of a wire without state, but for what each wire calls things: one exchange is one turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from segue_schemas import models

from ..errors import NotCarried
from .base import Answer, Request, refusal, retry_after, trace_headers
from .stateless import JSON, Create, Exchanged, Said, TurnDecoder, json_answer, plain_start

__all__ = ["StatelessClient", "StatelessServer"]


class StatelessClient(ABC):
    """Client side: each turn is an exchange of its own, with the whole history in it."""

    name: ClassVar[str]
    path: ClassVar[str]
    key_header: ClassVar[str] = "authorization"

    # -- what a wire has of its own

    @abstractmethod
    def said(self, start: models.TurnStart, *, stream: bool) -> Said:
        """Return the request that says this turn; NotCarried for what has no place in it."""

    @abstractmethod
    def decoder(self, turn: str, said: Said) -> TurnDecoder:
        """Return what reads the answer to a request."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of each request beside the common ones."""
        return {}

    # -- what they share

    def exchange(self, message: models.ClientMessage) -> Exchanged:
        """Return the exchange that says a message; NotCarried where the wire has none."""
        start = plain_start(message, self.name)
        final = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        said = self.said(start, stream=not final)
        headers = {"accept": "application/json" if final else "text/event-stream", **trace_headers(start.trace)}
        request = self.request(msgspec.json.encode(said.body), **headers)
        return Exchanged(start, request, self.decoder(start.turn, said))

    def request(self, body: bytes, **headers: str) -> Request:
        """Return a request with this body, whatever it says."""
        return Request("POST", self.path, {**JSON, **headers, **self.headers()}, body, key_header=self.key_header)

    def snapshot(self, message: models.ClientMessage) -> Exchanged:
        """Raise NotCarried: the wire names no turns, so none can be asked for again."""
        raise NotCarried(self.name, "asking again for a turn")

    def ignored(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return pointers to the settings of a context that have no place in a request; NotCarried as for a turn."""
        start = models.TurnStart(turn="none", input=[], context=msgspec.Raw(msgspec.json.encode(context)))
        return self.said(start, stream=False).ignored


class StatelessServer(ABC):
    """Server side: requests in, turns out; messages in, answers out."""

    name: ClassVar[str]
    path: ClassVar[str]

    # -- what a wire has of its own

    @abstractmethod
    def create(self, body: bytes) -> Create:
        """Return the turn that a body asks for; Refuse where it asks for none."""

    @abstractmethod
    def envelope(self, error: models.Error, status: int | None) -> tuple[Any, int]:
        """Return an error's body and its status: the one that is given, or the wire's own for it."""

    # -- what they share

    def receive(self, request: Request) -> Create:
        """Return the turn of a request below `…/v1`; Refuse where it asks for none."""
        if request.method == "POST" and request.path.strip("/") == self.path.strip("/"):
            return self.create(request.body)
        shown = f"{request.method} {request.path}"[:120]
        raise refusal("unsupported_message", "fix", f"There is no route {shown}.", status=404)

    def error(self, error: models.Error, *, status: int | None = None) -> Answer:
        """Return an error in the wire's envelope."""
        body, status = self.envelope(error, status)
        return json_answer(body, status, retry_after(error.retry_after_ms))
