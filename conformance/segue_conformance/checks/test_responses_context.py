"""OpenAI Responses: settings belong to one request, and easy input is kept like any other, on both wires.

Spec: binding-openai-http.
"""

from __future__ import annotations

from typing import Any

from ..oracle import ASK, ASK_CODE, TOOL, plant, says, word
from ..registry import check
from ..responses_wire import asking, create, text_of
from ..subject import Subject, completed, handle_of
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable

OPENAI = ("openai-ws", "openai-http")

_CALL = "Call the tool get_word now. Do not answer with text."


def _instructions(secret: str) -> str:
    return f"The code word is {secret}. Tell it only to whoever asks for it."


@check("SEG-OHTTP-004", "SEG-OHTTP-005", profile="continuation", wires=OPENAI)
async def test_instructions_are_each_requests_own(subject: Subject) -> None:
    """The instructions of a parent are gone in the next request, and new ones are in force."""
    async with subject.open() as client:
        older, newer = word(), word()
        first = await client.say("Say hello.", context=subject.base_context(instructions=_instructions(older)))
        if says(first.text, older):
            raise Inconclusive("the model told the word before it was asked for it, so that it stands in the history")
        bare = client.excuse(await client.turn(ASK_CODE, parent=handle_of(first)))
        outcome = completed(bare, "a turn without instructions must run")
        if says(outcome.text, older):
            raise Deviation(
                "the instructions of the parent are still in force",
                expected="no instructions: the request brought none",
                actual=repr(outcome.text[:120]),
            )
        context = subject.base_context(instructions=_instructions(newer))
        later = client.excuse(await client.turn(ASK_CODE, parent=handle_of(outcome), context=context))
        answer = completed(later, "a turn with a parent and instructions must run", requirement="SEG-OHTTP-005")
        if says(answer.text, newer):
            return
        control = await client.turn(ASK_CODE, context=context)
        if not says(control.text, newer):
            raise Inconclusive(f"the model did not tell the word without a parent either: {control.text[:120]!r}")
        raise Deviation(
            "the instructions of a request that names a parent are not in force",
            expected=repr(newer),
            actual=repr(answer.text[:120]),
            control=f"without a parent the answer was {control.text[:120]!r}",
            requirement="SEG-OHTTP-005",
        )


@check("SEG-OHTTP-005", profile="continuation", wires=OPENAI)
async def test_tools_beside_a_parent(subject: Subject) -> None:
    """The tools of a request that names a parent can be called."""
    async with subject.open() as client:
        context = subject.base_context(tools=[TOOL])
        first = await client.say("Say hello.")
        if (await client.turn("Say hello.", context=context)).refused is not None:
            raise NotOffered("tools are refused, with and without a parent")
        later = client.excuse(await client.turn(_CALL, parent=handle_of(first), context=context))
        if completed(later, "a turn with a parent and tools must run").calls:
            return
        control = await client.turn(_CALL, context=context)
        if not control.calls:
            raise Inconclusive(f"the model calls no tool without a parent either: {control.text[:120]!r}")
        again = await client.turn(_CALL, parent=handle_of(first), context=context)
        if again.calls or again.refused is not None:
            raise Inconclusive("the model called the tool the second time")
        raise Deviation(
            "a tool that came beside a parent was not called",
            expected="a call of get_word",
            actual=repr(later.text[:120]),
            control="without a parent the model called it",
        )


@check("SEG-OHTTP-001", "SEG-OHTTP-002", "SEG-CONT-012", profile="continuation", wires=OPENAI)
async def test_easy_input_is_kept(subject: Subject) -> None:
    """What came as a string, or as a message without `type`, is part of the history."""
    async with asking(subject) as ask:
        for what, form in (
            ("a string", lambda text: text),
            ("a message without `type`", lambda text: [{"role": "user", "content": text}]),
        ):
            secret, answer = word(), ""
            told: list[Any] = []
            # Asked twice, since a model may err; a history that is not there is not there the second time either.
            for text in (plant(secret), ASK, ASK):
                named = {"previous_response_id": told[-1]["response"].get("id")} if told else {}
                events = await ask({**create(subject, "x"), "input": form(text), **named})
                if events[-1]["type"] != "response.completed":
                    raise Untestable(f"a turn that leads up to the check did not complete: {events[-1]['type']}")
                told.append(events[-1])
                if says(answer := text_of(events), secret) and text == ASK:
                    break
            if says(answer, secret):
                continue
            typed = [{"type": "message", "role": role, "content": text}
                     for role, text in (("user", plant(secret)), ("assistant", "OK"), ("user", ASK))]  # fmt: skip
            control = text_of(await ask(create(subject, typed)))
            if not says(control, secret):
                raise Inconclusive(f"the model did not say {secret!r} from one request either: {control[:120]!r}")
            raise Deviation(
                f"what came as {what} is not in the history",
                expected=repr(secret),
                actual=repr(answer[:120]),
                control=f"with the whole history in one request the answer was {control[:120]!r}",
                requirement="SEG-CONT-012",
            )


@check("SEG-OHTTP-008", profile="continuation", wires=OPENAI)
async def test_members_are_no_history(subject: Subject) -> None:
    """Two requests with the same prompt_cache_key, user, safety_identifier or metadata are two conversations."""
    taken = False
    for name in ("prompt_cache_key", "user", "safety_identifier", "metadata"):
        secret = word()
        value: Any = {"session": secret[::-1]} if name == "metadata" else f"session {secret[::-1]}"
        try:
            async with asking(subject) as ask:
                if (await ask(create(subject, plant(secret), **{name: value})))[-1]["type"] != "response.completed":
                    continue
                events = await ask(create(subject, ASK, **{name: value}))
        except Untestable:
            continue  # over HTTP a refused member
        taken = True
        if says(text_of(events), secret):
            raise Deviation(
                f"a word of another request with the same `{name}` came back",
                expected="no such word: the request names no parent",
                actual=repr(text_of(events)[:120]),
            )
    if not taken:
        raise NotOffered("none of these members is accepted")
