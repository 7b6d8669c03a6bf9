"""Writing a turn's record: in order, under its epoch, deltas gathered for a while where that is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from segue_schemas import models

if TYPE_CHECKING:
    from .ending import Plan
    from .stores.base import Event, Store

__all__ = ["Recording"]


class Recording:
    """The part of a turn that writes; nobody reads what is not written (SEG-TURN-070)."""

    plan: Plan
    name: str
    store: Store
    epoch: int
    events: list[Event]
    flush: float
    _clock: Callable[[], float]
    _pending: models.ItemDelta | None
    _noted: list[Event]
    _pending_until: float

    def note_delta(self, delta: models.ItemDelta) -> None:
        """Note a delta, or gather it with its neighbours for the declared `flush_ms`."""
        if not self.flush:
            self.note(delta)
            return
        held = self._pending
        if held is not None and (held.index, held.at) == (delta.index, delta.at) and isinstance(delta.append, str):
            held.append = f"{held.append}{delta.append}"
        else:
            self._gathered()
            if isinstance(delta.append, str) and not delta.at.endswith("/-"):  # there each adds one more element
                self._pending, self._pending_until = delta, self._clock() + self.flush
            else:
                self.note(delta)
        if self._pending and self._clock() >= self._pending_until:
            self._gathered()

    def _gathered(self) -> None:
        held, self._pending = self._pending, None
        if held is not None:
            self._number(held)

    def note(self, *events: Event) -> None:
        """Give events their numbers; they are written by the next `commit`, all of them in one step."""
        self._gathered()
        for event in events:
            self._number(event)

    def _number(self, event: Event) -> None:
        event.seq = len(self.events) + len(self._noted)
        self._noted.append(event)

    async def write(self, *events: Event) -> None:
        """Write events to the record, behind what was noted; readers see them then."""
        self.note(*events)
        await self.commit()

    async def commit(self) -> None:
        """Write what was noted; readers see it then."""
        if not self._noted:
            return
        events, self._noted = self._noted, []
        await self.store.append(self.plan.principal, self.name, self.epoch, events)
        self.events.extend(events)
        self.written()

    def written(self) -> None:
        """Take note that there is something new to read."""
        raise NotImplementedError
