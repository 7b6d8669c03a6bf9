"""Puts together what is the same: one failure over several wires, one reason over many checks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..registry import FIRST
from ..results import CheckResult

__all__ = ["Group", "grouped", "same_reason"]

# What differs from run to run and from wire to wire without meaning anything: secret words, ids, numbers.
_ACCIDENTAL = re.compile(r"[a-z]+-\d+|\b[\w-]*\d[\w-]*\b", re.I)


@dataclass(frozen=True, slots=True)
class Group:
    """Results of one check that say the same; the first is shown for all."""

    results: tuple[CheckResult, ...]

    @property
    def first(self) -> CheckResult:
        """The one that is shown."""
        return self.results[0]

    @property
    def wires(self) -> tuple[str, ...]:
        """The wires on which it came."""
        return tuple(result.wire for result in self.results)


def grouped(results: Iterable[CheckResult]) -> list[Group]:
    """Return results put together where check, requirement and text agree, in the order of the first of each."""
    groups: dict[tuple[str, ...], list[CheckResult]] = {}
    for r in results:
        text = (_ACCIDENTAL.sub("#", part) for part in (r.message, r.expected, r.actual))
        groups.setdefault((r.check, r.verdict, r.requirement, *text), []).append(r)
    return [Group(tuple(members)) for members in groups.values()]


def same_reason(results: Iterable[CheckResult]) -> list[tuple[str, list[CheckResult]]]:
    """Return results put together by what their messages say: the first check's, then the most frequent first."""
    reasons: dict[str, list[CheckResult]] = {}
    for result in results:
        reasons.setdefault(_ACCIDENTAL.sub("#", result.message), []).append(result)
    # What became of the check that the others stand on is why they were not judged: the cause before its effects.
    order = sorted(reasons.values(), key=lambda found: (found[0].check != FIRST, -len(found)))
    return [(found[0].message, found) for found in order]
