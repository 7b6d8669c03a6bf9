"""Which attempt at which check is under way: it has a key, and a seed of its own from which names and words are drawn.

The same seed sends the same bytes, so that a recording can be graded again (`replay.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from segue_adapters import draws

__all__ = ["Attempts", "aside", "attempt", "current"]

_current: ContextVar[str] = ContextVar("segue_attempt", default="")
_attempt: ContextVar[str] = ContextVar("segue_attempt_itself", default="")
_root: ContextVar[str] = ContextVar("segue_seed", default="")


class Attempts:
    """Counts the attempts at each check of a run; `seed` is the run's.

    `numbers`: take these numbers instead of counting, by check and wire: those of a recording. `began` and `ended` are
    told the key of each.
    """

    def __init__(
        self,
        seed: str | None = None,
        *,
        numbers: Mapping[str, int] | None = None,
        began: Callable[[str], None] = lambda key: None,
        ended: Callable[[str], None] = lambda key: None,
    ) -> None:
        self.seed = seed if seed is not None else secrets.token_hex(16)
        self._numbers = numbers
        self._counts: dict[str, int] = {}
        self._began = began
        self._ended = ended

    @contextmanager
    def at(self, check: str, wire: str) -> Iterator[str]:
        """Give the key of one more attempt at a check on a wire, while it runs."""
        name = f"{check}@{wire}"
        number = self._counts[name] = self._counts.get(name, 0) + 1
        if self._numbers is not None:
            number = self._numbers.get(name, 1)
        key = f"{name}#{number}"
        root, attempt = _root.set(self.seed), _attempt.set(key)
        try:
            with _keyed(self.seed, key):
                self._began(key)
                yield key
                self._ended(key)
        finally:
            _root.reset(root)
            _attempt.reset(attempt)


@contextmanager
def aside(name: str) -> Iterator[None]:
    """Do something for the whole run in the middle of an attempt: under a key and a seed that are not the attempt's."""
    with _keyed(_root.get(), name):
        yield


@contextmanager
def _keyed(seed: str, key: str) -> Iterator[None]:
    token = _current.set(key)
    try:
        with draws.seeded(f"{seed} {key}"):
            yield
    finally:
        _current.reset(token)


def current() -> str:
    """Return the key under which is done what is done now: the attempt's, or what it does aside; empty outside."""
    return _current.get()


def attempt() -> str:
    """Return the key of the attempt that is under way, in its tasks too; empty outside of any."""
    return _attempt.get()
