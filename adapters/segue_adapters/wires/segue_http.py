"""Segue over HTTP, both sides: the client names the resource, so a retry by anyone is harmless.

Spec: binding-segue-http.

| message | request |
|---|---|
| `turn.start` | `PUT /turns/{turn}` |
| `turn.resume` | `GET /turns/{turn}/events` with `Last-Event-ID`; `GET /turns/{turn}` for a snapshot |
| `turn.cancel` | `POST /turns/{turn}/cancel` |
| `turn.steer` | `PUT /turns/{turn}/steers/{steer}` |
| `continuation.get`, `.delete` | `GET`, `DELETE /continuations/{id}` |
| `continuation.export`, `.import` | `GET /continuations/{id}/bundle`, `POST /continuations` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, unquote

import msgspec
from segue_schemas import models

from ..errors import CutShort, LocalProtocolError, NotCarried, RemoteProtocolError
from ..sse import SSEParser, encode_comment, encode_event
from .base import (
    TERMINAL,
    Answer,
    NotJSON,
    Refuse,
    Request,
    check_json,
    refusal,
    retry_after,
    status_for,
    trace_headers,
)
from .segue_ws import client_message, server_message

__all__ = ["SegueHTTPClient", "SegueHTTPServer", "error_members", "snapshot_messages"]

Mode = Literal["sse", "json"]

_EVENT_STREAM = "text/event-stream"
_LARGEST = 2**53 - 1  # of the schema's `Seq`


def _media(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


class SegueHTTPClient:
    """Client side: each message is an exchange of its own."""

    name = "segue-http"

    def exchange(self, message: models.ClientMessage) -> _Exchange:
        """Return the exchange that says a message; NotCarried where the wire has none."""
        if isinstance(message, models.TurnStart):
            if isinstance(message.lane, str):
                raise NotCarried(self.name, "a lane: HTTP has no connection whose order it could name")
            final = isinstance(message.delivery, models.Delivery) and message.delivery.mode == "final"
            headers = {"accept": "application/json" if final else _EVENT_STREAM, "content-type": "application/json"}
            headers.update(trace_headers(message.trace))
            return _Exchange(message, Request("PUT", f"/turns/{message.turn}", headers, msgspec.json.encode(message)))
        if isinstance(message, models.TurnResume):
            headers = {"accept": _EVENT_STREAM}
            if isinstance(message.after, int):
                headers["last-event-id"] = str(message.after)
            return _Exchange(message, Request("GET", f"/turns/{message.turn}/events", headers))
        accept = {"accept": "application/json", "content-type": "application/json"}
        if isinstance(message, models.TurnCancel):
            return _Exchange(message, Request("POST", f"/turns/{message.turn}/cancel", accept, b"{}"))
        if isinstance(message, models.TurnSteer):
            path = f"/turns/{message.turn}/steers/{message.steer}"
            return _Exchange(message, Request("PUT", path, accept, msgspec.json.encode(message)))
        if isinstance(message, models.ContinuationImport):
            return _Exchange(message, Request("POST", "/continuations", accept, msgspec.json.encode(message)))
        path = f"/continuations/{quote(message.id, safe='')}"
        if isinstance(message, models.ContinuationDelete):
            query = {"descendants": "true"} if message.descendants is True else {}
            return _Exchange(message, Request("DELETE", path, accept, query=query))
        if isinstance(message, models.ContinuationExport):
            path += "/bundle"
        return _Exchange(message, Request("GET", path, accept))

    def snapshot(self, message: models.ClientMessage) -> _Exchange:
        """Return the exchange that asks for a named turn as it stands: what to do after a 202."""
        turn = getattr(message, "turn", "")
        return _Exchange(message, Request("GET", f"/turns/{turn}", {"accept": "application/json"}))


class _Exchange:
    """One request and its answer: an event stream, a snapshot, a message as JSON, or a problem."""

    def __init__(self, message: models.ClientMessage, request: Request) -> None:
        self.request = request
        self._message = message
        after = message.after if isinstance(message, models.TurnResume) else None
        self._after = after if isinstance(after, int) else None
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._body = bytearray()
        self._parser: SSEParser | None = None
        self._terminal = False
        self._empty = True
        self.ask_again_ms: int | None = None
        self.elsewhere = False

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self._status, self._headers = status, headers
        if status < 400 and _media(headers) == _EVENT_STREAM:
            self._parser = SSEParser()

    def data(self, chunk: bytes) -> list[models.ServerMessage]:
        if self._parser is None:
            self._body += chunk
            return []
        return [m for event in self._parser.feed(chunk) for m in self._event(event.data)]

    def _event(self, data: str) -> list[models.ServerMessage]:
        message = server_message(data)
        if message is None:
            return []
        self._empty = False
        if isinstance(message, (*TERMINAL, models.ErrorMessage)):  # an `error` ends a reading too (SEG-HTTP-032)
            self._terminal = True
        return [message]

    def end(self) -> list[models.ServerMessage]:
        if self._parser is not None:
            messages = [m for event in self._parser.close() for m in self._event(event.data)]
            if not self._terminal and self._empty and self._after is not None:
                # Legal: a reading behind the terminal event is empty and ends at once.
                raise LocalProtocolError(f"nothing follows event {self._after}: the turn ended with it")
            if not self._terminal:
                raise CutShort(
                    "the event stream ended before a terminal event",
                    expected="turn.completed or turn.failed",
                    got="the end of the stream",
                )
            return messages
        if self._status >= 400:
            return [self._problem()]
        message = server_message(bytes(self._body))
        if isinstance(message, models.TurnSnapshot):
            if isinstance(message.retry_after_ms, int):
                self.ask_again_ms = message.retry_after_ms
                return []
            return snapshot_messages(message)
        ref = getattr(self._message, "ref", None)
        if message is not None and ref is not None and hasattr(message, "ref"):
            message.ref = ref  # a request is its own reference over HTTP
        return [] if message is None else [message]

    def _problem(self) -> models.ErrorMessage:
        try:
            body = check_json(bytes(self._body))
            error = msgspec.convert(error_members(body) if isinstance(body, dict) else body, models.Error)
        except (NotJSON, msgspec.ValidationError) as fault:
            raise RemoteProtocolError(
                f"status {self._status} without the members of an error: {fault}",
                expected="a problem body with `code`, `advice`, `effect` and `message`",
                got=self._body[:300].decode("utf-8", "replace") or "an empty body",
                status=self._status,
            ) from None
        told = models.ErrorMessage(error=error, refused=str(type(self._message).__struct_config__.tag))
        for name in ("turn", "ref", "steer"):
            if isinstance(getattr(self._message, name, None), str):
                setattr(told, name, getattr(self._message, name))
        return told


def error_members(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return a problem body under the names of an error: its `detail` is called `info` there, beside RFC 9457's."""
    return {"detail" if name == "info" else name: value for name, value in problem.items() if name != "detail"}


def snapshot_messages(snapshot: models.TurnSnapshot) -> list[models.ServerMessage]:
    """Return a snapshot as messages that say the same: acceptance, whole items, the terminal event if there is one."""
    messages: list[models.ServerMessage] = [snapshot.accepted]
    for index, item in enumerate(snapshot.items):
        messages.append(models.ItemStarted(turn=snapshot.turn, index=index, item=item))
        messages.append(models.ItemCompleted(turn=snapshot.turn, index=index, item=item))
    for terminal in (snapshot.completed, snapshot.failed):
        if isinstance(terminal, TERMINAL):
            messages.append(terminal)
    return messages


def _flag(said: str) -> bool:
    if said not in ("true", "false"):
        text = "`descendants` says `true` or `false`."  # a deletion that does less than was asked harms
        raise refusal("invalid_request", "fix", text, param="/descendants", refused="continuation.delete")
    return said == "true"


class SegueHTTPServer:
    """Server side, stateless: requests in, messages out; messages in, answers out."""

    name = "segue-http"

    def receive(self, request: Request) -> tuple[models.ClientMessage, Mode]:
        """Return the message of a request and how it wants its answer; Refuse where it is none.

        `delivery.mode` in the body wins; without it an `Accept` that names JSON and no event stream means whole.
        """
        steps = [unquote(step) for step in request.path.strip("/").split("/")]
        match (request.method, steps):
            case ("PUT", ["turns", turn]):
                start = self._body(request, "turn.start", turn=turn)
                return start, self._mode(request, start)
            case ("GET", ["turns", turn]):
                return self._build({"type": "turn.resume", "turn": turn}), "json"
            case ("GET", ["turns", turn, "events"]):
                return self._build({"type": "turn.resume", "turn": turn, **self._after(request)}), "sse"
            case ("POST", ["turns", turn, "cancel"]):
                if request.body:
                    return self._body(request, "turn.cancel", turn=turn), "json"
                return self._build({"type": "turn.cancel", "turn": turn}), "json"
            case ("PUT", ["turns", turn, "steers", steer]):
                return self._body(request, "turn.steer", turn=turn, steer=steer), "json"
            case ("POST", ["continuations"]):
                return self._body(request, "continuation.import", ref="http"), "json"
            case ("GET", ["continuations", identifier]):
                return self._build({"type": "continuation.get", "ref": "http", "id": identifier}), "json"
            case ("GET", ["continuations", identifier, "bundle"]):
                return self._build({"type": "continuation.export", "ref": "http", "id": identifier}), "json"
            case ("DELETE", ["continuations", identifier]):
                members: dict[str, Any] = {"type": "continuation.delete", "ref": "http", "id": identifier}
                if "descendants" in request.query:
                    members["descendants"] = _flag(request.query["descendants"])
                return self._build(members), "json"
        shown = f"{request.method} {request.path}"[:120]
        raise refusal("unsupported_message", "fix", f"There is no route {shown}.", status=404)

    def event(self, message: models.ServerMessage) -> bytes:
        """Return a message as one server-sent event: `id` is its seq, `event` its type."""
        seq = getattr(message, "seq", None)
        return encode_event(
            msgspec.json.encode(message),
            event=str(type(message).__struct_config__.tag),
            id=seq if isinstance(seq, int) else None,
        )

    def comment(self) -> bytes:
        """Return bytes that keep the line open and mean nothing."""
        return encode_comment()

    def answer(self, message: models.ServerMessage, *, status: int | None = None) -> Answer:
        """Return a message as a whole answer: a snapshot, an info, a bundle; an `error` as a problem body."""
        if isinstance(message, models.ErrorMessage):
            return self._problem(message.error, status)
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        if isinstance(message, models.TurnSnapshot) and isinstance(message.retry_after_ms, int):
            headers |= retry_after(message.retry_after_ms)
            status = status or 202
        return Answer(status or 200, headers, msgspec.json.encode(message))

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal as a problem body."""
        return self._problem(refused.error, refused.status)

    def _problem(self, error: models.Error, status: int | None) -> Answer:
        status = status or status_for(error.code)
        members = {"info" if name == "detail" else name: it for name, it in msgspec.to_builtins(error).items()}
        body = {"type": f"urn:segue:error:{error.code}", "title": error.code.replace("_", " "), "status": status}
        headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
        headers |= retry_after(error.retry_after_ms)
        if error.code == "turn_conflict":
            headers["x-should-retry"] = "false"
        if status == 401:
            headers["www-authenticate"] = "Bearer"
        return Answer(status, headers, msgspec.json.encode({**body, **members}))

    def _body(self, request: Request, kind: str, **named: str) -> Any:
        """Return the message in the body; the path's names go in, and what the body says of them must agree."""
        try:
            members = check_json(request.body)
        except NotJSON as error:
            raise refusal("malformed_message", "fix", f"The body is not I-JSON: {error}.", refused=kind) from None
        if not isinstance(members, dict):
            raise refusal("malformed_message", "fix", "The body must be a JSON object.", refused=kind)
        for name, value in {"type": kind, **named}.items():
            if name != "ref" and members.get(name, value) != value:
                raise refusal(
                    "invalid_request",
                    "fix",
                    f"`{name}` in the body is {repr(members[name])[:80]}, the path says {value[:80]!r}.",
                    param="/" + name,
                    refused=kind,
                )
        raw = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
        names = {"type": kind, **named}
        return client_message(msgspec.json.encode({**names, **{k: v for k, v in raw.items() if k not in names}}))

    def _build(self, members: dict[str, Any]) -> models.ClientMessage:
        return client_message(msgspec.json.encode(members))

    def _mode(self, request: Request, start: models.TurnStart) -> Mode:
        mode = start.delivery.mode if isinstance(start.delivery, models.Delivery) else msgspec.UNSET
        if isinstance(mode, str):
            return "json" if mode == "final" else "sse"
        ranges = (one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(","))
        named = {one for one in ranges if one in ("application/json", _EVENT_STREAM)}
        return "json" if named == {"application/json"} else "sse"

    def _after(self, request: Request) -> dict[str, int]:
        value = request.headers.get("last-event-id")
        if value is None or value == "":
            return {}
        if not value.isascii() or not value.isdecimal() or len(value) > 16 or int(value) > _LARGEST:
            raise refusal(
                "invalid_request",
                "fix",
                "`Last-Event-ID` must be a sequence number.",
                param="Last-Event-ID",
                refused="turn.resume",
            )
        return {"after": int(value)}
