"""What the suite sends is valid, or meant to be broken; its own bad message is its own fault, never the target's.

Each message over a Segue WebSocket is held against the schemas, both ways: whatever the checks send to the reference
endpoint, and whatever that says to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from segue_adapters.errors import LocalProtocolError
from segue_conformance.grading import grade
from segue_conformance.mutants import REFERENCE
from segue_conformance.recorder import Recorder
from segue_conformance.registry import Catalogue, Check
from segue_conformance.subject import Subject
from segue_conformance.verdicts import Verdict
from segue_conformance.virtual.world import World
from segue_schemas import StrictJSONError, strict_loads, validator

CATALOGUE = Catalogue.load()
#: The checks that send something broken, since a rule is about just that. Every other message of the suite is valid.
BREAKING = {
    "bundles.broken_bundle_refused", "context.param_is_a_pointer", "continuation.refused_turn_leaves_parent",
    "endings.closed_with_a_reason", "lanes.failure_stays_in_its_lane", "messages.deep_nesting",
    "messages.duplicate_names", "messages.hundred_deep", "messages.lone_surrogate", "messages.missing_member",
    "messages.no_object", "messages.not_json", "messages.number_beyond_a_double", "messages.unknown_type",
    "recommended.fault_is_named", "refusals.first_fault_first", "turns.refusal_leaves_connection",
    "turns.wrong_type_refused", "wire_segue_ws.open_behind_refusal",
}  # fmt: skip
#: These are too large, and whatever else they are is nobody's business.
TOO_LARGE = {"messages.oversized", "recommended.limit_is_told", "bodies.swelling_message_refused"}
SCHEMAS = {"sent": "client.json#/$defs/ClientMessage", "received": "native.json#/$defs/ServerMessage"}


class Listening(World):
    """A world that keeps all that its subjects send and hear, in full."""

    def __init__(self) -> None:
        super().__init__(REFERENCE, CATALOGUE)
        self.subjects: list[Subject] = []

    def _subject(self, wire: str) -> Subject:
        subject = super()._subject(wire)
        subject.recorder = Recorder(longest=10_000_000, most=10_000)
        self.subjects.append(subject)
        return subject

    def said(self, check: Check, wire: str) -> tuple[Verdict, list[tuple[str, str]]]:
        """Perform a check and return its verdict and all text frames, with their direction."""
        self.subjects.clear()
        verdict = self.perform(check, wire).verdict
        frames = [frame for subject in self.subjects for frame in subject.recorder.frames]
        return verdict, [(f.direction, f.text) for f in frames if f.kind == "text" and f.direction in SCHEMAS]


@pytest.fixture(scope="module")
def said() -> Iterator[dict[str, tuple[Verdict, list[tuple[str, str]]]]]:
    world = Listening()
    try:
        yield {check.id: world.said(check, "segue-ws") for check in CATALOGUE if "segue-ws" in check.wires}
    finally:
        world.close()


def valid(direction: str, text: str) -> bool:
    try:
        message = strict_loads(text)
    except StrictJSONError:
        return False
    return bool(validator(SCHEMAS[direction]).is_valid(message))


def test_what_checks_send_is_valid_but_where_they_mean_to_break_a_rule(said: Any) -> None:
    broken = {
        name
        for name, (_, frames) in said.items()
        if any(direction == "sent" and not valid(direction, text) for direction, text in frames)
    }
    assert broken - TOO_LARGE == BREAKING
    sent = sum(direction == "sent" for _, frames in said.values() for direction, _ in frames)
    assert sent > 400


def test_what_the_reference_endpoint_says_is_valid(said: Any) -> None:
    wrong = {
        name: text[:200]
        for name, (_, frames) in said.items()
        for direction, text in frames
        if direction == "received" and not valid(direction, text)
    }
    assert wrong == {}
    assert {verdict for verdict, _ in said.values()} <= {Verdict.PASS, Verdict.SKIP}


# -- the suite's own bad message


def check_that(function: Any) -> Check:
    plain = CATALOGUE["turns.plain_turn"]
    return Check(**{name: getattr(plain, name) for name in Check.__slots__} | {"function": function, "id": "own.x"})


async def sends_a_number(subject: Subject) -> None:
    async with subject.open() as client:
        await client.turn("Hello.", parent=7)


async def breaks_it_on_purpose(subject: Subject) -> None:
    async with subject.open() as client:
        assert (await client.turn("Hello.", parent=7, broken=True)).refused is not None


async def trips(subject: Subject) -> None:
    async with subject.open() as client:
        assert (await client.turn("Hello.")).no_such_member  # type: ignore[attr-defined]


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http", "openai-ws", "openai-http"])
@pytest.mark.parametrize("function", [sends_a_number, trips])
def test_a_bad_message_of_the_suites_own_is_an_error(function: Any, wire: str) -> None:
    world = Listening()
    try:
        verdict, _ = world.said(check_that(function), wire)
    finally:
        world.close()
    assert verdict is Verdict.ERROR


def test_what_is_broken_on_purpose_is_sent() -> None:
    world = Listening()
    try:
        assert world.said(check_that(breaks_it_on_purpose), "segue-ws")[0] is Verdict.PASS
    finally:
        world.close()


def test_what_the_client_library_refuses_to_send_is_an_error() -> None:
    assert grade(LocalProtocolError("a turn without input"), begun=True).verdict is Verdict.ERROR
