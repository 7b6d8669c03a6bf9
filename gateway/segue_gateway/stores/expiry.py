"""What has to happen later, in order of its time; nothing happens by itself, `run` does what is due."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

__all__ = ["Expiry"]


class Expiry:
    """A heap of calls and the monotonic second at which each is due."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = count()

    def add(self, after_ms: float, call: Callable[..., None], *arguments: Any) -> None:
        """Have `call` made once `after_ms` have passed."""
        due = self.clock() + after_ms / 1000
        heapq.heappush(self._heap, (due, next(self._number), call, arguments))

    def run(self) -> None:
        """Make the calls that are due; a call may add others."""
        now = self.clock()
        while self._heap and self._heap[0][0] <= now:
            _, _, call, arguments = heapq.heappop(self._heap)
            call(*arguments)
