"""Sessions seen as the model sees them: each turn's messages become observations, and a scenario that could show them.

A session is a list of lines: `{"story": …}`, then messages with `from` and `connection`, and ends of connections.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from segue_model.state import Budget, Observation, Scenario

__all__ = ["Seen", "turns"]

Line = Mapping[str, Any]

# What belongs to a connection is no content of a turn.
_NO_CONTENT = ("type", "turn", "lane", "delivery", "trace", "deadline_ms")
_FAILURES = {"interrupted": "interrupted", "deadline_exceeded": "deadline"}
_ROOM = ("draining", "overloaded", "rate_limited", "lane_full", "too_many_lanes", "retention_unavailable")
_BUDGETS = {"resume": "resumes", "cancel": "cancels", "cut": "cuts"}


@dataclass(frozen=True)
class Seen:
    """One turn of a session: the scenario whose budget is what happened, and what was seen, in order."""

    turn: str
    scenario: Scenario
    observed: tuple[Observation, ...]


@dataclass
class _Gathered:
    """A turn while the lines of a session are read."""

    name: str
    accepted: str = ""  # the content that was accepted, as text
    whole: bool = False  # some reading brings whole items
    words: dict[int, str] = field(default_factory=dict)  # what the record has under each number
    readers: list[str] = field(default_factory=list)  # the connection that each reader has now; "" without one
    at: dict[int, int] = field(default_factory=dict)  # the last number that each reader received
    reading: set[int] = field(default_factory=set)
    calls: set[int] = field(default_factory=set)  # indexes of items that are calls
    inputs: dict[str, str] = field(default_factory=dict)  # the first input of each steer
    observed: list[Observation] = field(default_factory=list)
    retention: str = "cached"
    parent: set[str] = field(default_factory=set)
    deleted: bool = False  # a reading was told that its record is gone
    final: set[int] = field(default_factory=set)  # who reads whole items


def turns(lines: Iterable[Line], context: Callable[[Any], Any] = lambda form: form) -> list[Seen]:
    """Return the turns of a session in the order of their first messages.

    `context` returns for each form of a context what it is known by, its digest: two forms of one context are the same.
    """
    lines = [_known(line, context) for line in lines]
    gathered: dict[str, _Gathered] = {}
    for line in lines:
        if "end" in line:
            for turn in gathered.values():
                _cut(turn, line["connection"])
        elif "turn" in line.get("message", {}):
            message = line["message"]
            turn = gathered.setdefault(message["turn"], _Gathered(message["turn"], _accepted(lines, message["turn"])))
            take = _sent if line["from"] == "client" else _received
            take(turn, message, line["connection"])
    return [_seen(turn) for turn in gathered.values()]


def _known(line: Line, context: Callable[[Any], Any]) -> Line:
    message = line.get("message", {})
    if message.get("type") != "turn.start" or "context" not in message:
        return line
    return {**line, "message": {**message, "context": context(message["context"])}}


def _accepted(lines: list[Line], name: str) -> str:
    """Return the content of the start that was not refused: that is content A."""
    last = ""
    for line in lines:
        message = line.get("message", {})
        if message.get("turn") != name:
            continue
        if message["type"] == "turn.start":
            last = _content(message)
        elif message["type"] == "turn.accepted":
            return last
    return last


def _content(message: Line) -> str:
    return json.dumps({k: v for k, v in message.items() if k not in _NO_CONTENT}, sort_keys=True)


def _reader(turn: _Gathered, connection: str) -> int:
    """Return who uses the connection: whoever used it, or the client program that has lost its own, or another."""
    for wanted in (connection, ""):
        if wanted in turn.readers:
            r = turn.readers.index(wanted)
            turn.readers[r] = connection
            return r
    turn.readers.append(connection)
    return len(turn.readers) - 1


def _cut(turn: _Gathered, connection: str) -> None:
    if connection in turn.readers:
        r = turn.readers.index(connection)
        turn.readers[r] = ""
        turn.reading.discard(r)
        turn.observed.append(("cut", r))


def _sent(turn: _Gathered, message: Line, connection: str) -> None:
    r = _reader(turn, connection)
    kind = message["type"]
    if kind == "turn.start":
        content = "A" if _content(message) == turn.accepted else "B"
        if "parent" in message:
            turn.parent.add(content)
        whole = message.get("delivery", {}).get("mode") == "final"
        turn.whole = turn.whole or whole
        (turn.final.add if whole else turn.final.discard)(r)
        turn.observed.append(("start", r, content))
    elif kind == "turn.resume":
        turn.final.discard(r)
        turn.observed.append(("resume", r, message.get("after", -1)))
    elif kind == "turn.cancel":
        turn.observed.append(("cancel", r))
    else:
        given = json.dumps(message["input"], sort_keys=True)
        same = turn.inputs.setdefault(message["steer"], given) == given
        turn.observed.append(("steer", r, "s" if same else "x"))


def _received(turn: _Gathered, message: Line, connection: str) -> None:
    r = _reader(turn, connection)
    if message["type"] == "turn.progress":
        return
    if message["type"] == "error":
        code = message["error"]["code"]
        turn.deleted = turn.deleted or "refused" not in message
        turn.observed.append(("error", r, "refused" if code in _ROOM else code))
        return
    number = message["seq"]
    first = message.get("from", number)
    if message["type"] == "item.started" and message["item"]["type"].endswith("_call"):
        turn.calls.add(message["index"])
    if message["type"] == "turn.accepted":
        turn.retention = message["retention"]
        turn.reading.add(r)
    if r in turn.final:
        for passed in range(turn.at.get(r, number) + 1, number):
            turn.words.setdefault(passed, chr(ord("a") + passed % 26))  # a delta that this reading leaves out
    turn.at[r] = number
    for each in range(first, number + 1):
        turn.words.setdefault(each, _word(message, each, turn.calls))
    what = "".join(turn.words[each] for each in range(first, number + 1))
    if r in turn.reading or turn.observed[-1][0] == "resume":
        turn.reading.add(r)
        turn.observed.append(("event", r, number, what, first))
    else:
        turn.observed.append(("steered", r) if what == "steered" else ("end", r, what))
    if message["type"] in ("turn.completed", "turn.failed"):
        turn.reading.discard(r)


def _word(message: Line, number: int, calls: set[int]) -> str:
    kind = message["type"]
    if kind == "turn.accepted":
        return "accepted"
    if kind == "item.delta":
        return chr(ord("a") + number % 26)
    if kind == "item.started":
        return "{" if message["index"] in calls else "["
    if kind == "item.completed":
        return "}" if message["index"] in calls else "]"
    if kind == "turn.steered":
        return "steered"
    if kind == "turn.failed":
        return _FAILURES.get(message["error"]["code"], "upstream")
    return str(message["status"])


def _seen(turn: _Gathered) -> Seen:
    counts = dict.fromkeys(Budget._fields, 0)
    for what, *rest in turn.observed:
        if what == "start":
            counts["starts" if rest[1] == "A" else "others"] += 1
        elif what == "steer":
            counts["steers" if rest[1] == "s" else "strange"] += 1
        elif what in _BUDGETS:
            counts[_BUDGETS[what]] += 1
        elif what == "error":
            counts["refusals"] += rest[1] == "refused"
            counts["orphaned"] = max(counts["orphaned"], int(rest[1] == "continuation_not_found"))
            gone = "deleted" if turn.deleted else "aged"
            counts[gone] = max(counts[gone], int(rest[1] == "events_gone"))
        elif what == "event":
            counts["breaks"] = max(counts["breaks"], int(rest[2] == "upstream"))
            counts["kills"] = max(counts["kills"], int(rest[2] == "interrupted"))
    spoken = [word for _, word in sorted(turn.words.items()) if word not in ("accepted", "steered")]
    scenario = Scenario(
        turn.name,
        "a turn of a session",
        script="".join(word for word in spoken if len(word) == 1),
        readers=len(turn.readers),
        nodes=2,
        retention=turn.retention,
        parent="".join(sorted(turn.parent)),
        merge=True,
        final=turn.whole,
        deadline="deadline" in spoken,
        budget=Budget(**counts),
    )
    return Seen(turn.name, scenario, tuple(turn.observed))
