"""Reading a turn's record: from any number, by several readers, with signs of life where it is silent.

A reading pulls: it takes the next event when its connection has taken the last, so nothing is buffered for a slow
reader but the record, which is there anyway. What is delivered differs from what is recorded in three things only:
deltas may be merged, durations are reckoned anew, `replayed` is added (spec: turns, The record).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_adapters.wires.base import TERMINAL, refusal
from segue_schemas import models

from .news import News
from .pointers import value_at
from .stores.base import Event

__all__ = ["EARLY", "TOGETHER", "Reading", "Recorded", "Source", "snapshot"]

#: Of the interval that is declared: a sign of life comes well before it is due: the network has its delays too.
EARLY = 0.6

#: Messages that go out in one piece, where so many are there at the same time.
TOGETHER = 64


class Source(Protocol):
    """What can be read: a turn that runs here, or a record from a store. Seqs are places in `events`."""

    name: str
    phase: str

    @property
    def events(self) -> Sequence[Event]:
        """The record so far."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the last event is terminal, or nothing more will come."""
        ...

    @property
    def news(self) -> News:
        """Set when something happens after this was asked for."""
        ...

    def left_ms(self) -> int | None:
        """Return what is left of the continuation that the terminal event names."""
        ...


class Recorded:
    """A record that its store gave, of a turn that does not run here."""

    phase = "upstream"

    def __init__(
        self, name: str, events: Sequence[Event], left_ms: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.events = events
        self.finished = True
        self.news = News()
        self._clock = clock
        self._ends = None if left_ms is None else clock() + left_ms / 1000

    def left_ms(self) -> int | None:
        """Return what is left of the continuation that the terminal event names."""
        return None if self._ends is None else max(0, int((self._ends - self._clock()) * 1000))


class Reading:
    """One reading of a turn: an async iterator of server messages that ends behind the terminal event."""

    def __init__(
        self,
        source: Source,
        *,
        after: int | None = None,
        replayed: bool = False,
        delivery: models.Delivery | None = None,
        heartbeat_ms: int = 2_000,
    ) -> None:
        self.source = source
        self.after = after
        self.replayed = replayed
        self.final = delivery is not None and delivery.mode == "final"
        self.heartbeat = heartbeat_ms / 1000 * EARLY
        coalesce = delivery.coalesce_ms if delivery is not None else 0
        self.coalesce = min((coalesce if isinstance(coalesce, int) else 0) / 1000, self.heartbeat)
        self._place = self.begin(after)
        self._items = ItemAssembler()
        self._assembled = 0
        self._deleted = False

    @property
    def place(self) -> int:
        """The number of the event that comes next."""
        return self._place

    def begin(self, after: int | None) -> int:
        """Return the place in the record at which the reading begins."""
        return 0 if after is None else after + 1

    async def __aiter__(self) -> AsyncIterator[models.ServerMessage]:
        """Yield the events from the beginning asked for, and progress where nothing happens for long."""
        while True:
            news = self.source.news
            if self._deleted:
                yield self.gone()
                return
            if self._place < len(self.source.events):
                event = self.source.events[self._place]
                self._place += 1
                if self.coalesce and _merges(event) and self._stands(event):
                    event = await self._gather(event)
                told = self.deliver(event)
                if told is not None:
                    yield told
                if isinstance(event, TERMINAL):
                    return
            elif self.source.finished:
                last = self.source.events[-1] if self.source.events else None
                if not isinstance(last, TERMINAL):
                    yield self.gone(lost=True) if getattr(self.source, "gone", False) else self.lost()
                return
            elif not await news.wait(self.heartbeat):
                yield self.progress()

    @property
    def more(self) -> bool:
        """Whether what comes next is there already: it may be sent together with what was told."""
        told = self.final or self.coalesce or self._deleted  # these may leave the next one out, or wait behind it
        return not told and self._place < len(self.source.events)

    def deliver(self, event: Event) -> models.ServerMessage | None:
        """Return an event as this reading tells it; None where it leaves it out."""
        if isinstance(event, models.TurnAccepted) and self.replayed:
            return msgspec.structs.replace(event, replayed=True)
        if isinstance(event, models.TurnCompleted):
            return self.with_time_left(event)
        if self.final and isinstance(event, models.ItemDelta):
            return None
        if self.final and isinstance(event, models.ItemCompleted):
            return msgspec.structs.replace(event, item=msgspec.Raw(self._whole(event.index)))
        return event

    def with_time_left(self, event: models.TurnCompleted) -> models.TurnCompleted:
        """Return a terminal event whose continuation says what is left of it now (SEG-TURN-081)."""
        return _with_left(event, self.source.left_ms())

    def progress(self) -> models.TurnProgress:
        """Return the sign of life (SEG-LIVE-010)."""
        return models.TurnProgress(turn=self.source.name, phase=self.source.phase)

    def end(self) -> None:
        """Deliver nothing more of a record that was deleted (SEG-TURN-084)."""
        self._deleted = True

    def gone(self, *, lost: bool = False) -> models.ErrorMessage:
        """Return what is said where the record was deleted, or lost with its owner, under the reading."""
        ran = any(isinstance(event, models.ItemStarted) for event in self.source.events)  # a warm-up ran nothing
        text = f"The record of the turn '{self.source.name}' was {'lost' if lost else 'deleted'} while it was read."
        effect: models.Effect = "partial" if ran and not lost else "unknown"
        return refusal("events_gone", "give_up", text, effect=effect, turn=self.source.name).message

    def lost(self) -> models.ErrorMessage:
        """Return what ends a reading when the owner can write no more: nothing is delivered that is not recorded."""
        text = "The turn's record can no longer be written here; read it again over another connection."
        return refusal("interrupted", "reconnect", text, effect="unknown", turn=self.source.name).message

    def _whole(self, index: int) -> bytes:
        self._assemble(self._place)
        return self._items.whole(index)

    def _assemble(self, place: int) -> None:
        while self._assembled < place:
            self._items.apply(self.source.events[self._assembled])
            self._assembled += 1

    def _stands(self, delta: Event) -> bool:
        """Return whether there is a text already where a delta appends: behind a list each append adds one more."""
        assert isinstance(delta, models.ItemDelta)
        self._assemble(self._place - 1)
        return isinstance(value_at(self._items.partial(delta.index), delta.at), str)

    async def _gather(self, first: Event) -> Event:
        """Merge the deltas that follow one at the same place, waiting up to `coalesce` for them."""
        assert isinstance(first, models.ItemDelta)
        parts, last = [first.append], first
        loop = asyncio.get_running_loop()
        until = loop.time() + self.coalesce
        while True:
            news = self.source.news
            while self._place < len(self.source.events):
                event = self.source.events[self._place]
                if not isinstance(event, models.ItemDelta) or not _merges(event) or not _together(first, event):
                    break
                parts.append(event.append)
                last = event
                self._place += 1
            left = until - loop.time()
            if self._place < len(self.source.events) or self.source.finished or left <= 0:
                break
            await news.wait(left)
        if last is first:
            return first
        merged = msgspec.structs.replace(last, append="".join(p for p in parts if isinstance(p, str)))
        merged.from_ = first.seq
        return merged


def snapshot(source: Source, *, replayed: bool, retry_after_ms: int) -> models.TurnSnapshot:
    """Return a turn whole as it stands: acceptance, whole items, and its end or when to ask again (SEG-HTTP-040)."""
    accepted = source.events[0]
    assert isinstance(accepted, models.TurnAccepted)
    items = ItemAssembler()
    for event in source.events:
        items.apply(event)
    told = models.TurnSnapshot(
        turn=source.name,
        accepted=msgspec.structs.replace(accepted, replayed=True) if replayed else accepted,
        items=[msgspec.Raw(item) for item in items.items],
    )
    terminal = source.events[-1]
    if isinstance(terminal, models.TurnCompleted):
        told.completed = _with_left(terminal, source.left_ms())
    elif isinstance(terminal, models.TurnFailed):
        told.failed = terminal
    else:
        told.retry_after_ms = retry_after_ms
    return told


def _with_left(event: models.TurnCompleted, left: int | None) -> models.TurnCompleted:
    if not isinstance(event.continuation, models.Continuation):
        return event
    continuation = msgspec.structs.replace(event.continuation)
    if left is not None:
        continuation.expires_in_ms = left
    return msgspec.structs.replace(event, continuation=continuation)


def _merges(event: Event) -> bool:
    return isinstance(event, models.ItemDelta) and isinstance(event.append, str)


def _together(first: models.ItemDelta, event: models.ItemDelta) -> bool:
    return first.index == event.index and first.at == event.at
