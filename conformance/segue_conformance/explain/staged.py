"""Examples made while one looks: a check performed in memory, on the reference endpoint and on one that is broken.

Each check has mutants, endpoints with one fault that it must catch; what goes over the wire then is what the rule looks
like when it is kept and when it is not. No network, no key, a fraction of a second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from ..mutants import REFERENCE, Mutant
from ..recorder import Recorder
from ..registry import Catalogue, Check
from ..reports.decisive import Story, story
from ..reports.steps import Step, steps
from ..results import CheckResult, Frame
from ..verdicts import Verdict
from ..virtual.loop import Deadlock, Livelock
from ..virtual.world import World

__all__ = ["Staged", "faults_of", "stage"]


@dataclass(frozen=True, slots=True)
class Staged:
    """One check on two endpoints: the wire, the steps of the one that keeps the rule, and of the one that does not."""

    check: str
    wire: str
    kept: tuple[Step, ...]
    fault: str
    mutant: str
    broken: CheckResult
    story: Story


class _Stage(World):
    """A world that remembers what its last subject sent and received."""

    recorder: Recorder | None = None

    def _subject(self, wire: str):  # type: ignore[no-untyped-def]
        subject = super()._subject(wire)
        self.recorder = subject.recorder
        return subject


def faults_of(check: Check, mutants: Iterable[Mutant]) -> list[Mutant]:
    """Return the endpoints that a check must catch."""
    return [mutant for mutant in mutants if any(check.id in checks for checks in mutant.killed_by.values())]


def stage(check: Check, mutants: Iterable[Mutant], catalogue: Catalogue) -> Staged | None:
    """Perform a check on the reference and on a mutant of its; None where nothing comes of it that could be shown."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        for mutant in faults_of(check, mutants):
            wire = next(wire for wire, checks in mutant.killed_by.items() if check.id in checks)
            broken, _ = _performed(mutant, check, wire, catalogue)
            if broken is None or broken.verdict not in (Verdict.FAIL, Verdict.WARN) or not broken.frames:
                continue
            good, frames = _performed(REFERENCE, check, wire, catalogue)
            kept = _answer(frames) if good is not None and good.verdict is Verdict.PASS else ()
            return Staged(check.id, wire, kept, mutant.fault, mutant.name, broken, story(broken))
    finally:
        logging.disable(before)
    return None


def _performed(
    mutant: Mutant, check: Check, wire: str, catalogue: Catalogue
) -> tuple[CheckResult | None, tuple[Frame, ...]]:
    world = _Stage(mutant, catalogue, stands_on=False)
    try:
        result = world.perform(check, wire)
        recorded = world.recorder.frames if world.recorder is not None else []
        frames = tuple(Frame(at_ms=f.at_ms, direction=f.direction, connection=f.connection, kind=f.kind, text=f.text)
                       for f in recorded)  # fmt: skip
        return result, frames
    except (Deadlock, Livelock):
        return None, ()
    finally:
        world.close()


def _answer(frames: tuple[Frame, ...]) -> tuple[Step, ...]:
    """Return what was said first, what was asked last, and what came of it: a refusal, the text, or a turn's end."""
    told = steps(frames)
    sent = [place for place, step in enumerate(told) if step.direction == "sent" and step.kind != "open"]
    if not sent:
        return ()
    asked = [told[place] for place in dict.fromkeys((sent[0], sent[-1]))]
    behind = [step for step in told[sent[-1] + 1 :] if step.direction == "received"]
    answer = next((step for step in behind if _refuses(step)), None)
    answer = answer or next((step for step in reversed(behind) if step.of), None) or (behind[-1] if behind else None)
    return (*asked, answer) if answer is not None else tuple(asked)


def _refuses(step: Step) -> bool:
    return '"error"' in step.text[:200] or (step.kind == "response" and step.head[:1] in "45")
