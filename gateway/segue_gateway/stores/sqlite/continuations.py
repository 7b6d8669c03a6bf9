"""Continuations: what a handle names, how long it is kept, and who goes first when there is no room."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

from ..base import Bounds, Handle, Held, RetentionLost
from ..encoding import decode_terminal, encode_terminal
from .database import Database
from .holdings import Contexts, Histories
from .ledger import Ledger, Time

__all__ = ["UNREAD", "Continuations", "Unread"]


class Unread(Enum):
    """What was looked for is there, and not in memory."""

    UNREAD = "unread"


UNREAD: Final = Unread.UNREAD


class Continuations:
    """The steps on handles."""

    bounds: Bounds
    ledger: Ledger
    time: Time
    _database: Database
    _execute: Callable[..., sqlite3.Cursor]
    _contexts: Contexts
    _histories: Histories
    _evicted: Callable[[str, list[str]], None]
    _touched: dict[tuple[int, str], int]
    _used: int

    if TYPE_CHECKING:  # the other parts of `Steps`

        def _sweep_due(self) -> None: ...

        def _drop_record(self, row: int) -> None: ...

        def _ends(self, after_ms: float) -> float: ...

        def _left(self, ends: float | None) -> float | None: ...

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

    def resolve_loaded(self, principal: str, identifier: str, scope: str | None) -> Held | Unread | None:
        """Return a continuation as `resolve`; UNREAD where its history or its context has to be read first."""
        self._sweep_due()
        row = self._execute(
            "SELECT node, context FROM handles WHERE principal = ? AND id = ?",
            self.ledger.known(principal), identifier,
        ).fetchone()  # fmt: skip
        if row is not None and not (self._histories.loaded(row[0]) and self._contexts.loaded(row[1])):
            return UNREAD
        return self.resolve(principal, identifier, scope)

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
            # By the handle too: the name may be another turn's by now.
            record = self._execute(
                "SELECT id FROM turns WHERE principal = ? AND name = ? AND handle = ? AND gone = 0", owner, of, name
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
