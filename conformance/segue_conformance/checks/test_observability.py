"""What a turn says of itself: its trace, where its time went, what it took from state, what the model did not see."""

from __future__ import annotations

import msgspec
from segue_adapters import draws
from segue_adapters.turn import Outcome
from segue_schemas import models

from ..clock import now
from ..native import NATIVE, hold, item, keeps_records, told
from ..registry import check
from ..subject import Subject, completed, handle_of
from ..verdicts import Deviation, Inconclusive, NotOffered
from .test_turns import SLOW


@check("SEG-OBS-002", profile="core", wires=NATIVE)
async def test_trace_is_accepted(subject: Subject) -> None:
    """A turn that bears a trace runs."""
    async with subject.open() as client:
        trace = models.Trace(traceparent=f"00-{draws.token_hex(16)}-{draws.token_hex(8)}-01", tracestate="segue=check")
        await hold(client, "Say hello.", "the turn bore a valid trace", trace=trace)


@check("SEG-OBS-011", profile="core", wires=NATIVE)
async def test_timing_stays(subject: Subject) -> None:
    """The timing of a turn is the same in a later reading."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        first = await client.say(SLOW)
        timing = _timing(first)
        subject.spend()
        again = await (await client.session.resume(first.start.turn)).outcome()
        later = completed(client.judged(again), "a finished turn is read again")
        if _timing(later) != timing:
            raise Deviation("the timing of one turn, read twice", expected=str(timing), actual=str(_timing(later)))


@check("SEG-OBS-011", profile="core", wires=("segue-ws",), timing=True)
async def test_timing_counts_the_wait(subject: Subject) -> None:
    """The time that a turn waits behind another one counts in its timing."""
    subject.needs("lanes")  # without them nothing has to wait
    if subject.limits is not None and subject.limits.lane_queue == 0:
        raise NotOffered("limits.lane_queue is 0: no turn waits behind another one")
    async with subject.open() as client:
        before = await client.start(SLOW)
        await before.next()
        sent = now()
        behind = await client.start("Say hello.")
        completed(client.judged(await before.outcome()), "a long text was asked for")
        waited = (now() - sent) * 1000
        outcome = completed(client.judged(await behind.outcome()), "a turn behind another one must run")
        if waited < 150:
            raise Inconclusive(f"the turn before it took {waited:.0f} ms: too short a wait to be told from none")
        total = _timing(outcome).get("total_ms")
        # On the line alone a part of the wait may pass before the start is received: half of it is never missing.
        if not isinstance(total, int) or total < waited / 2:
            raise Deviation(
                f"the turn was sent {waited:.0f} ms before the one in front of it ended",
                expected=f"total_ms of about {waited:.0f} at least",
                actual=str(total),
            )


@check("SEG-OBS-012", "SEG-OBS-010", profile="core", wires=NATIVE)
async def test_timing_says_what_happened(subject: Subject) -> None:
    """A turn without output has no time of its first output."""
    subject.needs("warm_up")
    async with subject.open() as client:
        outcome = completed(await client.turn("Say hello.", generate=False), "a warm-up must complete")
        timing = _timing(outcome)
        if "first_output_ms" in timing:
            raise Deviation("a turn without output", expected="no first_output_ms", actual=str(timing))


@check("SEG-OBS-020", "SEG-CONT-022", profile="core", wires=NATIVE)
async def test_reused_items(subject: Subject) -> None:
    """`reused` says how many items came from the parent's history."""
    async with subject.open() as client:
        first = await client.say("Say hello.")
        second = await client.say("Count from 1 to 5.", parent=handle_of(first))
        third = await client.say("Say hello.", parent=handle_of(second))
        seen = False
        for parent, outcome in ((first, second), (second, third)):
            assert outcome.accepted is not None
            if not isinstance(outcome.accepted.reused, models.Reused):
                continue
            seen = True
            length = handle_of(parent).length
            if outcome.accepted.reused.items != length:
                raise Deviation(
                    "the items that came from state", expected=str(length), actual=str(outcome.accepted.reused.items)
                )
        if not seen:
            raise Deviation("turns from a parent", expected="`reused`", actual="none", requirement="SEG-CONT-022")


@check("SEG-ITEM-032", "SEG-CTX-021", "SEG-OBS-021", profile="portable", wires=NATIVE)
async def test_unreadable_reasoning_is_omitted(subject: Subject) -> None:
    """A reasoning item that is sealed for somebody else is listed as one that the model did not see."""
    async with subject.open() as client:
        items = [
            item("Say hello."),
            {"type": "reasoning", "summary": [], "encrypted_content": draws.token_urlsafe(48), "issuer": "nobody"},
            item("Hello.", "assistant"),
            item("Say hello again."),
        ]
        outcome = await client.turn(items)
        if outcome.refused is not None:
            raise NotOffered(f"sealed reasoning is refused: {told(outcome.refused)}")
        first = completed(outcome, "a history with sealed reasoning")
        second = await client.say("Say hello.", parent=handle_of(first))
        for turn in (first, second):
            omitted = _omitted(turn)
            if 1 not in omitted:
                raise Deviation(
                    "item 1 of the history is sealed for somebody else",
                    expected="omitted: [1]",
                    actual=f"omitted: {sorted(omitted)}" if omitted else "nothing is told to be omitted",
                )
            length = handle_of(turn).length
            assert isinstance(length, int)
            if max(omitted) >= length:
                raise Deviation(
                    f"the history has {length} items",
                    expected=f"places from 0 to {length - 1}",
                    actual=f"omitted: {sorted(omitted)}",
                    requirement="SEG-OBS-021",
                )


def _timing(outcome: Outcome) -> dict[str, int]:
    """Return what a turn says of its time, as it should."""
    assert outcome.completed is not None
    if not isinstance(outcome.completed.timing, models.Timing):
        raise Deviation("a completed turn", expected="`timing`", actual="none", requirement="SEG-OBS-010")
    timing: dict[str, int] = msgspec.to_builtins(outcome.completed.timing)
    return timing


def _omitted(outcome: Outcome) -> set[int]:
    found: set[int] = set()
    for event in (outcome.accepted, outcome.completed):
        if event is not None and isinstance(event.omitted, list):
            found.update(event.omitted)
    return found
