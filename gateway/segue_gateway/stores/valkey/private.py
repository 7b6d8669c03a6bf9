"""Records of retention `none`: in the memory of their owner only (SEG-CONT-048); the server knows the name alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...contexts import Context
from ..base import Event

__all__ = ["Private", "PrivateRecord"]


@dataclass(slots=True)
class PrivateRecord:
    """A record as its owner holds it, with the contexts that it needs; `ends` is when it goes, None while it runs."""

    epoch: int
    events: list[Event]
    contexts: Sequence[Context] = field(default_factory=tuple)
    ends: float | None = None


class Private:
    """The records that this process alone holds. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._records: dict[tuple[str, str], PrivateRecord] = {}

    def add(self, principal: str, turn: str, record: PrivateRecord) -> None:
        """Hold a record."""
        self._records[principal, turn] = record

    def get(self, principal: str, turn: str, epoch: int | None = None) -> PrivateRecord | None:
        """Return a record that is held, of that epoch where one is given."""
        found = self._records.get((principal, turn))
        return None if found is None or (epoch is not None and found.epoch != epoch) else found

    def end(self, record: PrivateRecord, replay_ms: int) -> None:
        """Let a record go when it can be read no more."""
        record.ends = self._clock() + replay_ms / 1000

    def drop(self, principal: str, turn: str) -> None:
        """Let a record go."""
        self._records.pop((principal, turn), None)

    def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that a record needs."""
        for (owner, _), record in self._records.items():
            if owner == principal:
                for context in record.contexts:
                    if context.digest == digest:
                        return context
        return None

    def sweep(self) -> None:
        """Free what has expired."""
        now = self._clock()
        for key in [key for key, record in self._records.items() if record.ends is not None and record.ends <= now]:
            del self._records[key]
