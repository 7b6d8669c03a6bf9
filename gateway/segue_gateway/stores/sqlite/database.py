"""The file: opened for this process alone, brought to the tables of today, written in transactions that can fail.

What is in memory beside the tables (amounts, loaded histories) changes with them: each change notes how to take it
back, and a transaction that fails takes all of them back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ..base import Unusable, Unwritable

__all__ = ["APPLICATION", "VERSION", "Database", "Unusable", "check_folder"]

T = TypeVar("T")

# Faults of ours; what else is raised is an answer.
_OURS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

APPLICATION = 0x53656775  # "Segu"
VERSION = 1
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE principals (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
-- A name that is claimed. `gone`: only the name is left. `ends`: when the record goes, or then the name.
CREATE TABLE turns (
    id INTEGER PRIMARY KEY, principal INTEGER NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
    epoch INTEGER NOT NULL, retention TEXT NOT NULL, next INTEGER NOT NULL, finished INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0, handle TEXT, size INTEGER NOT NULL, ends REAL, UNIQUE (principal, name)
);
CREATE INDEX turns_end ON turns (ends) WHERE ends IS NOT NULL;
CREATE INDEX turns_run ON turns (id) WHERE finished = 0;
-- A stretch of a record, from number `first` on. Without a body it lies in memory alone (SEG-CONT-048).
CREATE TABLE events (turn INTEGER NOT NULL, first INTEGER NOT NULL, body BLOB, PRIMARY KEY (turn, first)) WITHOUT ROWID;
CREATE TABLE held (turn INTEGER NOT NULL, context INTEGER NOT NULL);
CREATE INDEX held_turn ON held (turn);
-- `kept`: pins by what may lie on the disk. Without any the body lies in memory alone.
CREATE TABLE contexts (
    id INTEGER PRIMARY KEY, principal INTEGER NOT NULL, digest TEXT NOT NULL, body BLOB, weight INTEGER NOT NULL,
    pins INTEGER NOT NULL, kept INTEGER NOT NULL, parked REAL, UNIQUE (principal, digest)
);
CREATE INDEX contexts_end ON contexts (parked) WHERE parked IS NOT NULL;
-- One turn of a history. It is there while a handle names it or another goes on from it: those are its pins.
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY, principal INTEGER NOT NULL, parent INTEGER, pins INTEGER NOT NULL, weight INTEGER NOT NULL,
    total INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX nodes_parent ON nodes (parent);
CREATE TABLE handles (
    principal INTEGER NOT NULL, id TEXT NOT NULL, node INTEGER NOT NULL, context INTEGER NOT NULL,
    retention TEXT NOT NULL, turn TEXT NOT NULL, scope TEXT, parent TEXT, life_ms INTEGER, created_at INTEGER NOT NULL,
    terminal BLOB, ends REAL, used INTEGER NOT NULL, PRIMARY KEY (principal, id)
) WITHOUT ROWID;
CREATE INDEX handles_node ON handles (node);
CREATE INDEX handles_used ON handles (principal, retention, used);
CREATE INDEX handles_end ON handles (ends) WHERE ends IS NOT NULL;
CREATE INDEX handles_scope ON handles (scope) WHERE scope IS NOT NULL;
"""
# How long another process may hold the file: one that ends needs a moment to let go.
_PATIENCE = 2.0


class Database:
    """A connection to the file, and the way to take back what a failed transaction changed in memory."""

    def __init__(self, path: str | Path, *, full: bool) -> None:
        self.path = Path(path)
        self.waits = full  # whether a commit waits for the disk
        self._undo: list[Callable[[], object]] = []
        try:
            self.connection = self._open(full)
        except sqlite3.DatabaseError as error:
            raise Unusable(_told(self.path, error)) from None

    def _open(self, full: bool) -> sqlite3.Connection:
        check_folder(self.path)
        # The worker's thread uses it; it is opened here, so that what is wrong is said before anything is served.
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=_PATIENCE
        )
        try:
            # For this process alone, from the first write on: two gateways on one file would each own every turn.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise Unusable(f"{self.path}: its file system does not take a write-ahead log; name a file elsewhere")
            connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            connection.execute("PRAGMA secure_delete = ON")  # what was deleted is not to be found in the file
            # The log is moved by `move_log`; by itself only where that comes too late.
            connection.execute(f"PRAGMA wal_autocheckpoint = {1_000 if full else 16_000}")
            connection.execute("PRAGMA cache_size = -16384")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            self._bring_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == 0 and tables == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        elif application != APPLICATION:
            raise Unusable(f"{self.path} is a database of something else; name another file")
        elif version != VERSION:
            raise Unusable(f"{self.path} was written by another version of Segue (tables {version}, here {VERSION})")
        connection.execute("COMMIT")

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(statement, values)

    def note(self, undo: Callable[[], object]) -> None:
        """Note how to take back a change in memory, should its transaction fail."""
        self._undo.append(undo)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that is done within, or nothing; Unwritable."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except (sqlite3.Error, Unwritable) as error:
            if self.connection.in_transaction:
                with suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
            self._take_back(0)
            raise Unwritable(str(error)) from error
        finally:
            self._undo.clear()

    def step(self, work: Callable[[], T]) -> T:
        """Do one step of a transaction: all of it or, where a fault of ours stops it, nothing of it.

        What a store may answer (it is full, an epoch is stale) is raised before anything is written, or stands.
        """
        place = len(self._undo)
        self.connection.execute("SAVEPOINT step")
        try:
            return work()
        except sqlite3.Error as error:
            raise Unwritable(str(error)) from error
        except _OURS:
            self.connection.execute("ROLLBACK TO step")
            self._take_back(place)
            raise
        finally:
            if self.connection.in_transaction:
                with suppress(sqlite3.Error):
                    self.connection.execute("RELEASE step")

    def alone(self, work: Callable[[], T]) -> T:
        """Do one step in a transaction of its own, as `step` does it in one with others."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                result = work()
            except (sqlite3.Error, Unwritable):
                raise
            except _OURS:
                self.connection.execute("ROLLBACK")
                self._take_back(0)
                raise
            except BaseException:
                self.connection.execute("COMMIT")
                raise
            self.connection.execute("COMMIT")
            return result
        except (sqlite3.Error, Unwritable) as error:
            if self.connection.in_transaction:
                with suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
            self._take_back(0)
            raise Unwritable(str(error)) from error
        finally:
            self._undo.clear()

    def _take_back(self, place: int) -> None:
        while len(self._undo) > place:
            self._undo.pop()()

    def move_log(self) -> None:
        """Move what the log holds into the file, so that it does not grow for ever; this waits for the disk."""
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA optimize")
        self.connection.close()


def check_folder(path: str | Path) -> None:
    """Raise Unusable where there is no folder for a file."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise Unusable(f"{folder} is no folder: make it, or name another file")


def _told(path: Path, error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"{path} is in use by another process: end that one, or name another file"
    if "not a database" in text or "malformed" in text:
        return f"{path} is no SQLite database, or a damaged one ({text}): put it aside, or name another file"
    if "unable to open" in text or "readonly" in text:
        return f"{path} can't be opened for writing ({text})"
    return f"{path} can't be used: {text}"
