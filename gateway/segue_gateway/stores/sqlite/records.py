"""Names and records: who claimed what, and what was written of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from segue_schemas import models

from ...contexts import Context
from ..base import Bounds, Claim, Event, Handle, Known, Record, StaleEpoch, StoreFull, interrupted
from ..encoding import decode_events, encode_events
from ..weights import context_weight, event_weight
from .database import Database
from .holdings import Contexts
from .ledger import Ledger, Time

__all__ = ["Records"]


class Records:
    """The steps on turns."""

    bounds: Bounds
    ledger: Ledger
    time: Time
    _database: Database
    _execute: Callable[..., sqlite3.Cursor]
    _contexts: Contexts
    _private: dict[tuple[int, int], list[Event]]
    _epoch: int

    if TYPE_CHECKING:  # the other parts of `Steps`

        def _sweep_due(self) -> None: ...

        def _ends(self, after_ms: float) -> float: ...

        def _left(self, ends: float | None) -> float | None: ...

        def _keep(self, owner: int, handle: Handle) -> float | None: ...

        def _make_room(self, owner: int, weight: Callable[[], int], *, handles: int = 0) -> bool: ...

    def known(self, principal: str, turn: str) -> Known | None:
        """Return what is known of a name."""
        self._sweep_due()
        row = self._execute(
            "SELECT content, gone FROM turns WHERE principal = ? AND name = ?", self.ledger.known(principal), turn
        ).fetchone()
        return None if row is None else Known(row[0], bool(row[1]))

    def claim(
        self, principal: str, turn: str, content: str, accepted: models.TurnAccepted, contexts: Sequence[Context]
    ) -> Claim:
        """Claim a name and begin its record, or say who has it."""
        found = self.known(principal, turn)
        if found is not None:
            if found.content != content:
                return Claim("conflict")
            return Claim("gone" if found.gone else "existing")
        owner = self.ledger.of(principal)
        if self.ledger.held(owner).turns >= self.bounds.turns:
            raise StoreFull("turns")
        weight = event_weight(accepted)
        if not self._make_room(owner, lambda: weight + sum(map(context_weight, contexts))):
            raise StoreFull("state")
        kept = accepted.retention != "none"
        retention = accepted.retention if isinstance(accepted.retention, str) else "cached"
        epoch = self._next_epoch()
        row = self._execute(
            "INSERT INTO turns (principal, name, content, epoch, retention, next, size) VALUES (?, ?, ?, ?, ?, 0, 0)",
            owner, turn, content, epoch, retention,
        ).lastrowid  # fmt: skip
        assert row is not None
        for context in contexts:
            pinned = self._contexts.pin(owner, context, kept=kept)
            self._execute("INSERT INTO held VALUES (?, ?)", row, pinned)
        self.ledger.add(owner, turns=1)
        self._write(owner, row, 0, [accepted], kept=kept)
        return Claim("claimed", epoch)

    def append(self, principal: str, turn: str, epoch: int, events: Sequence[Event]) -> None:
        """Write events behind the record's last."""
        owner = self.ledger.known(principal)
        weight = sum(map(event_weight, events))
        found = self._execute(
            "UPDATE turns SET next = next + ?, size = size + ?"
            " WHERE principal = ? AND name = ? AND epoch = ? AND finished = 0 AND gone = 0"
            " RETURNING id, next, retention",
            len(events), weight, owner, turn, epoch,
        ).fetchone()  # fmt: skip
        if found is None:
            self._owned(owner, turn, epoch)  # deleted while it ran: it runs on, and nothing of it is kept
            return
        row, following, retention = found
        self._place(owner, row, following - len(events), events, weight, kept=retention != "none")

    def finish(
        self,
        principal: str,
        turn: str,
        epoch: int,
        terminal: models.TurnCompleted | models.TurnFailed,
        handle: Handle | None,
        before: Sequence[Event],
    ) -> float | None:
        """Write the terminal event and its continuation, behind what is still to be written before."""
        self._sweep_due()
        owner = self.ledger.known(principal)
        row, number, gone, retention = self._owned(owner, turn, epoch)
        left = None if handle is None else self._keep(owner, handle)  # raises before anything is written
        if not gone:
            self._write(owner, row, number, [*before, terminal], kept=retention != "none")
        self._close_record(row, None if handle is None else handle.id, gone=bool(gone))
        return left

    def interrupt(self, principal: str, turn: str) -> bool:
        """Close a record whose owner is gone."""
        row = self._execute(
            "SELECT id, principal FROM turns WHERE principal = ? AND name = ? AND finished = 0",
            self.ledger.known(principal), turn,
        ).fetchone()  # fmt: skip
        if row is not None:
            self._interrupt(*row)
        return row is not None

    def read(self, principal: str, turn: str, after: int | None) -> Record | None:
        """Return a turn's events above a number."""
        self._sweep_due()
        owner = self.ledger.known(principal)
        row = self._execute(
            "SELECT id, finished, gone, handle FROM turns WHERE principal = ? AND name = ?", owner, turn
        ).fetchone()
        if row is None:
            return None
        identifier, finished, gone, handle = row
        if gone:
            return Record(gone=True, finished=bool(finished))
        kept = self._execute("SELECT ends FROM handles WHERE principal = ? AND id = ?", owner, handle).fetchone()
        left = 0.0 if kept is None else self._left(kept[0])
        return Record(self._events(identifier, after), bool(finished), left_ms=left)

    def _events(self, row: int, after: int | None) -> list[Event]:
        start = 0 if after is None else after + 1
        stretches = self._execute(
            "SELECT first, body FROM events WHERE turn = ?1 AND first >= coalesce("
            "(SELECT max(first) FROM events WHERE turn = ?1 AND first <= ?2), 0) ORDER BY first",
            row, start,
        ).fetchall()  # fmt: skip
        events: list[Event] = []
        for first, body in stretches:
            events += self._private[row, first] if body is None else decode_events(body)
        return events[start - stretches[0][0] :] if stretches else []

    def _owned(self, owner: int, turn: str, epoch: int) -> tuple[int, int, int, str]:
        row = self._execute(
            "SELECT id, next, gone, retention FROM turns"
            " WHERE principal = ? AND name = ? AND epoch = ? AND finished = 0",
            owner, turn, epoch,
        ).fetchone()  # fmt: skip
        if row is None:
            raise StaleEpoch(turn)
        return cast("tuple[int, int, int, str]", row)

    def _write(self, owner: int, row: int, number: int, events: Sequence[Event], *, kept: bool) -> None:
        weight = sum(map(event_weight, events))
        self._execute("UPDATE turns SET next = next + ?, size = size + ? WHERE id = ?", len(events), weight, row)
        self._place(owner, row, number, events, weight, kept=kept)

    def _place(self, owner: int, row: int, number: int, events: Sequence[Event], weight: int, *, kept: bool) -> None:
        self._execute("INSERT INTO events VALUES (?, ?, ?)", row, number, encode_events(events) if kept else None)
        self.ledger.add(owner, size=weight)
        if not kept:
            self._private[row, number] = list(events)
            self._database.note(lambda: self._private.pop((row, number), None))

    def _close_record(self, row: int, handle: str | None, *, gone: bool) -> None:
        ends = self._ends(self.bounds.name_ms if gone else self.bounds.replay_ms)
        self._execute("UPDATE turns SET finished = 1, handle = ?, ends = ? WHERE id = ?", handle, ends, row)

    def _interrupt(self, row: int, owner: int) -> None:
        turn, number, gone, retention = self._execute(
            "SELECT name, next, gone, retention FROM turns WHERE id = ?", row
        ).fetchone()
        if retention == "none" and not gone:  # SEG-TURN-134
            self._drop_record(row)
            gone = True
        if not gone:
            self._write(owner, row, number, [interrupted(turn, number)], kept=True)
        self._close_record(row, None, gone=bool(gone))

    def _drop_record(self, row: int) -> None:
        """Free a record; its name stays for `name_ms`."""
        principal, size, retention = self._execute(
            "SELECT principal, size, retention FROM turns WHERE id = ?", row
        ).fetchone()
        for (first,) in self._execute("DELETE FROM events WHERE turn = ? RETURNING first", row).fetchall():
            hidden = self._private.pop((row, first), None)
            if hidden is not None:
                self._database.note(partial(self._private.__setitem__, (row, first), hidden))
        for (context,) in self._execute("DELETE FROM held WHERE turn = ? RETURNING context", row).fetchall():
            self._contexts.unpin(context, kept=retention != "none")
        ends = self._ends(self.bounds.name_ms)
        self._execute(
            "UPDATE turns SET gone = 1, size = 0, ends = CASE finished WHEN 1 THEN ? END WHERE id = ?", ends, row
        )
        self.ledger.add(principal, size=-size)

    def _next_epoch(self) -> int:
        self._epoch += 1  # one more than any before, also where the transaction fails
        self._execute("INSERT OR REPLACE INTO meta VALUES ('epoch', ?)", self._epoch)
        return self._epoch
