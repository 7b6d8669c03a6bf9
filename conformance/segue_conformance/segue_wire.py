"""Bare messages on Segue's own wires, for the checks of what they frame: no adapter in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

from segue_adapters.errors import ConnectionCut
from segue_adapters.sse import SSEEvent, SSEParser
from segue_adapters.transports.websocket import Socket
from segue_adapters.wires.base import turn_name
from segue_adapters.wires.segue_http import error_members
from segue_schemas import StrictJSONError, load, models, strict_loads, validator

from .answers import shown
from .clock import now
from .subject import Subject
from .verdicts import Deviation

__all__ = ["next_answer", "next_message", "refusal_to", "sse_events", "start_message", "turn_name", "valid_message"]


#: What may come between any other messages, and answers nothing.
_NOTICES = ("connection.draining", "continuation.evicted", "limits.updated")
_DEFINITIONS = {struct.__struct_config__.tag: struct.__name__ for struct in get_args(models.ServerMessage)}


def start_message(subject: Subject, input: str = "Say hello.", **members: Any) -> dict[str, Any]:
    """Return a turn.start as a JSON object, valid unless `members` say otherwise."""
    item = {"type": "message", "role": "user", "content": input}
    kept = {} if subject.kept_tier is None else {"retention": subject.kept_tier}
    start = {"type": "turn.start", "turn": turn_name(), "input": [item], "context": subject.base_context()}
    return {**start, **kept, **members}


def valid_message(text: str) -> dict[str, Any]:
    """Return a server's message, checked against the schema that Segue's wires ask for (SEG-MSG-001, SEG-MSG-002)."""
    try:
        message = strict_loads(text)
    except StrictJSONError as error:
        raise Deviation(
            f"a message is not I-JSON: {error}",
            expected="one JSON object without duplicate names or lone surrogates",
            actual=text[:300],
            requirement="SEG-MSG-001",
        ) from None
    faults = sorted(_faults(message), key=lambda error: len(error.absolute_path))
    if faults:
        deepest = _deepest(faults[0])
        where = "/".join(str(step) for step in deepest.absolute_path)
        kind = message.get("type") if isinstance(message, dict) else None
        raise Deviation(
            f"{kind} is not valid at /{where}",
            expected=deepest.message[:300],
            actual=text[:300],
            requirement="SEG-MSG-002",
        )
    assert isinstance(message, dict)
    return message


def _faults(message: Any) -> Iterator[Any]:
    """Yield what native.json#/$defs/ServerMessage has against a message.

    Where the type is known, by its own definition instead of the union of all: the same verdict, many times as fast.
    """
    kind = message.get("type") if isinstance(message, dict) else None
    name = _DEFINITIONS.get(kind) if isinstance(kind, str) else None
    if name is None:
        yield from validator("native.json#/$defs/ServerMessage").iter_errors(message)
        return
    yield from validator(f"server.json#/$defs/{name}").iter_errors(message)
    for place in range(1, len(load("native.json")["$defs"]["ServerMessage"]["allOf"])):
        yield from validator(f"native.json#/$defs/ServerMessage/allOf/{place}").iter_errors(message)


def _deepest(error: Any) -> Any:
    """Return the fault that says most: of a union, that of the branch whose type matches."""
    while error.context:
        best = [e for e in error.context if e.validator != "const"] or list(error.context)
        error = max(best, key=lambda e: len(e.absolute_path))
    return error


async def next_message(socket: Socket, limit: float) -> dict[str, Any]:
    """Return the next message of a bare WebSocket, checked."""
    frame = await socket.receive(limit)
    if isinstance(frame, bytes):
        raise Deviation(
            "a binary frame came", expected="text frames", actual=repr(frame[:80]), requirement="SEG-WS-010"
        )
    return valid_message(frame)


async def next_answer(socket: Socket, limit: float) -> dict[str, Any]:
    """Return the next message of a bare WebSocket that is no notice, checked: these may come at any time."""
    until = now() + limit
    while True:
        message = await next_message(socket, max(0.1, until - now()))
        if message["type"] not in _NOTICES:
            return message


async def refusal_to(subject: Subject, text: str, *, path: str | None = None) -> dict[str, Any]:
    """Send bare text as a client's message and return the `error` object that answers it; Deviation where none does.

    On a WebSocket the text is one frame; over HTTP it is the body of `PUT /turns/{turn}`.
    """
    subject.spend()
    if subject.wire == "segue-http":
        answer = await subject.fetch(
            "PUT", path or f"/turns/{turn_name()}", text.encode("utf-8", "surrogatepass"),
            content_type="application/json", accept="text/event-stream",
        )  # fmt: skip
        if answer.status < 400:
            raise Deviation("the message was not refused", expected="a problem answer", actual=shown(answer))
        return _problem(answer.body, answer.status)
    async with subject.socket() as socket:
        await next_message(socket, subject.settings.timeout)  # welcome
        await socket.send(text)
        deadline = now() + subject.settings.timeout
        try:
            while True:
                message = await next_message(socket, max(0.1, deadline - now()))
                if message["type"] == "error":
                    return dict(message["error"], refused=message.get("refused"), turn=message.get("turn"))
                if message["type"].startswith(("turn.", "item.")):
                    raise Deviation(
                        "the message was not refused", expected="an `error` message", actual=message["type"]
                    )
        except ConnectionCut as cut:
            if cut.code == 1009:
                return {"code": "message_too_large", "closed": True}
            raise Deviation("the connection was closed without an `error`", expected="error", actual=str(cut)) from None


def _problem(body: bytes, status: int) -> dict[str, Any]:
    try:
        error = json.loads(body)
    except ValueError:
        error = None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        shown = body[:200].decode("utf-8", "replace")
        raise Deviation(
            "a refusal without the members of an error",
            expected="a problem body with code, advice, effect, message",
            actual=f"{status}: {shown}",
            requirement="SEG-HTTP-050",
        )
    return error_members(error)


async def sse_events(subject: Subject, method: str, path: str, body: bytes = b"", **headers: str) -> list[SSEEvent]:
    """Return the events of one streamed answer to its end; Deviation where it is no event stream."""
    parser, found = SSEParser(), []
    async with subject.request(method, path, body, accept="text/event-stream", **headers) as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        if answer.status != 200 or kind != "text/event-stream":
            data = b"".join([chunk async for chunk in answer.chunks()])
            shown = data[:200].decode("utf-8", "replace")
            raise Deviation(
                f"{method} {path} was not answered by a stream",
                expected="200 text/event-stream",
                actual=f"{answer.status} {kind}: {shown}",
            )
        async for chunk in answer.chunks():
            found += parser.feed(chunk)
    return [*found, *parser.close()]
