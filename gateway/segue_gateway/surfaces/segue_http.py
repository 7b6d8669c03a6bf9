"""Segue over HTTP, served (spec: binding-segue-http). A lost connection cancels nothing: the turn has a name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import unquote

from segue_adapters.wires import base
from segue_adapters.wires.base import Answer, NotJSON, Refuse, check_json, refusal
from segue_adapters.wires.segue_http import SegueHTTPServer
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from ..contexts import read_context
from ..endpoint import Once
from ..readings import TOGETHER, Reading, Source, snapshot
from ..refusals import slow_reader
from ..steers import Steer
from .admission import to_response
from .http import EventStream, HTTPSurface, unless_gone

__all__ = ["SegueHTTP"]

_POLL_MS = 500


class SegueHTTP(HTTPSurface):
    """Turns as resources that the client names."""

    name = "segue-http"
    prefix = "/segue/v1"
    wire = SegueHTTPServer()

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal as a problem body."""
        return self.wire.refuse(refused)

    def check_head(self, request: Request) -> None:
        """Refuse a body that says of itself that it is no JSON (SEG-HTTP-063)."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        empty = request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers
        if not empty and not self.endpoint.reads_type(kind):
            text = f"A body of type '{kind[:60]}' is not read here; send application/json."
            raise refusal("invalid_request", "fix", text, param="Content-Type", status=415)

    async def answer(self, caller: Once, request: base.Request, http: Request) -> Response:
        """Answer a request whose caller is known."""
        if request.method == "GET" and request.path.strip("/") == "":
            return self.upgrade_wanted()
        if request.method == "PUT" and request.path.startswith("/contexts/"):
            return await self.put_context(caller, request)
        message, mode = self.wire.receive(request)
        if isinstance(message, models.TurnStart):
            return await self.start(caller, message, mode, http)
        if isinstance(message, models.TurnResume):
            if mode == "sse":
                return self.stream(await self.endpoint.resume(caller, message))
            source = await self.endpoint.attach(caller.principal, message.turn)
            if not self.endpoint.may_ask_again(source):
                await unless_gone(http.receive, self.ended(source))
            return self.whole(source, replayed=True)
        if isinstance(message, models.TurnCancel):
            source = await self.endpoint.cancel(caller, message)
            await unless_gone(http.receive, self.ended(source))
            return self.whole(source, replayed=True)
        if isinstance(message, models.TurnSteer):
            return await self.steer(caller, message, http)
        if isinstance(message, models.ContinuationGet):
            return to_response(self.wire.answer(await self.endpoint.get(caller, message)))
        if isinstance(message, models.ContinuationDelete):
            return to_response(self.wire.answer(await self.endpoint.delete(caller, message)))
        if isinstance(message, models.ContinuationExport):
            return to_response(self.wire.answer(await self.endpoint.export(caller, message)))
        if isinstance(message, models.ContinuationImport):
            return to_response(self.wire.answer(await self.endpoint.import_bundle(caller, message), status=201))
        raise self.endpoint.unoffered(message)

    async def start(self, caller: Once, message: models.TurnStart, mode: str, http: Request) -> Response:
        """Start a turn, or attach to it, and answer by events or whole."""
        source, fresh = await self.endpoint.accept(caller, message)
        if fresh is not None:
            self.endpoint.spawn(fresh.run())
        if mode == "sse":
            return self.stream(self.endpoint.reading(source, replayed=fresh is None, start=message))
        await unless_gone(http.receive, self.ended(source))
        return self.whole(source, replayed=fresh is None)

    async def steer(self, caller: Once, message: models.TurnSteer, http: Request) -> Response:
        """Take a steer and answer by what became of it, or that it still waits."""
        steer = await self.endpoint.steer(caller, message)
        if not steer.settled.done():
            source = await self.endpoint.attach(caller.principal, message.turn)
            await unless_gone(http.receive, self.settled(steer, source))
        if not steer.settled.done():
            return self.whole(await self.endpoint.attach(caller.principal, message.turn), replayed=True)
        answer = steer.settled.result()
        if isinstance(answer, Refuse):
            raise answer
        return to_response(self.wire.answer(answer))

    async def settled(self, steer: Steer, source: Source) -> None:
        """Wait for the answer to a steer, but no longer than silence is allowed, where it can be asked for again."""
        patience = self.endpoint.patience_ms() / 1000 if self.endpoint.may_ask_again(source) else None
        await asyncio.wait({steer.settled}, timeout=patience)

    def stream(self, reading: Reading) -> EventStream:
        """Return a reading as an event stream."""

        async def chunks() -> AsyncGenerator[bytes, None]:
            said: list[bytes] = []
            async for message in reading:
                said.append(self.endpoint.gives_event(self.name, self.wire.event(message), reading))
                if not reading.more or len(said) >= TOGETHER:
                    yield b"".join(said)
                    said = []
            if said:
                yield b"".join(said)

        def farewell() -> bytes:
            told = slow_reader(reading.source.name).message
            return self.endpoint.gives_event(self.name, self.wire.event(told), reading)

        return EventStream(chunks(), farewell=farewell, patience=self.endpoint.settings.reader_ms / 1000)

    def whole(self, source: Source, *, replayed: bool) -> Response:
        """Return a turn as it stands: with its end, or saying when to ask again."""
        return to_response(self.wire.answer(snapshot(source, replayed=replayed, retry_after_ms=_POLL_MS)))

    async def ended(self, source: Source) -> None:
        """Wait for the end of a turn, but no longer than silence is allowed (SEG-HTTP-043)."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.endpoint.patience_ms() / 1000
        patient = not self.endpoint.may_ask_again(source)
        while not source.finished and (patient or until > loop.time()):
            try:
                async with asyncio.timeout(None if patient else until - loop.time()):
                    await source.news.wait()
            except TimeoutError:
                return

    async def put_context(self, caller: Once, request: base.Request) -> Response:
        """Hold a context under its digest (SEG-HTTP-011)."""
        named = unquote(request.path.removeprefix("/contexts/"))
        try:
            members = check_json(request.body)
        except NotJSON as error:
            raise refusal("malformed_message", "fix", f"The body is not I-JSON: {error}.") from None
        context = read_context(members, request.body, "")
        self.endpoint.check_digest(context, named)
        await self.endpoint.put_context(caller, context)
        return Response(status_code=204)

    def upgrade_wanted(self) -> Response:
        """Answer a plain GET of the URL at which the WebSocket is served."""
        text = "A WebSocket is served here: ask for the upgrade, with the subprotocol segue.v1."
        answer = self.wire.refuse(refusal("unsupported_message", "fix", text, status=426))
        answer.headers.update({"upgrade": "websocket", "connection": "Upgrade"})
        return to_response(answer)
