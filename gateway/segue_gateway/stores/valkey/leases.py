"""The turns that this node owns: how far their records are written, and until when their leases run.

A lease is renewed well before it runs out. One that ran out is not lost by itself: as long as nobody has closed the
record, its owner goes on (a stall that nobody noticed ends no turn); once somebody has, the epoch is stale.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from ..base import Asked, StaleEpoch, Unwritable

__all__ = ["Leases", "Owned"]

_ASKED = msgspec.json.Decoder(Asked)


@dataclass(slots=True)
class Owned:
    """A turn that this node owns. `next` is the number of its next event, `ends` when its lease surely still runs."""

    epoch: int
    next: int
    ends: float
    lost: bool = False  # nothing could be written: it is renewed no more


class Leases:
    """What is owned, and the work that keeps it owned. `run` runs a script; `asked` hears what others ask for."""

    def __init__(
        self, run: Callable[..., Awaitable[list[Any]]], lease_ms: int, asked: Callable[[str, Asked], None]
    ) -> None:
        self._run = run
        self._asked = asked
        self._lease = lease_ms / 1000
        self._owned: dict[tuple[str, str], Owned] = {}
        self._soon: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    def now(self) -> float:
        """Return the moment from which a lease is reckoned that is asked for now."""
        return time.monotonic()

    def take(self, principal: str, turn: str, epoch: int, asked_at: float) -> None:
        """Own a turn whose first event is written."""
        self._owned[principal, turn] = Owned(epoch, 1, asked_at + self._lease)
        if self._task is None or self._task.done():
            self._soon = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._renewing(self._soon))

    def get(self, principal: str, turn: str, epoch: int) -> Owned | None:
        """Return a turn that is owned under an epoch."""
        owned = self._owned.get((principal, turn))
        return owned if owned is not None and owned.epoch == epoch else None

    def epoch(self, principal: str, turn: str) -> int | None:
        """Return the epoch of a turn that this node has claimed and not ended."""
        owned = self._owned.get((principal, turn))
        return None if owned is None else owned.epoch

    def wrote(self, owned: Owned, count: int, asked_at: float) -> None:
        """Take note of what was written; that renewed the lease, too."""
        owned.next += count
        owned.ends = max(owned.ends, asked_at + self._lease)

    def drop(self, principal: str, turn: str, epoch: int) -> None:
        """Own a turn no more."""
        if self.get(principal, turn, epoch) is not None:
            del self._owned[principal, turn]

    async def renew(self, principal: str, turn: str, epoch: int) -> None:
        """Make sure that a turn is owned; StaleEpoch."""
        owned = self.get(principal, turn, epoch)
        if owned is not None and time.monotonic() < owned.ends:
            return
        if not await self._renew(principal, {turn: epoch}):
            raise StaleEpoch(turn)

    def poke(self) -> None:
        """Renew at once: somebody has asked for something."""
        if self._soon is not None:
            self._soon.set()

    async def renew_all(self) -> None:
        """Renew the lease of each turn that is owned, and hear what is asked for."""
        by_principal = defaultdict[str, dict[str, int]](dict)
        for (principal, turn), owned in self._owned.items():
            if not owned.lost:
                by_principal[principal][turn] = owned.epoch
        for principal, turns in by_principal.items():
            with suppress(Unwritable):
                await self._renew(principal, turns)

    async def _renew(self, principal: str, turns: dict[str, int]) -> bool:
        """Renew some leases of one principal; return whether all of them hold."""
        asked_at = self.now()
        pairs = [word for turn, epoch in turns.items() for word in (turn, epoch)]
        (told,) = await self._run("renew", principal, *pairs)
        holds = True
        for turn, held, asks in zip(turns, told[::2], told[1::2], strict=True):
            owned = self.get(principal, turn, turns[turn])
            if held and owned is not None:
                owned.ends = max(owned.ends, asked_at + self._lease)
            holds = holds and bool(held)
            for raw in asks:
                self._asked(principal, _ASKED.decode(raw))
        return holds

    async def _renewing(self, soon: asyncio.Event) -> None:
        while self._owned:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._lease / 3):
                    await soon.wait()
            soon.clear()
            await self.renew_all()

    async def close(self) -> None:
        """Renew nothing more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
