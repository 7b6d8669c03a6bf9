"""Bare OpenAI Responses events, for the checks of how those wires frame them: no adapter in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from segue_adapters.errors import TimedOut
from segue_adapters.sse import SSEEvent, SSEParser
from segue_adapters.transports.websocket import Socket
from segue_adapters.wires.base import Answer

from .clock import now
from .subject import Subject
from .verdicts import Busy, Deviation, Hindered, NotOffered, Untestable

__all__ = [
    "TERMINAL", "Asking", "asking", "create", "events_of", "parsed", "refusal_of", "sse_of", "terminal_of", "text_of",
    "told_busy", "told_on",
]  # fmt: skip

TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.cancelled", "error")

#: How often a create that met a busy endpoint is sent again, and seconds that are waited before it at most.
_REPEATS, _LONGEST_WAIT = 2, 10.0

Asking = Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]]


def create(subject: Subject, input: Any = "Count from 1 to 20.", **members: Any) -> dict[str, Any]:
    """Return the members of a create; text becomes a message, for what is easier is asked for by a check of its own."""
    given = [{"type": "message", "role": "user", "content": input}] if isinstance(input, str) else input
    unstored = {"store": False} if subject.stores_nothing else {}
    return {**subject.base_context(), "input": given, **unstored, **members}


async def events_of(subject: Subject, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of one streamed response, as parsed JSON, up to the terminal one."""
    if subject.wire == "openai-http":
        told = await sse_of(subject, {**body, "stream": True})
        events = [parsed(event.data) for event in told if event.data != "[DONE]"]
        ours = [event for event in events if event["type"].startswith("response.") or event["type"] == "error"]
        ends = [at for at, event in enumerate(ours) if event["type"] in TERMINAL]
        return ours[: ends[0] + 1] if ends else ours
    async with subject.socket() as socket:
        return await told_on(subject, socket, body)


@asynccontextmanager
async def asking(subject: Subject) -> AsyncIterator[Asking]:
    """Give a function that sends a create and returns its events; over a WebSocket all go over one connection."""
    if not subject.is_stream:
        yield lambda body: events_of(subject, body)
        return
    async with subject.socket() as socket:
        yield lambda body: told_on(subject, socket, body)


async def told_on(subject: Subject, socket: Socket, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Send one create over a bare WebSocket and return the events of its response, up to the terminal one.

    Where the endpoint is too busy it is asked again, a little later; Busy where it is time and again.
    """
    for left in reversed(range(_REPEATS + 1)):
        found = await _told_once(subject, socket, body)
        try:
            told_busy(found[-1])
        except Busy as busy:
            if not left:
                raise
            await asyncio.sleep(min(busy.wait, _LONGEST_WAIT))
        else:
            break
    return found


async def _told_once(subject: Subject, socket: Socket, body: dict[str, Any]) -> list[dict[str, Any]]:
    subject.spend()
    await socket.send(json.dumps({"type": "response.create", **body}))
    deadline = now() + subject.settings.timeout
    found: list[dict[str, Any]] = []
    while not found or found[-1]["type"] not in TERMINAL:
        frame = await socket.receive(max(0.1, deadline - now()))
        if isinstance(frame, bytes):
            raise Deviation("an event came in a binary frame", expected="text frames", actual=repr(frame[:80]))
        event = parsed(frame)
        if event["type"].startswith("response.") or event["type"] == "error":
            found.append(event)
    return found


def told_busy(event: dict[str, Any]) -> None:
    """Raise Busy where an error says no more than that too much is asked: by its words, since a status may be wrong."""
    told = json.dumps(event)
    if event["type"] == "error" and ("rate_limit" in told or "overloaded" in told):
        headers = event.get("headers")
        precise = str(headers.get("retry-after-ms", "")) if isinstance(headers, dict) else ""
        raise Busy(f"the endpoint is busy: {told[:300]}", float(precise) / 1000 if precise.isdigit() else None)


async def sse_of(subject: Subject, body: dict[str, Any]) -> list[SSEEvent]:
    """Return the server-sent events of one create over HTTP, to the end of the stream."""
    parser, found, total = SSEParser(), [], 0
    data = json.dumps(body).encode()
    headers = {"content_type": "application/json", "accept": "text/event-stream"}
    deadline = now() + subject.settings.timeout
    async with subject.request("POST", "/responses", data, **headers) as answer:
        if answer.status >= 400:
            text = b"".join([chunk async for chunk in answer.chunks()])
            raise Untestable(f"a plain create was refused: {answer.status} {text[:200].decode('utf-8', 'replace')}")
        async for chunk in answer.chunks():
            total += len(chunk)
            found += parser.feed(chunk)
            if now() > deadline:
                raise TimedOut(f"the stream did not end within {subject.settings.timeout:g} s", answer.url)
    return [*found, *parser.close()]


def parsed(text: str) -> dict[str, Any]:
    """Return an event's JSON; Deviation where it is no object with a string as `type`."""
    try:
        event = json.loads(text)
    except ValueError:
        raise Deviation("an event is not JSON", expected="one JSON object", actual=repr(text[:200])) from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Deviation("an event without a type", expected="an object with a string as `type`", actual=text[:200])
    return event


def terminal_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the `response` of the terminal event of a response that must not fail."""
    last = events[-1] if events else {}
    response = last.get("response")
    if last.get("type") not in ("response.completed", "response.incomplete"):
        told = json.dumps(last)[:300]
        if "rate_limit" in told:
            raise Hindered(f"the endpoint is busy: {told}")
        raise Untestable(f"a plain create did not complete: {told}")
    if not isinstance(response, dict):
        raise Deviation("the terminal event", expected="a `response` object", actual=json.dumps(last)[:200])
    return response


def text_of(events: list[dict[str, Any]]) -> str:
    """Return the text that whole messages of a response say."""
    items = [e["item"] for e in events if e["type"] == "response.output_item.done" and isinstance(e.get("item"), dict)]
    parts = [part for item in items if item.get("type") == "message" for part in item.get("content") or ()]
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


async def refusal_of(subject: Subject, body: dict[str, Any]) -> tuple[int | None, dict[str, Any], Answer | None]:
    """Return status, parsed body and bare answer of a create that has to be refused; Untestable where it is not."""
    if subject.wire == "openai-http":
        answer = await subject.fetch("POST", "/responses", json.dumps(body).encode(), content_type="application/json")
        if answer.status < 400:
            raise Untestable(f"the create was not refused: status {answer.status}")
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            shown = answer.body[:200].decode("utf-8", "replace")
            raise Deviation("a refusal", expected="a JSON object with `error`", actual=repr(shown))
        return answer.status, told, answer
    events = await events_of(subject, body)
    last = events[-1]
    if last["type"] == "response.failed":
        raise NotOffered("the create was announced and failed: it has no refusal to look at")
    if last["type"] != "error":
        raise Untestable(f"the create was not refused: {last['type']}")
    status = last.get("status", last.get("status_code"))
    return status if isinstance(status, int) else None, last, None
