"""Chat Completions and Anthropic Messages, served (spec: binding-chat, binding-anthropic).

Two wires without state: each request brings the whole history, and nothing is kept behind its answer. They have no
names either: a caller that goes away before the end cancels its turn.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator

from segue_adapters.sse import encode_comment
from segue_adapters.wires import base
from segue_adapters.wires.anthropic import KEY_HEADER, AnthropicServer, AnthropicStream
from segue_adapters.wires.base import Answer, Refuse
from segue_adapters.wires.chat import ChatServer, ChatStream
from segue_adapters.wires.stateless import Create, json_answer
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Once
from ..refusals import slow_reader
from ..turns import Turn
from .admission import to_response
from .http import EventStream, Gone, HTTPSurface, unless_gone

__all__ = ["AnthropicHTTP", "ChatHTTP"]

Writer = ChatStream | AnthropicStream


class _Stateless(HTTPSurface):
    """One route: a request is a turn, its answer the end of it."""

    prefix = "/v1"
    wire: ChatServer | AnthropicServer
    request_id: str

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal in the wire's envelope."""
        own = refused.status if refused.status in (404, 405, 415) else None
        return self.wire.error(refused.error, status=own)

    async def answer(self, caller: Once, request: base.Request, http: Request) -> Response:
        """Answer a request whose caller is known."""
        asked = self.wire.receive(request)
        try:
            response = await self.create(caller, asked, http)
        except Refuse as refused:
            raise asked.placed(refused) from None
        response.headers[self.request_id] = "req_" + secrets.token_hex(12)
        return response

    async def create(self, caller: Once, asked: Create, http: Request) -> Response:
        """Run a turn and answer by events, or whole at its end."""
        _, turn = await self.endpoint.accept(caller, asked.start)
        assert turn is not None, "a name drawn by the surface is never a repeat"
        self.endpoint.spawn(turn.run())
        writer = self.wire.stream(turn.facts(), asked)
        if asked.stream:
            return EventStream(
                self.events(turn, writer),
                farewell=lambda: writer.refused(slow_reader().error),
                patience=self.endpoint.settings.reader_ms / 1000,
                lost=lambda: turn.cancel(keep=False),
            )
        try:
            await unless_gone(http.receive, self.read_all(turn, writer))
        except Gone:
            turn.cancel(keep=False)
            raise
        failed = writer.encoder.failed
        return to_response(json_answer(writer.response()) if failed is None else self.wire.error(failed))

    async def events(self, turn: Turn, writer: Writer) -> AsyncGenerator[bytes, None]:
        """Yield the events of a turn; a comment where it is silent, or whatever the wire has for that."""
        async for message in self.endpoint.reading(turn):
            data = writer.sse(message)
            if data or isinstance(message, models.TurnProgress):
                yield self.endpoint.gives_event(self.name, data or encode_comment(), writer)
        yield self.endpoint.gives_event(self.name, writer.end(), writer)

    async def read_all(self, turn: Turn, writer: Writer) -> None:
        """Feed a whole turn to its writer."""
        async for message in self.endpoint.reading(turn):
            writer.encoder.feed(message)


class ChatHTTP(_Stateless):
    """POST /v1/chat/completions."""

    name = "chat"
    wire = ChatServer()
    request_id = "x-request-id"


class AnthropicHTTP(_Stateless):
    """POST /v1/messages."""

    name = "anthropic"
    wire = AnthropicServer()
    request_id = "request-id"

    def credential(self, request: Request) -> str | None:
        """Return the key of this wire's own header, where nothing stands under the common one."""
        keys = request.headers.getlist(KEY_HEADER)
        return f"Bearer {keys[0]}" if len(keys) == 1 and "authorization" not in request.headers else None
