"""A thread that does the store's steps one after the other, and commits those that came together in one transaction.

SQLite wants one writer, and a commit costs more than a step: while one is under way others gather, so that many turns
at once cost few commits. Nobody is answered before the commit that holds his step.
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
        self._queue: queue.SimpleQueue[_Step | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="segue-sqlite", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[], T]) -> T:
        """Return what a step returned, once it is committed; raises what it raised, and Unwritable."""
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
            self._together(steps)
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


def _settle(steps: list[_Step]) -> None:
    for step in steps:
        step.settle()
