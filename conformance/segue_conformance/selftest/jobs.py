"""What a self-test has to do, cut into jobs that can go to any process: one endpoint each, and pairs to perform on it.

An endpoint is named and made where the job runs. Jobs of one area lie together, the longest first, so that two
processes end at about the same time.
"""

from __future__ import annotations

import fnmatch
import logging
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context

from ..mutants import REFERENCES, Mutant, load
from ..registry import Catalogue, Check
from ..verdicts import Verdict
from ..virtual.loop import Deadlock, Livelock
from ..virtual.world import World

__all__ = ["IN_MEMORY", "Done", "Job", "Run", "Selection", "jobs_of", "perform", "perform_all", "select"]

#: The wires of the quick self-test: one of Segue's own and one of OpenAI's.
IN_MEMORY = ("segue-ws", "openai-ws")


@dataclass(frozen=True, slots=True)
class Job:
    """Checks by id, each with the wire to perform it on, on one endpoint. `kind` is reference or mutant."""

    kind: str
    name: str
    area: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one check on one endpoint."""

    check: str
    wire: str
    verdict: Verdict
    message: str = ""

    @property
    def caught(self) -> bool:
        """Whether the check saw the endpoint break a rule: a SHOULD is broken by a warning."""
        return self.verdict in (Verdict.FAIL, Verdict.WARN)


@dataclass(frozen=True, slots=True)
class Done:
    """A job and what came of it; `fault` is the harness's own, with its traceback."""

    job: Job
    runs: tuple[Run, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is examined: checks, mutants, wires; `full`, every check on every mutant."""

    checks: tuple[Check, ...]
    mutants: tuple[Mutant, ...]
    wires: tuple[str, ...]
    full: bool = False
    #: Whether the reference endpoint is examined too, and whether a check that catches none is a failure.
    whole: bool = True
    references: tuple[Mutant, ...] = field(default=REFERENCES)


def select(
    catalogue: Catalogue,
    mutants: Sequence[Mutant],
    wires: Sequence[str],
    *,
    only: Sequence[str] = (),
    full: bool = False,
) -> Selection:
    """Return what some patterns mean: checks as `--only` of `segue check`, mutants by name or area.

    Of a check that is meant the mutants that name it are meant too. Nothing at all may come of it.
    """
    if not only:
        return Selection(tuple(catalogue), tuple(mutants), tuple(wires), full)
    checks = [check for check in catalogue if any(check.matches(pattern) for pattern in only)]
    ids = {check.id for check in checks}
    named = [mutant for mutant in mutants if any(_means(pattern, mutant) for pattern in only)]
    naming = [m for m in mutants if m not in named and ids & {c for cs in m.killed_by.values() for c in cs}]
    chosen = tuple(m for m in mutants if m in named or m in naming)
    return Selection(tuple(checks or catalogue), chosen, tuple(wires), full, whole=bool(checks))


def _means(pattern: str, mutant: Mutant) -> bool:
    return pattern in (mutant.name, mutant.area) or fnmatch.fnmatchcase(mutant.name, pattern)


def jobs_of(chosen: Selection) -> list[Job]:
    """Return the jobs of a selection."""
    jobs = []
    if chosen.whole:
        for reference in chosen.references:
            for wire in chosen.wires:
                pairs = tuple((check.id, wire) for check in chosen.checks if wire in check.wires)
                jobs.append(Job("reference", reference.name, "reference", pairs))
    for mutant in chosen.mutants:
        pairs = _every(chosen, mutant) if chosen.full else _named(chosen, mutant)
        jobs.append(Job("mutant", mutant.name, mutant.area, pairs))
    order = sorted({job.area for job in jobs}, key=lambda area: -sum(len(j.pairs) for j in jobs if j.area == area))
    return sorted((job for job in jobs if job.pairs), key=lambda job: (order.index(job.area), -len(job.pairs)))


def _every(chosen: Selection, mutant: Mutant) -> tuple[tuple[str, str], ...]:
    """Return every check on every wire on which the mutant can differ from the reference."""
    wires = [wire for wire in chosen.wires if wire in mutant.wires]
    return tuple((check.id, wire) for wire in wires for check in chosen.checks if wire in check.wires)


def _named(chosen: Selection, mutant: Mutant) -> tuple[tuple[str, str], ...]:
    """Return the checks that must catch it; those of another wire where it names none for these."""
    wires = [wire for wire in chosen.wires if mutant.killed_by.get(wire)] or [*mutant.killed_by][:1]
    return tuple((check, wire) for wire in wires for check in mutant.killed_by[wire])


@cache
def _known() -> tuple[Catalogue, dict[str, Mutant]]:
    return Catalogue.load(), {mutant.name: mutant for mutant in (*REFERENCES, *load())}


def perform(job: Job, known: tuple[Catalogue, dict[str, Mutant]] | None = None) -> Done:
    """Return what comes of a job; `known` are the checks and endpoints where they are not the suite's own."""
    logging.getLogger("segue.gateway").setLevel(logging.CRITICAL)  # endpoints fail here on purpose
    try:
        catalogue, endpoints = known or _known()
        world = World(endpoints[job.name], catalogue)
        try:
            return Done(job, tuple(_run(world, catalogue, *pair) for pair in job.pairs))
        finally:
            world.close()
    except Exception:
        return Done(job, fault=traceback.format_exc())


def _run(world: World, catalogue: Catalogue, check: str, wire: str) -> Run:
    if check not in catalogue:
        return Run(check, wire, Verdict.ERROR, "there is no such check")
    if wire not in catalogue[check].wires:
        return Run(check, wire, Verdict.ERROR, "the check does not run on this wire")
    try:
        result = world.perform(catalogue[check], wire)
    except (Deadlock, Livelock) as stuck:
        return Run(check, wire, Verdict.ERROR, str(stuck))
    told = result.message + (f" (expected {result.expected}; got {result.actual})" if result.expected else "")
    return Run(check, wire, result.verdict, told)


def perform_all(
    jobs: Sequence[Job], processes: int, known: tuple[Catalogue, dict[str, Mutant]] | None = None
) -> Iterator[Done]:
    """Yield what comes of jobs as they end; with endpoints of one's own (`known`), in this process."""
    if processes <= 1 or known is not None or len(jobs) <= 1:
        for job in jobs:
            yield perform(job, known)
        return
    pool: Executor
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(perform, job) for job in jobs]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
