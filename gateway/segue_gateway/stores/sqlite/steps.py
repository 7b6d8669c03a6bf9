"""The steps of the store on its tables, one method each, as `stores.base.Store` promises them; the worker's thread runs
them, one at a time, each whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable

from ...contexts import Context
from ..base import Bounds, Event, StoreFull
from ..weights import context_weight
from .continuations import Continuations
from .database import Database
from .holdings import Contexts, Histories
from .ledger import Ledger, Time
from .records import Records

__all__ = ["Steps"]

_AT_ONCE = 500  # what is freed in one sweep, of each kind: others wait meanwhile
_FREED_PAGES = 1_024  # 4 MiB, each second


class Steps(Records, Continuations):
    """What the store does, on the thread that owns the file. `evicted` hears of what was given up."""

    def __init__(
        self,
        database: Database,
        bounds: Bounds,
        clock: Callable[[], float],
        wall: Callable[[], float],
        evicted: Callable[[str, list[str]], None],
    ) -> None:
        self.bounds = bounds
        self.ledger = Ledger(database)
        self.time = Time(database, clock, wall)
        self._database = database
        self._execute = database.execute
        self._evicted = evicted
        self._contexts = Contexts(database, self.ledger)
        self._histories = Histories(database, self.ledger)
        self._private: dict[tuple[int, int], list[Event]] = {}  # stretches of records of retention `none`
        self._touched: dict[tuple[int, str], int] = {}
        (self._used,) = self._execute("SELECT coalesce(max(used), 0) FROM handles").fetchone()
        row = self._execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        self._epoch = int(row[0]) if row else 0
        self._due = 0.0
        with database.transaction():
            self._recover()

    # -- contexts

    def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that is held for the principal."""
        self._sweep_due()
        return self._contexts.find(self.ledger.known(principal), digest)

    def put_context(self, principal: str, context: Context) -> None:
        """Hold a context without a handle."""
        self._sweep_due()
        owner = self.ledger.of(principal)
        if not self._make_room(owner, lambda: context_weight(context)):
            raise StoreFull("contexts")
        row = self._execute(
            "SELECT id, parked FROM contexts WHERE principal = ? AND digest = ?", owner, context.digest
        ).fetchone()
        # One that is sent again lives longer, and is held and waited for once.
        identifier = row[0] if row is not None and row[1] is not None else self._contexts.pin(owner, context, kept=True)
        ends = self._ends(self.bounds.cached_ms)
        self._execute("UPDATE contexts SET parked = ? WHERE id = ?", ends, identifier)

    # -- time

    def sweep(self) -> None:
        """Free what has expired, note what was used, give the file's free pages back."""
        self._sweep_due()
        self._note_use()
        self.ledger.forget_empty()
        self.time.keep()
        (free,) = self._execute("PRAGMA freelist_count").fetchone()
        for _ in range(min(free, _FREED_PAGES)):
            self._execute("PRAGMA incremental_vacuum(1)")  # the module takes one step of it, whatever number is asked

    def _sweep_due(self) -> None:
        if self.time.now() < self._due:
            return
        now, more = self.time.now(), False
        turns = self._execute("SELECT id, principal, gone FROM turns WHERE ends <= ? LIMIT ?", now, _AT_ONCE).fetchall()
        for row, principal, gone in turns:
            if gone:
                self._execute("DELETE FROM turns WHERE id = ?", row)
                self.ledger.add(principal, turns=-1)
            else:
                self._drop_record(row)
        handles = self._execute("SELECT principal, id FROM handles WHERE ends <= ? LIMIT ?", now, _AT_ONCE).fetchall()
        for principal, identifier in handles:
            self._remove(principal, identifier)
        contexts = self._execute("SELECT id FROM contexts WHERE parked <= ? LIMIT ?", now, _AT_ONCE).fetchall()
        for (row,) in contexts:
            self._execute("UPDATE contexts SET parked = NULL WHERE id = ?", row)
            self._contexts.unpin(row, kept=True)
        more = max(len(turns), len(handles), len(contexts)) == _AT_ONCE
        (due,) = self._execute(
            "SELECT min(at) FROM (SELECT min(ends) AS at FROM turns WHERE ends IS NOT NULL"
            " UNION ALL SELECT min(ends) FROM handles WHERE ends IS NOT NULL"
            " UNION ALL SELECT min(parked) FROM contexts WHERE parked IS NOT NULL)"
        ).fetchone()
        before = self._due
        self._due = now if more else float("inf") if due is None else due
        self._database.note(lambda: setattr(self, "_due", before))

    def _ends(self, after_ms: float) -> float:
        ends = self.time.now() + after_ms / 1000
        self._due = min(self._due, ends)
        return ends

    def _left(self, ends: float | None) -> float | None:
        return None if ends is None else max(0.0, (ends - self.time.now()) * 1000)

    # -- after a restart

    def _recover(self) -> None:
        """Close what the process before left open: its connections, its turns, and what lay in its memory."""
        for principal, name in self._execute("SELECT principal, id FROM handles WHERE scope IS NOT NULL").fetchall():
            self._remove(principal, name)
        for (row,) in self._execute("SELECT id FROM turns WHERE retention = 'none' AND gone = 0").fetchall():
            self._execute("UPDATE turns SET finished = 1 WHERE id = ?", row)
            self._drop_record(row)
        for row, principal in self._execute("SELECT id, principal FROM turns WHERE finished = 0").fetchall():
            self._interrupt(row, principal)
        self.ledger.forget_empty()
