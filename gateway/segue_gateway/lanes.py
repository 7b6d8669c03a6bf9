"""Lanes of one connection: first in, first out inside a lane, side by side across lanes (spec: turns, Lanes).

A place is reserved when a message is received, so the order is that of receipt; the work may be put into it later.
Lanes outlive their connection until they are empty.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .faults import report
from .refusals import lane_full, too_many_lanes

__all__ = ["Lanes", "Place"]

Job = Callable[[], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Place:
    """One place in a lane: to be filled with the work."""

    def __init__(self) -> None:
        self.work: asyncio.Future[Job] = asyncio.get_running_loop().create_future()

    def fill(self, job: Job) -> None:
        """Have the job done when the place comes to the front."""
        self.work.set_result(job)


class Lanes:
    """All lanes of a connection. `named` is how many may ever be named, `queue` how many places may wait in one."""

    def __init__(self, *, named: int, queue: int, in_flight: int, spawn: Spawn, retry_after_ms: int = 1_000) -> None:
        self.named = named
        self.queue = queue
        self.retry_after_ms = retry_after_ms
        self._flying = asyncio.Semaphore(in_flight)
        self._spawn = spawn
        self._dropped = False
        self._lanes: dict[str | None, deque[Place]] = {None: deque()}

    def check(self, lane: str | None) -> None:
        """Refuse `too_many_lanes` or `lane_full` where a lane has no place for one more turn."""
        places = self._lanes.get(lane)
        if places is None and len(self._lanes) > self.named:  # the default lane is not counted
            raise too_many_lanes(self.named)
        if places is not None and len(places) > self.queue:  # the first of them runs, the others wait
            raise lane_full(self.queue, self.retry_after_ms)

    def reserve(self, lane: str | None) -> Place:
        """Return a place at the end of a lane; Refuse as `check` does."""
        self.check(lane)
        places = self._lanes.setdefault(lane, deque())
        place = self.enter(places)
        if len(places) == 1:
            self._spawn(self._serve(places))
        return place

    def enter(self, places: deque[Place]) -> Place:
        """Put a new place behind the others."""
        place = Place()
        places.append(place)
        return place

    def drop(self) -> None:
        """Do no more of what waits, nor of what is still put in; what runs is not touched."""
        self._dropped = True

    async def _serve(self, places: deque[Place]) -> None:
        while places:
            job = await places[0].work
            if not self._dropped:
                async with self._flying:
                    try:
                        await job()
                    except Exception as error:
                        report("a lane's work failed", error)  # and the lane goes on (SEG-TURN-105)
            places.popleft()
