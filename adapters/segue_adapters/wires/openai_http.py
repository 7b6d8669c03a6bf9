"""OpenAI Responses over HTTP, both sides: JSON and server-sent events (spec: binding-openai-http)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, unquote

import msgspec
from segue_schemas import models

from ..errors import NotCarried, RemoteProtocolError
from ..sse import SSEParser, encode_event
from .base import Answer, NotJSON, Request, TurnFacts, check_json, refusal, retry_after, trace_headers
from .extension_decoder import ExtensionDecoder
from .extension_encoder import ExtensionEncoder, refusal_body
from .responses import body_of, create_of, decode_error, encode_error, error_status
from .responses_decoder import ResponsesDecoder
from .responses_encoder import ResponsesEncoder, full_part

__all__ = ["Create", "OpenAICall", "OpenAIHTTPClient", "OpenAIHTTPServer", "OpenAIStream"]

_JSON = {"content-type": "application/json"}

# Items that bear a `status` where they are listed (the SDKs' types ask for it).
_WITH_STATUS = ("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output")


class OpenAIHTTPClient:
    """Client side: each message is an exchange of its own. `fast`: answers are decoded as `ResponsesDecoder` says."""

    name = "openai-http"

    def __init__(self, *, fast: bool = False) -> None:
        self.fast = fast

    def exchange(self, message: models.ClientMessage) -> Create | _Delete | _Retrieve:
        """Return the exchange that says a message; NotCarried where the wire has none."""
        if isinstance(message, models.TurnStart):
            return Create(message, fast=self.fast)
        if isinstance(message, models.ContinuationDelete):
            return _Delete(message)
        if isinstance(message, models.ContinuationGet):
            return _Retrieve(message)
        raise NotCarried(self.name, f"`{type(message).__struct_config__.tag}`")

    def snapshot(self, message: models.ClientMessage) -> Create | _Delete | _Retrieve:
        """Raise NotCarried: the wire names no turns, so none can be asked for again."""
        raise NotCarried(self.name, "asking again for a turn")


class _Exchange:
    """What the exchanges of this wire share: a status, a body that is gathered, an error envelope."""

    request: Request
    ask_again_ms: int | None = None  # this wire never answers with "ask again"
    elsewhere = False

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._body = bytearray()

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, headers

    def data(self, chunk: bytes) -> list[models.ServerMessage]:
        self._body += chunk
        return []

    def _refused(self) -> bool:
        """Whether a route that names a response refuses: by its status, or by an error in a Response's place."""
        if self.status >= 400:
            return True
        try:
            body = check_json(bytes(self._body))
        except NotJSON:
            return False
        return isinstance(body, dict) and isinstance(body.get("error"), dict) and "id" not in body

    def _error(self) -> models.Error:
        """Return the refusal that a status of 400 or more means, in whichever envelope it came."""
        try:
            body = check_json(bytes(self._body))
        except NotJSON:
            body = {"error": {"message": self._body[:200].decode("utf-8", "replace")}}
        return decode_error(body, status=self.status, headers=self.headers)


class Create(_Exchange):
    """POST /responses, streamed or whole; `body` where it is another than the plain wire's."""

    def __init__(self, start: models.TurnStart, *, body: bytes | None = None, fast: bool = False) -> None:
        super().__init__()
        final = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        if body is None:
            if isinstance(start.lane, str):
                raise NotCarried("openai-http", "a lane")
            body = msgspec.json.encode(body_of(start, wire="openai-http", stream=not final))
        headers = dict(_JSON, accept="application/json" if final else "text/event-stream")
        headers.update(trace_headers(start.trace))
        self.request = Request("POST", "/responses", headers, body)
        self._turn = start.turn
        retention = start.retention if isinstance(start.retention, str) else "cached"
        plain = ResponsesDecoder(start.turn, retention=retention, fast=fast)
        self._decoder: ResponsesDecoder | ExtensionDecoder = plain
        self._parser: SSEParser | None = None

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status line and the headers."""
        super().head(status, headers)
        if status < 400 and headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream":
            self._parser = SSEParser()

    def data(self, chunk: bytes) -> list[models.ServerMessage]:
        """Return what bytes of the body complete."""
        if self._parser is None:
            return super().data(chunk)
        return [m for event in self._parser.feed(chunk) for m in self._event(event.data)]

    def _event(self, data: str) -> list[models.ServerMessage]:
        if data == "[DONE]" or self._decoder.finished:
            return []
        return self._decoder.receive(data)

    def end(self) -> list[models.ServerMessage]:
        """Return what the end of the body completes."""
        if self.status >= 400:
            return [models.ErrorMessage(error=self._error(), refused="turn.start", turn=self._turn)]
        if self._parser is None:
            if not self._body:
                raise RemoteProtocolError(
                    f"status {self.status} with an empty body", expected="a Response object", got="no bytes"
                )
            try:
                return self._decoder.receive_response(bytes(self._body))
            except NotJSON as error:
                raise RemoteProtocolError(
                    f"the answer is not JSON: {error}",
                    expected="a Response object, or an event stream",
                    got=self._body[:300].decode("utf-8", "replace"),
                ) from None
        messages = [m for event in self._parser.close() for m in self._event(event.data)]
        if not self._decoder.finished:
            raise RemoteProtocolError(
                "the event stream ended before a terminal event",
                requirement="SEG-TURN-002",
                expected="response.completed, response.incomplete, response.failed or an error event",
                got="the end of the stream",
            )
        return messages


class _Delete(_Exchange):
    """DELETE /responses/{id}."""

    def __init__(self, message: models.ContinuationDelete) -> None:
        super().__init__()
        if message.descendants is True:
            raise NotCarried("openai-http", "`descendants`")
        self.request = Request("DELETE", f"/responses/{quote(message.id, safe='')}", {"accept": "*/*"})
        self._message = message

    def end(self) -> list[models.ServerMessage]:
        asked = self._message
        if self._refused():
            return [models.ErrorMessage(error=_by_id(self._error()), refused="continuation.delete", ref=asked.ref)]
        return [models.ContinuationDeleted(ref=asked.ref, id=asked.id)]


class _Retrieve(_Exchange):
    """GET /responses/{id}: says that it exists; the wire says neither its digest nor its expiry."""

    def __init__(self, message: models.ContinuationGet) -> None:
        super().__init__()
        self.request = Request("GET", f"/responses/{quote(message.id, safe='')}", {"accept": "application/json"})
        self._message = message

    def end(self) -> list[models.ServerMessage]:
        asked = self._message
        if self._refused():
            return [models.ErrorMessage(error=_by_id(self._error()), refused="continuation.get", ref=asked.ref)]
        return [
            models.ContinuationInfo(ref=asked.ref, continuation=models.Continuation(id=asked.id, retention="cached"))
        ]


def _by_id(error: models.Error) -> models.Error:
    """Read a 404 of a route that names a response as what it is here."""
    if isinstance(error.detail, dict) and error.detail.get("status") == 404:
        error.code, error.advice = "continuation_not_found", "resend_full"
    return error


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: newest first unless `oldest_first`, `limit` of them, behind the id `after`."""

    oldest_first: bool = False
    limit: int = 20
    after: str | None = None


@dataclass(frozen=True, slots=True)
class OpenAICall:
    """What a request asks for: `start` for a create, `id` for the routes that name a response.

    `governed`, `named` and `model` of a create are those of `responses.Create`.
    """

    kind: Literal["create", "retrieve", "delete", "input_items"]
    start: models.TurnStart | None = None
    stream: bool = False
    id: str = ""
    page: Page = field(default_factory=Page)
    governed: bool = False
    named: bool = False
    model: str | None = None


_FIRST_PAGE = Page()


def _page(query: Mapping[str, str]) -> Page:
    """Return what a list's query asks for; Refuse with the parameter at fault."""
    order, limit = query.get("order", "desc"), query.get("limit", "20")
    if order not in ("asc", "desc"):
        raise refusal("invalid_request", "fix", "'order' must be 'asc' or 'desc'.", param="order")
    if not (limit.isascii() and limit.isdecimal() and len(limit) <= 3 and 1 <= int(limit) <= 100):
        raise refusal("invalid_request", "fix", "'limit' must be a number from 1 to 100.", param="limit")
    return Page(order == "asc", int(limit), query.get("after"))


class OpenAIHTTPServer:
    """Server side, stateless: requests in, calls out; messages in, answers out."""

    name = "openai-http"

    def receive(self, request: Request, *, extended: bool = False) -> OpenAICall:
        """Return the call of a request below `…/v1`; Refuse where it is none.

        `extended`: its client has declared itself, and the endpoint has.
        """
        steps = [unquote(step) for step in request.path.strip("/").split("/")]
        if request.method == "POST" and steps == ["responses"]:
            create = create_of(request.body, wire=self.name, extended=extended)
            return OpenAICall(
                "create",
                create.start,
                create.stream,
                governed=create.governed,
                named=create.named,
                model=create.model,
            )
        if steps[0] == "responses" and len(steps) in (2, 3) and steps[1]:
            if len(steps) == 3 and request.method == "GET" and steps[2] == "input_items":
                return OpenAICall("input_items", id=steps[1], page=_page(request.query))
            if len(steps) == 2 and request.method == "GET":
                if request.query.get("stream") == "true":
                    raise refusal("not_offered", "fix", "Streaming a response again is not offered.", param="stream")
                return OpenAICall("retrieve", id=steps[1])
            if len(steps) == 2 and request.method == "DELETE":
                return OpenAICall("delete", id=steps[1])
        shown = f"{request.method} {request.path}"[:120]
        raise refusal("unsupported_message", "fix", f"There is no route {shown}.", status=404)

    def stream(self, facts: TurnFacts, *, governed: bool = False) -> OpenAIStream:
        """Return what writes the answer of an accepted turn."""
        return OpenAIStream(facts, governed=governed)

    def error(
        self, error: models.Error, *, status: int | None = None, told: models.ErrorMessage | None = None
    ) -> Answer:
        """Return an error in this wire's envelope; a missing response of a route that names it is a 404.

        `told`: the refusal whole, for a declared client (SEG-EXT-022).
        """
        headers = {**_JSON, **retry_after(error.retry_after_ms)}
        status = status or error_status(error)
        if error.code == "turn_conflict":
            headers["x-should-retry"] = "false"
        body: dict[str, Any] = {"error": encode_error(error)}
        if told is not None:
            body["segue"] = refusal_body(told)
        return Answer(status, headers, msgspec.json.encode(body))

    def not_found(self, identifier: str) -> Answer:
        """Return the one answer for an id that is unknown, foreign, expired or not stored."""
        shown = identifier[:120]
        body = {
            "error": {
                "message": f"Response with id '{shown}' not found.",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            }
        }
        return Answer(404, dict(_JSON), msgspec.json.encode(body))

    def deleted(self, identifier: str) -> Answer:
        """Return the answer to a delete."""
        return self.json({"id": identifier, "object": "response", "deleted": True})

    def input_items(self, response_id: str, items: list[Any], page: Page = _FIRST_PAGE) -> Answer:
        """Return a page of the input items behind a response, each with an id; Refuse where `after` names none."""
        data = []
        for index, item in enumerate(items):
            members = msgspec.json.decode(item) if isinstance(item, bytes | msgspec.Raw) else dict(item)
            if members.get("type") == "message" and isinstance(members.get("content"), str):
                kind = "output_text" if members.get("role") == "assistant" else "input_text"
                members["content"] = [{"type": kind, "text": members["content"]}]
            if isinstance(members.get("content"), list):
                members["content"] = [full_part(part) for part in members["content"]]
            if members.get("type") in _WITH_STATUS and members.get("status") is None:
                members["status"] = "completed"
            members.setdefault("id", f"item_{response_id.removeprefix('resp_')}_{index}")
            data.append(members)
        if not page.oldest_first:
            data.reverse()
        if page.after is not None:
            places = [place for place, item in enumerate(data) if item["id"] == page.after]
            if not places:
                text = f"There is no item '{page.after[:120]}' in this list."
                raise refusal("invalid_request", "fix", text, param="after", status=404)
            data = data[places[0] + 1 :]
        shown = data[: page.limit]
        first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
        more = len(data) > len(shown)
        return self.json({"object": "list", "data": shown, "first_id": first, "last_id": last, "has_more": more})

    def json(self, body: Any) -> Answer:
        """Return a JSON answer."""
        return Answer(200, dict(_JSON), msgspec.json.encode(body))


class OpenAIStream:
    """Writes one response: event by event, or whole at its end."""

    def __init__(self, facts: TurnFacts, *, governed: bool = False) -> None:
        self.encoder = ExtensionEncoder(facts, flat=True) if governed else ResponsesEncoder(facts, flat=True)

    def sse(self, message: models.ServerMessage) -> bytes:
        """Return the events of a message as bytes."""
        return b"".join(encode_event(msgspec.json.encode(e), event=e["type"]) for e in self.encoder.feed(message))

    def end(self) -> bytes:
        """Return the literal end mark: clients of this wire stop at it or ignore it (Open Responses requires it)."""
        return encode_event(b"[DONE]")

    def response(self) -> dict[str, Any]:
        """Return the Response object as it stands after the messages fed so far."""
        return self.encoder.response
