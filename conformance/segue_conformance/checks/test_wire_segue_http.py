"""Segue over HTTP, bare: routes, statuses, the stream, problems (spec: binding-segue-http)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ..answers import shown
from ..clock import now
from ..native import keeps_records
from ..registry import check
from ..segue_wire import sse_events, start_message, valid_message
from ..subject import Subject
from ..verdicts import Deviation, Inconclusive, Untestable
from ..wrong_key import refuses_wrong_key

WIRE = ("segue-http",)
_JSON = {"content_type": "application/json"}


async def _stream(subject: Subject, start: dict[str, Any], **headers: str) -> list[Any]:
    return await sse_events(subject, "PUT", f"/turns/{start['turn']}", json.dumps(start).encode(), **_JSON, **headers)


@check("SEG-HTTP-030", "SEG-HTTP-001", "SEG-HTTP-031", "SEG-HTTP-032", profile="core", wires=WIRE)
async def test_stream_framing(subject: Subject) -> None:
    """Each message is one event: its name the type, its id the seq, and the last one the terminal."""
    events = await _stream(subject, start_message(subject, "Count from 1 to 20."))
    for event in events:
        message = valid_message(event.data)
        if event.event != message["type"]:
            raise Deviation("an event's name", expected=message["type"], actual=event.event)
        if "seq" in message and event.id != str(message["seq"]):
            raise Deviation(
                "an event's id", expected=str(message["seq"]), actual=str(event.id), requirement="SEG-HTTP-031"
            )
    ends = [event.event for event in events if event.event in ("turn.completed", "turn.failed")]
    if len(ends) != 1 or events[-1].event != ends[0]:
        raise Deviation(
            "the stream goes on behind its terminal event, or has none",
            expected="one terminal event, the last of all",
            actual=", ".join(event.event for event in events[-3:]),
            requirement="SEG-HTTP-032",
        )


@check("SEG-HTTP-020", "SEG-HTTP-040", "SEG-HTTP-054", profile="core", wires=WIRE)
async def test_whole_answer(subject: Subject) -> None:
    """Asked for JSON, the answer is one snapshot with the terminal event, not to be stored."""
    start = start_message(subject)
    if "final" in subject.features():  # else the header alone asks for it
        start["delivery"] = {"mode": "final"}
    answer = await subject.fetch(
        "PUT", f"/turns/{start['turn']}", json.dumps(start).encode(), accept="application/json", **_JSON
    )
    until = now() + subject.settings.timeout
    while answer.status == 202:
        wait = valid_message(answer.body.decode("utf-8", "replace")).get("retry_after_ms", 0) / 1000
        if now() + wait > until:
            raise Inconclusive(f"the turn did not end within {subject.settings.timeout:.0f} s")
        await asyncio.sleep(max(0.05, wait))
        answer = await subject.fetch("GET", f"/turns/{start['turn']}", accept="application/json")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if answer.status != 200 or kind != "application/json":
        raise Deviation("a turn asked for whole", expected="200 application/json", actual=f"{answer.status} {kind}")
    snapshot = valid_message(answer.body.decode("utf-8", "replace"))
    if snapshot["type"] != "turn.snapshot" or not ("completed" in snapshot or "failed" in snapshot):
        raise Deviation(
            "the answer", expected="turn.snapshot with its end", actual=str(snapshot)[:200], requirement="SEG-HTTP-040"
        )
    if "no-store" not in answer.headers.get("cache-control", ""):
        raise Deviation(
            "an answer that bears durations",
            expected="Cache-Control: no-store",
            actual=answer.headers.get("cache-control", "none"),
            requirement="SEG-HTTP-054",
        )


@check("SEG-HTTP-003", "SEG-TURN-057", profile="core", wires=WIRE)
async def test_snapshot_of_a_turn(subject: Subject) -> None:
    """A turn that is held can be read as a snapshot."""
    keeps_records(subject)
    start = start_message(subject)
    events = await _stream(subject, start)
    if events[-1].event != "turn.completed":
        raise Untestable("a plain turn did not complete")
    answer = await subject.fetch("GET", f"/turns/{start['turn']}", accept="application/json")
    if answer.status != 200:
        raise Deviation("GET of a turn that ended", expected="200", actual=str(answer.status))
    snapshot = valid_message(answer.body.decode("utf-8", "replace"))
    if snapshot.get("turn") != start["turn"] or "completed" not in snapshot:
        raise Deviation("the snapshot", expected="the turn, completed", actual=str(snapshot)[:200])
    if snapshot["accepted"].get("replayed") is not True:
        raise Deviation(
            "`accepted` in the snapshot of a turn that was started before",
            expected="replayed true",
            actual=str(snapshot["accepted"])[:200],
            requirement="SEG-TURN-057",
        )


@check("SEG-HTTP-005", "SEG-HTTP-042", profile="concurrent", wires=WIRE)
async def test_cancel_route(subject: Subject) -> None:
    """Cancelling over HTTP is answered by the turn's snapshot, its items in order."""
    subject.needs("cancel")
    keeps_records(subject)
    start = start_message(subject)
    await _stream(subject, start)
    answer = await subject.fetch("POST", f"/turns/{start['turn']}/cancel", b"{}", accept="application/json", **_JSON)
    if answer.status not in (200, 202):
        raise Deviation("cancelling a finished turn", expected="200 and its snapshot", actual=str(answer.status))
    snapshot = valid_message(answer.body.decode("utf-8", "replace"))
    if snapshot["type"] != "turn.snapshot" or not snapshot["items"]:
        raise Deviation("the answer to a cancel", expected="turn.snapshot with its items", actual=str(snapshot)[:200])


@check("SEG-HTTP-004", profile="core", wires=WIRE)
async def test_last_event_id(subject: Subject) -> None:
    """The events of a turn can be read again behind Last-Event-ID."""
    subject.needs("resume")
    keeps_records(subject)
    start = start_message(subject, "Count from 1 to 20.")
    numbers = [int(event.id) for event in await _stream(subject, start) if event.id]
    middle = numbers[len(numbers) // 2]
    again = await sse_events(subject, "GET", f"/turns/{start['turn']}/events", last_event_id=str(middle))
    told = [int(event.id) for event in again if event.id]
    if not told or min(told) <= middle or told[-1] != numbers[-1]:
        raise Deviation(
            f"the events behind {middle}", expected=f"{middle + 1} … {numbers[-1]}", actual=str(told[:3] + told[-1:])
        )


@check("SEG-HTTP-002", profile="core", wires=WIRE)
async def test_path_and_body(subject: Subject) -> None:
    """A body may leave out what the path says, and may not contradict it."""
    start = start_message(subject)
    path = f"/turns/{start['turn']}"
    bare = {name: value for name, value in start.items() if name not in ("type", "turn")}
    events = await sse_events(subject, "PUT", path, json.dumps(bare).encode(), **_JSON)
    if events[-1].event != "turn.completed":
        raise Deviation("a body without type and turn", expected="turn.completed", actual=events[-1].event)
    other = start_message(subject)
    answer = await subject.fetch("PUT", path + "x", json.dumps(other).encode(), **_JSON)
    if answer.status < 400 or b"invalid_request" not in answer.body:
        raise Deviation(
            "a body that names another turn than the path",
            expected="invalid_request",
            actual=shown(answer),
        )


@check("SEG-HTTP-050", "SEG-HTTP-051", "SEG-HTTP-033", "SEG-HTTP-054", profile="core", wires=WIRE)
async def test_problems(subject: Subject) -> None:
    """A refusal is a problem answer with the status that fits its code."""
    start = start_message(subject, parent="resp_" + "0" * 32)
    answer = await subject.fetch(
        "PUT", f"/turns/{start['turn']}", json.dumps(start).encode(), accept="text/event-stream", **_JSON
    )
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/problem+json":
        told = f"{answer.status} {kind}"
        raise Deviation("a refusal is no problem answer", expected="application/problem+json", actual=told)
    body = json.loads(answer.body)
    missing = [m for m in ("type", "title", "status", "code", "advice", "effect", "message") if m not in body]
    if missing:
        raise Deviation("the problem body", expected="the members of a problem and of an error",
                        actual=f"no {', '.join(missing)}")  # fmt: skip
    # An endpoint may see by its form that this was never an id (SEG-CONT-011).
    wanted = 400 if body["code"] == "invalid_request" else 404
    if answer.status != wanted or body["status"] != wanted:
        told = f"{answer.status}, and {body['status']} in the body"
        raise Deviation(str(body["code"]), expected=f"status {wanted}", actual=told, requirement="SEG-HTTP-051")
    if "no-store" not in answer.headers.get("cache-control", ""):
        raise Deviation("a refusal", expected="Cache-Control: no-store", actual="none", requirement="SEG-HTTP-054")


@check("SEG-HTTP-052", profile="core", wires=WIRE)
async def test_conflict_is_not_retried(subject: Subject) -> None:
    """turn_conflict is 409 and tells clients not to retry."""
    subject.needs("resume")  # without it a name that has run is free
    keeps_records(subject)
    start = start_message(subject)
    await _stream(subject, start)
    other = {**start_message(subject, "Count from 1 to 3."), "turn": start["turn"]}
    answer = await subject.fetch("PUT", f"/turns/{start['turn']}", json.dumps(other).encode(), **_JSON)
    retry = answer.headers.get("x-should-retry")
    if (answer.status, retry) != (409, "false"):
        told = f"{answer.status}, {'no x-should-retry' if retry is None else f'x-should-retry: {retry}'}"
        raise Deviation("another content under one name", expected="409, x-should-retry: false", actual=told)


@check("SEG-SEC-002", profile="core", wires=WIRE)
async def test_wrong_key_refused(subject: Subject) -> None:
    """A wrong key is refused before anything runs."""
    start = start_message(subject)
    path, body = f"/turns/{start['turn']}", json.dumps(start).encode()
    await refuses_wrong_key(subject, lambda key: subject.fetch("PUT", path, body, key=key, **_JSON))
