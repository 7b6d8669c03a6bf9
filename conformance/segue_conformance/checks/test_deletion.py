"""Deleting: the record goes, the name stays, what was accepted goes on as it was promised (spec: continuation)."""

from __future__ import annotations

import asyncio

from segue_adapters.turn import Outcome

from ..clock import now
from ..native import NATIVE, delete, keeps_names, keeps_records, told
from ..oracle import ASK, Story, plant, word
from ..registry import check
from ..segue_wire import turn_name
from ..subject import Client, Subject, completed, handle_of, refused
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

#: Seconds between a deletion and the end of a turn behind which nobody can say that they crossed.
_APART = 0.05


@check("SEG-CONT-074", "SEG-TURN-076", "SEG-TURN-058", "SEG-TURN-059", profile="continuation", wires=NATIVE)
async def test_record_goes_and_name_stays(subject: Subject) -> None:
    """With a continuation its turn's record goes, and the name stays: it is never another turn's."""
    subject.needs("delete")
    subject.needs("resume")
    keeps_names(subject)
    tier = subject.needs_tier("cached", "durable")
    name, asked = turn_name(), f"Repeat after me: {word()}."
    async with subject.open() as client:
        first = await client.say(asked, name=name, retention=tier)
        await _delete(client, first)
        subject.spend()
        again = await (await client.session.resume(name)).outcome()
        refused(again, "the record of a deleted continuation was read", "events_gone", requirement=_of(again))
        repeated = await client.turn(asked, name=name, retention=tier)
        refused(repeated, "a turn was repeated whose record is deleted", "events_gone", requirement="SEG-TURN-058")
        other = await client.turn(f"Repeat after me: {word()}.", name=name, retention=tier)
        if other.refused is None:
            raise Deviation(
                "the name of a deleted turn came with another content",
                expected="events_gone",
                actual="it ran as another turn",
                requirement="SEG-TURN-059",
            )


@check("SEG-TURN-061", profile="resumable", wires=NATIVE)
async def test_repeat_outlives_its_parent(subject: Subject) -> None:
    """A repeat reads its record also where the turn's parent was deleted since."""
    subject.needs("delete")
    subject.needs("resume")
    keeps_records(subject)
    tier = subject.needs_tier("cached", "durable")
    name = turn_name()
    async with subject.open() as client:
        parent = await client.say("Say hello.", retention=tier)
        asked = "Choose a random word and tell me."
        first = await client.say(asked, name=name, parent=handle_of(parent), retention=tier)
        await _delete(client, parent)
        again = completed(
            await client.turn(asked, name=name, parent=handle_of(parent), retention=tier),
            "a turn was repeated whose parent was deleted since",
        )
        if again.objects != first.objects:
            raise Deviation("the repeat", expected=str(first.objects)[:200], actual=str(again.objects)[:200])


@check("SEG-CONT-017", profile="continuation", wires=("segue-ws",))
async def test_accepted_turn_keeps_its_parent(subject: Subject) -> None:
    """A turn that waits in its lane sees its parent's history also where the parent is deleted meanwhile."""
    subject.needs("delete")
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as client:
        story, secret = Story(client), word()
        parent = await story.say(plant(secret), retention=tier)
        before = await client.start(SLOW)
        await before.next()
        waiting = await client.start(ASK, parent=handle_of(parent), retention=tier)
        await waiting.next()
        if waiting.result.accepted is None:
            error = waiting.result.error
            if error is not None and error.code == "lane_full":
                raise NotOffered("no turn waits here: one beside another is refused")
            raise Untestable(f"the turn that was to wait was not accepted: {told(error)}")
        reading = asyncio.ensure_future(before.outcome())
        await _delete(client, parent)
        late = reading.done()
        await reading
        outcome = completed(client.judged(await waiting.outcome()), "a turn was accepted before its parent was deleted")
        await story.judges(outcome, secret, ASK)
        if late:
            raise Inconclusive("the turn in front ended before the parent was deleted: nothing waited for it")


@check("SEG-CONT-075", "SEG-TURN-039", profile="continuation", wires=NATIVE, timing=True)
async def test_running_descendant_loses_its_handle(subject: Subject) -> None:
    """A turn that runs while its ancestor is deleted with all descendants ends without a handle, and says so."""
    subject.needs("delete")
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as client, subject.open() as other:
        parent = await client.say("Say hello.", retention=tier)
        turn = await client.start(SLOW, parent=handle_of(parent), retention=tier)
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before its ancestor could be deleted")
        answer = await delete(other, handle_of(parent).id, descendants=True)
        if answer is not None:
            raise Untestable(f"the ancestor could not be deleted: {told(answer.error)}")
        deleted = now()
        outcome = completed(client.judged(await turn.outcome()), "the ancestor of a running turn was deleted")
        done = outcome.completed
        assert done is not None
        if not outcome.items:
            raise Deviation(
                "the output of the turn", expected="readable", actual="no items", requirement="SEG-TURN-039"
            )
        if (done.status, done.reason) != ("incomplete", "retention_lost"):
            if now() - deleted < _APART:
                raise Inconclusive("the turn ended about when its ancestor was deleted")
            raise Deviation(
                "its ancestor was deleted with all descendants",
                expected="status incomplete, reason retention_lost",
                actual=f"status {done.status}, reason {done.reason}",
            )
        if outcome.continuation is not None:
            raise Deviation(
                "a turn whose retention is lost",
                expected="no continuation",
                actual=outcome.continuation.id,
                requirement="SEG-TURN-039",
            )


def _of(outcome: Outcome) -> str:
    """Return the rule that a reading of what is deleted breaks: a record that is still there, or another refusal."""
    return "SEG-TURN-076" if outcome.refused is not None else "SEG-CONT-074"


async def _delete(client: Client, outcome: Outcome) -> None:
    answer = await delete(client, handle_of(outcome).id)
    if answer is not None:
        raise Untestable(f"a continuation could not be deleted: {told(answer.error)}")
