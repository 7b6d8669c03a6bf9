"""From runs to a verdict on the suite: what must not be is named, one sentence each.

Caught by the checks it names, and by no other without a reason: that is what a mutant has to be. A check that catches
none can't fail, as far as anybody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..mutants import Mutant
from ..oddities import accusations
from ..registry import Catalogue
from ..verdicts import Verdict
from .jobs import Done, Run
from .planning import Selection

__all__ = ["Examined", "Failure", "Outcome", "judge"]

_GOOD = (Verdict.PASS, Verdict.SKIP)
#: A variant of the reference may lack what a check stands on.
_GOOD_ON_VARIANTS = (*_GOOD, Verdict.UNTESTABLE)


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that must not be.

    `kind`: reference, oddity, never_performed, survived, survived_sockets, extra, stale, unkilled, fault.
    """

    kind: str
    message: str
    mutant: str = ""
    check: str = ""
    wire: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """One mutant and its fate: who caught it of those it names, who of those it does not, who failed to."""

    mutant: Mutant
    caught: tuple[Run, ...] = ()
    also: tuple[Run, ...] = ()
    extra: tuple[Run, ...] = ()
    missed: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole: `unkilled` are checks that no mutant names (in a full run, that caught none of those that do).

    `performed` and `sockets` count runs in memory and over sockets.
    """

    selection: Selection
    failures: tuple[Failure, ...]
    mutants: tuple[Examined, ...]
    reference: tuple[Run, ...]
    unkilled: tuple[str, ...]
    performed: int = 0
    sockets: int = 0
    faults: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 where all is as it must be, 4 where the harness itself failed, else 1."""
        return 4 if self.faults else 1 if self.failures else 0


def judge(chosen: Selection, done: Iterable[Done]) -> Outcome:
    """Return the verdict on what was done."""
    finished = list(done)
    failures: list[Failure] = []
    faults = tuple(one.fault for one in finished if one.fault)
    failures += [
        Failure("fault", f"the harness failed: {one.fault.strip().splitlines()[-1]}", one.job.name)
        for one in finished
        if one.fault
    ]
    reference = [(one.job.name, run) for one in finished if one.job.kind == "reference" for run in one.runs]
    failures += _reference(chosen, reference)
    failures += _oddities(chosen, finished)
    sound = [one for one in finished if one.job.kind == "mutant" and not one.fault]
    runs = {one.job.name: one.runs for one in sound if not one.job.sockets}
    examined = [_examined(mutant, runs[mutant.name]) for mutant in chosen.mutants if mutant.name in runs]
    for one in examined:
        failures += _of_mutant(chosen, one)
    # What was missed beside others is performed once more, alone: the later one counts.
    sockets = {(one.job.name, run.check, run.wire): run for one in sound if one.job.sockets for run in one.runs}
    failures += [
        Failure("survived_sockets", _told(run), name, run.check, run.wire)
        for (name, *_), run in sockets.items()
        if not run.caught and run.verdict is not Verdict.ERROR
    ]
    failures += _errors([(name, run) for name, those in runs.items() for run in those])
    failures += _errors([(name, run) for (name, *_), run in sockets.items()])
    unkilled = _unkilled(chosen, examined)
    if chosen.full and chosen.whole:
        failures += [Failure("unkilled", "no mutant that names it is caught by it", check=check) for check in unkilled]
    return Outcome(
        chosen,
        tuple(failures),
        tuple(examined),
        tuple(run for _, run in reference),
        unkilled,
        sum(len(one.runs) for one in finished if not one.job.sockets),
        len(sockets),
        faults,
    )


def _reference(chosen: Selection, runs: Sequence[tuple[str, Run]]) -> list[Failure]:
    """Return the false accusations, and the checks that were skipped wherever they could have run."""
    wrong = [
        Failure("reference", f"{run.verdict} on an endpoint without fault: {run.message}", name, run.check, run.wire)
        for name, run in runs
        if run.verdict not in (_GOOD if name == chosen.references[0].name else _GOOD_ON_VARIANTS)
    ]
    passed = {run.check for _, run in runs if run.verdict is Verdict.PASS}
    skipped = {run.check: run for _, run in runs if run.verdict is Verdict.SKIP}
    wrong += [
        Failure("never_performed", f"skipped on every reference and wire: {run.message}", check=check, wire=run.wire)
        for check, run in skipped.items()
        if check not in passed
    ]
    return wrong


def _oddities(chosen: Selection, done: Sequence[Done]) -> list[Failure]:
    """Return the false accusations of endpoints that are odd and legal."""
    known, checks = {oddity.name: oddity for oddity in chosen.oddities}, Catalogue(chosen.checks)
    return [
        Failure("oddity", told, one.job.name)
        for one in done
        if one.job.kind == "oddity" and not one.fault
        for told in accusations(known[one.job.name], one.runs, checks)
    ]


def _examined(mutant: Mutant, runs: Sequence[Run]) -> Examined:
    caught = [run for run in runs if run.caught]
    named = [run for run in runs if mutant.names(run.check, run.wire)]
    others = [run for run in caught if run not in named]
    return Examined(
        mutant,
        tuple(run for run in named if run.caught),
        tuple(run for run in others if mutant.reason(run.check, run.wire) is not None),
        tuple(run for run in others if mutant.reason(run.check, run.wire) is None),
        tuple(run for run in named if not run.caught),
    )


def _of_mutant(chosen: Selection, one: Examined) -> list[Failure]:
    name = one.mutant.name
    failures = [Failure("survived", _told(run), name, run.check, run.wire) for run in one.missed]
    failures += [Failure("extra", f"{run.verdict}: {run.message}", name, run.check, run.wire) for run in one.extra]
    if chosen.full and not one.caught:
        wanted = [wire for wire in one.mutant.killed_by if wire in chosen.wires]
        if wanted and not one.missed:
            failures.append(Failure("survived", "none of the checks that it names was performed", name))
    complete = chosen.full and set(one.mutant.wires) <= set(chosen.wires)
    if complete and len(chosen.checks) > 1 and chosen.whole:
        used = {pattern for pattern in one.mutant.also if any(_meant(pattern, run) for run in one.also)}
        stale = [pattern for pattern in one.mutant.also if pattern not in used]
        failures += [Failure("stale", f"ALSO names {pattern}, which catches nothing", name) for pattern in stale]
    return failures


def _told(run: Run) -> str:
    return f"{run.verdict}{': ' if run.message else ''}{run.message}"


def _meant(pattern: str, run: Run) -> bool:
    name, _, only = pattern.partition("@")
    return fnmatchcase(run.check, name) and only in ("", run.wire)


def _errors(runs: Sequence[tuple[str, Run]]) -> list[Failure]:
    """Return the suite's own faults: whatever an endpoint does, no check may trip over it."""
    return [
        Failure("fault", run.message, name, run.check, run.wire) for name, run in runs if run.verdict is Verdict.ERROR
    ]


def _unkilled(chosen: Selection, examined: Sequence[Examined]) -> tuple[str, ...]:
    if chosen.full:
        killing = {run.check for one in examined for run in one.caught}
    else:
        killing = {check for one in chosen.mutants for checks in one.killed_by.values() for check in checks}
    return tuple(check.id for check in chosen.checks if check.id not in killing)
