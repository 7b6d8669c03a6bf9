"""Looks into a store's file from outside, also while a gateway owns it: what it holds, turn by turn.

The owner has the file for itself, so a copy of it and of its log is read. In the log's mode the file itself changes at
a checkpoint alone, and the log otherwise grows; where neither began anew while it was copied, the copy is a state that
there was.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from segue_schemas import models, strict_loads

from ...contexts import Context
from ...history import History
from ..base import Unusable
from ..encoding import decode_node, decode_terminal
from .database import APPLICATION, VERSION

__all__ = ["Kept", "Unusable", "look"]

_TRIES = 20
_PAUSE = 0.1  # seconds between two of them


@dataclass(frozen=True, slots=True)
class Kept:
    """One turn that is held: whose, under which names, and what stands behind it. `context` None: not in the file."""

    principal: str
    id: str
    turn: str
    retention: str
    created_at: int
    history: History
    context: Context | None
    terminal: models.TurnCompleted | None


def look(path: str | Path) -> list[Kept]:
    """Return every continuation of a file, the oldest first; Unusable where that is no store."""
    with _copied(Path(path)) as copy, closing(sqlite3.connect(copy)) as connection:
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if (application, version) != (APPLICATION, VERSION):
                raise Unusable(f"{path} is no store of this version of Segue")
            return list(_kept(connection))
        except sqlite3.DatabaseError as error:
            raise Unusable(f"{path} is no store: {error}") from None


def _kept(connection: sqlite3.Connection) -> Iterator[Kept]:
    histories = _histories(connection)
    rows = connection.execute(
        "SELECT principals.name, handles.id, handles.turn, handles.retention, handles.created_at, handles.node,"
        " contexts.digest, contexts.body, handles.terminal FROM handles"
        " JOIN principals ON principals.id = handles.principal JOIN contexts ON contexts.id = handles.context"
        " ORDER BY handles.created_at, handles.node"
    )
    for principal, identifier, turn, retention, created_at, node, digest, body, terminal in rows:
        context = None if body is None else Context(bytes(body), digest, strict_loads(bytes(body)))
        yield Kept(
            principal, identifier, turn, retention, created_at, histories[node], context, decode_terminal(terminal)
        )


def _histories(connection: sqlite3.Connection) -> dict[int, History]:
    """Return every turn of every history, by its row; a child's row is behind its parent's."""
    made: dict[int, History] = {}
    for identifier, parent, body in connection.execute("SELECT id, parent, body FROM nodes ORDER BY id"):
        made[identifier] = decode_node(body, None if parent is None else made[parent])
    return made


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """Give a copy of a file with its log, for as long as the block lasts."""
    log = path.with_name(path.name + "-wal")
    with TemporaryDirectory(prefix="segue-") as folder:
        copy = Path(folder) / "store.db"
        for _ in range(_TRIES):
            try:
                before = _mark(path, log)
                shutil.copyfile(path, copy)
                if log.exists():
                    shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
                if _mark(path, log) == before:
                    yield copy
                    return
            except OSError as error:
                raise Unusable(f"{path} can't be read: {error.strerror}") from None
            copy.with_name(copy.name + "-wal").unlink(missing_ok=True)
            time.sleep(_PAUSE)
    raise Unusable(f"{path} is written too often to be read; try again")


def _mark(path: Path, log: Path) -> tuple[int, int, bytes]:
    """Return what changes when the file does, or its log begins anew."""
    told = path.stat()
    head = b""
    if log.exists():
        with log.open("rb") as stream:
            head = stream.read(32)
    return told.st_mtime_ns, told.st_size, head
