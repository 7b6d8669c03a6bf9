"""What a full self-test leaves out can't be caught: it is code of the endpoint that the check never asks for."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import Any

import pytest
from segue_conformance.mutants import REFERENCE, Mutant, load
from segue_conformance.mutants.references import Keyless
from segue_conformance.mutants.wire_fault import WireFault
from segue_conformance.registry import WIRES, Catalogue
from segue_conformance.selftest.jobs import Done, Job, perform
from segue_conformance.selftest.planning import Selection, every_pair
from segue_conformance.selftest.reach import Place, Watch, places_of
from segue_conformance.verdicts import Verdict
from segue_gateway.boundary import Boundary
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint

CATALOGUE = Catalogue.load()
MUTANTS = load()
FEW = (
    "continuation.users_words_one_hop", "turns.plain_turn", "deletion.record_goes_and_name_stays",
    "lanes.one_lane_is_in_order",
    "refusals.first_fault_first", "bodies.compressed_bodies", "steers.enters_between_items",
)  # fmt: skip


def mutant(make: Any) -> Mutant:
    return Mutant("m", "f", {}, make)


def place(function: Any) -> Place:
    return function.__code__.co_filename, function.__code__.co_firstlineno


def test_a_mutant_differs_where_it_replaces_a_function() -> None:
    class One(Endpoint):
        def check_origin(self, origin: str | None) -> None:
            self.own()

        def own(self) -> None:
            """Be asked for by nobody else."""

    assert places_of(mutant(One)) == {place(Endpoint.check_origin)}


def test_it_differs_where_the_classes_of_its_parts_do() -> None:
    class Part(Connection):
        def place(self, start: Any) -> Any:
            return super().place(start)

    class One(Endpoint):
        connection_type = Part

    assert places_of(mutant(One)) == {place(Connection.place)}


def test_a_fault_of_the_wires_differs_at_their_seams() -> None:
    class One(WireFault):
        wires = ("openai-ws",)

        def answer(self, wire: str, request: Any, answer: Any) -> Any:
            return answer

    assert places_of(mutant(One)) == {place(Boundary.gives_response)}


class Begun(Endpoint):
    def __init__(self, **more: Any) -> None:
        super().__init__(**more)


class Hashed(Endpoint):
    def __hash__(self) -> int:
        return 1


class OtherPart(Endpoint):
    connection_type = object  # type: ignore[assignment]


class Data(Endpoint):
    websocket_protocol = int


@pytest.mark.parametrize("make", [Begun, Hashed, OtherPart, Data, Keyless, lambda **more: Endpoint(**more)])
def test_what_does_not_tell_where_it_differs_may_differ_anywhere(make: Any) -> None:
    places = places_of(mutant(make))
    assert places is None or places == {place(Endpoint.__init__)}


def test_a_watch_sees_what_is_called_and_leaves_no_trace() -> None:
    watch, before = Watch(), sys.getprofile()
    with watch() as places:
        Boundary().took_frame("openai-ws", "")
    with watch() as later:
        Boundary().took_coding("openai-ws", "")
    assert (places, later) == ({place(Boundary.took_frame)}, {place(Boundary.took_coding)})
    assert sys.getprofile() is before


@pytest.fixture(scope="module")
def reached() -> dict[tuple[str, str], frozenset[Place]]:
    found: dict[tuple[str, str], frozenset[Place]] = {}
    for wire in WIRES:
        pairs = tuple((name, wire) for name in FEW if wire in CATALOGUE[name].wires)
        done = perform(Job("reference", REFERENCE.name, "reference", pairs, watched=True))
        assert {run.verdict for run in done.runs} <= {Verdict.PASS, Verdict.SKIP}, done
        found |= done.reached
    return found


def test_each_check_reaches_what_makes_the_endpoint_and_what_it_asks_for(reached: Any) -> None:
    assert len(reached) >= 12
    for places in reached.values():
        assert place(Endpoint.__init__) in places
        assert place(Boundary.gives_frame) in places or place(Boundary.gives_response) in places


def test_nothing_comes_of_what_is_left_out(reached: Any) -> None:
    """A sample of those runs: each ends as on the reference endpoint."""
    few = tuple(CATALOGUE[name] for name in FEW)
    chosen = Selection(few, tuple(MUTANTS), WIRES, full=True)
    spared = []
    for one in MUTANTS:
        kept = every_pair(chosen, one, reached)
        spared += [(one.name, pair) for pair in every_pair(chosen, one, {}) if pair not in kept]
    assert len(spared) > 500
    for name, pair in random.Random("a sample").sample(spared, 40):
        done = perform(Job("mutant", name, "", (pair,)))
        assert [run.verdict for run in done.runs] in ([Verdict.PASS], [Verdict.SKIP]), (name, done)


def test_a_check_that_is_named_is_performed_though_it_reaches_nothing() -> None:
    one = replace(next(m for m in MUTANTS if places_of(m)), killed_by={"segue-ws": ("turns.plain_turn",)})
    chosen = Selection((CATALOGUE["turns.plain_turn"],), (one,), ("segue-ws",), full=True)
    assert every_pair(chosen, one, {("turns.plain_turn", "segue-ws"): frozenset()}) == (
        ("turns.plain_turn", "segue-ws"),
    )


def test_a_job_over_sockets_takes_its_time_from_the_world() -> None:
    usage = next(one for one in MUTANTS if one.name == "usage_does_not_add_up")
    done: Done = perform(Job("mutant", usage.name, "", (("turns.usage_adds_up", "segue-http"),), sockets=True))
    assert [run.verdict for run in done.runs] == [Verdict.FAIL], done
