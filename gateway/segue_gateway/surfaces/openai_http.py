"""OpenAI Responses over HTTP, served (spec: binding-openai-http).

The wire has no names: a caller that goes away before the end cancels its turn, and nothing of it is kept (facts 2.4).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
from segue_adapters.sse import encode_comment
from segue_adapters.wires import base
from segue_adapters.wires.base import Answer, Refuse, TurnFacts
from segue_adapters.wires.openai_http import OpenAIHTTPServer, OpenAIStream
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Once
from ..refusals import slow_reader
from ..stores.base import Handle, Held
from ..turns import Turn
from .admission import to_response
from .http import EventStream, Gone, HTTPSurface, unless_gone

__all__ = ["OpenAIHTTP"]


class OpenAIHTTP(HTTPSurface):
    """Responses and models, as a client of OpenAI's API calls them."""

    name = "openai-http"
    prefix = "/v1"
    wire = OpenAIHTTPServer()

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal in OpenAI's envelope."""
        own = refused.status if refused.status in (404, 405, 415, 426) else None
        missing = refused.error.code == "continuation_not_found"  # a 400 on this wire (facts 2.2)
        return self.wire.error(refused.error, status=None if missing else own)

    async def answer(self, caller: Once, request: base.Request, http: Request) -> Response:
        """Answer a request whose caller is known."""
        if request.method == "GET" and request.path.strip("/").partition("/")[0] == "models":
            return to_response(self.models(request.path.strip("/").partition("/")[2]))
        call = self.wire.receive(request)
        if call.start is not None:
            response = await self.create(caller, call.start, call.stream, http)
            response.headers["x-request-id"] = "req_" + secrets.token_hex(12)
            return response
        if call.kind == "delete":
            return to_response(await self.delete(caller, call.id))
        held = await self.endpoint.store.resolve(caller.principal, call.id, None)
        if held is None:
            return to_response(self.wire.not_found(call.id))
        if call.kind == "input_items":
            items = list(held.handle.history.before_output())
            return to_response(self.wire.input_items(call.id, items, call.page))
        return to_response(self.wire.json(self.retrieved(held)))

    async def create(
        self,
        caller: Once,
        start: models.TurnStart,
        stream: bool,
        http: Request,
        *,
        write: Callable[[TurnFacts], Any] | None = None,
    ) -> Response:
        """Run a turn and answer by events, or whole at its end; `write` makes the writer of another wire than this."""
        _, turn = await self.endpoint.accept(caller, start)
        assert turn is not None, "a name drawn by the surface is never a repeat"
        self.endpoint.spawn(turn.run())
        writer = (write or self.wire.stream)(turn.facts())
        if stream:
            return EventStream(
                self.events(turn, writer),
                farewell=lambda: writer.sse(slow_reader().message),
                patience=self.endpoint.settings.reader_ms / 1000,
                lost=lambda: self.lost(turn),
            )
        try:
            await unless_gone(http.receive, self.read_all(turn, writer))
        except Gone:
            self.lost(turn)
            raise
        return to_response(self.whole(writer))

    def whole(self, writer: Any) -> Answer:
        """Return the answer of a turn that was written to its end."""
        return self.wire.json(writer.response())

    def lost(self, turn: Turn) -> None:
        """Stop a turn whose caller went away: on this wire nobody can ask for it any more."""
        turn.cancel(keep=False)

    async def events(self, turn: Turn, writer: OpenAIStream) -> AsyncGenerator[bytes, None]:
        """Yield the events of a turn; a comment where it is silent, since this wire has no sign of life."""
        async for message in self.endpoint.reading(turn):
            yield self.endpoint.gives_event(self.name, writer.sse(message) or encode_comment(), writer)
        yield self.endpoint.gives_event(self.name, writer.end(), writer)

    async def read_all(self, turn: Turn, writer: OpenAIStream) -> None:
        """Feed a whole turn to its writer."""
        async for message in self.endpoint.reading(turn):
            writer.encoder.feed(message)

    async def delete(self, caller: Once, identifier: str) -> Answer:
        """Delete a stored response; its descendants stay."""
        gone = await self.endpoint.store.delete(caller.principal, identifier, None)
        return self.wire.not_found(identifier) if gone is None else self.wire.deleted(identifier)

    def retrieved(self, held: Held) -> object:
        """Return a stored response as its create answered it."""
        handle = held.handle
        writer = self.wire.stream(_facts(handle))
        for index, item in enumerate(handle.history.outputs()):
            writer.encoder.feed(models.ItemCompleted(turn=handle.turn, index=index, item=msgspec.Raw(item)))
        if handle.terminal is not None:
            # Indexes were given anew above, so none is discarded here.
            writer.encoder.feed(msgspec.structs.replace(handle.terminal, discarded=msgspec.UNSET))
        return writer.response()

    def models(self, name: str) -> Answer:
        """Return the models that the engine offers, or one of them."""
        listed = [
            {"id": model, "object": "model", "created": 0, "owned_by": "segue"}
            for model in self.endpoint.engine.offered
        ]
        if not name:
            return self.wire.json({"object": "list", "data": listed})
        found = next((model for model in listed if model["id"] == name), None)
        return self.wire.not_found(name) if found is None else self.wire.json(found)


def _facts(handle: Handle) -> TurnFacts:
    start = models.TurnStart(
        turn=handle.turn,
        input=[],
        parent=msgspec.UNSET if handle.parent is None else handle.parent,
        context=msgspec.Raw(handle.context.raw),
    )
    return TurnFacts(handle.id, handle.created_at, start, handle.retention in ("cached", "durable"))
