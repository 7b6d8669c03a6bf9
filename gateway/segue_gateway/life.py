"""The life of an endpoint: work beside the requests, freeing what expired, and an end in order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Literal

from .faults import report
from .states import Cause
from .stores.base import Unwritable

if TYPE_CHECKING:
    from .connection import Connection
    from .observing import Observer
    from .settings import Settings
    from .stores.base import Store
    from .turns import Turn

__all__ = ["Life"]

_PROBE = 2.0  # seconds in which a store answers that can be reached
_PATIENCE = 0.2  # seconds for what should be immediate when the process is to end


class Life:
    """The part of an endpoint that lives and ends."""

    settings: Settings
    store: Store
    running: dict[tuple[str, str], Turn]
    connections: set[Connection]
    closing: bool
    observer: Observer
    _tasks: set[asyncio.Task[None]]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work beside everything else, and keep it from being forgotten."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            report("background work failed", error)

    async def sweeping(self, every_seconds: float = 1.0) -> None:
        """Free what has expired, also when nobody calls."""
        while True:
            await asyncio.sleep(every_seconds)
            await self.store.sweep()
            self.forget_late()

    async def readiness(self) -> Literal["ready", "draining", "no_state"]:
        """Return whether new turns are taken here, or why not: the end is near, or the store can't be reached."""
        if self.closing:
            return "draining"
        try:
            async with asyncio.timeout(_PROBE):
                await self.store.known("", "")  # nobody has this name: a look, and nothing else
        except (Unwritable, TimeoutError):
            return "no_state"
        except Exception as error:
            report("the store could not be looked at", error)
            return "no_state"
        return "draining" if self.closing else "ready"

    def forget_late(self) -> None:
        """Free what is kept beside records that may be gone."""
        raise NotImplementedError

    async def shutdown(self, grace_ms: int | None = None) -> None:
        """End it all in order: notices, a short grace for turns that run, their ends, then the connections."""
        if self.closing:
            return
        grace = self.settings.grace_ms if grace_ms is None else grace_ms
        self.closing = True
        connections = list(self.connections)
        self.observer.draining(len(self.running), len(connections))
        until = asyncio.get_running_loop().time() + grace / 1000
        await _briefly(connection.drain("shutdown", grace, elsewhere=self.store.shared) for connection in connections)
        await self._settle(grace / 1000)
        for turn in list(self.running.values()):
            turn.interrupt(Cause.INTERRUPTION)
        await self._settle(_PATIENCE)
        if connections:
            await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
        await _briefly(connection.hang_up() for connection in connections)

    async def _settle(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self.running and (left := until - loop.time()) > 0:
            turn = next(iter(self.running.values()))
            try:
                async with asyncio.timeout(left):
                    await turn.news.wait()
            except TimeoutError:
                return


async def _briefly(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do some work side by side, but wait for none of it long: a client that does not read must not stop the end."""
    tasks = [asyncio.ensure_future(one) for one in work]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
        for task in late:
            task.cancel()
