"""Bare Chat Completions and Anthropic Messages, for the checks of how those wires frame them: no adapter in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from segue_adapters.errors import TimedOut
from segue_adapters.sse import SSEEvent, SSEParser
from segue_adapters.wires.base import Answer

from .answers import shown
from .clock import now
from .oracle import TOOL
from .subject import Subject
from .verdicts import Deviation, Inconclusive, NotOffered, Untestable

__all__ = [
    "CALL_IT",
    "ask",
    "body",
    "counted",
    "events_of",
    "needs_whole",
    "object_of",
    "refuses_in_envelope",
    "tools_of",
    "user",
    "whole_of",
]

_PATHS = {"chat": "/chat/completions", "anthropic": "/messages"}
_VERSION = "2023-06-01"

CALL_IT = "Call the tool get_word now. Do not answer with text."


def user(content: Any) -> dict[str, Any]:
    """Return a message of the user; both wires write it the same way."""
    return {"role": "user", "content": content}


def body(subject: Subject, content: Any = "Say hello.", **members: Any) -> dict[str, Any]:
    """Return the members of a request with one message; `members` go beside it, or in its place."""
    needed = {"max_tokens": 1000} if subject.wire == "anthropic" else {}
    return {**needed, **subject.base_context(), "messages": [user(content)], **members}


def tools_of(subject: Subject) -> list[dict[str, Any]]:
    """Return the suite's tool as the wire writes it."""
    if subject.wire == "anthropic":
        return [{"name": TOOL["name"], "description": TOOL["description"], "input_schema": TOOL["parameters"]}]
    return [{"type": "function", "function": {n: v for n, v in TOOL.items() if n not in ("type", "strict")}}]


async def ask(subject: Subject, data: bytes | dict[str, Any], *, key: str | None = None) -> Answer:
    """Return the whole answer to a bare request."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return await subject.fetch("POST", _PATHS[subject.wire], raw, key=key, **_headers(subject))


def _headers(subject: Subject) -> dict[str, str]:
    headers = {"content_type": "application/json"}
    if subject.wire == "anthropic":
        named = {name.lower(): value for name, value in subject.settings.headers.items()}
        headers["anthropic_version"] = named.get("anthropic-version", _VERSION)
    return headers


async def whole_of(subject: Subject, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the object that answers a request that is not streamed; Untestable where it is refused."""
    answer = await ask(subject, asked)
    if answer.status >= 400:
        raise Untestable(f"a plain request was refused: {shown(answer)}")
    return object_of(answer)


def object_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON object that an answer's body is; Deviation where it is none."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Deviation("the answer is no JSON object", expected="one object as JSON", actual=repr(answer.body[:200]))
    return told


def needs_whole(told: dict[str, Any], names: tuple[str, ...], what: str, requirement: str) -> None:
    """Raise a Deviation where an object lacks members."""
    missing = [name for name in names if name not in told]
    if missing:
        raise Deviation(
            f"{what} lacks {', '.join(missing)}",
            expected=", ".join(names),
            actual=", ".join(sorted(told)),
            requirement=requirement,
        )


async def refuses_in_envelope(subject: Subject, is_error: Callable[[Any], bool], shape: str) -> None:
    """Raise a Deviation where a request that is broken is refused and not as an error of this shape.

    `is_error` looks at the parsed body of a refusal, None where it is no JSON. Untestable where all are answered.
    """
    plain = body(subject)
    refused = 0
    for broken in (b'{"model": "m", "messages":', {**plain, "messages": [user(7)]}, {**plain, "messages": "Hello"}):
        answer = await ask(subject, broken)
        if answer.status < 400:
            continue
        refused += 1
        came = f"{answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        if answer.status > 599 or not is_error(told):
            raise Deviation("a refusal", expected=f"a status from 400 to 599 and {shape}", actual=came)
    if not refused:
        raise Untestable("nothing that is broken was refused")


async def events_of(subject: Subject, asked: dict[str, Any]) -> tuple[str, list[SSEEvent]]:
    """Return the content type of a streamed answer, and its events to the end of the stream."""
    parser, found = SSEParser(), list[SSEEvent]()
    data = json.dumps({**asked, "stream": True}).encode()
    deadline = now() + subject.settings.timeout
    headers = {**_headers(subject), "accept": "text/event-stream"}
    async with subject.request("POST", _PATHS[subject.wire], data, **headers) as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status >= 400:
            text = b"".join([chunk async for chunk in answer.chunks()])
            raise Untestable(f"a plain request was refused: {answer.status} {text[:200].decode('utf-8', 'replace')}")
        async for chunk in answer.chunks():
            found += parser.feed(chunk)
            if now() > deadline:
                raise TimedOut(f"the stream did not end within {subject.settings.timeout:g} s", answer.url)
    found += parser.close()
    if any('"error"' in event.data and "rate_limit" in event.data for event in found):
        raise Inconclusive(f"the endpoint is busy: {found[-1].data[:200]}")
    return kind, found


def counted(calls: list[Any], said: str) -> None:
    """Raise NotOffered where the model was asked to call a tool and answered otherwise."""
    if not calls:
        raise NotOffered(f"the model was asked to call a tool and did not: {said[:120]!r}")
