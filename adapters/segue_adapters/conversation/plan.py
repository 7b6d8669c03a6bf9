"""What to send: the smallest request that is right. Pure: facts in, messages out.

A turn goes on from a continuation where the endpoint is known to hold one for the first items of the history and under
the same context; then only what is new is sent. In every other case the history goes whole, in parts where it does not
fit. Nothing is guessed: a handle that may be gone is not used, and a refusal costs one more request, never an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from segue_schemas import context_digest, models

from ..capabilities import Capabilities
from ..errors import NotOffered, TooLarge
from ..wires.base import turn_name
from .history import Entry, History, Mark

__all__ = ["Ask", "Context", "Facts", "Handle", "Part", "Plan", "plan"]

#: Seconds before its expiry at which a handle is not used any more: the request has to arrive.
_MARGIN = 1.0
#: Bytes that a part of a history keeps free for the id of its parent and for what is decided late.
_SPARE = 640


@dataclass(frozen=True, slots=True)
class Context:
    """The settings of turns, as JSON, and their digest (None where they have none)."""

    raw: bytes
    digest: str | None

    @classmethod
    def of(cls, members: Any) -> Context:
        """Return the context of a mapping."""
        raw = msgspec.json.encode(dict(members))
        try:
            return cls(raw, context_digest(raw))
        except ValueError:
            return cls(raw, None)


@dataclass(frozen=True, slots=True)
class Handle:
    """A continuation, and what it stands for: the first `at` items of the history, at a place of the chain.

    `line` is the connection that it is bound to, where it is; `expires` a time of the local clock, in seconds.
    """

    id: str
    at: int
    mark: Mark
    context: str | None
    place: int
    line: int | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of where a turn is sent: the endpoint, the connection, what they can do, contexts held there."""

    place: int
    line: int
    can: Capabilities
    contexts: set[str] = field(default_factory=set)
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A turn as its caller wants it: the whole history, new from `begin` on, and the settings."""

    history: History
    begin: int
    context: Context
    retention: models.Retention | None = None
    generate: bool = True
    final: bool = False
    coalesce_ms: int | None = None
    deadline_ms: int | None = None
    lane: str | None = None

    def repeats(self, other: Ask) -> bool:
        """Whether it asks for the same turn."""
        mine = (self.history.mark(), self.context, self.retention, self.generate)
        return mine == (other.history.mark(), other.context, other.retention, other.generate)

    def check(self, can: Capabilities) -> None:
        """Raise NotOffered for what can't be asked for there, before anything is sent."""
        if not self.generate:
            can.require("warm_up")
        if self.final:
            can.require("final")
        if self.lane is not None:
            can.require("lanes")
        if self.retention is not None:
            can.require_retention(self.retention)
        if self.deadline_ms is not None and not can.proves:
            raise NotOffered("`deadline_ms`", can.wire)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a plan: which items it brings, and the start without parent where an earlier part makes that."""

    start: models.TurnStart
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send and why: one start, or several of which only the last is the turn that was asked for."""

    kind: Literal["delta", "full"]
    why: str
    parts: list[Part]
    handle: Handle | None = None


def plan(
    ask: Ask,
    facts: Facts,
    handles: Sequence[Handle],
    *,
    name: str,
    now: float,
    lost: bool = False,
    whole_context: bool = False,
) -> Plan:
    """Return what to send for a turn of this name; `handles` are those of its history, the best first.

    `lost` says that the endpoint has refused the handle, `whole_context` that it has refused a context's digest. Raises
    NotOffered and TooLarge, before anything is sent.
    """
    ask.check(facts.can)
    handle, why = _choose(ask, facts, handles, now=now, lost=lost)
    whole_context = whole_context or lost  # what lost the history may have lost the context too
    if handle is not None:
        start = _start(ask, facts, name, ask.history.entries(handle.at))
        start.parent = handle.id
        if not facts.can.inherits:
            _say_context(start, ask, facts, whole=whole_context)
        if facts.can.proves and handle.mark.digest is not None:
            start.expect = models.Expectation(digest=handle.mark.digest, length=handle.mark.length)
        told = f"the endpoint holds the first {handle.at} items"
        return Plan("delta", told, _split(ask, facts, start, handle.at), handle)
    start = _start(ask, facts, name, ask.history.entries())
    _say_context(start, ask, facts, whole=whole_context)
    return Plan("full", why, _split(ask, facts, start, 0))


def _choose(ask: Ask, facts: Facts, handles: Sequence[Handle], *, now: float, lost: bool) -> tuple[Handle | None, str]:
    """Return the handle to go on from; or none, and why."""
    if not facts.can.parents:
        return None, f"{facts.can.wire} keeps no history"
    if lost:
        return None, "the endpoint has lost the history"
    reasons = [(_against(ask, facts, handle, now), handle) for handle in handles]
    usable = next((handle for reason, handle in reasons if reason is None), None)
    if usable is not None:
        return usable, ""
    return None, reasons[0][0] or "" if reasons else "the endpoint holds nothing of this history"


def _against(ask: Ask, facts: Facts, handle: Handle, now: float) -> str | None:
    """Return why a handle can't be used; None where it can."""
    rules = (
        (handle.place != facts.place, "another endpoint holds the history"),
        (handle.line not in (None, facts.line), "the history was held for a connection that has ended"),
        (handle.expires is not None and handle.expires - _MARGIN <= now, "what the endpoint holds is about to expire"),
        (handle.at > ask.begin or ask.history.mark(handle.at) != handle.mark, "the history was changed"),
        (handle.context is None or handle.context != ask.context.digest, "the context differs"),
    )
    return next((why for holds, why in rules if holds), None)


def _start(ask: Ask, facts: Facts, name: str, entries: list[Entry]) -> models.TurnStart:
    start = models.TurnStart(turn=name, input=[msgspec.Raw(entry.item) for entry in entries])
    retention = ask.retention or _worthwhile(facts.can)
    if retention is not None:
        start.retention = retention
    if not ask.generate:
        start.generate = False
    if ask.final:
        start.delivery = models.Delivery(mode="final")
    elif ask.coalesce_ms is not None and facts.can.offers("coalesce"):
        start.delivery = models.Delivery(coalesce_ms=ask.coalesce_ms)
    if ask.deadline_ms is not None:
        start.deadline_ms = ask.deadline_ms
    return start


def _worthwhile(can: Capabilities) -> models.Retention | None:
    """Return the tier to ask for where the caller named none: the default, unless with that nothing would be kept."""
    if can.retention is None or can.default_retention != "none":
        return None
    order: tuple[models.Retention, ...] = ("connection", "cached", "durable")
    return next((tier for tier in order if tier in can.retention), None)


def _say_context(start: models.TurnStart, ask: Ask, facts: Facts, *, whole: bool) -> None:
    """Put the context into a start: by its digest where the endpoint holds it, and not at all where it is empty."""
    digest = ask.context.digest
    held = digest is not None and digest in facts.contexts and facts.can.offers("contexts")
    if held and not whole and len(ask.context.raw) > len(digest or "") + 2:
        start.context = msgspec.Raw(msgspec.json.encode(digest))
    elif ask.context.raw != b"{}":
        start.context = msgspec.Raw(ask.context.raw)


def _split(ask: Ask, facts: Facts, start: models.TurnStart, begin: int) -> list[Part]:
    """Return the start as one part, or as several that the endpoint takes."""
    limit = facts.can.message_bytes
    end = len(ask.history)
    if limit is None:
        return [Part(start, begin, end)]
    size = len(msgspec.json.encode(start))
    if size <= limit:
        return [Part(start, begin, end)]
    if not facts.can.offers("resend_in_parts"):
        raise TooLarge("the turn", size, limit)
    retention = start.retention
    if retention == "none":
        if not (facts.can.connected and "connection" in (facts.can.retention or ())):
            raise TooLarge("a turn of which nothing may be kept", size, limit)
        retention = "connection"  # the parts have to find each other, and nothing stays behind them
    items = [bytes(item) for item in start.input]
    ranges = _ranges(items, limit - _SPARE - len(ask.context.raw) - len(b"{}"))
    if ranges is None:
        largest = max(range(len(items)), key=lambda index: len(items[index]))
        raise TooLarge(f"item {begin + largest} of the history", len(items[largest]), limit)
    parts: list[Part] = []
    for low, high in ranges:
        last = high == len(items)
        part = models.TurnStart(turn=start.turn if last else turn_name(), input=start.input[low:high])
        part.retention = start.retention if last else retention
        if parts == []:
            part.parent, part.expect, part.context = start.parent, start.expect, start.context
        elif not facts.can.inherits:
            part.context = start.context
        if last:
            part.generate, part.delivery, part.deadline_ms = start.generate, start.delivery, start.deadline_ms
        else:
            part.generate = False
        parts.append(Part(part, begin + low, begin + high))
    return parts


def _ranges(items: list[bytes], room: int) -> list[tuple[int, int]] | None:
    """Return items in runs that each fit; None where one alone does not."""
    ranges: list[tuple[int, int]] = []
    low, filled = 0, 0
    for index, item in enumerate(items):
        size = len(item) + 1
        if size > room:
            return None
        if filled + size > room:
            ranges.append((low, index))
            low, filled = index, 0
        filled += size
    return [*ranges, (low, len(items))]
