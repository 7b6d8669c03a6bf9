"""Names and records: who claims one, who reads it, and what does not touch it (spec: turns; G3, G4)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from segue_adapters.errors import SegueError
from segue_adapters.turn import Outcome
from segue_schemas import context_digest, models

from ..native import keeps_records
from ..registry import check
from ..segue_wire import turn_name
from ..subject import INHERIT, Subject, completed, refused, said
from ..verdicts import Deviation, Inconclusive, NotOffered
from .test_turns import SLOW

NATIVE = ("segue-ws", "segue-http")


@check("SEG-TURN-052", profile="resumable", wires=NATIVE)
async def test_one_of_two_that_race(subject: Subject) -> None:
    """Of two starts of one name at once, one runs, and both read it."""
    subject.needs("resume")
    keeps_records(subject)
    name = turn_name()
    async with subject.open() as one, subject.open() as other:
        question = "Choose a random word and tell me."
        turns = await asyncio.gather(one.start(question, name=name), other.start(question, name=name))
        outcomes = [
            completed(one.judged(await turn.outcome()), "two starts of one content must both read") for turn in turns
        ]
        first, second = (outcome.objects for outcome in outcomes)
        if first != second:
            raise Deviation("two starts of one name ran twice", expected=str(first)[:200], actual=str(second)[:200])
        handles = {outcome.continuation.id for outcome in outcomes if outcome.continuation is not None}
        if len(handles) > 1:
            raise Deviation("two starts of one name", expected="one continuation", actual=str(sorted(handles)))


@check("SEG-TURN-055", profile="resumable", wires=NATIVE)
async def test_context_form_is_no_content(subject: Subject) -> None:
    """A repeat that names its context by digest is the same turn as one that sent it."""
    subject.needs("contexts")
    keeps_records(subject)
    subject.needs("resume")
    name = turn_name()
    async with subject.open() as client:
        context = subject.base_context(instructions="Be terse.")
        await client.say("Say hello.", name=name, context=context)
        outcome = await client.turn("Say hello.", name=name, context=context_digest(msgspec.json.encode(context)))
        completed(outcome, "only the form of the context differs from the first start")


@check("SEG-TURN-071", "SEG-TURN-079", profile="resumable", wires=("segue-ws",))
async def test_two_readers(subject: Subject) -> None:
    """Two connections read one running turn: the same event under each number, and neither ends the other."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as one, subject.open() as other:
        turn = await one.start(SLOW)
        await turn.next()
        subject.spend()
        second = await other.session.resume(turn.name)
        first_read, second_read = await asyncio.gather(turn.outcome(), second.outcome())
        for read in (first_read, second_read):
            completed(one.judged(read), "both readers must come to the end")
        first, again = _by_number(first_read), _by_number(second_read)
        for number in sorted(first.keys() & again.keys()):
            if first[number] != again[number]:
                raise Deviation(
                    f"the event {number} differs between two readings",
                    expected=str(first[number])[:200],
                    actual=str(again[number])[:200],
                )
        if first_read.objects != second_read.objects:
            raise Deviation(
                "two readers rebuild other items",
                expected=str(first_read.objects)[:200],
                actual=str(second_read.objects)[:200],
            )


@check("SEG-TURN-078", profile="resumable", wires=("segue-ws",))
async def test_new_reading_replaces_the_old(subject: Subject) -> None:
    """A reading from the beginning, on the connection that reads already, begins anew and comes to the end."""
    subject.needs("resume")
    async with subject.open() as client:
        turn = await client.start(SLOW)
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before it could be read anew")
        subject.spend()
        again = await client.session.resume(turn.name)
        accepted = 0
        async for event in again:
            accepted += isinstance(event, models.TurnAccepted)
        completed(client.judged(again.result), "the new reading must come to the end")
        if accepted != 1:
            raise Deviation("the new reading", expected="turn.accepted once, first", actual=f"{accepted} times")


@check("SEG-TURN-025", profile="resumable", wires=("segue-ws",))
async def test_refused_resume_changes_nothing(subject: Subject) -> None:
    """A resume from a number that was never written does not touch the turn."""
    subject.needs("resume")
    async with subject.open() as client, subject.open() as other:
        turn = await client.start(SLOW)
        await turn.next()
        subject.spend()
        resumed = await other.session.resume(turn.name, after=1_000_000, limit=2.0)
        try:
            refusal = (await resumed.outcome()).refused
        except SegueError:
            refusal = None  # it is taken, and waits: that it be refused is a recommendation (SEG-TURN-082)
        outcome = completed(client.judged(await turn.outcome()), "a resume that is refused must not touch the turn")
        if refusal is None:
            raise NotOffered("a resume from a number that is not written yet is not refused here")
        assert outcome.completed is not None
        if outcome.completed.status != "completed":
            raise Deviation("the turn that ran", expected="completed", actual=outcome.completed.status)


@check("SEG-TURN-081", "SEG-TURN-075", profile="resumable", wires=NATIVE, timing=True)
async def test_durations_are_reckoned_anew(subject: Subject) -> None:
    """A record that is read again says what is left of its continuation now."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        tier = next((tier for tier in ("cached", "durable") if tier in subject.tiers()), None)
        first = await client.say("Say hello.", **({} if tier is None else {"retention": tier}))
        before = first.continuation.expires_in_ms if first.continuation is not None else None
        if not isinstance(before, int):
            raise NotOffered("the continuation has no set expiry")
        # Once more after a second: an endpoint may count in whole seconds.
        after: object = None
        for seconds in (0.05, 1.1):
            await asyncio.sleep(seconds)
            subject.spend()
            again = completed(
                await (await client.session.resume(first.start.turn)).outcome(), "a finished turn is read again"
            )
            after = again.continuation.expires_in_ms if again.continuation is not None else None
            if isinstance(after, int) and after < before:
                return
        raise Deviation("what is left, a second later", expected=f"less than {before}", actual=str(after))


@check("SEG-CTX-004", profile="resumable", wires=NATIVE)
async def test_no_context_is_the_empty_one(subject: Subject) -> None:
    """Where neither turn nor parent has a context, the empty one is in force, without defaults of the endpoint's."""
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", context=INHERIT)
        if outcome.refused is not None:
            raise Inconclusive(f"a turn without any context is refused: {outcome.refused.message[:120]}")
        assert outcome.accepted is not None
        if outcome.accepted.context != context_digest(b"{}"):
            raise Deviation(
                "the context in force is not the empty one, `{}`",
                expected=context_digest(b"{}"),
                actual=str(outcome.accepted.context),
            )


@check("SEG-CTX-013", profile="continuation", wires=NATIVE)
async def test_context_of_a_handle_is_held(subject: Subject) -> None:
    """The context that a continuation names can be named by a turn, as long as the continuation is held."""
    subject.needs("contexts")
    async with subject.open() as client:
        handle, _ = await client.handle("Say hello.", context=subject.base_context(instructions="Be terse."))
        context = said(handle.context, "the context of a continuation")
        completed(await client.turn("Say hello.", context=context), "the context of a held continuation")


@check("SEG-DIG-013", profile="resumable", wires=NATIVE)
async def test_number_without_digest_refused(subject: Subject) -> None:
    """A number that has no canonical form is refused as invalid, never rounded."""
    async with subject.open() as client:
        context = {**subject.base_context(), "vendor:n": 9007199254740993}
        refused(await client.turn("Say hello.", context=context), "a number beyond 2^53 was sent", "invalid_request")


@check("SEG-MSG-021", profile="core", wires=NATIVE)
async def test_offered_features_may_be_required(subject: Subject) -> None:
    """A turn that requires what is offered runs."""
    features = subject.features()
    async with subject.open() as client:
        completed(await client.turn("Say hello.", require=features), f"the turn required {', '.join(features)}")


def _by_number(outcome: Outcome) -> dict[int, Any]:
    """Return events by their number, without what a delivery may write anew; merged deltas are left out."""
    found = {}
    for event in outcome.events:
        seq = getattr(event, "seq", None)
        if not isinstance(seq, int) or isinstance(getattr(event, "from_", None), int):
            continue
        told = msgspec.json.decode(msgspec.json.encode(event))
        told.pop("replayed", None)
        told.pop("timing", None)
        told.get("continuation", {}).pop("expires_in_ms", None)
        found[seq] = told
    return found
