"""The state of the modelled world: immutable tuples, so that a state is its own key in the set of states seen.

One principal, one turn name, its parent and its handle; nodes that share a store; readers, each one client program with
one connection at a time. Events are short words: `accepted`, a lower-case letter (a delta of text), `[` and `]` (an
item of text begins and ends), `{` and `}` (a call begins and ends), `steered`, and the ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

__all__ = [
    "ENDS",
    "FAILURES",
    "NOBODY",
    "PARENT",
    "Budget",
    "Model",
    "Node",
    "Observation",
    "Reader",
    "Scenario",
    "Step",
    "Turn",
    "World",
    "ended",
    "history",
    "is_delta",
    "open_at_end",
    "start",
    "whole_items",
]

NOBODY = -1
# What the parent's handle holds. Its content does not matter, only whether it is there and unchanged.
PARENT = ("p",)
FAILURES = frozenset({"interrupted", "deadline", "upstream"})
ENDS = FAILURES | {"completed", "cancelled", "incomplete"}


# What an observer of the wires sees: what it is, which reader, and more.
Observation = tuple[Any, ...]


class Budget(NamedTuple):
    """How often each thing may still happen that nobody is bound to do. This is what bounds the world."""

    starts: int = 0  # starts of content A, the first one and repeats
    others: int = 0  # starts of content B under the same name
    resumes: int = 0
    cancels: int = 0
    steers: int = 0  # the steer s, the first one and repeats
    strange: int = 0  # a steer of the same name with other input
    cuts: int = 0
    kills: int = 0
    stalls: int = 0
    refusals: int = 0  # for want of room, or while draining
    breaks: int = 0  # the provider's connection breaks after it was asked
    silences: int = 0  # the provider says nothing more, and does not end
    full: int = 0  # the store has no room for the handle
    aged: int = 0  # `replay_ms` passes after the end
    forgotten: int = 0  # `name_ms` passes after that
    deleted: int = 0  # the handle is deleted, and so its record
    orphaned: int = 0  # the parent expires or is deleted


@dataclass(frozen=True)
class Scenario:
    """A bounded world: what the provider will say, who takes part, and what may go wrong how often."""

    name: str
    about: str
    script: str = "ab"
    readers: int = 1
    nodes: int = 1
    retention: str = "cached"
    parent: str = ""  # the contents, of A and B, that name a parent
    merge: bool = False  # whether deliveries may merge two neighbouring deltas
    final: bool = False  # whether a delivery may pass over deltas; what is left out is in the whole item
    deadline: bool = False
    budget: Budget = field(default_factory=Budget)


class Turn(NamedTuple):
    """What the shared store holds for the name. A write to it is one step."""

    name: str = "free"  # free, kept (the record can be read), bare (only the name is left)
    content: str = ""
    record: tuple[str, ...] = ()  # a number is a place in it
    epoch: int = 0
    lease: int = NOBODY
    cancel: bool = False
    steer: str = ""  # "", waits, entered, late
    input: str = ""  # the steer's input: s or x
    handle: tuple[str, ...] | None = None
    home: int = NOBODY  # the node in whose memory the record lies, and nowhere else; only with retention none
    lost: bool = False  # a record in memory that died with its node, or was given up as if it had
    bound: int = NOBODY  # the reader on whose connection it was accepted, while that lasts; only with `connection`
    pinned: bool = False  # the record is past its time; only readings that had begun go on


class Node(NamedTuple):
    """One node: what its memory holds of the turn that it believes to own."""

    state: str = "up"  # up, stalled, down
    epoch: int = 0  # 0: it owns nothing
    life: int = 0
    sees: tuple[str, ...] | None = None  # the history that was resolved for the turn
    asked: bool = False
    heard: int = 0  # how much of the script has come from the provider
    held: str = ""  # the one event that came and is not written yet
    half: tuple[Any, ...] = ()  # a step that is half done; only where a rule is off
    fault: str = ""  # silent, upstream; over where a rule is off


class Reader(NamedTuple):
    """One client program: its connection, the reading on it, and all that it has received in that reading."""

    node: int = NOBODY  # the node of its connection
    met: bool = False  # it was connected before
    at: int = -1  # the number that comes next; -1: no reading
    also: int = -1  # a second reading of the same connection; only where a rule is off
    reads: bool = False  # it waits for the end of the turn
    got: tuple[tuple[int, str], ...] = ()  # number and what came under it, in the order of arrival
    answer: str = ""  # the last refusal of a start or resume
    cancel: str = ""  # "", sent, or the end that answered it
    steer: str = ""  # "", sent, entered, late, gone, conflict, unknown


class World(NamedTuple):
    """All of it. The members from `parent` on that no endpoint has are ghosts: only properties look at them."""

    turn: Turn
    nodes: tuple[Node, ...]
    readers: tuple[Reader, ...]
    left: Budget
    parent: tuple[str, ...] | None = PARENT
    full: bool = False
    life: int = 0  # how often the name began anew, after name_ms
    accepted: bool = False
    asked: int = 0  # how often the provider was asked under the name, in this life
    doubted: bool = False  # an owner died or stalled
    wished: bool = False  # a client has cancelled
    told: frozenset[str] = frozenset()  # the answers to the steer s that clients have received
    wrong: str = ""  # the property that the last step broke by itself


class Step(NamedTuple):
    """One step: a line of the story, the world behind it, and what an observer of the wires sees of it, in order.

    `fair` is false for what may happen and need not: faults, and what clients do of their own accord.
    """

    text: str
    world: World
    fair: bool = True
    seen: tuple[Observation, ...] = ()


class Model:
    """A scenario under a set of rules; `on(name)` says whether a rule holds."""

    __slots__ = ("judged", "on", "rules", "scenario")

    def __init__(self, scenario: Scenario, rules: frozenset[str]) -> None:
        self.scenario = scenario
        self.rules = rules
        self.on = rules.__contains__
        self.judged: dict[tuple[World, bool], str] = {}  # what the properties said of worlds


def start(scenario: Scenario) -> World:
    """Return the world before anything has happened."""
    return World(Turn(), (Node(),) * scenario.nodes, (Reader(),) * scenario.readers, scenario.budget)


def is_delta(event: str) -> bool:
    """Return whether an event is a delta of text."""
    return len(event) == 1 and event.isalpha()


@cache
def ended(record: tuple[str, ...]) -> bool:
    """Return whether a record has its terminal event."""
    return any(event in ENDS for event in record)


@cache
def open_at_end(record: tuple[str, ...]) -> str:
    """Return what stands open behind the last event: `item`, `call` (a whole one, unanswered) or nothing."""
    inside, call = False, False
    for event in record:
        if event in "[{" or is_delta(event):
            inside = True
        elif event in "]}":
            inside = False
            call = call or event == "}"
    return "item" if inside else "call" if call else ""


def whole_items(events: tuple[str, ...]) -> tuple[str, ...]:
    """Return the events without a call that was cut: text that was cut stays, half a call is no item."""
    text = "".join(events)
    begun = text.rfind("{")
    return tuple(text[:begun]) if begun > text.rfind("}") else events


@cache
def history(record: tuple[str, ...], discard: bool = True) -> tuple[str, ...]:
    """Return what a turn's record adds to the history, steers as `s`; half a call only without `discard`."""
    events = tuple("s" if e == "steered" else e for e in record if e != "accepted" and e not in ENDS)
    return whole_items(events) if discard else events
