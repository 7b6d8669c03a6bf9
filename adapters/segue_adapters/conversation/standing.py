"""Where a turn stands: what is known of it and of its connection, and what is told to its caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from segue_schemas import models

from ..assembly import ItemAssembler
from ..errors import SegueError
from ..wires.base import turn_name
from .commands import Command, Connect, Ended
from .events import Event, Recovery, Sent, Settled, log
from .history import Entry
from .plan import Ask, Facts, Handle, Plan
from .rules import Counts, Move, Patience, Trouble, decide

__all__ = ["Fate", "Standing"]

Fate = Literal["free", "unknown", "accepted"]


class Standing:
    """A turn under way, as it is known.

    `handles` are those of its history, the best first; `clock` in seconds, `jitter` from 0 to 1.
    """

    def __init__(
        self,
        ask: Ask,
        handles: Sequence[Handle],
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        patience: Patience,
        may_repeat: bool = False,
        places: int = 1,
        name: str | None = None,
    ) -> None:
        self.ask = ask
        self.name = name or turn_name()
        self.command: Command = Connect()
        self.events: deque[Event] = deque()
        self.extras: deque[models.TurnCancel] = deque()
        self.issued: list[Handle] = []
        self.dropped: set[str] = set()
        self.output: list[Entry] = []
        self.counts = Counts()
        self.facts: Facts | None = None
        self.outcome = Settled(models.TurnStart(turn=self.name, input=[]))
        self._handles = handles
        self._clock, self._jitter = clock, jitter
        self._patience = patience
        self._may_repeat = may_repeat
        self._places_left = places - 1
        self._fate: Fate = "free"
        self._before: Fate = "free"
        self._plan: Plan | None = None
        self._part = 0
        self._start: models.TurnStart | None = None
        self._home: Facts | None = None  # where the start was first sent
        self._last: int | None = None
        self._best = -1
        self._lost = self._whole_context = self._reread = False
        self._canceled = False
        self._first_difference: int | None = None
        self._breach: SegueError | None = None
        self._fault: SegueError | None = None
        self._items = self._bytes = 0

    @property
    def _named(self) -> bool:
        return self._home is not None and self._home.can.names

    @property
    def _wire(self) -> str:
        assert self.facts is not None
        return self.facts.can.wire

    @property
    def _line(self) -> int | None:
        return None if self.facts is None else self.facts.line

    @property
    def _current(self) -> str:
        return self.name if self._start is None else self._start.turn

    @property
    def _on_last_part(self) -> bool:
        return self._plan is None or self._part == len(self._plan.parts) - 1

    def _decide(self, trouble: Trouble) -> Move:
        return decide(trouble, self.counts, self._patience, may_repeat=self._may_repeat)

    def _forget_reading(self, fate: Fate) -> None:
        shown = bool(self.outcome.assembler.started)
        self._fate, self._last, self._first_difference = fate, None, None
        self.outcome.assembler = ItemAssembler()
        self.outcome.accepted = None
        if shown:
            self._tell(Recovery(self.name, "reread", "the turn is told from its beginning: what was shown goes"))

    def _tell(self, recovery: Recovery) -> None:
        self.outcome.recoveries.append(recovery)
        self.events.append(recovery)
        log.warning("turn %s: %s: %s", recovery.turn, recovery.what, recovery.why)

    def _end(self, ended: Ended) -> None:
        chosen = self._plan
        if chosen is not None:
            self.outcome.sent = Sent(
                chosen.kind, chosen.why, self._items, len(self.ask.history), len(chosen.parts), self._bytes
            )
        self.command = ended
