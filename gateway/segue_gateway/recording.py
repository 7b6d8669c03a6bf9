"""Writing a turn's record: in order, under its epoch, deltas gathered for a while where that is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    _pending_until: float

    async def write_delta(self, delta: models.ItemDelta) -> None:
        """Write a delta, or gather it with its neighbours for the declared `flush_ms`."""
        if not self.flush:
            await self.write(delta)
            return
        held = self._pending
        if held is not None and (held.index, held.at) == (delta.index, delta.at) and isinstance(delta.append, str):
            held.append = f"{held.append}{delta.append}"
        else:
            await self._flush()
            if isinstance(delta.append, str) and not delta.at.endswith("/-"):  # there each adds one more element
                self._pending, self._pending_until = delta, self._clock() + self.flush
            else:
                await self.write(delta)
        if self._pending and self._clock() >= self._pending_until:
            await self._flush()

    async def _flush(self) -> None:
        held, self._pending = self._pending, None
        if held is not None:
            await self._append([held])

    async def write(self, *events: Event) -> None:
        """Write events to the record; readers see them behind that."""
        await self._flush()
        await self._append(events)

    async def _append(self, events: Sequence[Event]) -> None:
        for offset, event in enumerate(events):
            event.seq = len(self.events) + offset
        await self.store.append(self.plan.principal, self.name, self.epoch, events)
        self.events.extend(events)
        self.written()

    def written(self) -> None:
        """Take note that there is something new to read."""
        raise NotImplementedError
