"""The one seam for whoever watches an endpoint: an `Observer` is told what happens, and changes none of it.

Its methods are called on the loop, between two steps of the work, so they are quick and wait for nothing. By default
nobody watches, and a call costs what a call of nothing costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from segue_schemas import models

from ..engines.base import EngineFailure
from ..faults import report

if TYPE_CHECKING:
    from ..connection import Connection
    from ..turns import Turn

__all__ = ["SILENT", "Ask", "Observer", "Observers"]


Outcome = Literal["answered", "failed", "stopped"]


@dataclass(eq=False, slots=True)
class Ask:
    """One question to the model, watched and measured for as long as the block lasts.

    `trace` goes with the question and may be replaced in `asking`. `stopped`: nobody wanted the rest of the answer.
    """

    turn: Turn
    trace: models.Trace | None
    clock: Callable[[], float]
    begun: float = 0.0
    seconds: float = 0.0
    outcome: Outcome | None = None
    error: models.Error | None = None
    usage: models.Usage | None = None

    def __enter__(self) -> Ask:
        """Begin; the trace that is to go with the question stands behind it."""
        self.begun = self.clock()
        self.turn.observer.asking(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Take note of the end, where that was not done; what failed goes on failing."""
        if isinstance(error, EngineFailure):
            self.over("failed", error.error, error.usage)
        else:
            self.over("failed" if isinstance(error, Exception) else "stopped")

    def over(self, outcome: Outcome, error: models.Error | None = None, usage: models.Usage | None = None) -> None:
        """Take note of the end of the answer, once; the turn's own comes behind it."""
        if self.outcome is None:
            self.outcome, self.error, self.usage = outcome, error, usage
            self.seconds = self.clock() - self.begun
            self.turn.asks += 1
            self.turn.provider_seconds += self.seconds
            self.turn.observer.answered(self)


class Observer:
    """Is told what happens; does nothing."""

    #: Whether it wants `moved`, and `stored` and `store_failed`: both cost something on each message.
    counts_bytes = False
    watches_store = False

    def serving(self, url: str) -> None:
        """The process takes connections, at this URL."""

    def draining(self, turns: int, connections: int) -> None:
        """The endpoint comes to its end, with so much still running and open."""

    def opened(self, connection: Connection) -> None:
        """A WebSocket connection was accepted."""

    def closed(self, connection: Connection, seconds: float) -> None:
        """A WebSocket connection ended, so long after it was accepted."""

    def refused(self, wire: str, principal: str | None, refused: models.ErrorMessage) -> None:
        """A message, a request or an upgrade was refused; `principal` is None where nobody was let in."""

    def accepted(self, turn: Turn) -> None:
        """A turn was accepted: its name is claimed and its first event written."""

    def first_output(self, turn: Turn) -> None:
        """The first output of a turn came."""

    def asking(self, ask: Ask) -> None:
        """The model is about to be asked for a turn."""

    def answered(self, ask: Ask) -> None:
        """The model's answer is at its end, whichever that is."""

    def ended(self, turn: Turn) -> None:
        """A turn ended: its terminal event is written, or it can be written here no more."""

    def evicted(self, principal: str, count: int) -> None:
        """Continuations of a principal were given up before their expiry."""

    def stored(self, operation: str, seconds: float) -> None:
        """The store did one of its steps, or failed at it."""

    def store_failed(self, operation: str, error: BaseException) -> None:
        """A step of the store raised this."""

    def moved(self, wire: str, received: int, sent: int) -> None:
        """Bytes of messages and bodies came or went, as they are before any compression of the transport."""


SILENT = Observer()
"""Nobody who watches."""


#: Everything that an observer is told.
_TOLD = (
    "serving", "draining", "opened", "closed", "refused", "accepted", "first_output", "asking", "answered", "ended",
    "evicted", "stored", "store_failed", "moved",
)  # fmt: skip


class Observers(Observer):
    """Several who watch, told in this order; one that fails is told of in the log, and harms nothing else."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self.counts_bytes = any(observer.counts_bytes for observer in observers)
        self.watches_store = any(observer.watches_store for observer in observers)
        for name in _TOLD:
            # Only those who want to hear of it: some of it happens for each piece of a text.
            told = [getattr(one, name) for one in observers if getattr(type(one), name) is not getattr(Observer, name)]
            setattr(self, name, _to_all(told))


def _to_all(told: Sequence[Callable[..., None]]) -> Callable[..., None]:
    def tell(*arguments: object) -> None:
        for one in told:
            try:
                one(*arguments)
            except Exception as error:
                report("an observer failed", error)

    return tell
