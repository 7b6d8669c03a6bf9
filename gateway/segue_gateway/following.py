"""A turn that runs on another node, read here as it is written there.

Nothing of it is here but its record, looked at whenever the store says that it has grown, and now and then anyway.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from .news import News
from .stores.base import Event, Record, Store, Unwritable

if TYPE_CHECKING:
    from .steers import Steer

__all__ = ["Following", "follow"]


class Following:
    """What is read of a turn of another node. `gone` where its record was deleted or lost under the reading.

    `steers` are those that came here for it, by name.
    """

    phase = "upstream"

    def __init__(self, principal: str, name: str, record: Record, clock: Callable[[], float] = time.monotonic) -> None:
        self.principal = principal
        self.name = name
        self.events: list[Event] = list(record.events)
        self.finished = False
        self.gone = False
        self.steers: dict[str, Steer] = {}
        self._news = News()
        self._clock = clock
        self._ends: float | None = None

    @property
    def news(self) -> News:
        """Set when something happens after this was asked for."""
        return self._news

    def left_ms(self) -> int | None:
        """Return what is left of the continuation that the terminal event names."""
        return None if self._ends is None else max(0, int((self._ends - self._clock()) * 1000))

    def take(self, record: Record | None, first: int) -> None:
        """Take what was read of the record from a number on; None where there is nothing to read any more."""
        if self.finished:
            return
        if record is None or record.gone:
            self.gone = self.finished = True
            self._notify()
            return
        new = record.events[len(self.events) - first :]
        self.events.extend(new)
        if record.finished:
            self.finished = True
            self._ends = None if record.left_ms is None else self._clock() + record.left_ms / 1000
        if new or self.finished:
            self._notify()

    def _notify(self) -> None:
        news, self._news = self._news, News()
        news.set()


async def follow(following: weakref.ref[Following], store: Store, seconds: float) -> None:
    """Read on while anybody reads, and close the record where its owner is gone; look each `seconds` at least."""
    source = following()
    if source is None:
        return
    principal, name = source.principal, source.name
    del source  # whoever reads it holds it, nobody else
    async with store.watch(principal, name) as news:
        quiet = False
        while True:
            news.clear()
            if not await _look(following, store, quiet=quiet):
                return
            quiet = False
            try:
                async with asyncio.timeout(seconds):
                    await news.wait()
            except TimeoutError:
                quiet = True


async def _look(following: weakref.ref[Following], store: Store, *, quiet: bool) -> bool:
    """Read what is new; return whether there is more to come, and somebody for whom."""
    source = following()
    if source is None or source.finished:
        return False
    with suppress(Unwritable):  # the next time
        first = len(source.events)
        record = await store.read(source.principal, source.name, first - 1)
        runs = record is not None and not record.finished
        if quiet and runs and await store.interrupt(source.principal, source.name):
            record = await store.read(source.principal, source.name, first - 1)
        source.take(record, first)
    return not source.finished
