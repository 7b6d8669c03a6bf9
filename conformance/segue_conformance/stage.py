"""Where a run takes place: on the wire as it is, watched by a transcript, or on a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from segue_adapters.transports.base import Between

from .attempts import Attempts

__all__ = ["Stage", "Watcher"]


class Watcher(Protocol):
    """What a stage needs of a transcript."""

    def between(self, principal: str) -> Between:
        """Return what stands between one principal's client and its transports."""
        ...

    def attempt_began(self, key: str) -> None:
        """Hear that an attempt begins."""

    def attempt_ended(self, key: str) -> None:
        """Hear that it ended."""


@dataclass(slots=True)
class Stage:
    """What stands between the checks and the transports, how loops are made, and how attempts are counted.

    `unfounded` says of an attempt's key why it proves nothing; empty where it does.
    """

    between: Callable[[str], Between] | None = None
    runner: Callable[[], asyncio.Runner] = asyncio.Runner
    attempts: Attempts = field(default_factory=Attempts)
    unfounded: Callable[[str], str] = lambda key: ""

    def watch(self, watcher: Watcher) -> None:
        """Let a transcript take down what passes."""
        self.between = watcher.between
        self.attempts = Attempts(self.attempts.seed, began=watcher.attempt_began, ended=watcher.attempt_ended)
