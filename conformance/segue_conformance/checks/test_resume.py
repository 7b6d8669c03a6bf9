"""Names, replay and agreement: one turn once, readable again, with a history both sides can prove (G2, G3, G4)."""

from __future__ import annotations

from typing import Any

import msgspec
import rfc8785
from segue_adapters import draws
from segue_adapters.assembly import ItemAssembler
from segue_adapters.turn import Outcome
from segue_schemas import canonical_context, canonical_item, context_digest, history_digest, item_digest, models

from ..native import keeps_records
from ..oracle import word
from ..registry import check
from ..segue_wire import turn_name
from ..subject import Client, Subject, completed, handle_of, refused, said
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

NATIVE = ("segue-ws", "segue-http")


@check("SEG-TURN-053", "SEG-TURN-057", "SEG-TURN-051", profile="resumable", wires=NATIVE)
async def test_repeat_attaches(subject: Subject) -> None:
    """A repeat of a turn reads the turn that exists: the same events, marked as replayed."""
    subject.needs("resume")
    keeps_records(subject)
    name = turn_name()
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
    subject.needs("resume")
    keeps_records(subject)
    name = turn_name()
    async with subject.open() as client:
        await client.say(f"Repeat after me: {word()}.", name=name)
        outcome = await client.turn(f"Repeat after me: {word()}.", name=name)
        refused(outcome, "a claimed name came with another content", "turn_conflict")


@check("SEG-TURN-021", profile="core", wires=NATIVE)
async def test_refusal_claims_no_name(subject: Subject) -> None:
    """A name that was only refused is free, also for another content."""
    name = turn_name()
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", name=name, parent="resp_" + draws.token_hex(16))
        # Whoever sees by its form that it was never an id may say that instead (SEG-CONT-011).
        refused(outcome, "the parent never existed", "continuation_not_found", "invalid_request")
        completed(await client.turn("Say hello.", name=name), "the name was only refused so far")


@check("SEG-TURN-072", "SEG-TURN-073", profile="resumable", wires=NATIVE)
async def test_resume_from_a_number(subject: Subject) -> None:
    """A record is read again from the beginning, or behind any number that was seen."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        first = await client.say("Count from 1 to 20.")
        numbered = _numbered(first)
        for after in (None, numbered[0][0], numbered[len(numbered) // 2][0], numbered[-2][0]):
            subject.spend()
            turn = await client.session.resume(first.start.turn, after=after)
            again = (await turn.outcome()) if after is None else await _rest(turn)
            # Merged otherwise in each reading, and all there: none missing, none a second time, none from before.
            wanted = list(range(0 if after is None else after + 1, numbered[-1][0] + 1))
            seen = [number for event in again.events for number in _stands_for(event)]
            if seen != wanted and not (subject.extended and seen[-1:] == wanted[-1:] and set(seen) <= set(wanted)):
                raise Deviation(
                    f"resumed {'from the beginning' if after is None else f'after {after}'}",
                    expected=f"events {wanted[:3]} … {wanted[-1:]}, each once",
                    actual=f"events {seen[:3]} … {seen[-1:]}" + _amiss(seen, wanted),
                )
            same = len(_said(again)) == len(_said(first)) and all(map(subject.same_item, _said(again), _said(first)))
            if after is None and not same:
                raise Deviation("the record differs", expected=_shown(first), actual=_shown(again))


@check("SEG-TURN-080", "SEG-TURN-074", profile="resumable", wires=("segue-ws",))
async def test_cut_and_resume(subject: Subject) -> None:
    """A turn outlives its connection and is read on over another, none of its events lost or doubled."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        turn = await client.start(SLOW)
        if not await client.under_way(turn):
            completed(client.judged(turn.result), "a long text was asked for")
            raise Inconclusive("the turn ended before its connection could be cut")
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
        outcome = await (await client.session.resume(turn_name())).outcome()
        refused(outcome, "a name that never was is resumed", "turn_not_found")


@check("SEG-DIG-002", "SEG-DIG-003", "SEG-DIG-001", "SEG-DIG-004", profile="resumable", wires=NATIVE)
async def test_digests_agree(subject: Subject) -> None:
    """The digest and the length of a history are those that its items give."""
    async with subject.open() as client:
        history: list[Any] = []
        parent: models.Continuation | None = None
        for question in ("Say hello.", "Repeat after me: \u00e9 e\u0301 \U0001f409.", "Count from 1 to 5."):
            outcome = await client.say(question, parent=parent)
            parent = handle_of(outcome)
            start = outcome.start
            assert isinstance(start, models.TurnStart)
            assert outcome.completed is not None
            history += [*start.input, *outcome.items]
            wanted = f"digest {history_digest(history)}, length {len(history)}"
            told = f"digest {outcome.completed.digest}, length {outcome.completed.length}"
            for event in outcome.events:
                if isinstance(event, models.ItemCompleted) and isinstance(event.digest, str):
                    own = item_digest(outcome.assembler.whole(event.index))
                    if event.digest != own:
                        raise Deviation(
                            f"item {event.index}: the digest is not that of its canonical form "
                            f"{_canonical([canonical_item(outcome.assembler.whole(event.index))])}",
                            expected=own,
                            actual=event.digest,
                            requirement="SEG-DIG-001",
                        )
            if told != wanted:
                raise Deviation(f"turn.completed: {_of(history)}", expected=wanted, actual=told)
            issued = f"digest {parent.digest}, length {parent.length}"
            if issued != wanted:
                raise Deviation(f"the continuation: {_of(history)}", expected=wanted, actual=issued)


@check("SEG-CTX-003", "SEG-DIG-005", profile="resumable", wires=NATIVE)
async def test_context_digest(subject: Subject) -> None:
    """turn.accepted names the digest of the context in force, as the context gives it."""
    async with subject.open() as client:
        context = subject.base_context(instructions="Be terse.", temperature=0, tools=None)
        outcome = await client.say("Say hello.", context=context)
        assert outcome.accepted is not None
        wanted = context_digest(msgspec.json.encode(context))
        if outcome.accepted.context != wanted:
            raise Deviation(
                f"the digest is not that of the context: {_canonical([canonical_context(context)])}",
                expected=wanted,
                actual=str(outcome.accepted.context),
            )


# Forms that a client may send, and that say the same or differ by what stays out of a digest.
_FORMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("SEG-DIG-006", "text as a string", {"type": "message", "role": "user", "content": "caf\u00e9 \U0001f409"}),
    (
        "SEG-DIG-006",
        "text as a part",
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "caf\u00e9 \U0001f409"}]},
    ),
    (
        "SEG-DIG-006",
        "the assistant's text as a string",
        {"type": "message", "role": "assistant", "content": "cafe\u0301"},
    ),
    (
        "SEG-DIG-007",
        "null members that the schema defines",
        {"type": "message", "role": "user", "content": "a", "id": None, "status": None},
    ),
    (
        "SEG-DIG-008",
        "members that are not digested",
        {"type": "message", "role": "user", "content": "a", "id": "msg_1", "status": "completed", "motd": {"a": 1}},
    ),
)


@check("SEG-DIG-006", "SEG-DIG-007", "SEG-DIG-008", "SEG-DIG-010", profile="resumable", wires=NATIVE)
async def test_canonical_forms(subject: Subject) -> None:
    """The digest of a history is that of what its items say, however they were written."""
    subject.needs("warm_up")
    async with subject.open() as client:
        for requirement, what, item in _FORMS:
            await _digest_is(client, [item], what, requirement)
        context = subject.base_context()
        call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{ "b":1,\n "a": 1.0 }'}
        output = {"type": "function_call_output", "call_id": "call_1", "output": '{"n": 1e2}'}
        await _digest_is(client, [call, output], "arguments and output of a tool", "SEG-DIG-010", context=context)


async def _digest_is(client: Client, items: list[dict[str, Any]], what: str, requirement: str, **options: Any) -> None:
    outcome = completed(await client.turn(items, generate=False, **options), f"a warm-up with {what} must complete")
    assert outcome.completed is not None
    if outcome.completed.digest != history_digest(items):
        raise Deviation(
            f"{what}: {_of(items)}",
            expected=history_digest(items),
            actual=str(outcome.completed.digest),
            requirement=requirement,
        )


def _of(items: list[Any]) -> str:
    """Return what a digest is not of: with the canonical forms beside it one can find out what was digested instead."""
    shown = _canonical([canonical_item(item) for item in items])
    return f"the digest is not that of the chain over the canonical forms {shown}"


def _canonical(values: list[Any]) -> str:
    return ", ".join(rfc8785.dumps(value).decode() for value in values)


@check("SEG-DIG-009", "SEG-ITEM-030", profile="resumable", wires=NATIVE)
async def test_open_items_are_digested_whole(subject: Subject) -> None:
    """An item of a type that nobody knows is digested whole, but for id, status and sealed payload."""
    subject.needs("warm_up")
    item = {"type": "vendor:note", "id": "x", "status": "done", "a": {"b": [None, "\u00e9"]}, "gone": None}
    async with subject.open() as client:
        outcome = await client.turn([item], generate=False)
        if outcome.refused is not None:
            raise NotOffered(f"items of unknown types are refused: {outcome.refused.message[:120]}")
        await _digest_is(client, [item], "an open item", "SEG-DIG-009")


@check("SEG-TURN-056", profile="resumable", wires=NATIVE)
async def test_delivery_is_no_content(subject: Subject) -> None:
    """A repeat that wants another delivery attaches all the same."""
    subject.needs("resume")
    keeps_records(subject)
    name = turn_name()
    async with subject.open() as client:
        await client.say("Say hello.", name=name)
        outcome = await client.turn("Say hello.", name=name, deadline_ms=60_000)
        completed(outcome, "only the deadline differs from the first start")


@check("SEG-LIVE-012", profile="live", wires=NATIVE)
async def test_progress_is_not_replayed(subject: Subject) -> None:
    """A record that is read again bears no progress."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        first = await client.say(SLOW)
        subject.spend()
        again = await (await client.session.resume(first.start.turn)).outcome()
        if any(isinstance(event, models.TurnProgress) for event in again.events):
            raise Deviation("a finished turn was read again", expected="no turn.progress", actual="turn.progress")


@check("SEG-CONT-020", "SEG-CONT-021", profile="resumable", wires=NATIVE)
async def test_expectation(subject: Subject) -> None:
    """A turn that expects what the parent holds runs; one that expects anything else is refused."""
    async with subject.open() as client:
        handle, _ = await client.handle("Say hello.")
        if not isinstance(handle.length, int):
            raise Untestable("the endpoint did not tell the length of a continuation")
        digest = said(handle.digest, "the digest of a continuation")
        right = models.Expectation(digest=digest, length=handle.length)
        completed(
            await client.turn("Say hello.", parent=handle, expect=right),
            "the expectation is what the parent holds",
            requirement="SEG-CONT-021",
        )
        wrong = models.Expectation(digest=digest, length=handle.length + 1)
        outcome = await client.turn("Say hello.", parent=handle, expect=wrong)
        refused(outcome, "the expectation differs from what the parent holds", "history_mismatch")


def _said(outcome: Outcome) -> list[dict[str, Any]]:
    return outcome.objects


def _shown(outcome: Outcome) -> str:
    return str(_said(outcome))[:200]


def _numbered(outcome: Outcome) -> list[tuple[int, models.ServerMessage]]:
    pairs = [(getattr(event, "seq", None), event) for event in outcome.events]
    return [(seq, event) for seq, event in pairs if isinstance(seq, int)]


def _stands_for(event: models.ServerMessage) -> range:
    """Return the numbers of the record that an event stands for: of merged deltas, all of theirs."""
    seq, first = getattr(event, "seq", None), getattr(event, "from_", None)
    return range(first if isinstance(first, int) else seq, seq + 1) if isinstance(seq, int) else range(0)


def _amiss(seen: list[int], wanted: list[int]) -> str:
    """Return which numbers are missing, or came that should not have."""
    missing, more = sorted(set(wanted) - set(seen)), sorted(set(seen) - set(wanted))
    twice = sorted({number for number in seen if seen.count(number) > 1})
    told = ((missing, "missing"), (more, "not asked for"), (twice, "twice"))
    return "".join(f"; {what}: {numbers[:5]}" for numbers, what in told if numbers)


async def _rest(turn: Any) -> Outcome:
    """Read a turn whose beginning was read elsewhere: its deltas have no items here to grow."""
    outcome: Outcome = turn.result
    outcome.assembler = _Deaf()
    return await turn.outcome()  # type: ignore[no-any-return]


class _Deaf(ItemAssembler):
    """Stands in for an assembler where the beginning of the items is missing."""

    def apply(self, message: models.ServerMessage) -> None:
        """Take no notice."""
