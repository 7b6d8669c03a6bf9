"""Performs one check on one wire and grades it. Knows nothing of pytest.

What a check raises is a verdict (`grade`); what it stands on, the budget and the time it may take are looked after
here, so that no check can hang the run, outspend it, or accuse an endpoint that was never reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from segue_adapters.errors import TransportError

from .grading import CONTACT_FAULTS, Grade, RecordedFrame, grade, not_let_in, result_of, transcript
from .registry import FIRST, Check
from .results import CheckResult, ContactFault
from .subject import Budget
from .verdicts import Deviation, Inconclusive, Untestable, Verdict

__all__ = ["Execution", "Listener", "SubjectFactory", "SubjectLike"]

T = TypeVar("T")

#: A check may take this many turns' time, and this many seconds more, before it counts as hung.
_TURNS, _SPARE = 10, 30.0
_CLOSING = 5.0
#: After so many checks in a row without an answer it is asked whether anybody is there at all.
_IN_A_ROW = 3
_BUDGET = "out of budget (--max-requests)"
_NEEDS_KEY = "needs a key of another principal: give --second-api-key-env"
_WITH_TRANSCRIPT = (Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.ERROR)


class _Recorder(Protocol):
    @property
    def frames(self) -> Sequence[RecordedFrame]: ...


class SubjectLike(Protocol):
    """What the execution needs of a subject; the checks need more."""

    @property
    def requests(self) -> int:
        """How many requests it has made."""
        ...

    @property
    def recorder(self) -> _Recorder:
        """Where its transcript stands."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


#: Makes the subject of one check, on a wire.
SubjectFactory = Callable[[str], Any]


class Listener(Protocol):
    """Is told what happens while it happens."""

    def begin(self, check: Check, wire: str) -> None:
        """A check begins."""

    def end(self, result: CheckResult) -> None:
        """A check has its verdict."""


class Execution:
    """Performs checks one after the other on one event loop; `results` holds what came of them.

    `timeout`: seconds a turn may take; `budget`: the one that the subjects spend from.
    """

    def __init__(
        self,
        factory: SubjectFactory,
        *,
        timeout: float,
        budget: Budget | None = None,
        second_key: bool = False,
        listener: Listener | None = None,
        first: Check | None = None,
    ) -> None:
        self.results: dict[tuple[str, str], CheckResult] = {}
        self.contact: list[ContactFault] = []
        self.tracebacks: list[str] = []
        self.requests = 0
        self.first = first
        self._factory = factory
        self._limit = timeout * _TURNS + _SPARE
        self._budget = budget or Budget()
        self._second_key = second_key
        self._listener = listener
        self._runner: asyncio.Runner | None = None
        self._stray: list[str] = []
        self._unanswered: dict[str, int] = {}
        self._gone: dict[str, str] = {}

    def close(self) -> None:
        """Close the event loop."""
        if self._runner is not None:
            with contextlib.suppress(Exception):
                self._runner.close()
            self._runner = None

    def _abandon_loop(self) -> None:
        """Go on with another loop: closing this one would wait for a task that does not let itself be cancelled."""
        if self._runner is not None:
            loop, self._runner = self._runner.get_loop(), None
            loop.close()
            asyncio.set_event_loop(None)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the run's own event loop."""
        if self._runner is None:
            self._runner = asyncio.Runner()
            # What a task that nobody awaits any more raises is no verdict, and no noise on the terminal either.
            self._runner.get_loop().set_exception_handler(lambda _, context: self._stray.append(str(context)))
        return self._runner.run(work)

    def subject(self, wire: str) -> Any:
        """Return a new subject for one check."""
        return self._factory(wire)

    def discard(self, subject: SubjectLike) -> None:
        """Close a subject; what goes wrong in that is nobody's verdict."""
        with contextlib.suppress(Exception):
            self.run(_bounded(subject.aclose(), _CLOSING))

    def perform(self, check: Check, wire: str) -> CheckResult:
        """Perform a check, once, unless something stands against it; return and keep its result.

        A KeyboardInterrupt leaves an inconclusive result behind and goes on up.
        """
        done = self.results.get((check.id, wire))
        if done is not None:
            return done
        obstacle = self._obstacle(check, wire)
        if self._listener is not None:
            self._listener.begin(check, wire)
        if obstacle is not None:
            return self._keep(result_of(check, wire, obstacle))
        try:
            subject = self.subject(wire)
        except Exception as error:
            return self._keep(result_of(check, wire, self._blame(error, None)))
        try:
            return self._attempt(check, wire, subject)
        finally:
            self.discard(subject)

    def leave_out(self, check: Check, wire: str, verdict: Verdict, message: str) -> None:
        """Keep a result for a check that was not performed."""
        self.results[check.id, wire] = result_of(check, wire, Grade(verdict, message))

    def _attempt(self, check: Check, wire: str, subject: SubjectLike) -> CheckResult:
        """Run the check's function and keep what it comes to."""
        began, before = time.monotonic(), subject.requests
        found = Grade(Verdict.INCONCLUSIVE, "interrupted")
        try:
            fault = self.run(_bounded(_caught(check.function(subject)), self._limit))
            if isinstance(fault, _Hung):
                self._abandon_loop()
                found = Grade(Verdict.ERROR, f"the check did not end within {self._limit:g} s: {check.id} hangs")
            else:
                found = Grade(Verdict.PASS) if fault is None else self._blame(fault, subject, first=check.id == FIRST)
                self._note_contact(check, wire, fault)
                unanswered = isinstance(fault, TransportError)
                self._unanswered[wire] = self._unanswered.get(wire, 0) + 1 if unanswered else 0
        finally:
            spent = max(0, subject.requests - before)
            self.requests += spent
            frames = transcript(subject.recorder.frames) if found.verdict in _WITH_TRANSCRIPT else ()
            duration = round((time.monotonic() - began) * 1000)
            result = self._keep(result_of(check, wire, found, frames=frames, duration_ms=duration, requests=spent))
        return result

    def _keep(self, result: CheckResult) -> CheckResult:
        self.results[result.check, result.wire] = result
        if self._listener is not None:
            self._listener.end(result)
        return result

    def _obstacle(self, check: Check, wire: str) -> Grade | None:
        """Return the grade of a check that need not begin, or None."""
        if check.needs_second_key and not self._second_key:
            return Grade(Verdict.SKIP, _NEEDS_KEY)
        if check.needs_turn and self.first is not None:
            ground = self.perform(self.first, wire)
            if ground.verdict not in (Verdict.PASS, Verdict.WARN):
                return grade(Untestable(f"no plain turn works on this wire ({FIRST}: {ground.verdict})"))
        if self._budget.exhausted:
            return grade(Inconclusive(_BUDGET))
        if check.needs_turn and self._stopped_answering(wire):
            return grade(Untestable(self._gone[wire]))
        return None

    def _stopped_answering(self, wire: str) -> bool:
        """Whether an endpoint that answered at first does no more: asked with a plain turn after some checks in a row
        that came to nothing, so that the rest of the run does not wait for each of them.
        """
        if wire not in self._gone and self.first is not None and self._unanswered.get(wire, 0) >= _IN_A_ROW:
            self._unanswered[wire] = 0
            subject = self.subject(wire)
            try:
                fault = self.run(_bounded(_caught(self.first.function(subject)), self._limit))
            finally:
                self.requests += subject.requests
                self.discard(subject)
            if fault is not None:
                self._gone[wire] = (
                    f"the endpoint stopped answering: {_IN_A_ROW} checks and a plain turn came to nothing"
                )
        return wire in self._gone

    def _blame(self, fault: BaseException, subject: SubjectLike | None, *, first: bool = False) -> Grade:
        found = grade(fault, begun=subject is not None and subject.requests > 0, first=first)
        if found.verdict is Verdict.ERROR:
            self.tracebacks.append("".join(traceback.format_exception(fault)))
        return found

    def _note_contact(self, check: Check, wire: str, fault: BaseException | None) -> None:
        """Remember that a wire was never reached: an endpoint that is not there breaks no rule."""
        if check.id != FIRST:
            return
        if isinstance(fault, CONTACT_FAULTS):
            self.contact.append(ContactFault(wire=wire, what=fault.what, where=fault.where, hint=fault.hint))
        elif isinstance(fault, Deviation) and not_let_in(fault):
            hint = "give a valid key with --api-key-env VAR"
            self.contact.append(ContactFault(wire=wire, what=fault.actual, where=wire, hint=hint))


class _Hung(BaseException):
    """A coroutine did not end in its time."""


async def _caught(work: Any) -> BaseException | None:
    """Await work and return what it raised; interruption and cancelling go on up."""
    try:
        await work
    except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        raise
    except BaseException as fault:
        return fault
    return None


async def _bounded(work: Coroutine[Any, Any, T], limit: float) -> T | _Hung:
    """Await work for at most `limit` seconds, even work that does not let itself be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=_CLOSING)
        raise
    if done:
        return task.result()
    task.cancel()
    await asyncio.wait({task}, timeout=_CLOSING)
    return _Hung()
