"""What a store is: it keeps names, records, continuations and contexts, each for one principal.

Every method is one atomic step of the store, and asynchronous, so that SQLite (a thread) and Valkey (a network) fit
behind the same shape. What they promise is tested on the one in memory. What no store may do: look an id up
without its principal (SEG-ISO-010), write under an epoch that is not current (SEG-TURN-133), evict from one principal
for another (SEG-ISO-009).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from segue_schemas import models

from ..contexts import Context
from ..history import History
from ..settings import Settings

__all__ = [
    "Asked",
    "Bounds",
    "Claim",
    "Event",
    "Handle",
    "Held",
    "Known",
    "Record",
    "RetentionLost",
    "StaleEpoch",
    "Store",
    "StoreFull",
    "Unusable",
    "Unwritable",
    "interrupted",
]

Event: TypeAlias = (
    models.TurnAccepted
    | models.ItemStarted
    | models.ItemDelta
    | models.ItemCompleted
    | models.TurnSteered
    | models.TurnCompleted
    | models.TurnFailed
)

Asked: TypeAlias = models.TurnCancel | models.TurnSteer
"""What a node asks of the owner of a turn."""


class StaleEpoch(Exception):
    """Somebody else owns the turn now, or it is closed: nothing was written."""


class StoreFull(Exception):
    """A bound of the principal is reached and nothing may be evicted for it; `what` says which."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no room for more {what}")
        self.what = what


class Unusable(Exception):
    """The file or server can't be used as a store; the message says what to do."""


class Unwritable(Exception):
    """The store can't be written just now (a full disk, a lost server); `why` is for the operator's log."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the store can't be written: {why}")
        self.why = why


class RetentionLost(Exception):
    """The granted retention can't be kept: nothing was written."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is held at most for one principal (SEG-CAP-020), and for how long. Times in ms, sizes in bytes.

    `lease_ms` is for how long an owner that says nothing owns a turn, where other nodes could take it (SEG-TURN-130).
    """

    continuations: int
    turns: int
    state_bytes: int
    replay_ms: int
    name_ms: int
    cached_ms: int
    lease_ms: int = 1_000

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """Return what an endpoint's settings allow."""
        return cls(
            continuations=settings.continuations,
            turns=settings.turns_held,
            state_bytes=settings.state_bytes,
            replay_ms=settings.replay_ms,
            name_ms=settings.name_ms,
            cached_ms=settings.cached_ms,
            lease_ms=settings.heartbeat_ms,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """How a claim of a turn's name went; `epoch` is the owner's, where it was `claimed`."""

    outcome: Literal["claimed", "existing", "conflict", "gone"]
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A name that is claimed: by which content, and whether its record is still held."""

    content: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Handle:
    """A continuation as it is kept: the history that it names and what a surface may have to say of its turn.

    `scope` is the connection that a `connection` handle lives and dies with; `life_ms` is how long it may live, None
    as long as its scope. `created_at` is clock time in seconds, for foreign wires that want it.
    """

    id: str
    history: History
    context: Context
    retention: models.Retention
    turn: str
    scope: str | None = None
    parent: str | None = None
    life_ms: int | None = None
    created_at: int = 0
    terminal: models.TurnCompleted | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A continuation that was resolved; `left_ms` is what is left of it, None where nothing but its scope ends it.

    Not rounded: a number that is rounded twice could rise from one delivery to the next (SEG-LIVE-025).
    """

    handle: Handle
    left_ms: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """A turn's record as read: its events above a number; `gone` where only the name is left.

    `left_ms` is what is left of the continuation that the terminal event names.
    """

    events: Sequence[Event] = field(default_factory=tuple)
    finished: bool = False
    gone: bool = False
    left_ms: float | None = None


class Store(Protocol):
    """Who remembers."""

    @property
    def tiers(self) -> Sequence[models.Retention]:
        """The retention that it can keep, beside `none`."""
        ...

    @property
    def names_survive(self) -> models.NamesSurvive:
        """What its names and records outlive (SEG-TURN-060)."""
        ...

    on_evicted: Callable[[str, list[str]], None] | None
    """Called with principal and ids when continuations are given up before their expiry (SEG-LIVE-026)."""

    shared: bool
    """Whether other nodes read and write it too: a turn that does not run here may run there."""

    on_deleted: Callable[[str, list[str]], None] | None
    """Called with principal and ids when another node deleted continuations (SEG-TURN-084)."""

    on_asked: Callable[[str, Asked], None] | None
    """Called with principal and message when another node has something for a turn that runs here."""

    async def known(self, principal: str, turn: str) -> Known | None:
        """Return what is known of a name; None for one that is not held."""
        ...

    async def claim(
        self, principal: str, turn: str, content: str, accepted: models.TurnAccepted, contexts: Sequence[Context]
    ) -> Claim:
        """Claim a name for a content and write `turn.accepted`, or say who has it (SEG-TURN-052).

        `contexts` are held as long as the record is. Raises StoreFull.
        """
        ...

    async def append(self, principal: str, turn: str, epoch: int, events: Sequence[Event]) -> None:
        """Write events behind the record's last; StaleEpoch."""
        ...

    async def finish(
        self,
        principal: str,
        turn: str,
        epoch: int,
        terminal: models.TurnCompleted | models.TurnFailed,
        handle: Handle | None,
        before: Sequence[Event] = (),
    ) -> float | None:
        """Write the terminal event and its continuation in one step; return what is left of the latter in ms.

        `before` are events that the same step writes in front of it; a store that is shared is given none.
        Raises StaleEpoch, and RetentionLost where the handle can't be kept; then nothing is written.
        """
        ...

    async def renew(self, principal: str, turn: str, epoch: int) -> None:
        """Make sure that the epoch is current, right now; StaleEpoch (SEG-TURN-135)."""
        ...

    async def interrupt(self, principal: str, turn: str) -> bool:
        """Close a record whose owner is gone, with `turn.failed` and `interrupted` (SEG-TURN-131).

        Return whether there was one to close. The old owner's epoch is stale from then on. A store that several nodes
        share closes nothing whose owner's lease still runs.
        """
        ...

    async def read(self, principal: str, turn: str, after: int | None = None) -> Record | None:
        """Return a turn's events above `after`; None for a name that is not held."""
        ...

    def watch(self, principal: str, turn: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """Give an event that is set whenever a record may have grown, until it is left; now and then in vain.

        Nobody is promised that it is set: who waits looks by himself now and then.
        """
        ...

    async def ask(self, principal: str, message: Asked) -> bool:
        """Put a message to the owner of a turn on another node; return whether there is one."""
        ...

    async def resolve(self, principal: str, identifier: str, scope: str | None) -> Held | None:
        """Return a continuation by one lookup of principal and id; None for whatever reason it is not there."""
        ...

    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        """Delete a continuation and the records that hold its output; return the deleted ids, None for no such one."""
        ...

    async def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that is held for the principal, by its digest."""
        ...

    async def put_context(self, principal: str, context: Context) -> None:
        """Hold a context without a handle, for as long as a `cached` one lives; StoreFull."""
        ...

    async def close_scope(self, principal: str, scope: str) -> None:
        """Delete the handles of a connection that ended."""
        ...

    async def sweep(self) -> None:
        """Free what has expired."""
        ...

    async def close(self) -> None:
        """End; what was written stays as it was promised. Nothing is called behind it."""
        ...


def interrupted(turn: str, seq: int) -> models.TurnFailed:
    """Return the terminal event of a turn whose owner is gone: nobody knows what it still did (SEG-TURN-131)."""
    text = "The node that ran the turn is gone; what was recorded until then can be read."
    error = models.Error(code="interrupted", advice="retry", effect="unknown", message=text)
    return models.TurnFailed(turn=turn, seq=seq, error=error)
