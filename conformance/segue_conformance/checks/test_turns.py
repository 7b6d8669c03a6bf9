"""Turns: one terminal outcome each, honest refusals, honest ends (spec: turns)."""

from __future__ import annotations

import re
from typing import Any

from segue_adapters.links import WebSocketLink
from segue_adapters.turn import Outcome, Turn
from segue_schemas import models

from ..clock import now
from ..oracle import Story, call_tool
from ..registry import EVERY_WIRE, STATELESS, WIRES, check
from ..subject import Client, Subject, completed, refused
from ..verdicts import Deviation, Inconclusive, NotOffered

STREAMS = ("segue-ws", "openai-ws")
NATIVE = ("segue-ws", "segue-http")

LONG = "Write a long text of at least 200 words about the sea."
SLOW = "Write a long text slowly."
#: What brings a model to say more than a limit allows: the first that does is looked at. Few models refuse to count,
#: and those that can only repeat have enough to repeat.
LONGS = (LONG, "Count from 1 to 120.", f"Repeat after me: {' '.join(f'wave{number}' for number in range(1, 101))}.")
#: What the answer to SLOW has at least, and that to a greeting has not.
_LONG_WORDS = 20
_DEADLINE = 100


@check("SEG-TURN-002", "SEG-TURN-001", profile="core", wires=EVERY_WIRE)
async def test_plain_turn(subject: Subject) -> None:
    """A plain turn is accepted, answers with text, and ends in turn.completed."""
    async with subject.open() as client:
        outcome = completed(await client.turn("Say hello."), "a plain question must be answered")
        if not outcome.items:
            raise Deviation("the turn completed without output", expected="at least one item", actual="none")


@check("SEG-TURN-001", profile="core")
async def test_accepted_first(subject: Subject) -> None:
    """The first event of a turn is turn.accepted."""
    async with subject.open() as client:
        outcome = completed(await client.turn("Say hello."), "a plain question must be answered")
        first = outcome.events[0]
        if not isinstance(first, models.TurnAccepted):
            raise Deviation("something came before turn.accepted", expected="turn.accepted first", actual=_tag(first))
        times = sum(isinstance(event, models.TurnAccepted) for event in outcome.events)
        if times > 1:
            raise Deviation("the turn was accepted twice", expected="turn.accepted once", actual=f"{times} times")


@check("SEG-TURN-003", profile="core", wires=STREAMS)
async def test_silent_after_end(subject: Subject) -> None:
    """Nothing of a turn comes behind its terminal event, also while the next one runs."""
    async with subject.open() as client:
        first = await client.say("Say hello.")
        await client.say("Say hello again.")
        for stray in _strays(client):
            if getattr(stray, "turn", None) == first.start.turn:
                raise Deviation(
                    "an event of a finished turn came", expected="silence behind the terminal event", actual=_tag(stray)
                )


@check("SEG-TURN-007", "SEG-TURN-006", "SEG-TURN-008", profile="core", wires=NATIVE)
async def test_numbers_rise(subject: Subject) -> None:
    """Events are numbered from 0 and rise strictly; a gap stands only in front of a merged delta."""
    async with subject.open() as client:
        outcome = completed(await client.turn("Count from 1 to 20."), "a plain question must be answered")
        expected = 0
        for event in outcome.events:
            if isinstance(event, models.TurnProgress):
                continue
            seq = getattr(event, "seq", None)
            unnumbered = not isinstance(seq, int) and isinstance(event, models.ItemStarted | models.ItemDelta)
            if subject.extended and unnumbered:
                continue  # where one event of the record became several, the last of them bears its number
            begins = event.from_ if isinstance(event, models.ItemDelta) and isinstance(event.from_, int) else seq
            if not isinstance(seq, int) or begins != expected:
                raise Deviation(
                    f"{_tag(event)} breaks the numbering",
                    expected=f"seq {expected}" + (" (or `from` that number)" if expected else ""),
                    actual=f"seq {seq}" + (f", from {begins}" if begins != seq else ""),
                    requirement="SEG-TURN-006" if expected == 0 else "SEG-TURN-007",
                )
            expected = seq + 1


@check("SEG-TURN-005", profile="core", wires=("segue-ws",))
async def test_events_name_their_turn(subject: Subject) -> None:
    """Every event of a turn bears the turn's name."""
    async with subject.open() as client:
        await client.say("Say hello.")
        for stray in _strays(client):
            if not isinstance(stray, models.ConnectionDraining | models.LimitsUpdated | models.ContinuationEvicted):
                raise Deviation("a message names no turn of ours", expected="`turn` in every event", actual=_tag(stray))


@check("SEG-TURN-010", "SEG-TURN-009", profile="core", wires=NATIVE)
async def test_acceptance_says_what_holds(subject: Subject) -> None:
    """turn.accepted names the parent, the granted retention and the context in force."""
    async with subject.open() as client:
        parent, _ = await client.handle("Say hello.")
        outcome = completed(await client.turn("Say hello again.", parent=parent), "a turn from a parent must run")
        accepted = outcome.accepted
        assert accepted is not None
        if accepted.parent != parent.id:
            raise Deviation("turn.accepted does not name the parent", expected=parent.id, actual=str(accepted.parent))
        if not isinstance(accepted.retention, str):
            raise Deviation("the granted retention is not named", expected="`retention`", actual="none",
                            requirement="SEG-TURN-009")  # fmt: skip


@check("SEG-TURN-020", "SEG-TURN-024", profile="core", wires=EVERY_WIRE)
async def test_wrong_type_refused(subject: Subject) -> None:
    """An item whose content is a number is refused before any output, as invalid."""
    async with subject.open() as client:
        broken = {"type": "message", "role": "user", "content": 7}
        outcome = await client.turn([broken], broken=True)
        error = refused(outcome, "a message whose content is a number was sent", native=subject.native)
        silent = not subject.native and _anybodys(error)  # an `error` without status need not say whose fault it is
        if error.code not in ("invalid_request", "malformed_message") and not silent:
            raise Deviation(
                "the refusal does not say that the request is at fault",
                expected="invalid_request (on an OpenAI wire: a status of 400 to 499)",
                actual=f"{error.code}: {error.message}",
                requirement="SEG-TURN-024",
            )
        if subject.native and error.effect != "none":
            raise Deviation("a refusal with an effect", expected="effect none", actual=error.effect)


@check("SEG-TURN-022", profile="core")
async def test_refusal_leaves_connection(subject: Subject) -> None:
    """After a refused turn the same connection serves the next one."""
    async with subject.open() as client:
        outcome = await client.turn([{"type": "message", "role": "user", "content": 7}], broken=True)
        if outcome.completed is not None:
            raise Inconclusive("the broken turn was not refused, so nothing is known of what follows a refusal")
        completed(await client.turn("Say hello."), "a turn behind a refused one must run")
        await client.turn("Say hello.", parent="resp_" + "0123456789abcdef" * 2)  # the refusal that clients meet most
        completed(await client.turn("Say hello."), "a turn behind one whose parent is lost must run")


@check("SEG-TURN-012", profile="core", wires=STREAMS)
async def test_second_turn_in_flight(subject: Subject) -> None:
    """A turn that arrives while another runs is run or refused, and the running one is left alone."""
    async with subject.open() as client:
        first = await client.start(SLOW)
        second = await client.start("Say hello.")
        outcome = client.judged(await first.outcome())
        if not subject.native and await _one_ran(client, outcome, second):
            return
        completed(outcome, "the first of two turns in flight must run to its end")
        answer = await second.outcome()
        if answer.failed is not None:
            error = answer.failed.error
            raise Deviation(
                "the second turn was accepted and then failed",
                expected="an answer, or a refusal",
                actual=f"turn.failed: {error.code}: {error.message}",
            )


async def _one_ran(client: Client, first: Outcome, second: Turn) -> bool:
    """Whether one of two turns was refused and the long one ran: OpenAI's `error` does not name the turn it refuses.

    Deviation where the short one ran, so that the first was given up for it; Inconclusive where nothing shows which.
    """
    failure = first.failed.error if first.failed is not None else None
    # A `response.failed` has no type, and is the running one's; an `error` message may be either's.
    if failure is not None and "type" in _told(failure) and _anybodys(failure):
        raise Inconclusive("an `error` came that does not show which of the two turns it answers")
    other = client.judged(await second.outcome())
    if failure is not None or (first.refused is None) == (other.refused is None):
        return False
    ran = other if first.refused is not None else first
    if ran.completed is None or len(ran.text.split()) >= _LONG_WORDS:
        return ran.completed is not None
    if len((await client.say(SLOW)).text.split()) < _LONG_WORDS:
        raise Inconclusive("one of the two turns was refused, and their answers do not show which")
    raise Deviation(
        "the first of two turns in flight was given up for the second",
        expected="the first runs to its end",
        actual=f"one was refused, and the other answered {ran.text[:80]!r}",
    )


@check("SEG-TURN-030", "SEG-TURN-031", profile="core", wires=EVERY_WIRE)
async def test_cut_is_incomplete(subject: Subject) -> None:
    """Output cut at max_output_tokens ends incomplete, and says why."""
    async with subject.open() as client:
        for question in LONGS:
            words = await _cut(client, question)
            if words is None:
                return
        raise Inconclusive(f"the model ended by itself after {words} words")


async def _cut(client: Client, question: str) -> int | None:
    """Judge how an answer ends that is longer than allowed; return its words where the model ended by itself."""
    subject, reached = client.subject, []
    for limit in (16, 40):
        outcome = await client.turn(question, context=subject.base_context(max_output_tokens=limit))
        if outcome.refused is not None:
            raise NotOffered(f"max_output_tokens {limit} is not accepted: {outcome.refused.message[:120]}")
        ignored = outcome.accepted.ignored if outcome.accepted is not None else None
        if isinstance(ignored, list) and "/max_output_tokens" in ignored:
            raise NotOffered("max_output_tokens has no effect here, as turn.accepted says")
        done = completed(outcome, "a long text was asked for").completed
        assert done is not None
        if done.status == "incomplete":
            reason = done.reason if isinstance(done.reason, str) else None
            if reason != "max_output_tokens":
                raise Deviation(
                    "the reason is missing or another",
                    expected="max_output_tokens",
                    actual=str(reason),
                    requirement="SEG-TURN-031",
                )
            if subject.wire == "openai-http" or subject.stateless:
                await _cut_whole(client, question, limit, len(outcome.text.split()))
            return None
        used = outcome.usage.output_tokens if outcome.usage else None
        words = len(outcome.text.split())
        reached.append(used == limit)
        # No tokenizer packs four words into one token, and no text ends by itself at one limit and at another.
        if words > 4 * limit or reached == [True, True]:
            raise Deviation(
                "the output is longer than max_output_tokens allows, or its cut is not told",
                expected=f"status incomplete after {limit} tokens",
                actual=f"status {done.status}, {words} words" + (f", {used} output tokens reported" if used else ""),
            )
    return words


@check("SEG-TURN-030", profile="core", wires=EVERY_WIRE)
async def test_long_answer_is_whole(subject: Subject) -> None:
    """A long answer is not cut in silence: one that stops in mid-count, twice at the same number, is told as cut."""
    async with subject.open() as client:
        reached = []
        for _ in range(2):
            outcome = completed(await client.turn("Count from 1 to 120."), "a plain question must be answered")
            numbers = [int(number) for number in re.findall(r"\d+", outcome.text)]
            done = outcome.completed
            whole = numbers != list(range(1, len(numbers) + 1)) or not 20 <= len(numbers) < 120
            if whole or done is None or done.status != "completed":
                return
            reached.append(len(numbers))
        if len(set(reached)) == 1:
            raise Deviation(
                "an answer was cut and told as completed",
                expected="1 to 120, or status incomplete",
                actual=f"status completed, and the count stops at {reached[0]}, both times",
            )


async def _cut_whole(client: Client, question: str, limit: int, words: int) -> None:
    """Deviation where the same, answered whole, is as long as what was cut and told as completed."""
    context = client.subject.base_context(max_output_tokens=limit)
    outcome = completed(await client.turn(question, context=context, final=True), "a long text was asked for")
    done = outcome.completed
    assert done is not None
    if done.status == "incomplete" and done.reason != "max_output_tokens":
        raise Deviation(
            "the reason is missing or another where it is answered whole",
            expected="max_output_tokens",
            actual=str(done.reason) if isinstance(done.reason, str) else "none",
            requirement="SEG-TURN-031",
        )
    if done.status == "completed" and 10 * len(outcome.text.split()) >= 9 * words:
        raise Deviation(
            "output that was cut is told as completed where it is answered whole",
            expected=f"status incomplete after {limit} tokens",
            actual=f"status completed, {len(outcome.text.split())} words",
        )


@check("SEG-TURN-032", profile="core", wires=EVERY_WIRE)
async def test_tool_call_completes(subject: Subject) -> None:
    """A turn that ends in a call of a tool ends with status completed."""
    async with subject.open() as client:
        outcome, _ = await call_tool(Story(client))
        assert outcome.completed is not None
        if outcome.completed.status != "completed":
            raise Deviation("a turn that calls a tool", expected="completed", actual=outcome.completed.status)


@check("SEG-TURN-037", profile="core", wires=(*WIRES, "chat"))
async def test_usage_adds_up(subject: Subject) -> None:
    """total_tokens is the sum of input and output."""
    async with subject.open() as client:
        usage = completed(await client.turn("Say hello."), "a plain question must be answered").usage
        if usage is None:
            raise NotOffered("no usage is reported")
        if usage.total_tokens != usage.input_tokens + usage.output_tokens:
            raise Deviation(
                "the usage does not add up",
                expected=f"total_tokens {usage.input_tokens + usage.output_tokens}, the sum of "
                f"input_tokens {usage.input_tokens} and output_tokens {usage.output_tokens}",
                actual=f"total_tokens {usage.total_tokens}",
            )


@check("SEG-TURN-011", profile="core", wires=("segue-ws", "segue-http", "openai-http", *STATELESS))
async def test_final_delivery(subject: Subject) -> None:
    """Asked for whole, a turn has the same kind of items and the same outcome as streamed."""
    if subject.native:
        subject.needs("final")
    async with subject.open() as client:
        streamed = await client.say("Repeat after me: one two three.")
        whole = completed(
            await client.turn("Repeat after me: one two three.", final=True), "the same turn, asked for whole, must run"
        )
        kinds = [[item.get("type") for item in outcome.objects if item.get("type") != "reasoning"]
                 for outcome in (streamed, whole)]  # fmt: skip
        if not whole.text and streamed.text:
            told = ", ".join(map(str, kinds[1])) or "no items"
            raise Deviation("the whole answer", expected=repr(streamed.text[:80]), actual=f"{told}, without text")
        if kinds[0] != kinds[1]:
            raise Deviation("the items are of another kind", expected=str(kinds[0]), actual=str(kinds[1]))
        if _status(streamed) != _status(whole):
            raise Deviation("the outcome is another", expected=_status(streamed), actual=_status(whole))


@check("SEG-TURN-040", profile="core", wires=NATIVE, timing=True)
async def test_deadline(subject: Subject) -> None:
    """A turn that outlives its deadline fails with deadline_exceeded."""
    async with subject.open() as client:
        for deadline in (_DEADLINE, 0):  # a model may be faster than any; one that has passed is never met
            turn = await client.start(SLOW, deadline_ms=deadline)
            await turn.next()
            accepted = now()
            outcome = client.judged(await turn.outcome())
            if outcome.completed is None:
                break
            # From event to event, so that the way here does not count; twice, for what holds one of them up.
            took = (now() - accepted) * 1000
            if took > 2 * deadline:
                told = f"done {took:.0f} ms later"
                raise Deviation(f"deadline_ms {deadline} passed", expected="deadline_exceeded", actual=told)
        error = outcome.error
        if error is None or error.code != "deadline_exceeded":
            raise Deviation("the deadline passed", expected="deadline_exceeded", actual=error.code if error else "none")


@check("SEG-TURN-004", profile="core", wires=NATIVE)
async def test_failure_only_after_acceptance(subject: Subject) -> None:
    """What is refused is never told as turn.failed."""
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", parent="resp_" + "0" * 32)
        if outcome.failed is not None and outcome.accepted is None:
            raise Deviation("turn.failed for a turn that was not accepted", expected="error", actual="turn.failed")
        if outcome.completed is not None:
            raise Inconclusive("the unknown parent was accepted, so nothing was refused")


def _anybodys(error: models.Error) -> bool:
    """Whether an error of OpenAI's WebSocket says neither by status nor by code whose fault it is."""
    return "status" not in _told(error) and _told(error).get("code") != "server_error"


def _told(error: models.Error) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {}


def _tag(message: Any) -> str:
    return str(type(message).__struct_config__.tag)


def _status(outcome: Any) -> str:
    return str(outcome.completed.status if outcome.completed else "failed")


def _strays(client: Client) -> list[models.ServerMessage]:
    """Return what came and belongs to no turn that runs."""
    link = client.session.link
    assert isinstance(link, WebSocketLink)
    return link.notices.waiting()
