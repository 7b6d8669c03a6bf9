"""Ends that are not whole: a failed turn leaves nothing, a call that was cut is no item (spec: turns; G5)."""

from __future__ import annotations

import json
from typing import Any

from segue_schemas import history_digest, models

from ..native import NATIVE, bare_turn, hold, honoured, item
from ..oracle import Story, plant, word
from ..registry import check
from ..segue_wire import start_message
from ..subject import Subject, completed, handle_of
from ..verdicts import Deviation, Inconclusive
from .test_turns import SLOW

#: Deadlines that are tried, in ms: below the time of a long text, above that of its first word.
_DEADLINES = (100, 700, 3_000)
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"

SAVE: dict[str, Any] = {
    "type": "function",
    "name": "save_note",
    "description": "Saves a note.",
    "parameters": {
        "type": "object",
        "properties": {"note": {"type": "string"}},
        "required": ["note"],
        "additionalProperties": False,
    },
    "strict": False,
}


@check("SEG-TURN-036", "SEG-ERR-004", profile="core", wires=NATIVE)
async def test_failed_turn_has_no_handle(subject: Subject) -> None:
    """A turn that fails issues no continuation, and does not deny that the model ran where output was delivered."""
    for deadline in _DEADLINES:
        events = await bare_turn(subject, start_message(subject, SLOW, deadline_ms=deadline))
        if events[-1]["type"] != "turn.failed":  # too fast a model: a deadline that has passed is never met
            events = await bare_turn(subject, start_message(subject, SLOW, deadline_ms=0))
        last = events[-1]
        if last["type"] != "turn.failed":
            raise Inconclusive(f"the turn was to outlive deadlines of {deadline} and 0 ms, and ended as {last['type']}")
        if "continuation" in last:
            raise Deviation("a failed turn", expected="no continuation", actual=json.dumps(last["continuation"])[:200])
        if any(event["type"].startswith("item.") for event in events):
            if last["error"]["effect"] == "none":
                raise Deviation(
                    "output was delivered before the turn failed",
                    expected="effect partial or unknown",
                    actual="effect none",
                    requirement="SEG-ERR-004",
                )
            return
        if last["error"]["effect"] == "none" and deadline == _DEADLINES[-1]:
            return  # nothing was put out, and that is what it says
    raise Inconclusive(f"nothing was put out in the {_DEADLINES[-1]} ms before the turn failed")


@check("SEG-CONT-032", profile="continuation", wires=NATIVE)
async def test_failed_turn_leaves_parent(subject: Subject) -> None:
    """A parent is as it was after a turn from it failed."""
    async with subject.open() as client:
        tier = subject.needs_tier("cached", "durable", "connection")
        story, secret = Story(client), word()
        parent = handle_of(await story.say(plant(secret), retention=tier))
        await story.stands(secret, parent=parent, retention=tier)
        outcome = await client.turn(SLOW, parent=parent, retention=tier, deadline_ms=_DEADLINES[0])
        if outcome.failed is None:
            outcome = await client.turn(SLOW, parent=parent, retention=tier, deadline_ms=0)
        if outcome.failed is None:
            raise Inconclusive("the turn was to outlive its deadline, and did not fail")
        await story.recalls(secret, parent=parent, retention=tier)


@check("SEG-TURN-034", "SEG-DIG-012", profile="core", wires=NATIVE)
async def test_cut_call_is_discarded(subject: Subject) -> None:
    """A call that was cut in its arguments is told as discarded, and is no item of the history."""
    async with subject.open() as client:
        asked = (
            f'Call the tool save_note now, with the note "{_NUMBERS} {_NUMBERS} {_NUMBERS}". Do not answer with text.'
        )
        context = subject.base_context(tools=[SAVE], max_output_tokens=16)
        taken = honoured(await client.turn(asked, context=context), "max_output_tokens", "tools")
        outcome = completed(taken, "a turn with max_output_tokens must run")
        done, built = outcome.completed, outcome.assembler
        assert done is not None
        calls = [e.index for e in outcome.events if isinstance(e, models.ItemStarted) and _is_call(e)]
        cut = [index for index in calls if index not in built.completed or not _parses(built.whole(index))]
        if not cut:
            raise Inconclusive("no call was cut: the model wrote it whole in 16 tokens, or wrote none")
        discarded = done.discarded if isinstance(done.discarded, list) else []
        for index in cut:
            if index in built.completed or index not in discarded:
                how = "as a whole item" if index in built.completed else "neither whole nor discarded"
                raise Deviation(
                    f"item {index}, a call, was cut in its arguments",
                    expected=f"discarded: [{index}], and no item.completed",
                    actual=f"{how}; discarded: {discarded}",
                )
        history: list[Any] = [item(asked), *outcome.items]
        wanted = (history_digest(history), len(history))
        if (done.digest, done.length) != wanted:
            raise Deviation(
                "the history without what was discarded",
                expected=f"length {wanted[1]}, digest {wanted[0]}",
                actual=f"length {done.length}, digest {done.digest}",
                requirement="SEG-DIG-012",
            )


@check("SEG-TURN-026", "SEG-LIVE-043", profile="core", wires=NATIVE)
async def test_empty_input(subject: Subject) -> None:
    """A turn without input runs on the history as it stands, or is refused for its input; a warm-up always runs."""
    async with subject.open() as client:
        parent = handle_of(await client.say("Say hello."))
        outcome = await client.turn([], parent=parent)
        if outcome.refused is not None and (outcome.refused.code, outcome.refused.param) != (
            "invalid_request",
            "/input",
        ):
            raise Deviation(
                "a turn without input",
                expected="turn.completed, or invalid_request with param /input",
                actual=f"{outcome.refused.code}, param {outcome.refused.param}: {outcome.refused.message}",
            )
        if "warm_up" not in subject.features():
            return
        warm = await hold(client, [], "a warm-up without input", parent=parent.id, generate=False)
        assert warm.completed is not None
        if (warm.completed.digest, warm.completed.length) != (parent.digest, parent.length):
            raise Deviation(
                "the history behind a warm-up without input",
                expected=str((parent.digest, parent.length)),
                actual=str((warm.completed.digest, warm.completed.length)),
            )


def _is_call(event: models.ItemStarted) -> bool:
    return bool(json.loads(bytes(event.item)).get("type") == "function_call")


def _parses(raw: bytes) -> bool:
    try:
        json.loads(json.loads(raw).get("arguments", ""))
    except ValueError:
        return False
    return True
