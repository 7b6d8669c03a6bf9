"""Where a reading begins, how it ends, and what is left to be read (spec: resume, continuation, binding-segue-http)."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.transports.websocket import Socket
from segue_schemas import models

from ..answers import shown
from ..clock import now
from ..native import NATIVE, told
from ..registry import check
from ..segue_wire import next_message, start_message, turn_name, valid_message
from ..subject import Client, Subject, completed, refused
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

#: Continuations that a check makes at most to reach a bound.
_MOST = 32
#: Seconds within which the ends of a connection and of a turn are taken to have come at once.
_APART = 0.1
_ENDS = ("turn.completed", "turn.failed")


@check("SEG-TURN-086", "SEG-TURN-025", profile="resumable", wires=("segue-ws",))
async def test_resume_where_the_turn_is_read(subject: Subject) -> None:
    """A resume behind a number is refused on the connection that reads the turn, and the reading goes on."""
    subject.needs("resume")
    async with subject.socket() as socket:
        start = start_message(subject, SLOW)
        subject.spend()
        await socket.send(json.dumps(start))
        seen = await _until(subject, socket, lambda message: message["type"] == "item.delta")
        if seen[-1]["type"] in _ENDS:
            raise Inconclusive("the turn ended before it could be resumed")
        numbers = [message["seq"] for message in seen if isinstance(message.get("seq"), int)]
        if not numbers:
            raise Untestable("the events of a turn have no numbers")
        await socket.send(json.dumps({"type": "turn.resume", "turn": start["turn"], "after": numbers[0]}))
        rest = await _until(subject, socket, lambda message: message["type"] == "error")
        if rest[-1]["type"] != "error":
            if any(message.get("seq") == 1 for message in rest):
                raise Deviation(
                    f"the connection reads the turn and resumes it behind {numbers[0]}",
                    expected="error, refused turn.resume, invalid_request",
                    actual="its events a second time, and nothing that marks where",
                )
            raise Inconclusive("the turn ended before the resume was answered")
        if rest[-1].get("refused") != "turn.resume" or rest[-1]["error"]["code"] != "invalid_request":
            raise Deviation(
                "the connection reads the turn and resumes it behind a number",
                expected="error, refused turn.resume, invalid_request",
                actual=f"refused {rest[-1].get('refused')}, {rest[-1]['error']['code']}",
            )
        rest += await _until(subject, socket, lambda message: False)
        numbers = [message["seq"] for message in (*seen, *rest) if isinstance(message.get("seq"), int)]
        if sorted(set(numbers)) != numbers or rest[-1]["type"] != "turn.completed":
            raise Deviation(
                "the reading behind the refused resume",
                expected="rising numbers to turn.completed",
                actual=f"{numbers[:3]} … {numbers[-3:]}, {rest[-1]['type']}",
                requirement="SEG-TURN-025",
            )


async def _until(subject: Subject, socket: Socket, last: Any) -> list[dict[str, Any]]:
    """Return the messages up to one that is meant, or that ends the turn."""
    messages: list[dict[str, Any]] = []
    until = now() + subject.settings.timeout
    while not messages or not (last(messages[-1]) or messages[-1]["type"] in _ENDS):
        message = await next_message(socket, max(0.1, until - now()))
        if message["type"].startswith(("turn.", "item.", "error")):
            messages.append(message)
    return messages


@check("SEG-TURN-062", profile="core", wires=NATIVE)
async def test_running_name_without_resume(subject: Subject) -> None:
    """Where no start is a repeat, a start of a running turn's name is a conflict and leaves that turn alone."""
    features = subject.features()
    if subject.capabilities is None or "resume" in features:
        raise NotOffered("resume is offered, so a second start attaches")
    name = turn_name()
    async with subject.open() as client, subject.open() as other:
        turn = await client.start(SLOW, name=name)
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before it could be started again")
        second = await other.turn(SLOW, name=name)
        first = completed(client.judged(await turn.outcome()), "a start that is refused must not touch the turn")
        if second.completed is not None and second.objects != first.objects:
            raise Inconclusive("the turn may have ended before the second start was read")
        refused(second, "a turn of that name runs, and resume is not offered", "turn_conflict")


@check("SEG-HTTP-044", profile="core", wires=("segue-http",), timing=True)
async def test_unkept_turn_is_answered_whole(subject: Subject) -> None:
    """A whole answer to a turn of retention none is its end, and no 202 behind which nothing may be left."""
    subject.needs_tier("none")
    start = start_message(subject, SLOW, retention="none")
    path, body = f"/turns/{start['turn']}", json.dumps(start).encode()
    answer = await subject.fetch("PUT", path, body, accept="application/json", content_type="application/json")
    if answer.status >= 300:
        raise Untestable(f"the turn was answered {shown(answer)}")
    snapshot = valid_message(answer.body.decode("utf-8", "replace"))
    if answer.status != 200 or not (snapshot.get("completed") or snapshot.get("failed")):
        raise Deviation(
            "a start of retention none, answered whole", expected="200 with its end", actual=f"{answer.status}"
        )


@check("SEG-HTTP-044", profile="core", wires=("segue-http",), timing=True)
async def test_unkept_steer_is_answered_for_good(subject: Subject) -> None:
    """A steer of a turn of retention none is answered by what became of it, and by no 202."""
    subject.needs("steer")
    subject.needs_tier("none")
    async with subject.open() as client:
        turn = await client.start(SLOW, retention="none")
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before it could be steered")
        body = json.dumps({"input": [{"type": "message", "role": "user", "content": "Say hello."}]}).encode()
        path = f"/turns/{turn.name}/steers/s_{turn_name()[:24]}"
        answer = await subject.fetch("PUT", path, body, accept="application/json", content_type="application/json")
        await turn.outcome()
    if answer.status == 202:
        raise Deviation(
            "a steer of a turn of retention none",
            expected="turn.steered, or too_late",
            actual="202, and the turn's end may take the answer along",
        )


@check("SEG-TURN-075", profile="resumable", wires=NATIVE)
async def test_record_outlives_its_handle(subject: Subject) -> None:
    """A continuation that was given up for want of room takes the record of its turn along to nowhere."""
    bound = subject.limits.continuations if subject.limits is not None else None
    if not isinstance(bound, int) or bound > _MOST:
        raise NotOffered(f"no bound of at most {_MOST} continuations is declared")
    for feature in ("resume", "get", "warm_up"):
        subject.needs(feature)
    began = now()
    async with subject.open() as client:
        kept = [await client.say("Say hello.", generate=False, retention="cached") for _ in range(bound + 1)]
        for outcome in kept:
            handle = outcome.continuation
            if handle is None or await _resolves(client, handle):
                continue
            subject.spend()
            again = await (await client.session.resume(outcome.start.turn)).outcome()
            assert subject.limits is not None
            if again.completed is None and (now() - began) * 1000 < subject.limits.replay_ms:
                raise Deviation(
                    "a continuation was given up, and its turn ended a moment ago",
                    expected=f"its record, for {subject.limits.replay_ms} ms",
                    actual=told(again.refused),
                )
            return
    raise Inconclusive(f"{bound + 1} continuations were made, and none was given up")


async def _resolves(client: Client, handle: models.Continuation) -> bool:
    client.subject.spend()
    return isinstance(await client.session.get(handle.id), models.ContinuationInfo)


@check("SEG-TURN-039", "SEG-CONT-001", profile="continuation", wires=("segue-ws",), timing=True)
async def test_connection_that_ends_first(subject: Subject) -> None:
    """A turn of retention `connection` that outlives its connection ends without a handle, and says so."""
    subject.needs("resume")
    subject.needs_tier("connection")
    async with subject.open() as client:
        turn = await client.start(SLOW, retention="connection")
        if not await client.under_way(turn):
            completed(client.judged(turn.result), "a long text was asked for")
            raise Inconclusive("the turn ended before its connection")
    # Closed in order: of a line that is only cut the endpoint may hear when the turn has long ended.
    closed = now()
    async with subject.open() as client:
        subject.spend()
        outcome = completed(
            client.judged(await (await client.session.resume(turn.name)).outcome()), "a turn outlives its connection"
        )
        done = outcome.completed
        assert done is not None
        lost = (done.status, done.reason) == ("incomplete", "retention_lost")
        if not lost and now() - closed < _APART:
            raise Inconclusive("the turn ended about when its connection did")
        if not lost or outcome.continuation is not None:
            raise Deviation(
                "the connection that a handle would have been bound to ended before the turn",
                expected="status incomplete, reason retention_lost, no continuation",
                actual=f"status {done.status}, reason {done.reason}, "
                f"{'a' if outcome.continuation is not None else 'no'} continuation",
            )


@check("SEG-CONT-064", profile="continuation", wires=NATIVE, needs_turn=False)
async def test_parts_do_not_generate(subject: Subject) -> None:
    """Who takes a history in parts takes turns that do not generate."""
    features = subject.features()
    if "resend_in_parts" not in features:
        raise NotOffered("resend_in_parts is not offered")
    if "warm_up" not in features:
        raise Deviation("resend_in_parts is offered", expected="warm_up too", actual=f"features {', '.join(features)}")
