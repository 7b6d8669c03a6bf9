"""Word that something has happened, for whoever waits for it: an event that is set once, waited for with a limit."""

from __future__ import annotations

import asyncio

__all__ = ["News"]


class News:
    """An `asyncio.Event` that is never cleared, and costs little for each wait: a future and a timer, and no task."""

    __slots__ = ("_happened", "_waiting")

    def __init__(self) -> None:
        self._happened = False
        self._waiting: list[asyncio.Future[bool]] = []

    def is_set(self) -> bool:
        """Return whether it has happened."""
        return self._happened

    def set(self) -> None:
        """Say that it has happened."""
        self._happened = True
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            _settle(one, happened=True)

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has happened, and no longer than that; return whether it has."""
        if self._happened:
            return True
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiting.append(waiter)
        timer = None if seconds is None else loop.call_later(seconds, _late, waiter)
        try:
            return bool(await waiter)
        finally:
            if timer is not None:
                timer.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)


def _late(waiter: asyncio.Future[bool]) -> None:
    _settle(waiter, happened=False)


def _settle(waiter: asyncio.Future[bool], *, happened: bool) -> None:
    if not waiter.done():
        waiter.set_result(happened)
