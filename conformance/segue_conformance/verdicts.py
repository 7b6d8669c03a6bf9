"""The seven verdicts, and the signals by which a check says anything but "pass"."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

__all__ = ["Busy", "CheckSignal", "Deviation", "Hindered", "Inconclusive", "NotOffered", "Untestable", "Verdict"]


class Verdict(StrEnum):
    """What came of one check on one wire. Only `PASS` counts as passed."""

    PASS = "pass"
    #: The endpoint broke a MUST.
    FAIL = "fail"
    #: The endpoint left out a SHOULD. Blocks no profile.
    WARN = "warn"
    #: The endpoint does not offer what the check is about, or the wire has no place for it. Blocks no profile.
    SKIP = "skip"
    #: Something that the check stands on did not work. Never green: it hides what nobody could see.
    UNTESTABLE = "untestable"
    #: The model did not cooperate, the budget ran out, or the run was interrupted. Proves nothing.
    INCONCLUSIVE = "inconclusive"
    #: The suite's own fault; never counted as the endpoint's.
    ERROR = "error"

    @property
    def judged(self) -> bool:
        """Whether the endpoint was seen to keep or to break the rule."""
        return self in (Verdict.PASS, Verdict.FAIL, Verdict.WARN)


class CheckSignal(Exception):
    """Ends a check with a verdict other than pass; `message` is one sentence for the report."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Deviation(CheckSignal):
    """The endpoint did otherwise than the requirement says: fail, or warn where the requirement is a SHOULD.

    `requirement` names the broken one where that is not the check's first; `refusal` is the endpoint's own code where
    it refused a turn that should have run; `control` is what a control arm showed; `frames` are those that it was seen
    in, where the check looked at more.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: str,
        actual: str,
        requirement: str | None = None,
        refusal: str | None = None,
        control: str = "",
        frames: Sequence[Any] = (),
    ) -> None:
        super().__init__(message)
        self.frames = frames
        self.expected = expected
        self.actual = actual
        self.requirement = requirement
        self.refusal = refusal
        self.control = control


class NotOffered(CheckSignal):
    """The endpoint does not offer it, or the wire can't carry it: skip."""


class Untestable(CheckSignal):
    """What the check stands on did not work: untestable."""


class Inconclusive(CheckSignal):
    """Nothing was proved, in either direction, for what the model said or left out: inconclusive."""

    #: Whether it is the model's doing.
    by_model = True


class Hindered(Inconclusive):
    """Nothing was proved, and the model has no part in it: the budget is over, the endpoint is busy."""

    by_model = False


class Busy(Hindered):
    """The endpoint is too busy to say (a 429): inconclusive, unless it can be asked again `wait` seconds later."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = 1.0 if wait is None else wait
