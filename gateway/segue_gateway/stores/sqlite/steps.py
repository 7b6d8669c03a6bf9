"""The steps of the store on its tables, one method each, as `stores.base.Store` promises them; the worker's thread runs
them, one at a time, each whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from segue_schemas import models

from ...contexts import Context
from ..base import (
    Bounds,
    Claim,
    Event,
    Handle,
    Held,
    Known,
    Record,
    RetentionLost,
    StaleEpoch,
    StoreFull,
    interrupted,
)
from ..weights import context_weight, event_weight
from .database import Database
from .encoding import decode_events, decode_terminal, encode_events, encode_terminal
from .holdings import Contexts, Histories
from .ledger import Ledger, Time

__all__ = ["Steps"]

_AT_ONCE = 500  # what is freed in one sweep, of each kind: others wait meanwhile
_FREED_PAGES = 1_024  # 4 MiB, each second


class Steps:
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

    # -- names and records

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
        row, number, gone, retention = self._owned(owner, turn, epoch)
        if not gone:  # deleted while it ran: it runs on, and nothing of it is kept
            self._write(owner, row, number, events, kept=retention != "none")

    def finish(
        self,
        principal: str,
        turn: str,
        epoch: int,
        terminal: models.TurnCompleted | models.TurnFailed,
        handle: Handle | None,
    ) -> float | None:
        """Write the terminal event and its continuation."""
        self._sweep_due()
        owner = self.ledger.known(principal)
        row, number, gone, retention = self._owned(owner, turn, epoch)
        left = None if handle is None else self._keep(owner, handle)  # raises before anything is written
        if not gone:
            self._write(owner, row, number, [terminal], kept=retention != "none")
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
        self._execute("INSERT INTO events VALUES (?, ?, ?)", row, number, encode_events(events) if kept else None)
        self._execute("UPDATE turns SET next = next + ?, size = size + ? WHERE id = ?", len(events), weight, row)
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

    # -- continuations

    def resolve(self, principal: str, identifier: str, scope: str | None) -> Held | None:
        """Return a continuation by one lookup of principal and id."""
        self._sweep_due()
        owner = self.ledger.known(principal)
        row = self._execute(
            "SELECT node, context, retention, turn, scope, parent, life_ms, created_at, terminal, ends FROM handles"
            " WHERE principal = ? AND id = ?",
            owner, identifier,
        ).fetchone()  # fmt: skip
        if row is None or row[4] not in (None, scope):
            return None
        node, context, retention, turn, scope, parent, life_ms, created_at, terminal, ends = row
        self._used += 1
        self._touched[owner, identifier] = self._used
        handle = Handle(
            id=identifier,
            history=self._histories.load(node),
            context=self._contexts.load(context),
            retention=retention,
            turn=turn,
            scope=scope,
            parent=parent,
            life_ms=life_ms,
            created_at=created_at,
            terminal=decode_terminal(terminal),
        )
        return Held(handle, self._left(ends))

    def delete(self, principal: str, identifier: str, scope: str | None, descendants: bool) -> list[str] | None:
        """Delete a continuation and the records that hold its output."""
        self._sweep_due()
        owner = self.ledger.known(principal)
        row = self._execute(
            "SELECT node, turn, scope FROM handles WHERE principal = ? AND id = ?", owner, identifier
        ).fetchone()
        if row is None or row[2] not in (None, scope):
            return None
        node, turn, _ = row
        gone = {identifier: turn}
        if descendants:
            gone.update(self._histories.below(node))
            self._histories.condemn(node)
        for name, of in gone.items():
            self._remove(owner, name)
            record = self._execute(
                "SELECT id FROM turns WHERE principal = ? AND name = ? AND gone = 0", owner, of
            ).fetchone()
            if record is not None:
                self._drop_record(record[0])
        return list(gone)

    def close_scope(self, principal: str, scope: str) -> None:
        """Delete the handles of a connection that ended."""
        owner = self.ledger.known(principal)
        for (name,) in self._execute(
            "SELECT id FROM handles WHERE scope = ? AND principal = ?", scope, owner
        ).fetchall():
            self._remove(owner, name)
        self._sweep_due()

    def _keep(self, owner: int, handle: Handle) -> float | None:
        if self._histories.condemned(handle.history):
            raise RetentionLost
        # What it costs is reckoned anew after each eviction: that may have freed a part that this history needs.
        if not self._make_room(owner, lambda: self._histories.cost(handle.history), handles=1):
            raise RetentionLost
        context = self._contexts.pin(owner, handle.context, kept=True)
        node = self._histories.hold(owner, handle.history)
        ends = None if handle.life_ms is None else self._ends(handle.life_ms)
        self._used += 1
        self._execute(
            "INSERT INTO handles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            owner, handle.id, node, context, handle.retention, handle.turn, handle.scope, handle.parent,
            handle.life_ms, handle.created_at, encode_terminal(handle.terminal), ends, self._used,
        )  # fmt: skip
        self.ledger.add(owner, handles=1)
        return self._left(ends)

    def _remove(self, owner: int, identifier: str) -> None:
        node, context = self._execute(
            "DELETE FROM handles WHERE principal = ? AND id = ? RETURNING node, context", owner, identifier
        ).fetchone()
        self._touched.pop((owner, identifier), None)
        self.ledger.add(owner, handles=-1)
        self._histories.release(node)
        self._contexts.unpin(context, kept=True)

    def _make_room(self, owner: int, weight: Callable[[], int], *, handles: int = 0) -> bool:
        """Evict `cached` continuations of this principal until there is room; return whether there is."""
        evicted: list[str] = []
        held = self.ledger.held(owner)

        def full() -> bool:
            return held.size + weight() > self.bounds.state_bytes or held.handles + handles > self.bounds.continuations

        while full():
            self._note_use()
            victim = self._execute(
                "SELECT id FROM handles WHERE principal = ? AND retention = 'cached' ORDER BY used LIMIT 1", owner
            ).fetchone()
            if victim is None:
                break
            self._remove(owner, victim[0])
            evicted.append(victim[0])
        if evicted:
            self._evicted(self.ledger.name(owner), evicted)
        return not full()

    def _note_use(self) -> None:
        for (owner, identifier), used in self._touched.items():
            self._execute("UPDATE handles SET used = ? WHERE principal = ? AND id = ?", used, owner, identifier)
        self._touched.clear()

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
