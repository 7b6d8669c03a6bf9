"""Bare exchanges with a declared client's endpoint, for the checks of what the Responses extension frames."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.sse import SSEParser
from segue_adapters.wires.base import Answer, turn_name
from segue_adapters.wires.extension import PREFIX, declaration

from .clock import now
from .responses_wire import TERMINAL, create, parsed
from .subject import Subject
from .verdicts import Untestable

__all__ = ["answer_to", "behind", "events_to", "plain_events_to", "record_of", "refusals_of", "segue_of"]

_JSON = {"content_type": "application/json"}


def segue_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return the member `segue` of an event; empty without one."""
    value = event.get("segue")
    return value if isinstance(value, dict) else {}


async def events_to(subject: Subject, body: dict[str, Any], *, turn: str | None = None) -> list[dict[str, Any]]:
    """Return the events of a streamed response to a declared client, to the last one; `welcome` is left out.

    `turn="new"` names the turn; then the first event has its name as `segue_turn`. Each has its time as `at`.
    """
    named = turn_name() if turn is not None else None
    if named is not None:
        body = {**body, "segue": {"turn": named, **body.get("segue", {})}}
    events = await _events(subject, body, declare=True)
    if events[-1]["type"] == "error":
        raise Untestable(f"a create of a declared client was refused: {json.dumps(events[-1])[:300]}")
    if named is not None:
        events[0]["segue_turn"] = named
    return events


async def behind(subject: Subject, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is told of a turn that waits behind another in its lane, from when it is sent to its first event.

    The first of them stands for its create, with its name as `segue_turn`.
    """
    name, until = turn_name(), now() + subject.settings.timeout
    found: list[dict[str, Any]] = []
    async with subject.socket(bare=True) as socket:
        for turn in (turn_name(), name):
            subject.spend()
            await socket.send(json.dumps({"type": "response.create", **body, "segue": {"turn": turn}}))
        found.append({"type": "response.create", "at": now(), "segue_turn": name})
        while True:
            event = parsed(str(await socket.receive(max(0.1, until - now()))))
            accepted = segue_of(event).get("accepted")
            comes = isinstance(accepted, dict) and accepted.get("turn") == name
            if event.get("turn") == name or comes:
                found.append({**event, "at": now()})
            if event["type"] == "error":
                raise Untestable(f"a create of a declared client was refused: {json.dumps(event)[:300]}")
            if comes:
                return found


async def plain_events_to(subject: Subject, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a streamed response to a client that has not declared itself."""
    return await _events(subject, body, declare=False)


async def answer_to(subject: Subject, body: dict[str, Any]) -> Answer:
    """Return the whole answer to a create of a declared client over HTTP."""
    return await subject.fetch("POST", "/responses", json.dumps(body).encode(), **_JSON, **_declared())


async def record_of(subject: Subject, turn: str) -> list[dict[str, Any]] | None:
    """Return the record of a turn, as messages, where Segue over HTTP is served beside the wire; else None."""
    if subject.routes is None:
        return None
    answer = await subject.fetch("GET", f"/turns/{turn}/events", base=subject.routes, accept="text/event-stream")
    if answer.status != 200:
        return None
    parser = SSEParser()
    return [json.loads(event.data) for event in [*parser.feed(answer.body), *parser.close()]]


async def refusals_of(subject: Subject) -> list[tuple[str, dict[str, Any], str]]:
    """Return some refusals: what was asked, the error event or body, and the code that belongs to it."""
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("an unknown parent", create(subject, previous_response_id="resp_of_nobody"), "continuation_not_found"),
        ("an input that is a number", {**create(subject), "input": 7}, "invalid_request"),
        ("a turn's name that is a number", create(subject, segue={"turn": 7}), "invalid_request"),
        ("a feature that nobody knows", create(subject, segue={"require": ["dreams"]}), "not_offered"),
    ]
    found = []
    for what, body, code in asked:
        if subject.is_stream:
            told = (await _events(subject, body, declare=True))[-1]
            if told["type"] != "error":
                raise Untestable(f"{what} was not refused: {told['type']}")
        else:
            answer = await answer_to(subject, body)
            if answer.status < 400:
                raise Untestable(f"{what} was not refused: status {answer.status}")
            told = parsed(json.dumps({"type": "error", **json.loads(answer.body)}))
        found.append((what, told, code))
    return found


async def _events(subject: Subject, body: dict[str, Any], *, declare: bool) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    until = now() + subject.settings.timeout
    if subject.is_stream:
        async with subject.socket(bare=True, declare=declare) as socket:
            subject.spend()
            await socket.send(json.dumps({"type": "response.create", **body}))
            while not events or events[-1]["type"] not in TERMINAL:
                event = parsed(str(await socket.receive(max(0.1, until - now()))))
                if event["type"] != f"{PREFIX}welcome" or not declare:
                    events.append({**event, "at": now()})
        return events
    parser = SSEParser()
    headers = _declared() if declare else {}
    data = json.dumps({**body, "stream": True}).encode()
    async with subject.request("POST", "/responses", data, **_JSON, **headers) as answer:
        if answer.status >= 400:
            whole = b"".join([chunk async for chunk in answer.chunks()])
            return [{**json.loads(whole), "type": "error", "at": now()}]
        async for chunk in answer.chunks():
            told = [one.data for one in parser.feed(chunk) if one.data != "[DONE]"]
            events += [{**parsed(data), "at": now()} for data in told]
    if not events:
        raise Untestable("a create was answered by an empty stream")
    return events


def _declared() -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in declaration().items()}
