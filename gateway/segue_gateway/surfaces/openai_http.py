"""OpenAI Responses over HTTP, served (spec: binding-openai-http).

The wire has no names: a caller that goes away before the end cancels its turn, and nothing of it is kept (facts 2.4).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator

import msgspec
from segue_adapters.wires import base
from segue_adapters.wires.base import Answer, Refuse, TurnFacts
from segue_adapters.wires.extension import EXTENDED, declaration
from segue_adapters.wires.openai_http import OpenAICall, OpenAIHTTPServer, OpenAIStream
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Once
from ..readings import TOGETHER, Reading
from ..refusals import named, slow_reader
from ..stores.base import Handle, Held
from .admission import to_response
from .extension import facts_of
from .http import EventStream, Gone, unless_gone
from .unnamed import UnnamedTurns, feed

__all__ = ["OpenAIHTTP"]


class OpenAIHTTP(UnnamedTurns[OpenAIStream]):
    """Responses and models, as a client of OpenAI's API calls them."""

    name = "openai-http"
    prefix = "/v1"
    wire = OpenAIHTTPServer()

    def spoken(self, request: Request) -> str:
        """Return whether the client has declared the extension, as the name of the wire."""
        return EXTENDED[self.name] if self.endpoint.governs(self.name, request.headers) else self.name

    def sign(self, response: Response) -> None:
        """Declare the extension, where it is served."""
        if self.endpoint.extends(self.name):
            response.headers.update(declaration())

    def refusal_to(self, refused: Refuse, wire: str) -> Answer:
        """Return a refusal in OpenAI's envelope, whole for a declared client (SEG-EXT-022)."""
        return self._told(refused, refused.message if wire != self.name else None)

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal in OpenAI's envelope."""
        return self._told(refused, None)

    def _told(self, refused: Refuse, told: models.ErrorMessage | None) -> Answer:
        own = refused.status if refused.status in (404, 405, 415, 426) else None
        missing = refused.error.code == "continuation_not_found"  # a 400 on this wire (facts 2.2)
        return self.wire.error(refused.error, status=None if missing else own, told=told)

    async def answer(self, caller: Once, request: base.Request, http: Request) -> Response:
        """Answer a request whose caller is known."""
        if request.method == "GET" and request.path.strip("/").partition("/")[0] == "models":
            return to_response(self.models(request.path.strip("/").partition("/")[2]))
        call = self.wire.receive(request, extended=caller.wire != self.name)
        if call.start is not None:
            if call.governed:
                response = await self.govern(caller, call.start, call, http)
            else:
                response = await self.run(caller, call.start, self.wire.stream, stream=call.stream, http=http)
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

    def whole(self, writer: OpenAIStream) -> Answer:
        """Return the Response of a turn, failed or not."""
        return self.wire.json(writer.response())

    def farewell(self, writer: OpenAIStream, message: models.ErrorMessage) -> bytes:
        """Return the error event."""
        return writer.sse(message)

    async def govern(self, caller: Once, start: models.TurnStart, call: OpenAICall, http: Request) -> Response:
        """Answer a create of a declared client: start a turn, or attach to it (SEG-EXT-010)."""
        try:
            await self.endpoint.check_model(caller.principal, start, call.model)
            source, fresh = await self.endpoint.accept(caller, start)
        except Refuse as refused:
            raise named(refused, start) from None
        if fresh is not None:
            self.endpoint.spawn(fresh.run())
        # A turn that its client has named outlives the exchange; of one whose name was drawn here nobody may know.
        unnamed = fresh if not call.named else None

        def lost() -> None:
            if unnamed is not None:
                self.lost(unnamed)

        writer = self.wire.stream(await facts_of(self.endpoint, caller.principal, source), governed=True)
        reading = self.endpoint.reading(source, replayed=fresh is None, start=start)
        if call.stream:
            return EventStream(
                self.governed_events(reading, writer, caller.wire),
                farewell=lambda: writer.sse(slow_reader(source.name).message),
                patience=self.endpoint.settings.reader_ms / 1000,
                lost=lost,
            )
        try:
            await unless_gone(http.receive, feed(writer, reading))
        except Gone:
            lost()
            raise
        return to_response(self.wire.json(writer.response()))

    async def governed_events(self, reading: Reading, writer: OpenAIStream, wire: str) -> AsyncGenerator[bytes, None]:
        """Yield the events of a reading; progress is one of them (SEG-EXT-030)."""
        said: list[bytes] = []
        async for message in reading:
            said.append(self.endpoint.gives_event(wire, writer.sse(message), writer))
            if not reading.more or len(said) >= TOGETHER:
                yield b"".join(said)
                said = []
        yield b"".join(said) + self.endpoint.gives_event(wire, writer.end(), writer)

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
