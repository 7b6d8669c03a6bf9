"""Reads an engine's events as they come, some ahead of who records them: what is ready at once is taken together.

A provider's answer comes in packets of many events. Recorded one by one each would cost a step of the store and a write
to the client; together they cost one. No more than a few hundred are read ahead, so that a store that is slow slows the
provider down.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from segue_schemas import models

from .engines.base import EngineEvent, EngineFailure

__all__ = ["Ahead"]

_MOST = 512  # events that wait to be taken
_REST = 1.0  # seconds for what stands behind an answer's end
_AT_ONCE = 256  # events that are taken together


class Ahead:
    """One answer of an engine. `ended`: its end was taken; who takes it says so."""

    def __init__(self, stream: AsyncIterator[EngineEvent]) -> None:
        self.ended = False
        self._stream = stream
        self._ready: list[EngineEvent] = []
        self._fault: BaseException | None = None
        self._waits: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            async for event in self._stream:
                self._ready.append(event)
                self.wake()
                if len(self._ready) >= _MOST:
                    self._room = asyncio.get_running_loop().create_future()
                    await self._room
            text = "The model's answer ended without an end."
            error = models.Error(code="upstream_failed", advice="retry", effect="unknown", message=text)
            self._fault = EngineFailure(error)
        except Exception as fault:
            self._fault = fault
        finally:
            closing = getattr(self._stream, "aclose", None)
            if closing is not None:
                with contextlib.suppress(Exception):
                    await closing()
            self.wake()

    def wake(self) -> None:
        """Let `ready` return, with what there is."""
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    def take(self) -> list[EngineEvent]:
        """Return what is there, so much as is recorded together; raises what ended the answer behind the last."""
        taken = self._ready[:_AT_ONCE]
        del self._ready[:_AT_ONCE]
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if not taken and self._fault is not None:
            raise self._fault
        return taken

    async def wait(self, seconds: float | None) -> None:
        """Wait until there is something to take, or `wake` is called, or so much time has passed."""
        if self._ready or self._fault is not None:
            return
        loop = asyncio.get_running_loop()
        self._waits = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, self.wake)
        try:
            await self._waits
        finally:
            self._waits = None
            if timer is not None:
                timer.cancel()

    @property
    def over(self) -> bool:
        """Whether the engine has let go."""
        return self._task.done()

    async def rest(self) -> None:
        """Let the engine read on behind its end, so that its connection can be used again; not for long."""
        await asyncio.wait({self._task}, timeout=_REST)
        await self.close()

    async def close(self) -> None:
        """Stop the answer; returns when its engine has let go."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._task
