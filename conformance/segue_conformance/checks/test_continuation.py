"""Continuation: a parent stands for its whole history, or the turn is refused (spec: continuation; G1, G5)."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from segue_adapters import draws
from segue_schemas import context_digest, models

from ..made_up import like
from ..oracle import ASK, ASK_CHOSEN, ASK_CODE, ASK_TOOL, TOOL, Story, call_tool, plant, says, tool_output, word
from ..registry import check
from ..subject import INHERIT, Subject, completed, handle_of, kept, refused, said
from ..verdicts import Deviation, Inconclusive

NATIVE = ("segue-ws", "segue-http")

_CHOOSE = "Choose a random word and tell me. Answer with the word only."
_ASK_TOLD = "Which word did you tell me? Answer with the word only."
#: How often a history is asked for in a row, and how often more, with as many control arms, where it was lost once.
_IN_A_ROW, _MORE, _LOST = 6, 8, 3


@check("SEG-CONT-012", profile="continuation")
async def test_users_words_one_hop(subject: Subject) -> None:
    """What the user said one turn earlier is known."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret))
        await story.recalls(secret, parent=handle_of(first))


@check("SEG-CONT-015", "SEG-CONT-012", "SEG-CONT-013", profile="continuation")
async def test_users_words_four_hops(subject: Subject) -> None:
    """What the user said four turns earlier, and the model behind it, is known, though no later turn repeats it."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        last = await story.say(plant(secret))
        last = await story.say(_CHOOSE, parent=handle_of(last))
        chosen = _chosen(
            last.text
        )  # None: the model has no words of its own, and the user's are asked for all the same
        for number in ("one", "two", "three"):
            last = await story.say(f"Repeat after me: {number}.", parent=handle_of(last))
        # Instructions of this one turn must not take the place of the history.
        options: dict[str, Any] = {"context": subject.base_context(instructions="Answer in English.")}
        if (await client.turn("Say hello.", **options)).refused is not None:
            options = {}  # a vendor's endpoint may take none at all
        last = await story.recalls(secret, parent=handle_of(last), **options)
        if chosen is not None:
            await story.recalls(chosen, ASK_CHOSEN, parent=handle_of(last), requirement="SEG-CONT-013")


@check("SEG-CONT-012", profile="continuation")
async def test_each_time(subject: Subject) -> None:
    """A history is there each time it is gone on from: not at most replicas, not most of the time."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        last = await story.say(plant(secret))
        asked = lost = 0
        answer = ""
        while asked < (_IN_A_ROW + _MORE if lost else _IN_A_ROW) and lost < _LOST:
            # From the newest each time, which every wire has at hand.
            last = completed(client.excuse(await client.turn(ASK, parent=handle_of(last))), "a turn must run")
            asked += 1
            if not says(last.text, secret):
                lost, answer = lost + 1, last.text
        if lost < 2:
            return
        message = {"type": "message", "role": "user", "content": ASK}
        for _ in range(asked):
            control = await client.turn([*story.items, message])
            if not says(control.text, secret):
                raise Inconclusive(f"the model does not always know the word from one request either: {control.text!r}")
        raise Deviation(
            f"the word came back {asked - lost} times and was lost {lost} times",
            expected=f"{secret!r} each time",
            actual=repr(answer[:120]),
            control=f"with the whole history in one request it came back {asked} times of {asked}",
        )


@check("SEG-CONT-012", profile="continuation", wires=("segue-ws", "segue-http", "openai-http"))
async def test_users_words_in_a_whole_answer(subject: Subject) -> None:
    """What the user said is known to a turn that is answered whole, not streamed, as well."""
    if subject.native:
        subject.needs("final")  # over HTTP a header would ask for it as well, which a client need not have
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), final=True)
        await story.recalls(secret, parent=handle_of(first), final=True)


@check("SEG-CONT-013", profile="continuation")
async def test_models_words(subject: Subject) -> None:
    """What the model itself said earlier is known."""
    async with subject.open() as client:
        story, ask = Story(client), ASK_CHOSEN
        first = await story.say(_CHOOSE)
        chosen = _chosen(first.text)
        if chosen is None:  # a model without words of its own is given one to say, in instructions of this turn alone
            story, ask, chosen = Story(client), _ASK_TOLD, word()
            told = subject.base_context(instructions=f"The code word is {chosen}. Tell it to whoever asks.")
            first = await story.say(ASK_CODE, context=told)
            if not says(first.text, chosen):
                raise Inconclusive(f"the model was asked for one word and said {first.text[:120]!r}")
        second = await story.say("Repeat after me: good.", parent=handle_of(first))
        await story.recalls(chosen, ask, parent=handle_of(second))


@check("SEG-CONT-014", "SEG-CONT-019", profile="continuation")
async def test_tools_words(subject: Subject) -> None:
    """What a tool said earlier is known, one turn and two turns later."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        context = subject.base_context(tools=[TOOL])
        first, call = await call_tool(story, context=context)
        told = tool_output(call, f"The word is {secret}.")
        outcome = client.excuse(await client.turn([told], parent=handle_of(first), context=context))
        answer = completed(outcome, "a tool's output was sent as a delta", requirement="SEG-CONT-019")
        story.add(answer)
        await story.recalls(secret, ASK_TOOL, parent=handle_of(answer), context=context)


@check("SEG-CONT-010", profile="continuation")
async def test_unknown_parent_refused(subject: Subject) -> None:
    """A parent that never existed is refused before any output, as not found."""
    async with subject.open() as client:
        known, _ = await client.handle("Say hello.")
        # As the endpoint's own ids look, so that it is refused for being unknown and not for its form.
        made_up = like(known.id)
        outcome = await client.turn("Say hello.", parent=made_up)
        # Ids may bear a sum of their own, so that also this one shows that it was never issued (SEG-CONT-011).
        codes = ("continuation_not_found", *(("invalid_request",) if subject.native else ()))
        refused(outcome, f"the parent {made_up!r} never existed", *codes, native=subject.native)
        # And one that differs at its end alone, where whoever compares too little sees the same.
        near = like(known.id, 4)
        if near == known.id or len(near) < 16:
            return
        outcome = await client.turn("Say hello.", parent=near)
        refused(outcome, f"the parent {near!r} never existed", *codes, native=subject.native)


@check("SEG-CONT-011", profile="continuation")
async def test_impossible_parent_refused(subject: Subject) -> None:
    """A parent that is no id at all is refused before any output: an endpoint that takes it takes anything."""
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", parent="this is no id, it is a sentence")
        refused(
            outcome,
            "a sentence was sent as the parent",
            "continuation_not_found",
            "invalid_request",
            native=subject.native,
        )


@check("SEG-CONT-031", profile="continuation")
async def test_fork(subject: Subject) -> None:
    """Two turns from one parent don't see each other's words, and both see the parent's."""
    async with subject.open() as client:
        tier = _keeps_older(subject)
        trunk, common, secret = Story(client), word(), word()
        base = await trunk.say(plant(common), retention=tier)
        left, right = trunk.fork(), trunk.fork()
        told = await left.say(plant(secret), parent=handle_of(base), retention=tier)
        # Nothing was told here: if the model knows the second word in this branch, it has it from the other one.
        untold = await right.say("Repeat after me: good.", parent=handle_of(base), retention=tier)
        for _ in range(2):  # the order of the questions must not matter either
            answer = completed(
                client.excuse(await client.turn(ASK, parent=handle_of(untold), retention=tier)),
                "a turn from a branch must run",
            )
            if says(answer.text, secret):
                raise Deviation(
                    "a word of one branch is known in the other",
                    expected="no such word",
                    actual=repr(answer.text[:120]),
                )
            # A branch that lost its own word has seen nothing of the other: that is another rule's matter.
            await left.fork().recalls(secret, parent=handle_of(told), retention=tier, requirement="SEG-CONT-012")
        await right.recalls(
            common, others=[secret], parent=handle_of(untold), retention=tier, requirement="SEG-CONT-012"
        )


@check("SEG-CONT-030", profile="continuation")
async def test_handle_is_immutable(subject: Subject) -> None:
    """A handle means the same history after others have gone on from it."""
    async with subject.open() as client:
        tier = _keeps_older(subject)
        story, first_word, later_word = Story(client), word(), word()
        first = await story.say(plant(first_word), retention=tier)
        await story.stands(first_word, parent=handle_of(first), retention=tier)
        again = client.excuse(await client.turn(plant(later_word), parent=handle_of(first), retention=tier))
        completed(again, "a handle that was gone on from once must go on again")
        await story.recalls(first_word, others=[later_word], parent=handle_of(first), retention=tier)


@check("SEG-CONT-033", profile="continuation")
async def test_refused_turn_leaves_parent(subject: Subject) -> None:
    """A parent is as it was after a turn from it was refused."""
    async with subject.open() as client:
        tier = _keeps_older(subject)
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier)
        await story.stands(secret, parent=handle_of(first), retention=tier)
        leak = word()
        told = [{"type": "message", "role": "user", "content": content} for content in (plant(leak), 7)]
        outcome = await client.turn(told, parent=handle_of(first), retention=tier, broken=True)
        if outcome.completed is not None:
            raise Inconclusive("the broken turn was not refused, so nothing is known of what a refusal leaves")
        await story.recalls(secret, others=[leak], parent=handle_of(first), retention=tier)


@check("SEG-CONT-003", profile="continuation")
async def test_handles_differ(subject: Subject) -> None:
    """Every turn has a handle of its own, and none is its parent's."""
    async with subject.open() as client:
        first, _ = await client.handle("Say hello.")
        second, _ = await client.handle("Say hello.", parent=first)
        third, _ = await client.handle("Say hello.")
        ids = [first.id, second.id, third.id]
        if len(set(ids)) != 3:
            raise Deviation("an id was issued for more than one turn", expected="three different ids", actual=str(ids))


@check("SEG-CONT-001", profile="continuation")
async def test_handle_is_issued(subject: Subject) -> None:
    """A completed turn that is kept has a continuation."""
    async with subject.open() as client:
        outcome = kept(completed(await client.turn("Say hello."), "a plain question must be answered"))
        if outcome.continuation is None:
            raise Deviation("a completed turn issued no continuation", expected="`continuation`", actual="absent")


@check("SEG-CONT-018", profile="continuation", wires=NATIVE)
async def test_open_calls_must_be_answered(subject: Subject) -> None:
    """A turn from a history that ends in an open call, and does not answer it, is refused."""
    async with subject.open() as client:
        context = subject.base_context(tools=[TOOL])
        first, _ = await call_tool(Story(client), context=context)
        outcome = await client.turn("Never mind. Say hello.", parent=handle_of(first), context=context)
        refused(outcome, "the open call was not answered", "invalid_request")


@check("SEG-CTX-001", profile="continuation", wires=NATIVE)
async def test_context_is_inherited(subject: Subject) -> None:
    """A turn without context goes on under its parent's."""
    async with subject.open() as client:
        secret = word()
        context = subject.base_context(instructions=f"The code word is {secret}. Tell it to whoever asks.")
        question = ASK_CODE
        first = await client.say("Say hello.", context=context)
        outcome = completed(
            await client.turn(question, parent=handle_of(first), context=INHERIT), "a turn without context must run"
        )
        if says(outcome.text, secret):
            return
        control = await client.turn(question, parent=handle_of(first), context=context)
        if says(control.text, secret):
            raise Deviation(
                "the parent's instructions were not in force",
                expected=repr(secret),
                actual=repr(outcome.text[:120]),
                control="with the context sent again the answer was right: the endpoint lost it, not the model",
            )
        raise Inconclusive(f"the model did not tell the word even with the context sent: {control.text[:120]!r}")


@check("SEG-CTX-002", profile="continuation", wires=NATIVE)
async def test_context_is_replaced_whole(subject: Subject) -> None:
    """A context in a turn replaces the parent's whole: nothing of the old one stays."""
    async with subject.open() as client:
        secret = word()
        context = subject.base_context(instructions=f"The code word is {secret}. Tell it to whoever asks.")
        first = await client.say("Say hello.", context=context)
        if says(first.text, secret):
            raise Inconclusive("the model told the word before it was asked for it, so that it stands in the history")
        outcome = completed(
            await client.turn(
                ASK_CODE,
                parent=handle_of(first),
                context=subject.base_context(temperature=0),
            ),
            "a turn with a context of its own must run",
        )
        if says(outcome.text, secret):
            raise Deviation("the replaced instructions are still in force", expected="no code word", actual=secret)


@check("SEG-CTX-010", profile="continuation", wires=NATIVE)
async def test_context_by_digest(subject: Subject) -> None:
    """A context that is held may be named by its digest."""
    subject.needs("contexts")
    async with subject.open() as client:
        secret = word()
        context = subject.base_context(instructions=f"The code word is {secret}. Tell it to whoever asks.")
        first = await client.say("Say hello.", context=context)
        assert first.accepted is not None
        outcome = completed(
            await client.turn(ASK_CODE, context=context_digest(msgspec.json.encode(context))),
            "a held context was named by its digest",
        )
        if not says(outcome.text, secret):
            control = await client.turn(ASK_CODE, context=context)
            if says(control.text, secret):
                raise Deviation(
                    "the turn ran without the context that its digest names",
                    expected=repr(secret),
                    actual=repr(outcome.text[:120]),
                    control="with the context sent whole the answer was right: the endpoint lost it, not the model",
                )
            raise Inconclusive(f"the model did not tell the word: {control.text[:120]!r}")


@check("SEG-CTX-011", profile="continuation", wires=NATIVE)
async def test_unknown_context_refused(subject: Subject) -> None:
    """A context that is not held is refused by its digest, not replaced by none."""
    async with subject.open() as client:
        unknown = context_digest(msgspec.json.encode({"note": draws.token_hex(16)}))
        outcome = await client.turn("Say hello.", context=unknown)
        refused(outcome, "the named context was never sent", "context_not_found", "not_offered")


@check("SEG-CTX-012", profile="continuation", wires=NATIVE)
async def test_context_as_patch(subject: Subject) -> None:
    """A context as a patch of a held one is the merged one, and its digest says so."""
    subject.needs("context_patch")
    async with subject.open() as client:
        base = subject.base_context(instructions="Be terse.", temperature=1)
        first = await client.say("Say hello.", context=base)
        assert first.accepted is not None
        base_digest = said(first.accepted.context, "the context in force")
        patch = {"base": base_digest, "patch": {"temperature": 0, "instructions": None}}
        outcome = completed(await client.turn("Say hello.", context=patch), "a patch of a held context was sent")
        merged = {name: value for name, value in base.items() if name != "instructions"} | {"temperature": 0}
        wanted = context_digest(msgspec.json.encode(merged))
        if outcome.accepted is None or outcome.accepted.context != wanted:
            raise Deviation(
                f"another context is in force than base and patch give: {json.dumps(merged)}",
                expected=wanted,
                actual=str(outcome.accepted.context) if outcome.accepted is not None else "no turn.accepted",
            )


@check("SEG-TURN-035", profile="continuation", wires=NATIVE)
async def test_cut_turn_has_a_handle(subject: Subject) -> None:
    """A turn that ended incomplete is history: it has a handle, and one can go on from it."""
    async with subject.open() as client:
        context = subject.base_context(max_output_tokens=16)
        outcome = await client.say("Write a long text of at least 200 words about the sea.", context=context)
        assert outcome.completed is not None
        if outcome.completed.status != "incomplete":
            raise Inconclusive("the output was not cut")
        if kept(outcome).continuation is None:
            raise Deviation("an incomplete turn issued no continuation", expected="`continuation`", actual="absent")
        completed(await client.turn("Say hello.", parent=outcome.continuation), "its handle is used as a parent")


@check("SEG-CONT-030", profile="continuation")
async def test_never_said(subject: Subject) -> None:
    """A word of one conversation is not known in another that did not name it as its parent."""
    async with subject.open() as client:
        secret = word()
        await client.say(plant(secret))
        async with subject.open() as another:
            for asking in (client, another):
                outcome = completed(await asking.turn(ASK), "a turn without parent must run")
                if says(outcome.text, secret):
                    raise Deviation(
                        "a word from a conversation that is not the turn's parent came back",
                        expected="no such word",
                        actual=repr(outcome.text[:120]),
                    )


def _chosen(text: str) -> str | None:
    """Return the word that a model chose: what it quotes or stresses, else the last one of a short answer, or None.

    Words that any answer to the question could bear are none, or an endpoint that lost the word would say it too.
    """
    told = re.findall(r"[*_`\"“‘]+([A-Za-z-]{3,})[*_`\"”’.]+", text) or re.findall(r"[A-Za-z-]{3,}", text)
    common = "the word random choose chosen choice tell answer only with you your now any one there here sure that this"
    if not told or len(text.split()) > 16 or told[-1].lower() in common.split():
        return None
    return str(told[-1])


def _keeps_older(subject: Subject) -> models.Retention:
    """Return a tier in which older handles stay: on OpenAI's WebSocket `store: false` keeps only the latest."""
    if subject.wire == "openai-ws":
        return subject.needs_tier("cached", "durable")
    return subject.needs_tier("cached", "durable", "connection")
