"""What each principal holds, in amounts, beside the tables: bounds are checked at every step, and sums cost.

Also the store's time: seconds that never go back, over restarts too, whatever the machine's clock does meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .database import Database

__all__ = ["Amounts", "Ledger", "Time"]

_EVERY = 1.0  # seconds between two notes of the time


@dataclass(slots=True)
class Amounts:
    """What one principal holds."""

    turns: int = 0
    handles: int = 0
    size: int = 0


class Ledger:
    """Amounts by principal's row; a change is taken back with the transaction that it belongs to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, int] = {}
        self._held: dict[int, Amounts] = {}
        for identifier, name in database.execute("SELECT id, name FROM principals"):
            self._ids[name] = identifier
            self._held[identifier] = Amounts()
        for table, member in (("turns", "turns"), ("handles", "handles")):
            for identifier, count in database.execute(f"SELECT principal, count(*) FROM {table} GROUP BY principal"):
                setattr(self._held[identifier], member, count)
        for table, column in (("turns", "size"), ("nodes", "weight"), ("contexts", "weight")):
            for identifier, size in database.execute(
                f"SELECT principal, sum({column}) FROM {table} GROUP BY principal"
            ):
                self._held[identifier].size += size

    def known(self, principal: str) -> int:
        """Return a principal's row; -1, which is nobody's, for one that holds nothing."""
        return self._ids.get(principal, -1)

    def of(self, principal: str) -> int:
        """Return a principal's row, made where there was none."""
        identifier = self._ids.get(principal)
        if identifier is None:
            made = self._database.execute("INSERT INTO principals (name) VALUES (?)", principal).lastrowid
            assert made is not None
            identifier = self._ids[principal] = made
            self._held[identifier] = Amounts()
            self._database.note(lambda: (self._ids.pop(principal), self._held.pop(made)))
        return identifier

    def name(self, identifier: int) -> str:
        """Return the name of a principal's row."""
        (name,) = self._database.execute("SELECT name FROM principals WHERE id = ?", identifier).fetchone()
        return str(name)

    def held(self, identifier: int) -> Amounts:
        """Return what is held."""
        return self._held.get(identifier) or Amounts()

    def add(self, identifier: int, *, turns: int = 0, handles: int = 0, size: int = 0) -> None:
        """Change what is held."""
        held = self._held[identifier]

        def change(sign: int) -> None:
            held.turns += sign * turns
            held.handles += sign * handles
            held.size += sign * size

        change(1)
        self._database.note(lambda: change(-1))

    def forget_empty(self) -> None:
        """Forget the principals that hold nothing."""
        for name, identifier in list(self._ids.items()):
            held = self._held[identifier]
            if held == Amounts():
                self._database.execute("DELETE FROM principals WHERE id = ?", identifier)
                del self._ids[name], self._held[identifier]
                self._database.note(partial(self._restore, name, identifier, held))

    def _restore(self, name: str, identifier: int, held: Amounts) -> None:
        self._ids[name], self._held[identifier] = identifier, held


class Time:
    """Seconds of the store: the machine's clock where the file was opened, and from there the monotonic one."""

    def __init__(self, database: Database, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        row = database.execute("SELECT value FROM meta WHERE name = 'time'").fetchone()
        # A clock that was put back must not make what has expired live again.
        self._base = max(wall(), float(row[0]) if row else 0.0) - clock()
        self._noted = 0.0

    def now(self) -> float:
        """Return the store's time."""
        return self._base + self._clock()

    def keep(self) -> None:
        """Note the time in the file, now and then."""
        now = self.now()
        if now - self._noted >= _EVERY:
            self._database.execute("INSERT OR REPLACE INTO meta VALUES ('time', ?)", now)
            self._noted = now
