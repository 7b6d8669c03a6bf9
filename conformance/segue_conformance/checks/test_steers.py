"""Steers: input for a turn that runs enters between two items, once, or is told to be too late (spec: lanes)."""

from __future__ import annotations

import json
from typing import Any

from segue_schemas import history_digest

from ..native import NATIVE, item, keeps_records
from ..oracle import TOOL
from ..registry import check
from ..segue_wire import start_message
from ..steering import Running, answered, elsewhere, running, steer_message
from ..subject import Subject
from ..verdicts import Deviation, Inconclusive
from .test_turns import SLOW

_LATE = "too_late"
_WAIT = "Wait 300 milliseconds. Then call the tool get_word. Do not answer with text."


@check("SEG-TURN-120", "SEG-TURN-124", "SEG-TURN-127", "SEG-HTTP-006", profile="concurrent", wires=NATIVE)
async def test_enters_between_items(subject: Subject) -> None:
    """A steer enters behind a whole item, as it was sent, and counts in the history."""
    subject.needs("steer")
    keeps_records(subject)
    async with running(subject, start_message(subject, SLOW)) as turn:
        await turn.until("item.delta")
        sent = [item("Never mind the text."), item("Say hello.")]
        message = steer_message(turn.start["turn"], *sent)
        answer = await turn.ask(message)
        _taken(answer)
        events = await turn.to_its_end()
        place = next((n for n, event in enumerate(events) if event.get("steer") == message["steer"]), None)
        if place is None:
            raise Deviation("a steer that entered", expected="turn.steered in the reading", actual="none")
        steered = events[place]
        if steered["items"] != sent:
            raise Deviation(
                "the items of the steer",
                expected=json.dumps(sent),
                actual=json.dumps(steered["items"])[:300],
                requirement="SEG-TURN-127",
            )
        begun = {e["index"] for e in events[:place] if e["type"] == "item.started"}
        whole = {e["index"] for e in events[:place] if e["type"] == "item.completed"}
        if begun - whole:
            raise Deviation(
                "a steer entered",
                expected="at an item boundary",
                actual=f"while item {sorted(begun - whole)} was open",
            )
        if steered["index"] != len(begun):
            raise Deviation(
                "the index of the steer's first item",
                expected=str(len(begun)),
                actual=str(steered["index"]),
                requirement="SEG-TURN-124",
            )
        _history(turn, events, steered)


def _history(turn: Running, events: list[dict[str, Any]], steered: dict[str, Any]) -> None:
    """Judge the history of a steered turn: input, output and the items of the steer, by their indexes."""
    last = turn.end
    if last["type"] != "turn.completed":
        raise Deviation("a steered turn", expected="turn.completed", actual=json.dumps(last)[:200])
    items: dict[int, Any] = {}
    for event in events:
        if event["type"] == "item.started":
            items[event["index"]] = event["item"]
        elif event["type"] == "item.delta":
            _grow(items[event["index"]], event)
        elif event["type"] == "item.completed" and "item" in event:
            items[event["index"]] = event["item"]
    items.update(enumerate(steered["items"], steered["index"]))
    for index in last.get("discarded", []):
        items.pop(index, None)
    history = [*turn.start["input"], *(items[index] for index in sorted(items))]
    wanted = (history_digest(history), len(history))
    if (last["digest"], last["length"]) != wanted:
        raise Deviation(
            "the history behind a steered turn",
            expected=str(wanted),
            actual=str((last["digest"], last["length"])),
            requirement="SEG-TURN-124",
        )


def _grow(value: Any, delta: dict[str, Any]) -> None:
    *path, name = delta["at"].split("/")[1:]
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    put = delta.get("put")
    if isinstance(value, list):
        place = len(value) if name == "-" else int(name)
        old = value[place] if place < len(value) else ""
        value[place : place + 1] = [old + delta["append"] if "append" in delta else put]
    else:
        value[name] = (value.get(name) or "") + delta["append"] if "append" in delta else put


@check("SEG-TURN-121", profile="concurrent", wires=("segue-ws",))
async def test_answered_before_the_end(subject: Subject) -> None:
    """A steer that was taken while the turn ran is answered before the turn's end is told."""
    subject.needs("steer")
    async with running(subject, start_message(subject, _WAIT, context=subject.base_context(tools=[TOOL]))) as turn:
        await turn.until("turn.accepted")
        message = steer_message(turn.start["turn"], item("Say hello."))
        await turn.steer(message)
        events = await turn.to_its_end()
        answers = [event for event in events if event.get("steer") == message["steer"]]
        if not answers:
            raise Deviation(
                "a steer was sent while the turn ran",
                expected="turn.steered or too_late before the end",
                actual="neither came before the end",
            )
        calls = {e["index"] for e in events if e["type"] == "item.started" and e["item"].get("type") == "function_call"}
        told = answered(answers[0])
        if told == "turn.steered" and any(index < answers[0]["index"] for index in calls):
            raise Deviation(
                "a call of the turn is open",
                expected=_LATE,
                actual=f"turn.steered at index {answers[0]['index']}, behind the call",
                requirement="SEG-TURN-120",
            )
        if told not in ("turn.steered", _LATE):
            raise Deviation("a steer was sent while the turn ran", expected=f"turn.steered or {_LATE}", actual=told)


@check("SEG-TURN-123", "SEG-TURN-125", "SEG-TURN-126", "SEG-TURN-122", profile="concurrent", wires=NATIVE)
async def test_repeat_gets_its_answer(subject: Subject) -> None:
    """A repeated steer gets the answer of the first one; other input, or another name behind the end, is refused."""
    subject.needs("steer")
    keeps_records(subject)
    async with running(subject, start_message(subject, SLOW)) as turn:
        await turn.until("item.delta")
        name = turn.start["turn"]
        message = steer_message(name, item("Say hello."))
        first = await turn.ask(message)
        _taken(first)
        await turn.to_its_end()
        async with elsewhere(subject, name) as other:
            for where, line in (("the same connection", turn), ("another connection", other)):
                again = await line.ask(message)
                if again != first:
                    raise Deviation(
                        f"the steer was repeated over {where}",
                        expected=json.dumps(first)[:300],
                        actual=json.dumps(again)[:300],
                    )
        changed = {**message, "input": [item("Say goodbye.")]}
        told = answered(await turn.ask(changed))
        if told != "turn_conflict":
            raise Deviation(
                "the steer's name came with other input",
                expected="turn_conflict",
                actual=told,
                requirement="SEG-TURN-125",
            )
        told = answered(await turn.ask(steer_message(name, item("Say hello."))))
        if told != _LATE:
            raise Deviation(
                "another steer came behind the end", expected=_LATE, actual=told, requirement="SEG-TURN-122"
            )


@check("SEG-TURN-128", profile="concurrent", wires=NATIVE)
async def test_open_call_in_a_steer(subject: Subject) -> None:
    """A steer that would leave a call open is refused, and the turn goes on."""
    subject.needs("steer")
    async with running(subject, start_message(subject, SLOW)) as turn:
        await turn.until("item.delta")
        call = {"type": "function_call", "call_id": "call_in_a_steer", "name": "get_word", "arguments": "{}"}
        answer = await turn.ask(steer_message(turn.start["turn"], call))
        told = answered(answer)
        if told == _LATE:
            raise Inconclusive("the turn ended before the steer came")
        if (told, answer.get("error", {}).get("param")) != ("invalid_request", "/input"):
            raise Deviation(
                "a steer was a call without its output",
                expected="invalid_request, param /input",
                actual=f"{told}, param {answer.get('error', {}).get('param')}",
            )
        await turn.to_its_end()
        if turn.end.get("status") != "completed":
            raise Deviation(
                "a refused steer leaves the turn as it is",
                expected="status completed",
                actual=json.dumps(turn.end)[:200],
                requirement="SEG-TURN-025",
            )


def _taken(answer: dict[str, Any]) -> None:
    """Go on only where a steer entered: at the last boundary an endpoint may say that it is too late."""
    told = answered(answer)
    if told == _LATE:
        raise Inconclusive("the steer was too late: nothing is known of one that enters")
    if told != "turn.steered":
        raise Deviation("a steer was sent while the turn ran", expected=f"turn.steered or {_LATE}", actual=told)
