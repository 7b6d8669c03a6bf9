"""Lanes and cancelling: order within a lane, none between lanes, and an end that was asked for (spec: turns)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from segue_adapters.links import WebSocketLink
from segue_adapters.turn import Outcome, Turn
from segue_schemas import models

from ..clock import now
from ..native import keeps_records
from ..oracle import ASK, Story, plant, says, word
from ..registry import check
from ..responses_wire import create, events_of
from ..segue_wire import refusal_to, sse_events, start_message, turn_name
from ..subject import Client, Subject, completed, handle_of, refused
from ..verdicts import Deviation, Inconclusive, NotOffered
from .test_turns import SLOW

STREAMS = ("segue-ws", "openai-ws")
#: How many short turns are put into one lane, where no long one can be had.
_MANY = 6
#: Seconds within which what is sent and what ends may be taken to have come at once.
_APART = 0.1


@check("SEG-TURN-101", profile="concurrent", wires=STREAMS, timing=True)
async def test_lanes_run_side_by_side(subject: Subject) -> None:
    """A short turn of one lane does not wait for a long one of another."""
    await _lanes(subject)
    _room(subject)
    async with subject.open() as client:
        began = now()
        completed(await client.turn("Say hello.", lane="quick"), "a turn in a lane must run")
        alone = now() - began
        slow, quick = await client.start(SLOW, lane="slow"), await client.start("Say hello.", lane="quick")
        began = now()

        async def wait(turn: Turn, what: str) -> float:
            outcome = client.judged(await _outcome(client, turn))
            if outcome.refused is not None and not subject.native:
                raise NotOffered(f"a second turn in flight is refused: {outcome.refused.message[:120]}")
            completed(outcome, f"a turn in the {what} lane must run")
            return now() - began

        took = await asyncio.gather(wait(slow, "first"), wait(quick, "second"))
        if took[1] < took[0]:
            return
        if took[0] < 2 * alone + 0.2:
            return await _many_and_one(client, alone)
        raise Deviation(
            "the short turn waited for the long one in the other lane",
            expected=f"lanes side by side: alone it took {alone:.2f} s",
            actual=f"the long turn ended after {took[0]:.2f} s, the short one after {took[1]:.2f} s",
        )


async def _many_and_one(client: Client, alone: float) -> None:
    """Judge by many short turns in one lane and one in another, where a model writes no long text: it may not be last.

    Inconclusive where also the many take too little time to tell waiting from running.
    """
    began = now()
    many = [await client.start("Say hello.", lane="slow") for _ in range(_MANY)]
    one = await client.start("Say hello.", lane="quick")
    refused = client.judged(await _outcome(client, one)).refused
    if refused is not None and not client.subject.native:
        raise NotOffered(f"a turn behind others in flight is refused: {refused.message[:120]}")
    took = now() - began
    for turn in many:
        turn.catch_up()
    if not all(turn.result.ended for turn in many):
        for turn in many:
            client.judged(await _outcome(client, turn))
        return
    if took < 2 * alone + 0.2:
        raise Inconclusive(f"{_MANY} turns took {took:.2f} s: too short for another one to end meanwhile")
    raise Deviation(
        f"a turn waited for {_MANY} of another lane",
        expected=f"lanes side by side: alone it took {alone:.2f} s",
        actual=f"it ended behind all of them, after {took:.2f} s",
    )


@check("SEG-TURN-102", profile="concurrent", wires=STREAMS)
async def test_lane_is_named(subject: Subject) -> None:
    """A turn that names a lane is accepted in it."""
    await _lanes(subject)
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", lane="one")
        completed(outcome, "a turn in a lane must run")
        if subject.native and outcome.accepted is not None and outcome.accepted.lane != "one":
            raise Deviation(
                "turn.accepted does not name the lane", expected='lane "one"', actual=f"lane {outcome.accepted.lane}"
            )


@check("SEG-TURN-100", profile="concurrent", wires=STREAMS)
async def test_one_lane_is_in_order(subject: Subject) -> None:
    """Turns of one lane end in the order of their receipt."""
    if subject.native:
        subject.needs("lanes")  # without them turns have no order; on OpenAI's wire they always do (SEG-OWS-028)
    async with subject.open() as client:
        first, second = await client.start(SLOW), await client.start("Say hello.")
        answer = client.judged(await second.outcome())
        if answer.refused is not None:
            raise NotOffered(f"a second turn in flight is refused: {answer.refused.message[:120]}")
        # Judged by the order of arrival, not of waking up: when the end of the second turn has come, that of the first
        # lies here already.
        first.catch_up()
        if not first.result.ended:
            client.judged(await first.outcome())
            raise Deviation(
                "two turns of one lane overlap",
                expected=f"turn {first.name}, which was sent first, ends before turn {second.name} begins",
                actual=f"turn {second.name} ended while turn {first.name} ran",
            )


@check("SEG-TURN-106", profile="concurrent", wires=STREAMS)
async def test_lane_is_no_history(subject: Subject) -> None:
    """A lane carries no history: only a parent does."""
    await _lanes(subject)
    async with subject.open() as client:
        story, secret = Story(client), word()
        outcome = await client.turn(plant(secret), lane="one")
        story.add(completed(outcome, "a turn in a lane must run"))
        # First by its parent, for what stands in the same lane without one makes this an older response.
        # On OpenAI's wire a lane is only what is named; of a default one nothing is said there.
        elsewhere: dict[str, Any] = {} if subject.native else {"lane": "two"}
        await story.recalls(secret, parent=handle_of(outcome), **elsewhere)
        other = await client.turn(ASK, lane="one")
        if says(other.text, secret):
            raise Deviation(
                "a word came back by its lane alone", expected="no such word", actual=repr(other.text[:120])
            )


@check("SEG-TURN-091", "SEG-TURN-090", profile="concurrent", wires=("segue-ws", "segue-http"))
async def test_cancel(subject: Subject) -> None:
    """A running turn that is cancelled ends as cancelled, with what was seen."""
    subject.needs("cancel")
    async with subject.open() as client:
        turn = await client.start(SLOW)
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before it could be cancelled")
        subject.spend()
        await client.session.cancel(turn)
        outcome = await turn.outcome()
        done = completed(outcome, "a running turn was cancelled").completed
        assert done is not None
        if done.status == "completed":
            raise Inconclusive("the turn ended by itself before the cancel took effect")
        if done.status != "cancelled":
            raise Deviation("a cancelled turn", expected="cancelled", actual=done.status)


@check("SEG-TURN-103", profile="concurrent", wires=("segue-ws",))
async def test_too_many_lanes(subject: Subject) -> None:
    """One lane more than declared is refused, and the others go on."""
    await _lanes(subject)
    most = subject.limits.lanes if subject.limits else None
    if not isinstance(most, int) or most > 64:
        raise NotOffered("no limit of lanes is declared that this check could reach")
    async with subject.open() as client:
        for number in range(most):
            await client.say("Say hello.", lane=f"lane{number}")
        outcome = await client.turn("Say hello.", lane="one_more")
        refused(outcome, f"lane {most + 1} was opened", "too_many_lanes")
        completed(await client.turn("Say hello.", lane="lane0"), "a lane that is open goes on")


@check("SEG-TURN-104", profile="concurrent", wires=("segue-ws",))
async def test_full_lane(subject: Subject) -> None:
    """A turn more than may wait in a lane is refused, and those that wait run."""
    most = subject.limits.lane_queue if subject.limits else None
    if not isinstance(most, int) or most > 64:
        raise NotOffered("no lane_queue is declared that this check could fill")
    async with subject.open() as client:
        turns = [await client.start(SLOW)]
        turns += [await client.start("Say hello.") for _ in range(most + 1)]
        sent, ran, refusals = now(), 0.0, []
        for place, turn in enumerate(turns):
            outcome = client.judged(await turn.outcome())
            ran = now() - sent if place == 0 else ran
            if outcome.refused is not None:
                refusals.append(outcome.refused)
            else:
                completed(outcome, "a turn that may wait must run")
        if not refusals and ran < _APART:
            raise Inconclusive("the turn in front ended about when the last one was sent: there may have been room")
        if not refusals or any(error.code != "lane_full" for error in refusals):
            told = ", ".join(error.code for error in refusals) or "all were taken"
            raise Deviation(
                f"{most + 1} turns wait behind one that runs", expected="lane_full for the last", actual=told
            )


@check("SEG-TURN-105", profile="concurrent", wires=STREAMS)
async def test_failure_stays_in_its_lane(subject: Subject) -> None:
    """A turn that is refused in one lane does not touch the one that runs in another."""
    await _lanes(subject)
    async with subject.open() as client:
        running = await client.start(SLOW, lane="a")
        broken = [{"type": "message", "role": "user", "content": 7}]
        await _outcome(client, await client.start(broken, lane="b", broken=True))
        completed(client.judged(await running.outcome()), "a refusal in another lane must not touch it")


@check("SEG-TURN-107", profile="concurrent", wires=("segue-ws",))
async def test_lanes_not_offered(subject: Subject) -> None:
    """Without lanes, a turn that names one is refused."""
    if subject.capabilities is None or "lanes" in subject.features():
        raise NotOffered("lanes are offered")
    async with subject.open() as client:
        refused(await client.turn("Say hello.", lane="a"), "lanes are not offered and one was named", "not_offered")


@check("SEG-TURN-109", profile="core", wires=("segue-http",))
async def test_lane_over_http(subject: Subject) -> None:
    """Over HTTP a lane is taken, and orders nothing."""
    start = start_message(subject, lane="a")
    path = f"/turns/{start['turn']}"
    events = await sse_events(subject, "PUT", path, json.dumps(start).encode(), content_type="application/json")
    if events[-1].event != "turn.completed":
        raise Deviation("a turn that names a lane", expected="turn.completed", actual=events[-1].event)


@check("SEG-TURN-033", profile="concurrent", wires=("segue-ws", "segue-http"))
async def test_cut_text_stays(subject: Subject) -> None:
    """Text that was delivered before a cancel is an item of the output, marked incomplete."""
    subject.needs("cancel")
    async with subject.open() as client:
        # Twice, since a cancel may come right behind a message that was whole, and in front of the next one.
        statuses = [await _status_of_a_cut(client), ""]
        if statuses[0] != "incomplete":
            statuses[1] = await _status_of_a_cut(client)
        if "incomplete" not in statuses:
            raise Deviation(
                "the last message of a cancelled turn, twice",
                expected="status incomplete",
                actual=f"status {' and '.join(statuses)}",
            )


async def _status_of_a_cut(client: Client) -> str:
    """Cancel a turn that writes and return the status of its last text; Deviation where text that was told is gone.

    Inconclusive where no text came before the cancel took effect.
    """
    turn = await client.start(SLOW)
    await client.under_way(turn)
    client.subject.spend()
    await client.session.cancel(turn)
    outcome = await turn.outcome()
    done = completed(outcome, "a running turn was cancelled").completed
    assert done is not None
    if done.status != "cancelled":
        raise Inconclusive("the turn ended by itself before the cancel took effect")
    status = None
    for index in outcome.assembler.started:
        seen = outcome.assembler.partial(index)
        if seen.get("type") != "message" or not _text(seen):
            continue
        whole = json.loads(outcome.assembler.whole(index)) if index in outcome.assembler.completed else {}
        if _text(whole) != _text(seen):
            raise Deviation(
                "the text that was delivered", expected=repr(_text(seen)[:120]), actual=repr(_text(whole)[:120])
            )
        status = str(whole.get("status"))
    if status is None:
        raise Inconclusive("no text came before the cancel took effect")
    return status


def _text(message: Mapping[str, Any]) -> str:
    """Return the text of a message as it was built or came whole."""
    parts = message.get("content")
    told = [part.get("text") or part.get("refusal") or "" for part in parts] if isinstance(parts, list) else []
    return "".join(told) if told else parts if isinstance(parts, str) else ""


@check("SEG-TURN-092", profile="concurrent", wires=("segue-ws",))
async def test_cancel_of_a_finished_turn(subject: Subject) -> None:
    """Cancelling a finished turn is answered by its terminal event."""
    subject.needs("cancel")
    keeps_records(subject)
    async with subject.open() as client:
        first = await client.say("Say hello.")
        turn = await client.start("Say hello.", name=first.start.turn)
        await turn.outcome()
        subject.spend()
        await client.session.cancel(turn)
        again = await turn.next()
        if not isinstance(again, models.TurnCompleted) or again.seq != getattr(first.completed, "seq", None):
            told = again.error.code if isinstance(again, models.ErrorMessage) else type(again).__name__
            raise Deviation("a finished turn was cancelled", expected="its turn.completed again", actual=told)


@check("SEG-TURN-093", profile="concurrent", wires=("segue-ws",))
async def test_cancel_of_nothing(subject: Subject) -> None:
    """Cancelling a turn that never was is refused as not found."""
    subject.needs("cancel")
    error = await refusal_to(subject, json.dumps({"type": "turn.cancel", "turn": turn_name()}))
    if error.get("code") != "turn_not_found":
        raise Deviation("cancelling a turn that never was", expected="turn_not_found", actual=str(error.get("code")))


@check("SEG-CONT-034", profile="concurrent", wires=("segue-ws", "segue-http"))
async def test_cancel_leaves_parent(subject: Subject) -> None:
    """A parent is as it was after a turn from it was cancelled."""
    subject.needs("cancel")
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret))
        turn = await client.start(SLOW, parent=handle_of(first))
        await turn.next()
        subject.spend()
        await client.session.cancel(turn)
        await turn.outcome()
        await story.recalls(secret, parent=handle_of(first))


@check("SEG-CAP-011", profile="core", wires=("segue-ws",))
async def test_unlisted_feature_refused(subject: Subject) -> None:
    """A message that needs a feature which is not listed is refused as not offered."""
    listed = subject.features()  # what its binding leaves out it does not offer there
    probes = {
        "steer": {"type": "turn.steer", "turn": turn_name(), "steer": "s_1"}
        | {"input": [{"type": "message", "role": "user", "content": "x"}]},
        "export": {"type": "continuation.export", "ref": "r_1", "id": "resp_" + "0" * 32},
    }
    missing = [name for name in probes if name not in listed]
    if not missing:
        raise NotOffered("every feature that this check knows is listed")
    error = await refusal_to(subject, json.dumps(probes[missing[0]]))
    if error.get("code") != "not_offered":
        raise Deviation(
            f"`{missing[0]}` is not listed and was asked for",
            expected="not_offered",
            actual=f"{error.get('code')}: {error.get('message')}",
        )


async def _outcome(client: Client, turn: Turn) -> Outcome:
    """Return what became of a turn; Inconclusive where an `error` came that could be that of any turn in flight.

    On OpenAI's wire only a `stream_id` shows whose it is, and that is a recommendation there.
    """
    link = client.session.link
    ended = asyncio.ensure_future(turn.outcome())
    try:
        while not ended.done():
            await asyncio.wait({ended}, timeout=0.05)
            notices = link.notices.waiting() if isinstance(link, WebSocketLink) else []
            if any(isinstance(notice, models.ErrorMessage) for notice in notices):
                raise Inconclusive("an `error` without `stream_id` came: it does not show which turn it refuses")
        return ended.result()
    finally:
        ended.cancel()


def _room(subject: Subject) -> None:
    """Skip the check where not even two turns run side by side, each in a lane with a name."""
    limits = subject.limits
    for name in ("lanes", "turns_in_flight"):
        most = getattr(limits, name, None)
        if isinstance(most, int) and most < 2:
            raise NotOffered(f"limits.{name} is {most}")


async def _lanes(subject: Subject) -> None:
    """Skip the check unless there are lanes: on OpenAI's wire that shows in a create alone."""
    if subject.native:
        subject.needs("lanes")
        return
    events = await events_of(subject, create(subject, "Say hello.", stream_id="lane_probe"))
    if events[-1]["type"] == "error":
        raise NotOffered("lanes are refused")
    if not any("stream_id" in event for event in events):
        raise NotOffered("lanes are not offered: stream_id is ignored")
