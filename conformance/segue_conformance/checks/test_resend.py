"""Histories in parts, histories that grow too large, histories that outlive their parents (spec: continuation; G8)."""

from __future__ import annotations

from typing import Any

from segue_schemas import history_digest

from ..native import NATIVE, honoured, item
from ..oracle import ASK, ASK_TOOL, TOOL, Story, plant, tool_output, word
from ..registry import check
from ..subject import Subject, completed, handle_of, refused
from ..verdicts import Deviation, NotOffered

#: Bytes that a check sends at most to reach a limit.
_MOST = 2 * 1024 * 1024


@check("SEG-CONT-061", profile="continuation", wires=NATIVE)
async def test_history_in_parts(subject: Subject) -> None:
    """A history that is sent in parts is one history: its chain is that of the whole, and the model knows all of it."""
    subject.needs("resend_in_parts")
    subject.needs("warm_up")
    tier = subject.needs_tier("cached", "durable", "connection")
    async with subject.open() as client:
        story, secret, returned = Story(client), word(), word()
        context = subject.base_context(tools=[TOOL])
        call = {"type": "function_call", "call_id": "call_in_a_part", "name": TOOL["name"], "arguments": "{}"}
        parts: list[list[dict[str, Any]]] = [
            [item(plant(secret)), item("OK", "assistant"), item("Call the tool get_word now."), call],
            [tool_output(call, f"The word is {returned}."), item("The tool has told me a word.", "assistant")],
        ]
        parent = None
        for number, part in enumerate(parts, 1):
            taken = await client.turn(part, parent=parent, context=context, generate=False, retention=tier)
            outcome = completed(honoured(taken), f"part {number} of a history, of which only the last closes its calls")
            story.items += part
            parent = handle_of(outcome)
            wanted = (history_digest(story.items), len(story.items))
            if (parent.digest, parent.length) != wanted:
                raise Deviation(
                    f"the history behind part {number}",
                    expected=str(wanted),
                    actual=str((parent.digest, parent.length)),
                )
        await story.fork().recalls(secret, ASK, parent=parent, context=context, retention=tier)
        await story.recalls(returned, ASK_TOOL, parent=parent, context=context, retention=tier)


@check("SEG-CONT-062", profile="continuation", wires=NATIVE)
async def test_history_past_the_limit_refused(subject: Subject) -> None:
    """Where a history cannot be sent in parts, it may not grow past what one message can hold."""
    limits = subject.limits
    if limits is None or "resend_in_parts" in subject.features():
        raise NotOffered("a history may be sent in parts here, and so grow past one message")
    if limits.message_bytes > _MOST:
        raise NotOffered(f"the limit is {limits.message_bytes} bytes: more than this check sends")
    tier = subject.needs_tier("cached", "durable", "connection")
    async with subject.open() as client:
        filler = "x" * (limits.message_bytes * 6 // 10)
        first = await client.say(f"Say hello. {filler}", retention=tier)
        outcome = await client.turn(f"Say hello. {filler}", parent=handle_of(first), retention=tier)
        refused(outcome, "the turn would take its history past message_bytes", "message_too_large")


@check("SEG-CONT-047", profile="continuation", wires=("segue-ws",))
async def test_history_outlives_its_parent(subject: Subject) -> None:
    """A handle that is kept means its whole history, also where its parent was for its connection only."""
    weak, strong = subject.needs_tier("connection"), subject.needs_tier("cached", "durable")
    secret = word()
    async with subject.open() as client:
        story = Story(client)
        first = await story.say(plant(secret), retention=weak)
        second = await story.say("Repeat after me: good.", parent=handle_of(first), retention=strong)
    async with subject.open() as other:
        story.client = other
        await story.recalls(secret, parent=handle_of(second), retention=strong)
