"""Anthropic Messages, bare: whole answers, blocks and their events, envelopes of errors (spec: binding-anthropic)."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.sse import SSEEvent

from ..answers import shown
from ..registry import check
from ..stateless_wire import (
    CALL_IT,
    ask,
    body,
    counted,
    events_of,
    needs_whole,
    object_of,
    refuses_in_envelope,
    tools_of,
    whole_of,
)
from ..subject import Subject
from ..verdicts import Deviation, Untestable
from ..wrong_key import refuses_wrong_key

WIRE = ("anthropic",)

_MEMBERS = ("id", "type", "role", "model", "content", "stop_reason", "usage")


@check("SEG-ANTH-001", "SEG-ANTH-002", profile="core", wires=WIRE)
async def test_whole_answer(subject: Subject) -> None:
    """Without `stream` the answer is 200 and one message with the members that clients read."""
    answer = await ask(subject, body(subject))
    if answer.status != 200:
        raise Deviation("a plain request was not answered", expected="200", actual=shown(answer))
    told = object_of(answer)
    needs_whole(told, _MEMBERS, "the message", "SEG-ANTH-002")
    if (told["type"], told["role"]) != ("message", "assistant"):
        raise _wrong("the message", "type message, role assistant", told, "SEG-ANTH-002")
    if not isinstance(told["content"], list) or not isinstance(told["stop_reason"], str):
        raise _wrong("the message", "`content` as an array, `stop_reason` as a string", told, "SEG-ANTH-002")


def _wrong(what: str, expected: str, got: Any, requirement: str) -> Deviation:
    return Deviation(what, expected=expected, actual=json.dumps(got)[:200], requirement=requirement)


def _blocks(content: Any, kind: str) -> list[dict[str, Any]]:
    listed = content if isinstance(content, list) else []
    return [block for block in listed if isinstance(block, dict) and block.get("type") == kind]


@check("SEG-ANTH-003", profile="core", wires=WIRE)
async def test_calls_are_whole(subject: Subject) -> None:
    """A tool_use in a whole answer has an id, a name, and an object as input."""
    told = await whole_of(subject, body(subject, CALL_IT, tools=tools_of(subject)))
    calls = _blocks(told.get("content"), "tool_use")
    counted(calls, json.dumps(told.get("content")))
    for call in calls:
        if not all(isinstance(call.get(name), str) and call[name] for name in ("id", "name")) or not isinstance(
            call.get("input"), dict
        ):
            raise _wrong("a tool_use", "an id, a name, and an object as `input`", call, "SEG-ANTH-003")


@check("SEG-ANTH-010", profile="core", wires=WIRE)
async def test_event_names(subject: Subject) -> None:
    """With `stream` the answer is an event stream, each event named as the `type` of its data."""
    kind, events = await events_of(subject, body(subject))
    if kind != "text/event-stream":
        raise Deviation("a request with `stream: true`", expected="text/event-stream", actual=kind or "no type")
    for event in events:
        told = _parsed(event)
        if event.event != told["type"]:
            raise Deviation(
                "an event's name is not the `type` of its data",
                expected=f"event: {told['type']}",
                actual=f"event: {event.event}",
            )


def _parsed(event: SSEEvent) -> dict[str, Any]:
    try:
        told = json.loads(event.data)
    except ValueError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        raise Deviation(
            "an event's data", expected="a JSON object with `type`", actual=event.data[:200], requirement="SEG-ANTH-010"
        )
    return told


async def _told(subject: Subject, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a stream that must not fail, pings left out."""
    _, events = await events_of(subject, asked)
    found = [_parsed(event) for event in events]
    failed = next((event for event in found if event["type"] == "error"), None)
    if failed is not None:
        raise Untestable(f"a plain request failed in its stream: {json.dumps(failed)[:200]}")
    return [event for event in found if event["type"] != "ping"]


@check("SEG-ANTH-011", profile="core", wires=WIRE)
async def test_begin_and_end(subject: Subject) -> None:
    """A stream begins with message_start and ends with message_stop."""
    known = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
             "message_stop")  # fmt: skip
    kinds = [event["type"] for event in await _told(subject, body(subject)) if event["type"] in known]
    if kinds[:1] != ["message_start"] or kinds[-1:] != ["message_stop"]:
        first, last = (kinds[0], kinds[-1]) if kinds else ("nothing", "nothing")
        raise Deviation("a stream", expected="message_start … message_stop", actual=f"{first} … {last}")
    for kind in ("message_start", "message_stop"):
        if kinds.count(kind) != 1:
            raise Deviation(f"`{kind}`", expected="once", actual=f"{kinds.count(kind)} times")


@check("SEG-ANTH-012", profile="core", wires=WIRE)
async def test_blocks(subject: Subject) -> None:
    """Deltas stand between the start and the stop of the block whose index they bear."""
    for asked in (body(subject, "Count from 1 to 20."), body(subject, CALL_IT, tools=tools_of(subject))):
        open_ones, seen = set[object](), set[object]()
        for event in await _told(subject, asked):
            kind, index = event["type"], event.get("index")
            if not kind.startswith("content_block_"):
                continue
            fits = index not in seen if kind == "content_block_start" else index in open_ones
            if type(index) is not int or not fits:
                state = "open" if index in open_ones else "ended" if index in seen else "not begun"
                what = "an index of its own" if kind == "content_block_start" else "the index of a block that is open"
                raise Deviation(f"{kind}", expected=what, actual=f"index {index}, a block that is {state}")
            seen.add(index)
            (open_ones.discard if kind == "content_block_stop" else open_ones.add)(index)
        if open_ones:
            raise Deviation(
                "content_block_stop", expected="behind each block", actual=f"none for {sorted(map(str, open_ones))}"
            )


@check("SEG-ANTH-013", profile="core", wires=WIRE)
async def test_input_pieces(subject: Subject) -> None:
    """The pieces of a call's input join into the JSON of an object."""
    events = await _told(subject, body(subject, CALL_IT, tools=tools_of(subject)))
    begun = [event for event in events if event["type"] == "content_block_start"]
    calls = {event.get("index") for event in begun if _blocks([event.get("content_block")], "tool_use")}
    counted([*calls], json.dumps(begun))
    for index in calls:
        deltas = [e["delta"] for e in events if e.get("index") == index and isinstance(e.get("delta"), dict)]
        pieces = [delta.get("partial_json") for delta in deltas if delta.get("type") == "input_json_delta"]
        if not all(isinstance(piece, str) for piece in pieces):
            raise _wrong("`partial_json`", "strings", pieces, "SEG-ANTH-013")
        joined = "".join(map(str, pieces))
        try:
            whole = json.loads(joined or "{}")
        except ValueError:
            whole = None
        if not isinstance(whole, dict):
            raise Deviation("the pieces of a call's input", expected="JSON of an object", actual=repr(joined[:200]))


@check("SEG-ANTH-014", profile="core", wires=WIRE)
async def test_stop_reason(subject: Subject) -> None:
    """A message_delta says why the answer ended, before message_stop."""
    events = await _told(subject, body(subject))
    kinds = [event["type"] for event in events]
    before = events[: kinds.index("message_stop")] if "message_stop" in kinds else events
    deltas = [event.get("delta") for event in before if event["type"] == "message_delta"]
    if not any(isinstance(delta, dict) and isinstance(delta.get("stop_reason"), str) for delta in deltas):
        told = f"message_delta says {json.dumps(deltas[-1])[:200]}" if deltas else ""
        actual = told or "no message_delta before message_stop"
        raise Deviation("`stop_reason`", expected="in a message_delta before message_stop", actual=actual)


@check("SEG-ANTH-020", profile="core", wires=WIRE)
async def test_error_envelope(subject: Subject) -> None:
    """What is refused is answered from 400 to 599, as an object of type error."""
    await refuses_in_envelope(subject, _is_error, '{"type": "error", "error": {"type": "…", "message": "…"}}')


def _is_error(told: Any) -> bool:
    error = told.get("error") if isinstance(told, dict) and told.get("type") == "error" else None
    return isinstance(error, dict) and all(isinstance(error.get(name), str) for name in ("type", "message"))


@check("SEG-SEC-002", profile="core", wires=WIRE)
async def test_wrong_key_refused(subject: Subject) -> None:
    """A wrong key is refused before anything runs."""
    await refuses_wrong_key(subject, lambda key: ask(subject, body(subject), key=key))
