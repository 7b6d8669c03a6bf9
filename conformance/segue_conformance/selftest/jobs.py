"""What can go to any process: an endpoint by name, made where the job runs, and the checks to perform on it."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context

from .. import oddities
from ..mutants import REFERENCES, Mutant, load
from ..registry import Catalogue
from ..verdicts import Verdict
from ..virtual.loop import Deadlock, Livelock
from ..virtual.world import World
from .reach import Place, Watch

__all__ = ["Done", "Job", "Pair", "Run", "perform", "perform_all"]

#: A check's id, and a wire.
Pair = tuple[str, str]
Known = tuple[Catalogue, dict[str, Mutant]]

#: Seconds for a turn in memory, where they cost nothing, and over sockets.
_VIRTUAL, _REAL = 4.0, 3.0


@dataclass(frozen=True, slots=True)
class Job:
    """Checks by id, each with the wire to perform it on, on one endpoint. `kind` is reference, mutant or oddity.

    `watched`: note what each check reaches of the endpoint. `sockets`: over real sockets, in real time.
    """

    kind: str
    name: str
    area: str
    pairs: tuple[Pair, ...]
    watched: bool = False
    sockets: bool = False


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
    """A job and what came of it; `fault` is the harness's own, with its traceback.

    `reached`: of a watched job, the functions of the endpoint that each check had called.
    """

    job: Job
    runs: tuple[Run, ...] = ()
    fault: str = ""
    reached: Mapping[Pair, frozenset[Place]] = field(default_factory=dict)


@cache
def _known(kind: str) -> Known:
    """Return the checks, and the endpoints of a kind: an oddity may bear the name of a mutant that does as much."""
    found = oddities.load() if kind == "oddity" else {mutant.name: mutant for mutant in (*REFERENCES, *load())}
    return Catalogue.load(), dict(found)


def perform(job: Job, known: Known | None = None) -> Done:
    """Return what comes of a job; `known` are the checks and endpoints where they are not the suite's own."""
    log = logging.getLogger("segue.gateway")
    level = log.level
    log.setLevel(logging.CRITICAL)  # endpoints fail here on purpose
    try:
        catalogue, endpoints = known or _known(job.kind)
        timeout = _REAL if job.sockets else _VIRTUAL
        alone = job.watched  # each check reaches by itself what it needs
        world = World(
            endpoints[job.name], catalogue, timeout=timeout, stands_on=not alone, sockets=job.sockets, apart=alone
        )
        try:
            return _watched(job, world, catalogue) if job.watched else _performed(job, world, catalogue)
        finally:
            world.close()
    except Exception:
        return Done(job, fault=traceback.format_exc())
    finally:
        log.setLevel(level)  # whoever else logs in this process wants it as it was


def _performed(job: Job, world: World, catalogue: Catalogue) -> Done:
    return Done(job, tuple(_run(world, catalogue, *pair) for pair in job.pairs))


def _watched(job: Job, world: World, catalogue: Catalogue) -> Done:
    """Perform a job and note what is reached; the endpoint's own making is reached by every check."""
    watch, runs, reached = Watch(), list[Run](), dict[Pair, frozenset[Place]]()
    with watch() as making:
        world.begin()
    for pair in job.pairs:
        with watch() as places:
            runs.append(_run(world, catalogue, *pair))
        reached[pair] = frozenset(places | making)
    return Done(job, tuple(runs), reached=reached)


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


def perform_all(jobs: Sequence[Job], processes: int, known: Known | None = None) -> Iterator[Done]:
    """Yield what comes of jobs as they end; with endpoints of one's own (`known`), in this process."""
    if processes <= 1 or known is not None or len(jobs) <= 1:
        for job in jobs:
            yield perform(job, known)
        return
    pool: Executor
    spawn = get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=spawn, initializer=_settle) as pool:
        try:
            for future in as_completed([pool.submit(perform, job) for job in jobs]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _settle() -> None:
    """Load what all jobs need, and look for garbage less often: what stays is much, what goes lives short."""
    _known("mutant")
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
