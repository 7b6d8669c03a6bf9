"""The store in an SQLite file, as the endpoint sees it: every method is one step of the worker's thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from segue_schemas import models

from ...contexts import Context
from ..alone import Alone
from ..base import Bounds, Claim, Event, Handle, Held, Known, Record
from .continuations import UNREAD
from .database import Database, Unusable
from .steps import Steps
from .worker import Worker

__all__ = ["SQLiteStore", "Unusable"]

_TIERS: Sequence[models.Retention] = ("connection", "cached")
_FULL: Sequence[models.Retention] = (*_TIERS, "durable")


class SQLiteStore(Alone):
    """Keeps names, records, continuations and contexts in the file at `path`, for one process at a time.

    What was answered survives a process that is killed. With `full` every commit waits for the disk, so that it
    survives a machine that loses its power too, and `durable` is offered. Records of retention `none` and the handles
    of connections end with the process. Raises Unusable.
    """

    names_survive: models.NamesSurvive = "restart"

    def __init__(
        self,
        path: str | Path,
        bounds: Bounds,
        clock: Callable[[], float] = time.monotonic,
        *,
        wall: Callable[[], float] = time.time,
        full: bool = False,
    ) -> None:
        self.tiers: Sequence[models.Retention] = _FULL if full else _TIERS
        self.on_evicted: Callable[[str, list[str]], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._database = Database(path, full=full)
        self._steps = Steps(self._database, bounds, clock, wall, self._tell)
        self._worker = Worker(self._database)

    async def known(self, principal: str, turn: str) -> Known | None:
        """Return what is known of a name."""
        return await self._worker.do(lambda: self._steps.known(principal, turn), short=True)

    async def claim(
        self, principal: str, turn: str, content: str, accepted: models.TurnAccepted, contexts: Sequence[Context]
    ) -> Claim:
        """Claim a name for a content and write `turn.accepted`, or say who has it."""
        self._loop = asyncio.get_running_loop()
        try:
            return await self._worker.do(
                lambda: self._steps.claim(principal, turn, content, accepted, contexts), short=True
            )
        except asyncio.CancelledError:
            # Who asked will not run it; nobody else would ever end it.
            self._worker.later(lambda: self._steps.interrupt(principal, turn))
            raise

    async def append(self, principal: str, turn: str, epoch: int, events: Sequence[Event]) -> None:
        """Write events behind the record's last."""
        await self._worker.do(lambda: self._steps.append(principal, turn, epoch, events), short=True)

    async def finish(
        self,
        principal: str,
        turn: str,
        epoch: int,
        terminal: models.TurnCompleted | models.TurnFailed,
        handle: Handle | None,
        before: Sequence[Event] = (),
    ) -> float | None:
        """Write the terminal event and its continuation in one step."""
        self._loop = asyncio.get_running_loop()
        return await self._worker.do(
            lambda: self._steps.finish(principal, turn, epoch, terminal, handle, before), short=True
        )

    async def interrupt(self, principal: str, turn: str) -> bool:
        """Close a record whose owner is gone."""
        return await self._worker.do(lambda: self._steps.interrupt(principal, turn))

    async def read(self, principal: str, turn: str, after: int | None = None) -> Record | None:
        """Return a turn's events above a number."""
        return await self._worker.do(lambda: self._steps.read(principal, turn, after))

    async def resolve(self, principal: str, identifier: str, scope: str | None) -> Held | None:
        """Return a continuation by one lookup of principal and id."""
        # What is in memory is found at once; what has to be read may be long.
        loaded = await self._worker.do(lambda: self._steps.resolve_loaded(principal, identifier, scope), short=True)
        if loaded is not UNREAD:
            return loaded
        return await self._worker.do(lambda: self._steps.resolve(principal, identifier, scope))

    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        """Delete a continuation and the records that hold its output."""
        return await self._worker.do(lambda: self._steps.delete(principal, identifier, scope, descendants))

    async def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that is held for the principal."""
        return await self._worker.do(lambda: self._steps.context(principal, digest), short=True)

    async def put_context(self, principal: str, context: Context) -> None:
        """Hold a context without a handle, for as long as a `cached` one lives."""
        self._loop = asyncio.get_running_loop()
        await self._worker.do(lambda: self._steps.put_context(principal, context))

    async def close_scope(self, principal: str, scope: str) -> None:
        """Delete the handles of a connection that ended."""
        await self._worker.do(lambda: self._steps.close_scope(principal, scope))

    async def sweep(self) -> None:
        """Free what has expired."""
        await self._worker.do(self._steps.sweep)

    async def close(self) -> None:
        """Write what is under way, and close the file."""
        await asyncio.get_running_loop().run_in_executor(None, self._end)

    def _end(self) -> None:
        self._worker.end()
        self._database.close()

    def held(self, principal: str) -> dict[str, int]:
        """Return what is held for a principal, counted; for tests, while no step runs."""
        owner = self._steps.ledger.known(principal)
        amounts = self._steps.ledger.held(owner)
        (contexts,) = self._database.execute("SELECT count(*) FROM contexts WHERE principal = ?", owner).fetchone()
        return {"turns": amounts.turns, "continuations": amounts.handles, "contexts": contexts, "bytes": amounts.size}

    def _tell(self, principal: str, identifiers: list[str]) -> None:
        """Tell of an eviction on the loop that caused it; this runs on the worker's thread."""
        if self._loop is not None and self.on_evicted is not None:
            self._loop.call_soon_threadsafe(self.on_evicted, principal, identifiers)
