"""Chat Completions and Anthropic Messages, served (spec: binding-chat, binding-anthropic).

Two wires without state: each request brings the whole history, and nothing is kept behind its answer. They have no
names either: a caller that goes away before the end cancels its turn.
"""

from __future__ import annotations

import secrets

from segue_adapters.wires import base
from segue_adapters.wires.anthropic import KEY_HEADER, AnthropicServer, AnthropicStream
from segue_adapters.wires.base import Answer, Refuse
from segue_adapters.wires.chat import ChatServer, ChatStream
from segue_adapters.wires.stateless import json_answer
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Once
from .unnamed import UnnamedTurns

__all__ = ["AnthropicHTTP", "ChatHTTP"]

Writer = ChatStream | AnthropicStream


class _Stateless(UnnamedTurns[Writer]):
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
            response = await self.run(
                caller, asked.start, lambda facts: self.wire.stream(facts, asked), stream=asked.stream, http=http
            )
        except Refuse as refused:
            raise asked.placed(refused) from None
        response.headers[self.request_id] = "req_" + secrets.token_hex(12)
        return response

    def whole(self, writer: Writer) -> Answer:
        """Return the answer of a turn, or its failure in the wire's envelope."""
        failed = writer.encoder.failed
        return json_answer(writer.response()) if failed is None else self.wire.error(failed)

    def farewell(self, writer: Writer, message: models.ErrorMessage) -> bytes:
        """Return the error event."""
        return writer.refused(message.error)


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
