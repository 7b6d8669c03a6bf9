"""Isolation: for everybody but its owner a handle does not exist (spec: continuation; G9). Needs a second key."""

from __future__ import annotations

import asyncio

import msgspec
from segue_adapters import draws
from segue_schemas import context_digest, models

from ..native import lost_parent
from ..oracle import ASK, Story, plant, says, word
from ..registry import check
from ..subject import Subject, handle_of, refused
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable

NATIVE = ("segue-ws", "segue-http")
#: How an endpoint may refuse an id that it sees it never issued (SEG-CONT-011).
_BY_FORM = "invalid_request"


@check("SEG-ISO-001", profile="isolated", needs_second_key=True)
async def test_foreign_parent(subject: Subject) -> None:
    """Another principal's handle is refused exactly as one that never existed."""
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as owner, subject.open(second=True) as other:
        secret = word()
        handle, _ = await owner.handle(plant(secret), retention=tier)
        outcome = await other.turn(ASK, parent=handle, retention=tier)
        if outcome.completed is not None and says(outcome.text, secret):
            raise Deviation(
                "the second principal read the first one's word",
                expected="a refusal: continuation_not_found",
                actual=repr(outcome.text[:120]),
            )
        unknown_id = handle.id[:-8] + draws.token_hex(4)
        made_up = await other.turn(ASK, parent=unknown_id, retention=tier)
        if subject.native and made_up.refused is not None and made_up.refused.code == _BY_FORM:
            unknown_id, _ = await lost_parent(other)
            made_up = await other.turn(ASK, parent=unknown_id, retention=tier)
        if outcome.completed is not None and made_up.completed is not None:
            # Nothing was leaked, and the two are answered alike: what is wrong here is told by another check.
            raise Untestable("a handle that never existed is taken as well, so a foreign one can't be told from it")
        foreign = refused(
            outcome, "the handle belongs to another principal", "continuation_not_found", native=subject.native
        )
        codes = ("continuation_not_found", *((_BY_FORM,) if subject.native else ()))
        unknown = refused(made_up, "the handle never existed", *codes, native=subject.native)
        alike(foreign, handle.id, unknown, unknown_id)


@check("SEG-ISO-002", profile="isolated", needs_second_key=True, wires=("segue-ws", "segue-http", "openai-http"))
async def test_foreign_read(subject: Subject) -> None:
    """Another principal's handle can't be read: the answer is that of one that never existed."""
    tier = subject.needs_tier("cached", "durable")
    if subject.native:
        subject.needs("get")
    async with subject.open() as owner, subject.open(second=True) as other:
        handle, _ = await owner.handle("Say hello.", retention=tier)
        unknown_id = handle.id[:-8] + draws.token_hex(4)
        subject.spend()
        mine = await owner.session.get(handle.id)
        if isinstance(mine, models.ErrorMessage):
            raise NotOffered(f"handles can't be read at all: {mine.error.message}")
        subject.spend()
        foreign = await other.session.get(handle.id)
        if not isinstance(foreign, models.ErrorMessage):
            raise Deviation(
                f"the second principal read the first one's handle {handle.id!r}",
                expected="a refusal: continuation_not_found",
                actual="what the handle holds",
            )
        subject.spend()
        unknown = await other.session.get(unknown_id)
        if subject.native and isinstance(unknown, models.ErrorMessage) and unknown.error.code == _BY_FORM:
            unknown_id, _ = await lost_parent(other)
            unknown = await other.session.get(unknown_id)
        if isinstance(unknown, models.ErrorMessage):
            alike(foreign.error, handle.id, unknown.error, unknown_id)


@check("SEG-ISO-003", "SEG-ISO-005", profile="isolated", needs_second_key=True)
async def test_foreign_delete(subject: Subject) -> None:
    """Another principal can't delete a handle, and its owner goes on with it."""
    if subject.wire == "openai-ws":
        raise NotOffered("the wire has no way to delete")
    tier = subject.needs_tier("cached", "durable")
    if subject.native:
        subject.needs("delete")
    async with subject.open() as owner, subject.open(second=True) as other:
        story, secret = Story(owner), word()
        first = await story.say(plant(secret), retention=tier)
        handle = handle_of(first)
        await story.stands(secret, parent=handle, retention=tier)
        subject.spend()
        answer = await other.session.delete(handle.id)
        if not isinstance(answer, models.ErrorMessage):
            after = await owner.turn(ASK, parent=handle, retention=tier)
            what = "is gone" if after.refused is not None else "is still there"
            raise Deviation(
                f"the second principal's DELETE of the first one's handle {handle.id!r} was not refused",
                expected="a refusal: continuation_not_found, and the handle as it was",
                actual=f"an answer that it is deleted; for its owner the handle {what}",
            )
        await story.recalls(secret, parent=handle, retention=tier, requirement="SEG-ISO-005")
        subject.spend()
        mine = await owner.session.delete(handle.id)
        if isinstance(mine, models.ErrorMessage) and not subject.native:
            raise NotOffered(f"handles can't be deleted at all: {mine.error.message}")


@check("SEG-ISO-005", profile="isolated", needs_second_key=True)
async def test_owner_is_unaffected(subject: Subject) -> None:
    """After a stranger tried a handle, its owner goes on with it as before."""
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as owner, subject.open(second=True) as other:
        story, secret = Story(owner), word()
        first = await story.say(plant(secret), retention=tier)
        await story.stands(secret, parent=handle_of(first), retention=tier)
        await other.turn(ASK, parent=handle_of(first), retention=tier)
        await story.recalls(secret, parent=handle_of(first), retention=tier)


@check("SEG-CONT-012", profile="continuation")
async def test_at_the_same_time(subject: Subject) -> None:
    """Two conversations that come at the same time keep their words to themselves."""
    async with subject.open() as left, subject.open() as right:
        stories, secrets = (Story(left), Story(right)), (word(), word())
        firsts = [await story.say(plant(secret)) for story, secret in zip(stories, secrets, strict=True)]
        for _ in range(2):
            answers = await asyncio.gather(*(story.client.turn(ASK, parent=handle_of(first))
                                             for story, first in zip(stories, firsts, strict=True)))  # fmt: skip
            for story, secret, other, first, answer in zip(
                stories, secrets, reversed(secrets), firsts, answers, strict=True
            ):
                story.client.excuse(answer)
                await story.fork().judges(answer, secret, ASK, others=[other], parent=handle_of(first))
            firsts = answers


@check("SEG-ISO-007", profile="isolated", needs_second_key=True, wires=NATIVE)
async def test_one_name_two_principals(subject: Subject) -> None:
    """One name of a turn, used by two principals, is two turns."""
    name = "t_" + draws.token_urlsafe(16)
    async with subject.open() as owner, subject.open(second=True) as other:
        first_word, second_word = word(), word()
        await owner.say(f"Repeat after me: {first_word}.", name=name)
        outcome = await other.turn(f"Repeat after me: {second_word}.", name=name)
        if outcome.completed is None or says(outcome.text, first_word):
            raise Deviation(
                "the second principal used a name that the first one had used",
                expected="a turn of its own",
                actual=repr(outcome.text[:120]) if outcome.completed else str(outcome.error and outcome.error.code),
            )


@check("SEG-ISO-006", profile="isolated", needs_second_key=True, wires=NATIVE)
async def test_foreign_turn(subject: Subject) -> None:
    """Another principal's turn can't be read: the answer is that of a name that never was."""
    subject.needs("resume")
    name = "t_" + draws.token_urlsafe(16)
    async with subject.open() as owner, subject.open(second=True) as other:
        await owner.say("Say hello.", name=name)
        seen = []
        for wanted in (name, "t_" + draws.token_urlsafe(16)):
            subject.spend()
            outcome = await (await other.session.resume(wanted)).outcome()
            error = refused(outcome, "a name that is not the second principal's was resumed", "turn_not_found")
            seen.append(_shape(error, wanted))
        if seen[0] != seen[1]:
            raise Deviation("a foreign name is told from an unknown one", expected=seen[1], actual=seen[0])


@check("SEG-ISO-008", profile="isolated", needs_second_key=True, wires=NATIVE)
async def test_foreign_context(subject: Subject) -> None:
    """A context that only another principal sent is not held."""
    subject.needs("contexts")
    context = subject.base_context(instructions=f"The code word is {word()}.")
    async with subject.open() as owner, subject.open(second=True) as other:
        await owner.say("Say hello.", context=context)
        outcome = await other.turn("Say hello.", context=context_digest(msgspec.json.encode(context)))
        refused(outcome, "the context was only sent by another principal", "context_not_found")


def alike(foreign: models.Error, foreign_id: str, unknown: models.Error, unknown_id: str) -> None:
    """Compare two refusals with their ids taken out."""
    if unknown.code == _BY_FORM != foreign.code:
        raise Inconclusive("an id that was made up is seen by its form to be none: it can't be compared with")
    seen = [_shape(foreign, foreign_id), _shape(unknown, unknown_id)]
    if seen[0] != seen[1]:
        raise Deviation(
            "a foreign handle is told from an unknown one", expected=f"as for an unknown one: {seen[1]}", actual=seen[0]
        )


def _shape(error: models.Error, identifier: str) -> str:
    detail = sorted(error.detail.items()) if isinstance(error.detail, dict) else []
    shown = f"{error.code}, {error.advice}, {error.effect}, {error.message}, {error.param}, {detail}"
    return shown.replace(identifier, "<id>")
