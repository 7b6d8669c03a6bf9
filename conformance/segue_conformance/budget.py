"""How far a run may go: requests, tokens and time, counted over the whole run; and how fast it may ask.

What a budget leaves out is inconclusive, never passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .settings import Settings
from .verdicts import Hindered

__all__ = ["Budget", "Pace"]


class Budget:
    """Counts over a whole run; `spend` raises Hindered when nothing is left.

    `most` requests, `most_tokens` tokens, `seconds` from the first request on; None is no limit. Tokens are those that
    the endpoint reports; where it reports none they are estimated, and `estimated` says so.
    """

    def __init__(
        self,
        most: int | None = None,
        *,
        most_tokens: int | None = None,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.most_tokens = most_tokens
        self.seconds = seconds
        self.spent = 0
        self.tokens = 0
        self.estimated = False
        self._clock = clock
        self._began: float | None = None

    @classmethod
    def of(cls, settings: Settings) -> Budget:
        """Return the budget that a run's settings give."""
        return cls(settings.max_requests, most_tokens=settings.max_tokens, seconds=settings.max_seconds)

    @property
    def time_left(self) -> float | None:
        """Seconds that are left of the time; None without a limit."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (self._clock() - (self._clock() if self._began is None else self._began)))

    @property
    def over(self) -> str:
        """Why nothing may be sent any more; empty as long as something may."""
        if self.most is not None and self.spent >= self.most:
            return f"out of budget: {self.spent} of {self.most} requests were spent (--max-requests)"
        if self.most_tokens is not None and self.tokens >= self.most_tokens:
            about = "about " if self.estimated else ""
            return f"out of budget: {about}{self.tokens} of {self.most_tokens} tokens were spent (--max-tokens)"
        if self.time_left == 0:
            return f"out of budget: the {self.seconds:g} s of the run are over (--max-time)"
        return ""

    @property
    def exhausted(self) -> bool:
        """Whether nothing may be sent any more."""
        return bool(self.over)

    def spend(self) -> None:
        """Count one request."""
        if over := self.over:
            raise Hindered(over)
        if self._began is None:
            self._began = self._clock()
        self.spent += 1

    def charge(self, tokens: int, *, estimated: bool = False) -> None:
        """Count the tokens of a turn that ended."""
        self.tokens += tokens
        self.estimated = self.estimated or (estimated and tokens > 0)


class Pace:
    """Awaited before each request: at most `rate` of them in a second, evenly, with no burst above it."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = 1 / rate
        self._clock = clock
        self._next = clock()

    async def __call__(self) -> None:
        """Wait until it is the caller's turn."""
        now = self._clock()
        at = max(now, self._next)
        self._next = at + self._step
        if at > now:
            await asyncio.sleep(at - now)
