"""Chat Completions and Anthropic Messages, served (spec: binding-chat, binding-anthropic).

Two wires without state: each request brings the whole history, and nothing is kept behind its answer.
"""

from __future__ import annotations

import secrets
from typing import Any

from segue_adapters.wires import base
from segue_adapters.wires.anthropic import KEY_HEADER, AnthropicServer
from segue_adapters.wires.base import Answer, Refuse
from segue_adapters.wires.chat import ChatServer
from segue_adapters.wires.stateless import json_answer
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Once
from .openai_http import OpenAIHTTP

__all__ = ["AnthropicHTTP", "ChatHTTP"]


class _Stateless(OpenAIHTTP):
    """A turn is run as on the wire that it is like; who goes away before the end cancels it there too."""

    speaks: ChatServer | AnthropicServer
    request_id: str

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal in the wire's envelope."""
        own = refused.status if refused.status in (404, 405, 415) else None
        return self.speaks.error(refused.error, status=own)

    async def answer(self, caller: Once, request: base.Request, http: Request) -> Response:
        """Answer a request whose caller is known."""
        asked = self.speaks.receive(request)
        try:
            response = await self.create(
                caller, asked.start, asked.stream, http, write=lambda facts: self.speaks.stream(facts, asked)
            )
        except Refuse as refused:
            raise asked.placed(refused) from None
        response.headers[self.request_id] = "req_" + secrets.token_hex(12)
        return response

    def whole(self, writer: Any) -> Answer:
        """Return the whole answer; the error of a turn that failed, since the wire has no place for it elsewhere."""
        failed = writer.encoder.failed
        return json_answer(writer.response()) if failed is None else self.speaks.error(failed)


class ChatHTTP(_Stateless):
    """POST /v1/chat/completions."""

    name = "chat"
    speaks = ChatServer()
    request_id = "x-request-id"


class AnthropicHTTP(_Stateless):
    """POST /v1/messages."""

    name = "anthropic"
    speaks = AnthropicServer()
    request_id = "request-id"

    def credential(self, request: Request) -> str | None:
        """Return the key of this wire's own header, where nothing stands under the common one."""
        keys = request.headers.getlist(KEY_HEADER)
        return f"Bearer {keys[0]}" if len(keys) == 1 and "authorization" not in request.headers else None
