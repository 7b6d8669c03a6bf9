"""What is examined, and in which order: stages, and the jobs of each.

A full run begins with the reference endpoint. What each check reached there says on which mutants nothing can come of
it; the rest is performed, on endpoints that are odd and legal as well. Behind that, each mutant meets the checks that
it names once more, over real sockets.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..mutants import REFERENCES, Mutant
from ..oddities import Oddity
from ..registry import Catalogue, Check
from .jobs import Done, Job, Pair
from .reach import Place, places_of

__all__ = ["IN_MEMORY", "Selection", "Stage", "every_pair", "select", "stages"]

#: The wires of the quick self-test: one of Segue's own and one of OpenAI's.
IN_MEMORY = ("segue-ws", "openai-ws")

Reached = Mapping[Pair, frozenset[Place]]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is examined: checks, mutants, wires.

    `full`: every check on every mutant; `exhaustive`: also where nothing can come of it; `sockets`: over real sockets,
    too, on each mutant those that it names.
    """

    checks: tuple[Check, ...]
    mutants: tuple[Mutant, ...]
    wires: tuple[str, ...]
    full: bool = False
    #: Whether the reference endpoint is examined too, and whether a check that catches none is a failure.
    whole: bool = True
    references: tuple[Mutant, ...] = field(default=REFERENCES)
    exhaustive: bool = False
    sockets: bool = False
    #: Endpoints that are odd and legal, which no check may accuse.
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Jobs that may run side by side, once those of the stages before are done; `jobs` takes what came of them.

    `abreast`: how many of them for each core; more than one where most of the time is waiting, 0 for one by one.
    """

    title: str
    jobs: Callable[[Sequence[Done]], list[Job]]
    abreast: int = 1


def select(
    catalogue: Catalogue,
    mutants: Sequence[Mutant],
    wires: Sequence[str],
    *,
    only: Sequence[str] = (),
    full: bool = False,
    exhaustive: bool = False,
    sockets: bool = False,
    oddities: Sequence[Oddity] = (),
) -> Selection:
    """Return what some patterns mean: checks as `--only` of `segue check`, mutants and oddities by name or area.

    Of a check that is meant the mutants that name it are meant too, in a full run also every oddity. Nothing at all may
    come of it.
    """
    if not only:
        odd = tuple(oddities) if full else ()
        return Selection(
            tuple(catalogue), tuple(mutants), tuple(wires), full, exhaustive=exhaustive, sockets=sockets, oddities=odd
        )
    checks = [check for check in catalogue if any(check.matches(pattern) for pattern in only)]
    ids = {check.id for check in checks}
    named = [mutant for mutant in mutants if any(_means(pattern, mutant) for pattern in only)]
    naming = [m for m in mutants if m not in named and ids & {c for cs in m.killed_by.values() for c in cs}]
    chosen = tuple(m for m in mutants if m in named or m in naming)
    every = full and bool(checks)
    return Selection(
        tuple(checks or catalogue),
        chosen,
        tuple(wires),
        full,
        whole=bool(checks),
        exhaustive=exhaustive,
        sockets=sockets,
        oddities=tuple(odd for odd in oddities if every or any(_means(pattern, odd) for pattern in only)),
    )


def _means(pattern: str, mutant: Mutant) -> bool:
    return pattern in (mutant.name, mutant.area) or fnmatch.fnmatchcase(mutant.name, pattern)


def stages(chosen: Selection) -> list[Stage]:
    """Return what has to be done, in order."""
    over_sockets = [
        Stage("every mutant, over sockets", lambda _: _in_order(_mutants(chosen, _all_named, sockets=True)), 3),
        Stage("over sockets once more, alone", _missed, 0),
    ]
    rest = over_sockets if chosen.sockets else []
    if not chosen.full:
        first = Stage(
            "in memory",
            lambda _: [*_references(chosen), *_in_order(_mutants(chosen, _named)), *_in_order(_oddities(chosen, {}))],
        )
        return [first, *rest]

    def every(done: Sequence[Done]) -> list[Job]:
        reached = {} if chosen.exhaustive else {pair: found for one in done for pair, found in one.reached.items()}
        mutants = _in_order(_mutants(chosen, lambda chosen, mutant: every_pair(chosen, mutant, reached)))
        return [*mutants, *_in_order(_oddities(chosen, reached))]

    return [
        Stage("the reference endpoint, in memory", lambda _: [*_references(chosen, watched=not chosen.exhaustive)]),
        Stage("every mutant, in memory", every),
        *rest,
    ]


def _missed(done: Sequence[Done]) -> list[Job]:
    """Return jobs for what was not caught over sockets: beside others an answer may come late."""
    missed = [(one.job, tuple((r.check, r.wire) for r in one.runs if not r.caught)) for one in done if one.job.sockets]
    return [replace(job, pairs=pairs) for job, pairs in missed if pairs]


def _references(chosen: Selection, *, watched: bool = False) -> Iterator[Job]:
    """Yield the jobs of the reference endpoint, watched if asked for, and of its variants."""
    for reference in chosen.references if chosen.whole else ():
        for wire in chosen.wires:
            if pairs := _pairs(chosen, wire):
                first = reference is chosen.references[0]
                yield Job("reference", reference.name, "reference", pairs, watched=watched and first)


def _mutants(
    chosen: Selection, pairs: Callable[[Selection, Mutant], tuple[Pair, ...]], *, sockets: bool = False
) -> Iterator[Job]:
    for mutant in chosen.mutants:
        yield Job("mutant", mutant.name, mutant.area, pairs(chosen, mutant), sockets=sockets)


def _oddities(chosen: Selection, reached: Reached) -> Iterator[Job]:
    """Yield the jobs of what is odd and legal: what a check reaches nothing of is the reference endpoint to it."""
    for oddity in chosen.oddities:
        yield Job("oddity", oddity.name, "oddities", every_pair(chosen, oddity, reached))


def _in_order(given: Iterator[Job]) -> list[Job]:
    """Return the jobs that have something to do: areas together, the longest first, so that all end together."""
    jobs = [job for job in given if job.pairs]
    order = sorted({job.area for job in jobs}, key=lambda area: -sum(len(j.pairs) for j in jobs if j.area == area))
    return sorted(jobs, key=lambda job: (order.index(job.area), -len(job.pairs)))


def _pairs(chosen: Selection, wire: str) -> tuple[Pair, ...]:
    return tuple((check.id, wire) for check in chosen.checks if wire in check.wires)


def every_pair(chosen: Selection, mutant: Mutant, reached: Reached) -> tuple[Pair, ...]:
    """Return every check on every wire on which a mutant can differ from the reference endpoint."""
    replaced = places_of(mutant)
    every = [pair for wire in chosen.wires if wire in mutant.wires for pair in _pairs(chosen, wire)]
    return tuple(pair for pair in every if mutant.names(*pair) or _may_differ(replaced, reached.get(pair)))


def _may_differ(replaced: frozenset[Place] | None, reached: frozenset[Place] | None) -> bool:
    return replaced is None or reached is None or not replaced.isdisjoint(reached)


def _named(chosen: Selection, mutant: Mutant) -> tuple[Pair, ...]:
    """Return the checks that must catch it; those of another wire where it names none for these."""
    wires = [wire for wire in chosen.wires if mutant.killed_by.get(wire)] or [*mutant.killed_by][:1]
    return tuple((check, wire) for wire in wires for check in mutant.killed_by[wire])


def _all_named(_: Selection, mutant: Mutant) -> tuple[Pair, ...]:
    return tuple((check, wire) for wire, checks in mutant.killed_by.items() for check in checks)
