"""Lanes of one connection: first in, first out inside a lane, side by side across lanes (spec: turns, Lanes).

A place is reserved when a message is received, so the order is that of receipt, and filled when the message was
accepted; a place whose message was refused is given back. Lanes outlive their connection until they are empty.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .refusals import lane_full, too_many_lanes

__all__ = ["Lanes", "Place"]

log = logging.getLogger("segue.gateway")

Job = Callable[[], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Place:
    """One place in a lane: to be filled with the work, or released."""

    def __init__(self) -> None:
        self.work: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()

    def fill(self, job: Job) -> None:
        """Have the job done when the place comes to the front."""
        if not self.work.done():
            self.work.set_result(job)

    def release(self) -> None:
        """Give the place back: there is nothing to do in it."""
        if not self.work.done():
            self.work.set_result(None)


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

    def reserve(self, lane: str | None) -> Place:
        """Return a place at the end of a lane; Refuse `too_many_lanes` or `lane_full`."""
        places = self._lanes.get(lane)
        if places is None:
            if len(self._lanes) > self.named:  # the default lane is not counted
                raise too_many_lanes(self.named)
            places = self._lanes[lane] = deque()
        if len(places) > self.queue:  # the first of them runs, the others wait
            raise lane_full(self.queue, self.retry_after_ms)
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
            if job is not None and not self._dropped:
                async with self._flying:
                    try:
                        await job()
                    except Exception:
                        log.exception("a lane's work failed")  # and the lane goes on (SEG-TURN-105)
            places.popleft()
