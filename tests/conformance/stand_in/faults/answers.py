"""How answers go wrong: what the faults of events and schema are made of."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..seams import At, Seam

__all__ = [
    "BEGUN",
    "ENDED",
    "ENDS",
    "Event",
    "arguments",
    "body",
    "cumulative",
    "done_item",
    "doubled",
    "dropped",
    "each",
    "item",
    "lacks",
    "late_index",
    "moved",
    "no_text",
    "numbers",
    "one_fewer",
    "part",
    "response",
    "split_calls",
    "swap",
    "twice",
    "unescaped",
    "usage",
    "whole_only",
]

Event = dict[str, Any]
ENDS = ("response.completed", "response.incomplete", "response.failed")


def each(kind: str, change: Callable[[Event, At], Event | None]) -> dict[str, Seam]:
    """Change the events whose type ends so."""
    return {"event": lambda e, at: change(e, at) if e is not None and e["type"].endswith(kind) else e}


def response(change: Callable[[Event, At], Event], *kinds: str) -> dict[str, Seam]:
    """Change the Response in events of these kinds."""
    return {"event": lambda e, at: {**e, "response": change(e["response"], at)}
            if e is not None and "response" in e and e["type"].removeprefix("response.") in kinds else e}  # fmt: skip


def body(**members: Any) -> dict[str, Seam]:
    """Say something else in the Response, over both transports."""
    return {"body": lambda b, at: {**b, **members}}


def lacks(*names: str) -> dict[str, Seam]:
    return {"body": lambda b, at: {n: v for n, v in b.items() if n not in names}}


def usage(change: Callable[[Event, At], Event]) -> dict[str, Seam]:
    return {"body": lambda b, at: {**b, "usage": change(b["usage"], at)}}


def item(change: Callable[[Event], Event], kind: str = "message") -> dict[str, Seam]:
    """Put out another item."""
    return {"output": lambda output, at: [change(copy.deepcopy(i)) if i["type"] == kind else i for i in output]}


def part(change: Callable[[Event], Event]) -> dict[str, Seam]:
    return item(lambda i: {**i, "content": [change(p) for p in i["content"]]})


def doubled(kind: str) -> dict[str, Seam]:
    return {"events": lambda events, at: [e for event in events for e in [event] * (1 + event["type"].endswith(kind))]}


def dropped(kind: str) -> dict[str, Seam]:
    return each(kind, lambda e, at: None)


def moved(kind: str, behind: str) -> dict[str, Seam]:
    """Send the events of one kind behind the last of another."""

    def seam(events: list[Event], at: At) -> list[Event]:
        ours = [e for e in events if e["type"].endswith(kind)]
        rest = [e for e in events if not e["type"].endswith(kind)]
        place = max((n for n, e in enumerate(rest) if e["type"].endswith(behind)), default=len(rest) - 1)
        return [*rest[: place + 1], *ours, *rest[place + 1 :]]

    return {"events": seam}


def one_fewer(kind: str, which: int) -> dict[str, Seam]:
    def seam(events: list[Event], at: At) -> list[Event]:
        ours = [n for n, e in enumerate(events) if e["type"].endswith(kind)]
        return [e for n, e in enumerate(events) if not (len(ours) > 2 and n == ours[which])]

    return {"events": seam}


def late_index(events: list[Event], at: At) -> list[Event]:
    return [{**e, "output_index": 0} if "output_index" in e else e for e in events]


def numbers(change: Callable[[int, Event], Any]) -> dict[str, Seam]:
    return each("", lambda e, at: {**e, "sequence_number": change(e["sequence_number"], e)})


def split_calls(events: list[Event], at: At) -> list[Event]:
    """Send arguments that do not add up."""
    return [{**e, "delta": e["delta"][1:]} if e["type"].endswith("arguments.delta") else e for e in events]


def arguments(name: str, value: str) -> dict[str, Seam]:
    return each(name, lambda e, at: {**e, "arguments": value})


def done_item(change: Callable[[Event], Event], kind: str = "") -> dict[str, Seam]:
    return each("output_item.done", lambda e, at: {**e, "item": change(copy.deepcopy(e["item"]))}
                if kind in e["item"]["type"] else e)  # fmt: skip


def cumulative(told: Event, at: At) -> Event:
    total = at.notes["billed"] = at.notes.get("billed", 0) + told["output_tokens"]
    return {**told, "output_tokens": total, "total_tokens": told["input_tokens"] + total}


def whole_only(change: Callable[[Event], Event]) -> dict[str, Seam]:
    """Change what is answered whole over HTTP."""

    def whole(seen: Any) -> bool:
        return isinstance(seen, dict) and seen.get("object") == "response" and bool(seen.get("output"))

    return {"answer": lambda seen, at: (seen[0], change(seen[1]), seen[2]) if whole(seen[1]) else seen}


def no_text(told: Event) -> Event:
    return {**told, "output": [{**i, "content": []} if i["type"] == "message" else i for i in told["output"]]}


def unescaped(text: str) -> str:
    return text.replace("\n", " ").replace("  ", " ")


ENDED = ("completed", "incomplete")
BEGUN = ("created", "in_progress")


def swap(events: list[Event]) -> list[Event]:
    places = [n for n, e in enumerate(events) if e["type"].endswith("text.delta")]
    if len(places) > 3:
        one, two = places[1], places[2]
        events = [*events]
        events[one], events[two] = events[two], events[one]
    return events


def twice(events: list[Event]) -> list[Event]:
    places = [n for n, e in enumerate(events) if e["type"].endswith("text.delta")]
    return [*events[: places[1]], events[places[1]], *events[places[1] :]] if len(places) > 2 else events
