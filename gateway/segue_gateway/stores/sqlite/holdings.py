"""Contexts and histories: each kept once, however many records and handles need it, and freed with the last of them."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterator

from segue_schemas import strict_loads

from ...contexts import Context
from ...history import History
from ..encoding import decode_node, encode_node
from ..weights import context_weight, node_weight
from .database import Database
from .ledger import Ledger

__all__ = ["Contexts", "Histories"]

_CONTEXTS = 8 * 1024 * 1024  # bytes of contexts that stay read
_HISTORIES = 64 * 1024 * 1024  # bytes of histories that stay loaded, their ancestries included
_FIRST_STRETCH, _LONGEST_STRETCH = 16, 4_096  # turns of a history that are loaded at once


class Contexts:
    """Contexts by principal and digest. One that only turns of retention `none` need lies in memory alone."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._private: dict[int, bytes] = {}
        self._read: OrderedDict[int, Context] = OrderedDict()
        self._size = 0

    def pin(self, principal: int, context: Context, *, kept: bool) -> int:
        """Hold a context once more, `kept` for something that lies in the file; return its row."""
        row = self._database.execute(
            "SELECT id, body IS NULL FROM contexts WHERE principal = ? AND digest = ?", principal, context.digest
        ).fetchone()
        if row is None:
            weight = context_weight(context)
            made = self._database.execute(
                "INSERT INTO contexts (principal, digest, body, weight, pins, kept) VALUES (?, ?, ?, ?, 1, ?)",
                principal, context.digest, context.raw if kept else None, weight, int(kept),
            ).lastrowid  # fmt: skip
            assert made is not None
            self._ledger.add(principal, size=weight)
            if not kept:
                self._hide(made, context.raw)
            return made
        identifier, private = row
        self._database.execute(
            "UPDATE contexts SET pins = pins + 1, kept = kept + ? WHERE id = ?", int(kept), identifier
        )
        if kept and private:
            self._database.execute("UPDATE contexts SET body = ? WHERE id = ?", self._private[identifier], identifier)
            self._show(identifier)
        return int(identifier)

    def unpin(self, identifier: int, *, kept: bool) -> None:
        """Hold a context once less; the last one frees it."""
        pins, principal, weight = self._database.execute(
            "UPDATE contexts SET pins = pins - 1, kept = kept - ? WHERE id = ? RETURNING pins, principal, weight",
            int(kept), identifier,
        ).fetchone()  # fmt: skip
        if pins:
            return
        self._database.execute("DELETE FROM contexts WHERE id = ?", identifier)
        self._ledger.add(principal, size=-weight)
        self._show(identifier)
        read = self._read.pop(identifier, None)
        self._size -= read.size if read is not None else 0

    def find(self, principal: int, digest: str) -> Context | None:
        """Return a context that is held."""
        row = self._database.execute(
            "SELECT id FROM contexts WHERE principal = ? AND digest = ?", principal, digest
        ).fetchone()
        return None if row is None else self.load(row[0])

    def loaded(self, identifier: int) -> bool:
        """Return whether a context is in memory as it is used."""
        return identifier in self._read

    def load(self, identifier: int) -> Context:
        """Return the context of a row."""
        found = self._read.get(identifier)
        if found is not None:
            self._read.move_to_end(identifier)
            return found
        digest, body = self._database.execute("SELECT digest, body FROM contexts WHERE id = ?", identifier).fetchone()
        raw = self._private[identifier] if body is None else bytes(body)
        found = self._read[identifier] = Context(raw, digest, strict_loads(raw))
        self._size += found.size
        while self._size > _CONTEXTS and len(self._read) > 1:
            self._size -= self._read.popitem(last=False)[1].size
        # A row's number comes again if its transaction fails.
        self._database.note(lambda: self._forget(identifier))
        return found

    def _forget(self, identifier: int) -> None:
        read = self._read.pop(identifier, None)
        self._size -= read.size if read is not None else 0

    def _hide(self, identifier: int, body: bytes) -> None:
        self._private[identifier] = body
        self._database.note(lambda: self._private.pop(identifier, None))

    def _show(self, identifier: int) -> None:
        body = self._private.pop(identifier, None)
        if body is not None:
            self._database.note(lambda: self._private.__setitem__(identifier, body))


class Histories:
    """Histories as rows of single turns; `History.node` is a turn's row, as long as there is one.

    A row is there while it is pinned: by the handles that name it and by the rows that go on from it.
    """

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._live: weakref.WeakValueDictionary[int, History] = weakref.WeakValueDictionary()
        self._recent: OrderedDict[int, tuple[History, int]] = OrderedDict()
        self._size = 0
        self._condemned: weakref.WeakSet[History] = weakref.WeakSet()

    def cost(self, history: History) -> int:
        """Return what holding a history would add to what is held, in bytes."""
        return sum(node_weight(node) for node in _missing(history))

    def hold(self, principal: int, history: History) -> int:
        """Pin a history for a handle; return its row."""
        missing = list(_missing(history))
        above = missing[-1].parent if missing else history
        row, total = (None, 0) if above is None else self._pin(above)
        for node in reversed(missing):
            weight = node_weight(node)
            total += weight
            made = self._database.execute(
                "INSERT INTO nodes (principal, parent, pins, weight, total, body) VALUES (?, ?, 1, ?, ?, ?)",
                principal, row, weight, total, encode_node(node),
            ).lastrowid  # fmt: skip
            assert made is not None
            row = made
            self._place(node, row)
            self._ledger.add(principal, size=weight)
        assert row is not None
        self._keep_loaded(row, history, total)
        return row

    def release(self, row: int) -> None:
        """Take a handle's pin off; what nothing needs any more is freed."""
        next_row: int | None = row
        while next_row is not None:
            row = next_row
            pins, parent, principal, weight = self._database.execute(
                "UPDATE nodes SET pins = pins - 1 WHERE id = ? RETURNING pins, parent, principal, weight", row
            ).fetchone()
            if pins:
                return
            self._database.execute("DELETE FROM nodes WHERE id = ?", row)
            self._ledger.add(principal, size=-weight)
            self._displace(row)
            next_row = parent

    def loaded(self, row: int) -> bool:
        """Return whether a history is in memory."""
        return row in self._live

    def load(self, row: int) -> History:
        """Return the history of a row; what is in memory already is not read again."""
        found = self._live.get(row)
        if found is None:
            found = self._read(row)
        (total,) = self._database.execute("SELECT total FROM nodes WHERE id = ?", row).fetchone()
        self._keep_loaded(row, found, total)
        return found

    def below(self, row: int) -> list[tuple[str, str]]:
        """Return id and turn of each handle whose history goes on from a row, or is that of the row."""
        return self._database.execute(
            "WITH RECURSIVE down (id) AS ("
            " VALUES (?) UNION ALL SELECT n.id FROM nodes n JOIN down ON n.parent = down.id)"
            " SELECT h.id, h.turn FROM handles h JOIN down ON h.node = down.id",
            row,
        ).fetchall()

    def condemn(self, row: int) -> None:
        """Let nothing be kept that goes on from here: turns that run from it find out when they end (SEG-CONT-075)."""
        found = self._live.get(row)
        if found is not None:  # else nobody runs from it: a turn that runs holds its whole ancestry in memory
            self._condemned.add(found)
            self._database.note(lambda: self._condemned.discard(found))

    def condemned(self, history: History) -> bool:
        """Return whether what a turn goes on from was deleted together with its descendants."""
        return bool(self._condemned) and any(node in self._condemned for node in history.nodes() if node is not history)

    def _pin(self, node: History) -> tuple[int, int]:
        row, total = self._database.execute(
            "UPDATE nodes SET pins = pins + 1 WHERE id = ? RETURNING id, total", node.node
        ).fetchone()
        return row, total

    def _read(self, row: int) -> History:
        bodies: list[tuple[int, bytes]] = []
        known: History | None = None
        at: int | None = row
        stretch = _FIRST_STRETCH
        while at is not None and known is None:
            rows = self._database.execute(
                "WITH RECURSIVE up (id, parent, body, depth) AS ("
                " SELECT id, parent, body, 1 FROM nodes WHERE id = ? UNION ALL"
                " SELECT n.id, n.parent, n.body, up.depth + 1 FROM nodes n JOIN up ON n.id = up.parent"
                " WHERE up.depth < ?"
                ") SELECT id, parent, body FROM up ORDER BY depth",
                at, stretch,
            ).fetchall()  # fmt: skip
            for identifier, parent, body in rows:
                known = self._live.get(identifier)
                if known is not None:
                    break
                bodies.append((identifier, body))
                at = parent
            stretch = min(stretch * 4, _LONGEST_STRETCH)
        history = known
        for identifier, body in reversed(bodies):
            history = decode_node(body, history)
            self._place(history, identifier)
        assert history is not None
        return history

    def _place(self, history: History, row: int) -> None:
        history.node = row
        self._live[row] = history
        self._database.note(lambda: self._forget(row))

    def _displace(self, row: int) -> None:
        history = self._forget(row)
        if history is not None:
            self._database.note(lambda: self._remember(history, row))

    def _remember(self, history: History, row: int) -> None:
        history.node = row
        self._live[row] = history

    def _forget(self, row: int) -> History | None:
        recent = self._recent.pop(row, None)
        self._size -= recent[1] if recent is not None else 0
        history = self._live.pop(row, None)
        if history is not None:
            history.node = None
        return history

    def _keep_loaded(self, row: int, history: History, total: int) -> None:
        """Keep what was used last loaded: who goes on from it then reads nothing. Shared ancestries count anew."""
        _, before = self._recent.pop(row, (None, 0))
        self._recent[row] = (history, total)
        self._size += total - before
        while self._size > _HISTORIES and len(self._recent) > 1:
            self._size -= self._recent.popitem(last=False)[1][1]


def _missing(history: History) -> Iterator[History]:
    """Yield the turns of a history that have no row, the youngest first."""
    for node in history.nodes():
        if node.node is not None:
            return
        yield node
