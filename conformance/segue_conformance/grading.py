"""From what a check raised to its verdict. Whose fault it is, is in the type of the exception."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from segue_adapters.errors import (
    NotCarried,
    RemoteProtocolError,
    TLSFault,
    TransportError,
    TurnBroken,
    TurnRefused,
    Unauthorised,
    Unreachable,
    WrongKind,
)

from . import requirements
from .registry import Check
from .requirements import Requirement
from .results import CheckResult, Frame
from .verdicts import Deviation, Inconclusive, NotOffered, Untestable, Verdict

__all__ = ["CONTACT_FAULTS", "Grade", "RecordedFrame", "grade", "not_let_in", "result_of", "transcript"]

#: At first contact these mean that there was no endpoint to judge.
CONTACT_FAULTS = (Unreachable, TLSFault, Unauthorised, WrongKind)
#: Never a deviation, whenever they come: nobody listened, or the key was not taken.
_NOBODY = (Unreachable, TLSFault, Unauthorised)
#: Refusals that come and go; an endpoint that is busy breaks no rule.
_PASSING = {"rate_limited", "quota_exceeded", "overloaded", "upstream_failed", "upstream_timeout", "draining"}
#: Refusals of a plain turn that say that it was the wrong one to ask: no rule is broken, and nothing can be checked.
_NO_ENTRY = ("unauthenticated", "forbidden")
_NOT_SO = {
    "invalid_request": "; is --model the name of a model that is served there?",
    "not_offered": "; is --model the name of a model that is served there?",
}
_ABSENT = re.compile(r"\bUNSET\b")
#: Transcripts in a report: the beginning and the end, where the cause and the effect stand.
_FIRST_FRAMES, _LAST_FRAMES = 10, 50


class RecordedFrame(Protocol):
    """A frame as the recorder keeps it."""

    at_ms: Any
    direction: Any
    connection: Any
    kind: Any
    text: Any


@dataclass(frozen=True, slots=True)
class Grade:
    """A verdict and its grounds. `requirement` is the id that the check named, `named` its sentence if known.

    `by_model`: it is inconclusive for what the model said or left out.
    """

    verdict: Verdict
    message: str = ""
    expected: str = ""
    actual: str = ""
    requirement: str | None = None
    named: Requirement | None = None
    control: str = ""
    by_model: bool = False


def grade(fault: BaseException, *, begun: bool = False, first: bool = False) -> Grade:
    """Return the verdict that an exception means; a deviation from a SHOULD is still `fail` here.

    `begun`: whether the check had sent a request; `first`: whether it was the first of its wire, by which the
    endpoint is found to be there at all.
    """
    match fault:
        case Deviation() if first and fault.refusal in (*_NO_ENTRY, *_NOT_SO):
            return Grade(
                Verdict.UNTESTABLE, f"a plain turn was refused: {fault.actual}{_NOT_SO.get(fault.refusal, '')}"
            )
        case Deviation():
            return _deviation(fault.message, fault.expected, fault.actual, fault.requirement, fault.control)
        case NotOffered():
            return Grade(Verdict.SKIP, fault.message)
        case Untestable():
            return Grade(Verdict.UNTESTABLE, fault.message)
        case Inconclusive():
            return Grade(Verdict.INCONCLUSIVE, fault.message, by_model=fault.by_model)
        case NotCarried():
            return Grade(Verdict.SKIP, f"this wire has no place for {fault.what}")
        case RemoteProtocolError():
            return _deviation(str(fault), fault.expected, fault.got, fault.requirement)
        case TurnRefused() | TurnBroken():
            return _refusal(fault)
        case TransportError():
            return _transport(fault, begun, first)
    return Grade(Verdict.ERROR, f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__)


def not_let_in(fault: BaseException | None) -> bool:
    """Whether a turn was refused for want of a valid key: some endpoints look at the key only when a turn runs."""
    return isinstance(fault, Deviation) and fault.refusal in _NO_ENTRY


def _deviation(message: str, expected: str, actual: str, id: str | None, control: str = "") -> Grade:
    named = requirements.load().get(id) if id is not None else None
    if id is not None and named is None:
        return Grade(Verdict.ERROR, f"the suite names an unknown requirement {id}: {message}")
    return Grade(Verdict.FAIL, message, _said(expected), _said(actual), id, named, control)


def _said(text: str) -> str:
    """Return what a check says of a value as plain text, without our own name for one that is not there."""
    return "absent" if str(text) == "None" else _ABSENT.sub("absent", str(text))


def _refusal(fault: TurnRefused | TurnBroken) -> Grade:
    if fault.error.code in _PASSING:
        return Grade(Verdict.INCONCLUSIVE, f"the endpoint did not run the turn: {fault}")
    return Grade(Verdict.FAIL, "a turn of the check had no answer", "the turn ends in turn.completed", str(fault))


def _transport(fault: TransportError, begun: bool, first: bool) -> Grade:
    nobody = isinstance(fault, CONTACT_FAULTS if first else _NOBODY)
    if nobody or not begun:
        return Grade(Verdict.UNTESTABLE, str(fault))
    seen = f"{fault.what}; {fault.hint}" if fault.hint else fault.what
    return Grade(Verdict.FAIL, fault.what, "a refusal, or events up to a terminal one", seen)


def result_of(check: Check, wire: str, found: Grade, **more: Any) -> CheckResult:
    """Return the result that a grade makes; a deviation from a SHOULD becomes a warning here."""
    about = found.named or check.requirements[0]
    verdict = found.verdict
    if verdict is Verdict.FAIL and not about.strict:
        verdict = Verdict.WARN
    return CheckResult(
        check=check.id,
        title=check.title,
        requirements=tuple(requirement.id for requirement in check.requirements),
        profile=check.profile,
        wire=wire,
        verdict=verdict,
        strict=check.strict,
        requirement=about.id,
        keyword=about.keyword,
        sentence=about.text,
        message=found.message,
        expected=found.expected,
        actual=found.actual,
        control=found.control,
        by_model=found.by_model,
        disputed=about.disputed or "",
        scored=check.id not in requirements.unscored(),
        **more,
    )


def transcript(frames: Sequence[RecordedFrame]) -> tuple[Frame, ...]:
    """Return frames as a report keeps them: the first and the last ones."""
    kept = list(frames)
    left_out = len(kept) - _FIRST_FRAMES - _LAST_FRAMES
    copied = [
        Frame(
            at_ms=round(f.at_ms), direction=str(f.direction), connection=str(f.connection), kind=str(f.kind),
            text=str(f.text),
        )
        for f in kept
    ]  # fmt: skip
    if left_out <= 0:
        return tuple(copied)
    note = Frame(
        at_ms=copied[_FIRST_FRAMES].at_ms, direction="note", connection="", kind="cut",
        text=f"{left_out} frames left out",
    )  # fmt: skip
    return (*copied[:_FIRST_FRAMES], note, *copied[-_LAST_FRAMES:])
