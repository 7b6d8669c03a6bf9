"""Endpoints of Segue that are unusual and legal, one oddity a class: what no check may accuse.

An oddity is the reference endpoint, changed through its seams as a mutant is (`segue_conformance.mutants`). The first
line of its docstring says what is odd, the paragraph that begins with `Legal:` which sentence of the specification
allows it. It may say:

`wires`    on which wires it shows; every check that runs there has to leave it in peace.
`WARNS`    checks that warn, by id or glob, each with the SHOULD that the oddity leaves aside.
`PASSES`   how many checks pass at least, by wire, where it is fewer than usual: skipping all of them proves nothing.

No failure, no fault of the suite, no warning without a reason: that is all that is asked of a check here. One that
can't be performed on an oddity, or comes to nothing, says so.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue_gateway.endpoint import Endpoint

from ..extended import SEGUE_WIRES
from ..mutants import Mutant
from ..mutants.wire_fault import NATIVE, SEAMS, WireFault
from ..registry import Catalogue
from ..verdicts import Verdict

__all__ = ["Oddity", "accusations", "load", "many", "together"]

#: Of the checks of a wire so many pass on what is not too odd, in hundredths; of fewer checks nothing is asked.
_USUAL, _FEW = 60, 20
#: What goes together.
_MANY: Mapping[str, str] = {
    "talkative": "more_members odd_words odd_errors tells_limits_between evicts_what_nobody_knows pings_between "
    "spells_otherwise comments_and_retries splits_characters answers_in_chunks ids_need_encoding builds_from_nothing "
    "many_bindings claimed_only answers_at_once denies_upgrades_with403 answers_otherwise gives_up_on_the_provider",
    "lean": "lean null_param names_no_member says_no_time never_asks_again below_the_base_only key_for_the_document "
    "skeleton_is_all ends_lines_with_c_r all_in_one_write side_by_side cached_only compresses_nothing reads_any_type "
    "takes_orphan_outputs tells_no_timing",
    "strict": "has_a_shape_for_ids asks_for_an_answer puts_up_with_no_setting wants_a_model context_goes_first "
    "knows_that_nothing_ran closes_behind_what_it_cannot_read routes_otherwise names_what_holds_the_member "
    "none_by_default merges_unasked messages_in_front absolute_addresses fragments one_lane ends_rather_than_steers",
    "fleeting": "keeps_the_name_alone drains_twice thinks_aloud ends_lines_with_c_r_l_f progress_everywhere "
    "credentials_are_principals gathers_deltas connection_by_default warm_ups_are_counted",
    "plain": "only_core one_at_a_time no_deltas none_only nobody_needs_a_key library_closes relative_addresses "
    "keeps_no_records lean_limits lists_all_it_carries drops_what_is_not_kept",
}
#: What offers next to nothing has few checks to pass.
_FEWER = {"plain": {"segue-ws": 85, "segue-http": 80}}
_LEGAL = re.compile(r"^\s*Legal: (?P<why>.+)", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Oddity(Mutant):
    """One oddity: `fault` says what is odd, `legal` what allows it, `also` whom it may warn, and why."""

    legal: str = ""
    passes: Mapping[str, int] = field(default_factory=dict)

    def least(self, wire: str, checks: int) -> int:
        """Return how many of so many checks have to pass on a wire."""
        return self.passes.get(wire, checks * _USUAL // 100) if checks > _FEW else 0


def load() -> dict[str, Oddity]:
    """Return every oddity by its name. Raises ValueError for a class that does not say what it is, or why."""
    found: dict[str, Oddity] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for kind in _kinds(vars(module), module.__name__):
            oddity = _oddity(kind, module.__name__.rpartition(".")[2])
            if oddity.name in found:
                raise ValueError(f"two oddities bear the name {oddity.name}")
            found[oddity.name] = oddity
    return found


def together(name: str, *oddities: Oddity, passes: Mapping[str, int] | None = None) -> Oddity:
    """Return an endpoint that is odd in each of these ways at once, judged on Segue's own wires.

    What they say on their wires goes through each in turn; methods of the endpoint go through the order of their
    classes, so each has to call `super`, and of two engines, connections or readings the first one's counts.
    """
    kinds: tuple[Any, ...] = tuple(oddity.make for oddity in oddities)
    chained = {hook: _chain(hook, kinds) for hook in SEAMS if any(hook in _own(kind) for kind in kinds)}
    seams = [wire for kind in kinds if issubclass(kind, WireFault) for wire in kind.wires]
    made = type(name, kinds, {**chained, "wires": tuple(dict.fromkeys(seams)), "__doc__": name})
    warns = {check: reason for oddity in oddities for check, reason in oddity.also.items()}
    return Oddity(name, " ".join(oddity.name for oddity in oddities), {}, made, warns, NATIVE, passes=passes or {})


def many(known: Mapping[str, Oddity]) -> list[Oddity]:
    """Return endpoints that are odd in many ways: between them they are odd in most."""
    return [
        together(name, *(known[one] for one in names.split()), passes=_FEWER.get(name)) for name, names in _MANY.items()
    ]


def accusations(oddity: Oddity, runs: Sequence[Any], catalogue: Catalogue) -> list[str]:
    """Return what must not be, a line each: failures, faults, warnings without a reason, too few that passed."""
    found = [
        f"{run.check} on {run.wire}: {run.verdict}: {run.message}"
        for run in runs
        if run.verdict in (Verdict.FAIL, Verdict.ERROR)
        or (run.verdict is Verdict.WARN and oddity.reason(run.check, run.wire) is None)
    ]
    for wire in oddity.wires:
        mine = [run for run in runs if run.wire == wire]
        whole = sum(wire in check.wires for check in catalogue)
        passed = sum(run.verdict is Verdict.PASS for run in mine)
        if len(mine) == whole and passed < oddity.least(wire, whole):
            found.append(f"of {whole} checks on {wire} only {passed} passed")
    return found


def _kinds(members: Mapping[str, Any], module: str) -> Iterator[type[Endpoint]]:
    for name, value in members.items():
        own = isinstance(value, type) and issubclass(value, Endpoint) and value.__module__ == module
        if own and not name.startswith("_"):
            yield value


def _oddity(kind: type[Endpoint], area: str) -> Oddity:
    said = kind.__doc__ or ""
    legal = _LEGAL.search(said)
    if legal is None:
        raise ValueError(f"{kind.__module__}.{kind.__name__} does not say what makes it legal")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    wires = tuple(wire for wire in getattr(kind, "wires", SEGUE_WIRES) if wire in SEGUE_WIRES)
    return Oddity(
        name,
        said.strip().splitlines()[0],
        {},
        kind,
        getattr(kind, "WARNS", {}),
        wires,
        area,
        legal=" ".join(legal["why"].split()),
        passes=getattr(kind, "PASSES", {}),
    )


def _own(kind: type[Endpoint]) -> Mapping[str, Any]:
    """Return what an oddity overrides of the seams of its wires, its own bases among it."""
    if not issubclass(kind, WireFault):
        return {}
    mine = kind.__mro__[: kind.__mro__.index(WireFault)]
    return {name: value for base in reversed(mine) for name, value in vars(base).items() if name in SEAMS}


def _chain(hook: str, kinds: Sequence[type[Endpoint]]) -> Any:
    """Return a hook that goes through those of several oddities, each on its own wires and with a state of its own."""
    parts = [(kind.wires, _own(kind)[hook]) for kind in kinds if issubclass(kind, WireFault) and hook in _own(kind)]

    def event(self: Any, wire: str, event: dict[str, Any], state: dict[Any, Any]) -> list[dict[str, Any]]:
        told = [event]
        for place, (wires, part) in enumerate(parts):
            if wire in wires:
                mine = state.setdefault(place, {})
                told = [dict(one) for each in told for one in _several(part(self, wire, each, mine))]
        return told

    def other(self: Any, wire: str, *given: Any) -> Any:
        *rest, value = given
        for wires, part in parts:
            if wire in wires:
                value = part(self, wire, *rest, value)
        # As it stands, `answer` lets the others look at bodies.
        return WireFault.answer(self, wire, rest[0], value) if hook == "answer" else value

    return event if hook == "event" else other


def _several(told: Any) -> Sequence[Mapping[str, Any]]:
    return [] if told is None else [told] if isinstance(told, Mapping) else told
