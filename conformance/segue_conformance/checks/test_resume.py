"""Names, replay and agreement: one turn once, readable again, with a history both sides can prove (G2, G3, G4)."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_adapters.turn import Outcome
from segue_schemas import context_digest, history_digest, models

from ..oracle import word
from ..registry import check
from ..subject import Subject, completed, refused
from ..verdicts import Deviation
from .test_turns import SLOW

NATIVE = ("segue-ws", "segue-http")


@check("SEG-TURN-053", "SEG-TURN-057", profile="resumable", wires=NATIVE)
async def test_repeat_attaches(subject: Subject) -> None:
    """A repeat of a turn reads the turn that exists: the same events, marked as replayed."""
    name = _name()
    async with subject.open() as client:
        question = "Choose a random word and tell me."
        first = await client.say(question, name=name)
    async with subject.open() as client:
        again = completed(await client.turn(question, name=name), "a repeat with the same content must attach")
        if _said(first) != _said(again):
            raise Deviation(
                "the repeat has another output", expected=str(_said(first))[:200], actual=str(_said(again))[:200]
            )
        if first.continuation and again.continuation and first.continuation.id != again.continuation.id:
            raise Deviation(
                "the repeat has another handle", expected=first.continuation.id, actual=again.continuation.id
            )
        assert again.accepted is not None
        if again.accepted.replayed is not True:
            raise Deviation(
                "the repeat is not marked",
                expected="replayed: true",
                actual=str(again.accepted.replayed),
                requirement="SEG-TURN-057",
            )


@check("SEG-TURN-054", profile="resumable", wires=NATIVE)
async def test_other_content_conflicts(subject: Subject) -> None:
    """A name that is claimed is refused for another content."""
    name = _name()
    async with subject.open() as client:
        await client.say(f"Repeat after me: {word()}.", name=name)
        outcome = await client.turn(f"Repeat after me: {word()}.", name=name)
        refused(outcome, "a claimed name came with another content", "turn_conflict")


@check("SEG-TURN-021", profile="core", wires=NATIVE)
async def test_refusal_claims_no_name(subject: Subject) -> None:
    """A name that was only refused is free, also for another content."""
    name = _name()
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", name=name, parent="resp_" + secrets.token_hex(16))
        refused(outcome, "the parent never existed", "continuation_not_found")
        completed(await client.turn("Say hello.", name=name), "the name was only refused so far")


@check("SEG-TURN-072", "SEG-TURN-073", profile="resumable", wires=NATIVE)
async def test_resume_from_a_number(subject: Subject) -> None:
    """A record is read again from the beginning, or behind any number that was seen."""
    subject.needs("resume")
    async with subject.open() as client:
        first = await client.say("Count from 1 to 20.")
        numbered = _numbered(first)
        for after in (None, numbered[0][0], numbered[len(numbered) // 2][0], numbered[-2][0]):
            subject.spend()
            turn = await client.session.resume(first.start.turn, after=after)
            again = (await turn.outcome()) if after is None else await _rest(turn)
            seen = [number for number, _ in _numbered(again)]
            wanted = [number for number, _ in numbered if after is None or number > after]
            if seen[-1:] != wanted[-1:] or any(number not in wanted for number in seen):
                raise Deviation(
                    f"resumed {'from the beginning' if after is None else f'after {after}'}",
                    expected=f"events {wanted[:3]} … {wanted[-1:]}",
                    actual=f"events {seen[:3]} … {seen[-1:]}",
                )
            if after is None and _said(again) != _said(first):
                raise Deviation("the record differs", expected=_shown(first), actual=_shown(again))


@check("SEG-TURN-080", "SEG-TURN-074", profile="resumable", wires=("segue-ws",))
async def test_cut_and_resume(subject: Subject) -> None:
    """A turn outlives its connection and is read on over another, none of its events lost or doubled."""
    subject.needs("resume")
    async with subject.open() as client:
        turn = await client.start(SLOW)
        while not any(isinstance(event, models.ItemDelta) for event in turn.result.events):
            if turn.result.ended:
                completed(client.judged(turn.result), "a long text was asked for")
                break
            await turn.next()
        client.session.link.cut()
    numbers = [number for number, _ in _numbered(turn.result)]
    async with subject.open() as client:
        subject.spend()
        rest = await _rest(await client.session.resume(turn.name, after=numbers[-1]))
        if rest.completed is None:
            told = rest.error.message if rest.error else "nothing"
            raise Deviation("the turn was cut off with its connection", expected="turn.completed", actual=told)
        again = [number for number, _ in _numbered(rest) if number <= numbers[-1]]
        if again:
            raise Deviation("events came twice", expected=f"only numbers above {numbers[-1]}", actual=str(again))


@check("SEG-TURN-077", profile="resumable", wires=NATIVE)
async def test_unknown_name(subject: Subject) -> None:
    """A name that never was is told as not found."""
    subject.needs("resume")
    async with subject.open() as client:
        subject.spend()
        outcome = await (await client.session.resume(_name())).outcome()
        refused(outcome, "a name that never was is resumed", "turn_not_found")


@check("SEG-DIG-002", "SEG-DIG-003", profile="resumable", wires=NATIVE)
async def test_digests_agree(subject: Subject) -> None:
    """The digest and the length of a history are those that its items give."""
    async with subject.open() as client:
        history: list[Any] = []
        parent = None
        for question in ("Say hello.", "Repeat after me: \u00e9 e\u0301 \U0001f409.", "Count from 1 to 5."):
            outcome = await client.say(question, parent=parent)
            parent = outcome.continuation
            start = outcome.start
            assert isinstance(start, models.TurnStart)
            assert outcome.completed is not None
            history += [*start.input, *outcome.items]
            wanted = (history_digest(history), len(history))
            told = (outcome.completed.digest, outcome.completed.length)
            if told != wanted:
                raise Deviation("the history behind the turn", expected=str(wanted), actual=str(told))
            if parent is not None and (parent.digest, parent.length) != wanted:
                raise Deviation("the continuation", expected=str(wanted), actual=str((parent.digest, parent.length)))


@check("SEG-CTX-003", profile="resumable", wires=NATIVE)
async def test_context_digest(subject: Subject) -> None:
    """turn.accepted names the digest of the context in force, as the context gives it."""
    async with subject.open() as client:
        context = subject.base_context(instructions="Be terse.", temperature=0, tools=None)
        outcome = await client.say("Say hello.", context=context)
        assert outcome.accepted is not None
        wanted = context_digest(msgspec.json.encode(context))
        if outcome.accepted.context != wanted:
            raise Deviation("the context's digest", expected=wanted, actual=str(outcome.accepted.context))


@check("SEG-CONT-020", "SEG-CONT-021", profile="resumable", wires=NATIVE)
async def test_expectation(subject: Subject) -> None:
    """A turn that expects what the parent holds runs; one that expects anything else is refused."""
    async with subject.open() as client:
        handle, _ = await client.handle("Say hello.")
        assert isinstance(handle.digest, str)
        assert isinstance(handle.length, int)
        right = models.Expectation(digest=handle.digest, length=handle.length)
        completed(
            await client.turn("Say hello.", parent=handle, expect=right),
            "the expectation is what the parent holds",
            requirement="SEG-CONT-021",
        )
        wrong = models.Expectation(digest=handle.digest, length=handle.length + 1)
        outcome = await client.turn("Say hello.", parent=handle, expect=wrong)
        refused(outcome, "the expectation differs from what the parent holds", "history_mismatch")


def _name() -> str:
    return "t_" + secrets.token_urlsafe(16)


def _said(outcome: Outcome) -> list[dict[str, Any]]:
    return outcome.objects


def _shown(outcome: Outcome) -> str:
    return str(_said(outcome))[:200]


def _numbered(outcome: Outcome) -> list[tuple[int, models.ServerMessage]]:
    pairs = [(getattr(event, "seq", None), event) for event in outcome.events]
    return [(seq, event) for seq, event in pairs if isinstance(seq, int)]


async def _rest(turn: Any) -> Outcome:
    """Read a turn whose beginning was read elsewhere: its deltas have no items here to grow."""
    outcome: Outcome = turn.result
    outcome.assembler = _Deaf()
    return await turn.outcome()  # type: ignore[no-any-return]


class _Deaf(ItemAssembler):
    """Stands in for an assembler where the beginning of the items is missing."""

    def apply(self, message: models.ServerMessage) -> None:
        """Take no notice."""
