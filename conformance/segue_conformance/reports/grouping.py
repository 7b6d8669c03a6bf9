"""Puts together what is the same: one failure over several wires, one reason over many checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..registry import FIRST
from ..results import CheckResult, Frame

__all__ = ["Group", "decisive", "grouped", "same_reason"]

# What differs from run to run and from wire to wire without meaning anything: secret words, ids, numbers.
_ACCIDENTAL = re.compile(r"[a-z]+-\d+|\b[\w-]*\d[\w-]*\b", re.I)
# Streams send many frames of one kind; one of them shows as much as forty.
_KIND = re.compile(r'"type"\s*:\s*"([^"]{1,60})"')


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


def decisive(frames: Sequence[Frame], most: int) -> tuple[int, list[tuple[Frame, int]]]:
    """Return the frames that decided, each with how many like it follow it, and how many frames stand before them.

    They are what was asked last and how the answer ended. A control arm comes behind the decision, so what stands
    behind its note is left out. Neighbours that came on one connection and are of one kind are shown as one.
    """
    notes = [place for place, frame in enumerate(frames) if frame.kind == "note"]
    frames = frames[: notes[-1]] if notes else frames
    shown: list[tuple[Frame, int]] = []
    place = len(frames)
    asked = max((place for place, frame in enumerate(frames) if frame.direction == "sent"), default=None)
    while place > 0:
        end = place
        place -= 1
        while place > 0 and _alike(frames[place - 1], frames[end - 1]):
            place -= 1
        shown.append((frames[place], end - place - 1))
        if len(shown) == most:
            break
    if asked is not None and asked < place:
        shown[-1] = (frames[asked], 0)
    return place, shown[::-1]


def _alike(one: Frame, other: Frame) -> bool:
    if (one.direction, one.connection, one.kind) != (other.direction, other.connection, other.kind):
        return False
    kinds = _KIND.search(one.text), _KIND.search(other.text)
    if kinds[0] is None or kinds[1] is None:
        return False
    return kinds[0][1] == kinds[1][1] and "delta" in kinds[0][1]
