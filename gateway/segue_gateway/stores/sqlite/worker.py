"""Does the store's steps one after the other, and commits those that came together in one transaction.

SQLite wants one writer, and a commit costs more than a step: while one is under way others gather, so that many turns
at once cost few commits. Nobody is answered before the commit that holds his step.

A thread does them. Where a commit does not wait for the disk, a short step is done by who asks, while the thread has
nothing to do: to wake it and to be woken costs more than the step, and on a busy machine several times that. What may
take long (a history that has to be read, the sweep, moving the log into the file) is the thread's alone.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..base import Unwritable
from .database import Database

__all__ = ["Worker"]

T = TypeVar("T")

_MOST = 256  # steps in one transaction
_MOVE_AFTER = 2_048  # transactions behind which the log is moved into the file; all wait while that is done


@dataclass(slots=True)
class _Step:
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    work: Callable[[], Any]
    result: Any = None
    fault: BaseException | None = None

    def settle(self) -> None:
        if self.answer.done():
            return  # who asked has gone
        if self.fault is not None:
            self.answer.set_exception(self.fault)
        else:
            self.answer.set_result(self.result)


class Worker:
    """Runs steps on a database that it alone touches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._at_work = threading.Lock()
        self._since = 0  # transactions since the log was moved into the file
        self._queue: queue.SimpleQueue[_Step | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="segue-sqlite", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[], T], *, short: bool = False) -> T:
        """Return what a step returned, once it is committed; raises what it raised, and Unwritable.

        A `short` one may be done at once, before anything else happens on the loop.
        """
        if short and not self._database.waits and self._queue.empty() and self._at_work.acquire(blocking=False):
            try:
                self._since += 1
                return self._database.alone(work)
            finally:
                self._at_work.release()
                if self._since >= _MOVE_AFTER:
                    self.later(_nothing)  # the thread moves the log behind it
        loop = asyncio.get_running_loop()
        step = _Step(loop, loop.create_future(), work)
        self._queue.put(step)
        done: T = await step.answer
        return done

    def later(self, work: Callable[[], object]) -> None:
        """Have a step done that nobody waits for."""
        loop = asyncio.get_running_loop()
        step = _Step(loop, loop.create_future(), work)
        step.answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._queue.put(step)

    def end(self) -> None:
        """Do what was asked for, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            steps: list[_Step] = []
            first = self._queue.get()
            if first is None:
                return
            steps.append(first)
            while len(steps) < _MOST:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    going = False
                    break
                steps.append(more)
            with self._at_work:
                self._since += 1
                self._together(steps)
                if self._since >= _MOVE_AFTER:
                    self._since = 0
                    self._database.move_log()
            for loop in {step.loop for step in steps}:
                mine = [step for step in steps if step.loop is loop]
                try:
                    loop.call_soon_threadsafe(_settle, mine)
                except RuntimeError:
                    continue  # that loop is closed: nobody waits there any more

    def _together(self, steps: list[_Step]) -> None:
        """Do the steps in one transaction; where it can't be written none of them was done."""
        try:
            with self._database.transaction():
                for step in steps:
                    try:
                        step.result = self._database.step(step.work)
                    except Unwritable:
                        raise
                    except BaseException as fault:
                        step.fault = fault
        except Unwritable as fault:
            if len(steps) == 1:
                steps[0].fault = fault
                return
            for step in steps:  # one by one: what fits is written, and who asked for too much is told
                step.fault = None
                self._together([step])


def _nothing() -> None:
    """Do nothing, on the thread."""


def _settle(steps: list[_Step]) -> None:
    for step in steps:
        step.settle()
