"""Full resend: a client that holds the items can always go on (spec: continuation; G8)."""

from __future__ import annotations

from ..oracle import ASK, ASK_CHOSEN, ASK_TOOL, TOOL, Story, call_tool, plant, says, tool_output, word
from ..registry import check
from ..subject import Subject, completed, own_items
from ..verdicts import Inconclusive


@check("SEG-CONT-060", profile="core")
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


@check("SEG-CONT-060", profile="core")
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


@check("SEG-CONT-060", "SEG-ITEM-022", profile="core")
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
