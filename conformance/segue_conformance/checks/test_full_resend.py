"""Full resend: a client that holds the items can always go on (spec: continuation; G8)."""

from __future__ import annotations

from ..native import NATIVE, item, told
from ..oracle import ASK, ASK_CHOSEN, ASK_TOOL, TOOL, Story, call_tool, plant, says, tool_output, word
from ..registry import EVERY_WIRE, check
from ..subject import Subject, completed, own_items
from ..verdicts import Deviation, Inconclusive


@check("SEG-CONT-060", profile="core", wires=EVERY_WIRE)
async def test_users_words(subject: Subject) -> None:
    """A history without server-made ids is accepted, and what the user said in it is known."""
    async with subject.open() as client:
        secret = word()
        first = await client.say(plant(secret))
        history = [*own_items(first.start.input), *own_items(first.items)]  # type: ignore[union-attr]
        outcome = completed(await client.turn([*history, ASK]), "a full resend must be accepted")
        if not says(outcome.text, secret):
            # Everything stood in one request: whoever lost it, this proves nothing about continuation.
            raise Inconclusive(f"the model did not say {secret!r}: {outcome.text[:120]!r}")


@check("SEG-CONT-060", profile="core", wires=EVERY_WIRE)
async def test_models_words(subject: Subject) -> None:
    """What the assistant said earlier is accepted as input, and known."""
    async with subject.open() as client:
        secret = word()
        history = [
            {"type": "message", "role": "user", "content": "Choose a word and tell me."},
            {"type": "message", "role": "assistant", "content": secret},
            {"type": "message", "role": "user", "content": ASK_CHOSEN},
        ]
        outcome = completed(await client.turn(history), "a full resend must be accepted")
        if not says(outcome.text, secret):
            raise Inconclusive(f"the model did not say {secret!r}: {outcome.text[:120]!r}")


@check("SEG-CONT-060", "SEG-ITEM-022", profile="core", wires=EVERY_WIRE)
async def test_tools_words(subject: Subject) -> None:
    """A call and its output in a full resend are accepted, and the output is known."""
    async with subject.open() as client:
        story = Story(client)
        secret = word()
        context = subject.base_context(tools=[TOOL])
        _, call = await call_tool(story, context=context)
        history = [*story.items, tool_output(call, f"The word is {secret}."), ASK_TOOL]
        outcome = completed(await client.turn(history, context=context), "a full resend must be accepted")
        if not says(outcome.text, secret):
            raise Inconclusive(f"the model did not say {secret!r}: {outcome.text[:120]!r}")


@check("SEG-CONT-018", profile="core", wires=NATIVE)
async def test_open_call_in_the_middle(subject: Subject) -> None:
    """A call that nothing answers is refused with its place, also in a resend and with items behind it."""
    async with subject.open() as client:
        calls = [{"type": "function_call", "call_id": f"call_{n}", "name": "get_word", "arguments": "{}"} for n in "ab"]
        answer = {"type": "function_call_output", "call_id": "call_b", "output": "Yes."}
        history = [item("Ask both."), *calls, answer, item("Say hello.")]
        error = client.judged(await client.turn(history, context=subject.base_context(tools=[TOOL]))).refused
        if error is None or (error.code, error.param) != ("invalid_request", "/input/1"):
            raise Deviation(
                "item 1 of a full resend is a call that nothing answers",
                expected="invalid_request, param /input/1",
                actual="the turn was accepted" if error is None else f"{told(error)}, param {error.param}",
            )
