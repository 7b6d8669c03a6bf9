"""Performs checks on wires and grades them: one by itself, or many, a few at a time. Knows nothing of pytest.

What a check raises is a verdict (`grade`); what it stands on, the budget and the time it may take are looked after
here, so that no check can hang the run, outspend it, or accuse an endpoint that was never reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from segue_adapters.errors import TransportError

from .attempts import Attempts, attempt
from .budget import Budget
from .grading import CONTACT_FAULTS, Grade, RecordedFrame, grade, not_let_in, result_of, transcript
from .registry import FIRST, Check
from .results import CheckResult, ContactFault
from .verdicts import Busy, Deviation, Hindered, Untestable, Verdict

__all__ = ["Execution", "Listener", "SubjectFactory", "SubjectLike"]

T = TypeVar("T")

#: A check may take this many turns' time, and this many seconds more, before it counts as hung.
_TURNS, _SPARE = 10, 30.0
_CLOSING = 5.0
#: After so many checks in a row without an answer it is asked whether anybody is there at all.
_IN_A_ROW = 3
_ALIVE = "alive"
#: How often a check that met a busy endpoint is begun anew, and seconds that are waited before it at most.
_PATIENCE, _LONGEST_WAIT = 2, 30.0
_NEEDS_KEY = "needs a key of another principal: give --second-api-key-env"
_WITH_TRANSCRIPT = (Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.ERROR)
#: What is believed only from a check that ran alone: beside others an answer may come late for no fault of anybody's.
_DEVIATIONS = (Verdict.FAIL, Verdict.WARN)
#: How often a deviation is looked for again that rests on what a model said.
_MODELS = 2
_AGAIN = (Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)


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
    """Performs checks on one event loop; `results` holds what came of them.

    `timeout`: seconds a turn may take; `budget`: the one that the subjects spend from; `runner` makes what runs the
    loop, at first and again where a check did not end. `unfounded` says of an attempt's key why it proves nothing,
    whatever its check makes of it.
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
        runner: Callable[[], asyncio.Runner] = asyncio.Runner,
        attempts: Attempts | None = None,
        unfounded: Callable[[str], str] = lambda key: "",
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
        self._make_runner = runner
        self._runner: asyncio.Runner | None = None
        self._stray: list[str] = []
        self._unanswered: dict[str, int] = {}
        self._gone: dict[str, str] = {}
        self._doubted: dict[tuple[str, str], tuple[CheckResult, str]] = {}
        self._busy: dict[tuple[str, str], float] = {}
        self._attempts = attempts or Attempts()
        self._unfounded = unfounded
        self._hung = False
        self._asking = asyncio.Lock()

    def close(self) -> None:
        """Close the event loop."""
        if self._runner is not None:
            with contextlib.suppress(Exception):
                self._runner.close()
            self._runner = None

    def abandon(self) -> None:
        """Go on with another loop; whatever ran on this one is given up where it stands."""
        self._abandon_loop()

    def _abandon_loop(self) -> None:
        """Go on with another loop: closing this one would wait for a task that does not let itself be cancelled."""
        if self._runner is not None:
            loop, self._runner = self._runner.get_loop(), None
            loop.close()
            asyncio.set_event_loop(None)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the run's own event loop."""
        if self._runner is None:
            try:
                self._runner = self._make_runner()
            except BaseException:
                work.close()
                raise
            # What a task that nobody awaits any more raises is no verdict, and no noise on the terminal either.
            self._runner.get_loop().set_exception_handler(lambda _, context: self._stray.append(str(context)))
            self._asking = asyncio.Lock()
        try:
            return self._runner.run(work)
        finally:
            if self._hung:
                self._hung = False
                self._abandon_loop()

    def subject(self, wire: str) -> Any:
        """Return a new subject for one check."""
        return self._factory(wire)

    def discard(self, subject: SubjectLike) -> None:
        """Close a subject; what goes wrong in that is nobody's verdict."""
        self.run(self._closed(subject))

    def perform(self, check: Check, wire: str) -> CheckResult:
        """Perform a check, once, unless something stands against it; return and keep its result.

        A KeyboardInterrupt leaves an inconclusive result behind and goes on up.
        """
        done = self.results.get((check.id, wire))
        return done if done is not None else self.run(self._performed(check, wire))

    def perform_all(self, work: Sequence[tuple[Check, str]], at_once: int) -> None:
        """Perform checks, up to `at_once` side by side, and keep their results.

        What does not pass beside others is performed once more, alone, and that counts.
        """
        if at_once > 1:
            self.run(self._side_by_side(work, at_once))
        for check, wire in work:
            self.perform(check, wire)

    def leave_out(self, check: Check, wire: str, verdict: Verdict, message: str) -> None:
        """Keep a result for a check that was not performed."""
        self.results[check.id, wire] = result_of(check, wire, Grade(verdict, message))

    async def _side_by_side(self, work: Sequence[tuple[Check, str]], at_once: int) -> None:
        """Perform what needs no second look; the rest is left to be performed alone."""
        for check, wire in work:
            if check.id == FIRST:
                await self._performed(check, wire)
        waiting = iter(work)

        async def worker() -> None:
            for check, wire in waiting:
                await self._performed(check, wire, beside=True)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())

    async def _performed(self, check: Check, wire: str, *, beside: bool = False) -> CheckResult:
        """Perform a check and keep its result; `beside` others, only one that stands."""
        obstacle = await self._obstacle(check, wire)
        done = self.results.get((check.id, wire))
        if done is not None:
            return done
        if self._listener is not None:
            self._listener.begin(check, wire)
        if obstacle is not None:
            return self._keep(result_of(check, wire, obstacle))
        result = await self._patiently(check, wire)
        if beside and result.verdict in _AGAIN and check.id != FIRST and not self._budget.exhausted:
            self._doubted[check.id, wire] = (result, "beside other checks, pass alone")
            return result
        if result.verdict in _DEVIATIONS and not beside:
            result = await self._looked_again(check, wire, result)
        return self._keep(result)

    async def _looked_again(self, check: Check, wire: str, first: CheckResult) -> CheckResult:
        """Return what stands of a deviation that may have another cause: one that is the endpoint's own comes again.

        A late answer has many causes. And a model that did not say a word, and then said it with the whole history
        before it, may be one that forgets now and then.
        """
        looks = _MODELS if first.control else 1 if check.timing and (check.id, wire) not in self._doubted else 0
        found = [first]
        for _ in range(looks):
            if self._budget.exhausted:
                break
            self._doubted[check.id, wire] = (first, "at first, pass when it was run again, alone")
            found.append(await self._patiently(check, wire))
            if found[-1].verdict is Verdict.PASS:
                return found[-1]
        again = [result for result in found[1:] if result.verdict in _DEVIATIONS]
        return (again or found)[-1]

    async def _patiently(self, check: Check, wire: str) -> CheckResult:
        """Return what comes of a check; where the endpoint is too busy to say, begin anew, within the budget."""
        for left in reversed(range(_PATIENCE + 1)):
            self._busy.pop((check.id, wire), None)
            with self._attempts.at(check.id, wire):
                try:
                    subject = self.subject(wire)
                except Exception as error:
                    return result_of(check, wire, self._blame(error, None))
                try:
                    result = await self._attempt(check, wire, subject)
                finally:
                    await self._closed(subject)
            wait = self._busy.get((check.id, wire))
            time_left = self._budget.time_left
            if wait is None or not left or self._budget.exhausted or (time_left is not None and time_left < wait):
                break
            await asyncio.sleep(min(wait, _LONGEST_WAIT))
        return result

    async def _closed(self, subject: SubjectLike) -> None:
        with contextlib.suppress(Exception):
            await _bounded(subject.aclose(), _CLOSING)

    async def _attempt(self, check: Check, wire: str, subject: SubjectLike) -> CheckResult:
        """Run the check's function and return what it comes to; keep that, too, if it is interrupted."""
        began, before = time.monotonic(), subject.requests
        found: Grade | None = None
        fault: BaseException | None = None
        try:
            time_left = self._budget.time_left
            limit = self._limit if time_left is None else min(self._limit, time_left)
            fault = await _bounded(_caught(check.function(subject)), limit)
            if isinstance(fault, Busy):
                self._busy[check.id, wire] = fault.wait
            if isinstance(fault, _Hung) and limit < self._limit:
                self._hung = True
                found = Grade(Verdict.INCONCLUSIVE, "out of budget: the time of the run is over (--max-time)")
            elif isinstance(fault, _Hung):
                self._hung = True
                found = Grade(Verdict.ERROR, f"the check did not end within {self._limit:g} s: {check.id} hangs")
            else:
                found = Grade(Verdict.PASS) if fault is None else self._blame(fault, subject, first=check.id == FIRST)
                self._note_contact(check, wire, fault)
                unanswered = isinstance(fault, TransportError)
                self._unanswered[wire] = self._unanswered.get(wire, 0) + 1 if unanswered else 0
            if why := self._unfounded(attempt()):
                found, self._unanswered[wire] = Grade(Verdict.INCONCLUSIVE, why), 0
        finally:
            spent = max(0, subject.requests - before)
            self.requests += spent
            told = found or Grade(Verdict.INCONCLUSIVE, "interrupted")
            seen_in = fault.frames if isinstance(fault, Deviation) and fault.frames else subject.recorder.frames
            frames = transcript(seen_in) if told.verdict in _WITH_TRANSCRIPT else ()
            duration = round((time.monotonic() - began) * 1000)
            tokens = getattr(subject, "tokens", 0)
            result = result_of(check, wire, told, frames=frames, duration_ms=duration, requests=spent, tokens=tokens)
            if found is None:
                self._keep(result)
        return result

    def _keep(self, result: CheckResult) -> CheckResult:
        doubted = self._doubted.pop((result.check, result.wire), None)
        if doubted is not None and result.verdict is Verdict.PASS:
            before, how = doubted
            told = f"{before.verdict} {how}: {before.message}"
            result = replace(result, flaky=True, message=told, frames=before.frames)
        self.results[result.check, result.wire] = result
        if self._listener is not None:
            self._listener.end(result)
        return result

    async def _obstacle(self, check: Check, wire: str) -> Grade | None:
        """Return the grade of a check that need not begin, or None."""
        if check.needs_second_key and not self._second_key:
            return Grade(Verdict.SKIP, _NEEDS_KEY)
        if check.needs_turn and self.first is not None:
            async with self._asking:
                ground = self.results.get((self.first.id, wire)) or await self._performed(self.first, wire)
            if ground.verdict not in (Verdict.PASS, Verdict.WARN):
                return grade(Untestable(f"no plain turn works on this wire ({FIRST}: {ground.verdict})"))
        if self._budget.exhausted:
            return grade(Hindered(self._budget.over))
        if check.needs_turn:
            async with self._asking:
                if await self._stopped_answering(wire):
                    return grade(Untestable(self._gone[wire]))
        return None

    async def _stopped_answering(self, wire: str) -> bool:
        """Whether an endpoint that answered at first does no more: asked with a plain turn after some checks in a row
        that came to nothing, so that the rest of the run does not wait for each of them.
        """
        if wire not in self._gone and self.first is not None and self._unanswered.get(wire, 0) >= _IN_A_ROW:
            self._unanswered[wire] = 0
            with self._attempts.at(_ALIVE, wire) as key:
                subject = self.subject(wire)
                try:
                    fault = await _bounded(_caught(self.first.function(subject)), self._limit)
                finally:
                    self.requests += subject.requests
                    await self._closed(subject)
            if fault is not None and not self._unfounded(key):
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
