"""Items: they begin, grow by deltas and are whole; what came out can go in again (spec: items)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_adapters.turn import Outcome
from segue_schemas import models, validator

from ..oracle import ASK, TOOL, Story, call_tool, plant, says, tool_output, word
from ..registry import EVERY_WIRE, WIRES, check
from ..subject import Subject, completed, refused
from ..verdicts import Deviation, Inconclusive, NotOffered

NATIVE = ("segue-ws", "segue-http")


#: Of two, three and four bytes each.
_LETTERS = "café größe 日本語 🐉 naïve"


async def _answer(subject: Subject, question: str = "Count from 1 to 20.") -> Outcome:
    async with subject.open() as client:
        return completed(await client.turn(question), "a plain question must be answered")


@check("SEG-ITEM-001", profile="core")
async def test_started_items_are_completed(subject: Subject) -> None:
    """Every item that was started is completed before the end, or discarded by name."""
    outcome = await _answer(subject)
    done = outcome.completed
    assert done is not None
    dropped = done.discarded if isinstance(done.discarded, list) else []
    left = [i for i in outcome.assembler.started if i not in outcome.assembler.completed and i not in dropped]
    if left:
        raise Deviation("items were never completed", expected="item.completed for each", actual=f"missing: {left}")


@check("SEG-ITEM-004", profile="core")
async def test_types_stay(subject: Subject) -> None:
    """An item begins with the type that it ends with."""
    outcome = await _answer(subject)
    for event in outcome.events:
        if isinstance(event, models.ItemStarted) and event.index in outcome.assembler.completed:
            begun = msgspec.json.decode(event.item).get("type")
            whole = msgspec.json.decode(outcome.assembler.whole(event.index)).get("type")
            if begun != whole:
                raise Deviation(
                    f"the type of item {event.index}", expected=str(whole), actual=f"item.started with type {begun}"
                )


@check("SEG-ITEM-002", "SEG-ITEM-003", profile="core")
async def test_indexes(subject: Subject) -> None:
    """Items are numbered 0, 1, 2 … in the order of their start."""
    outcome = await _answer(subject)
    started = [e.index for e in outcome.events if isinstance(e, models.ItemStarted)]
    if not subject.native:
        if len(set(started)) != len(started):
            raise Deviation("the indexes", expected="an index of its own for each item", actual=str(started))
    elif started != list(range(len(started))):
        wrong, place = next((index, place) for place, index in enumerate(started) if index != place)
        raise Deviation(f"item {place} in order", expected=f"index {place}", actual=f"item.started with index {wrong}")


@check("SEG-ITEM-008", "SEG-ITEM-006", "SEG-ITEM-005", profile="core")
async def test_deltas_rebuild_the_item(subject: Subject) -> None:
    """The streamed text is the text of the whole item, in order and complete, letters beyond ASCII too."""
    judged = _rebuilt(await _answer(subject))
    judged += _rebuilt(await _answer(subject, f"Repeat after me: {_LETTERS}."))
    if not judged:
        raise (Inconclusive if subject.native else NotOffered)("nothing is streamed: every item comes whole")


def _rebuilt(outcome: Outcome) -> int:
    """Return how many items could be judged; Deviation where one is not what was streamed of it."""
    rebuilt = ItemAssembler()
    judged = 0
    for event in outcome.events:
        if isinstance(event, models.ItemStarted | models.ItemDelta):
            rebuilt.apply(event)
        elif isinstance(event, models.ItemCompleted) and isinstance(event.item, msgspec.Raw):
            whole, streamed = msgspec.json.decode(event.item), rebuilt.partial(event.index)
            before, after = _texts(streamed), _texts(whole)
            if not before:
                continue  # nothing was streamed of it: it came whole
            judged += 1
            if before != after:
                raise Deviation(
                    f"the text of item {event.index} is not what was streamed",
                    expected=repr("".join(before)[:200]),
                    actual=repr("".join(after)[:200]),
                )
        elif isinstance(event, models.ItemCompleted):
            judged += 1
    return judged


@check("SEG-ITEM-010", "SEG-ITEM-009", "SEG-ITEM-011", profile="core", wires=EVERY_WIRE)
async def test_whole_items_are_valid(subject: Subject) -> None:
    """Whole items have the shapes of their types, an assistant's role, and are no longer in progress."""
    outcome = await _answer(subject)
    for item in outcome.objects:
        faults = list(validator("items.json#/$defs/Item").iter_errors(item))
        if faults:
            where = "/".join(str(step) for step in faults[0].absolute_path)
            raise Deviation(
                f"an item of type {item.get('type')!r} is not valid at /{where}",
                expected=faults[0].message[:200],
                actual=json.dumps(item)[:300],
            )
        if subject.native and item.get("status") == "in_progress":
            raise Deviation(
                "a whole item is in progress",
                expected="completed or incomplete",
                actual="in_progress",
                requirement="SEG-ITEM-009",
            )
        if item["type"] == "message" and item["role"] != "assistant":
            said = json.dumps(item["role"])
            raise Deviation(
                "who speaks", expected='"role":"assistant"', actual=f'"role":{said}', requirement="SEG-ITEM-011"
            )


@check("SEG-ITEM-012", profile="core", wires=(*WIRES, "chat"))
async def test_arguments_are_text(subject: Subject) -> None:
    """A call's arguments are a string of JSON, whole, and its name is the tool's."""
    async with subject.open() as client:
        _, call = await call_tool(Story(client))
        if not isinstance(call.get("arguments"), str):
            raise Deviation(
                "`arguments` of a call is no text",
                expected="JSON in a string",
                actual=f'"arguments": {json.dumps(call.get("arguments"))[:120]}',
            )
        try:
            parsed = json.loads(call["arguments"] or "{}")
        except ValueError:
            shown = repr(call["arguments"][:200])
            raise Deviation("the arguments are not JSON", expected="JSON", actual=shown) from None
        if not isinstance(parsed, dict):
            raise Deviation(
                "`arguments` of a call is no object",
                expected="a JSON object in a string",
                actual=call["arguments"][:120],
            )
        if call.get("name") != TOOL["name"] or not call.get("call_id"):
            raise Deviation("the call", expected=f"name {TOOL['name']!r} and a call_id", actual=json.dumps(call)[:200])


@check("SEG-ITEM-013", profile="core", wires=EVERY_WIRE)
async def test_call_ids_differ(subject: Subject) -> None:
    """Two calls of one conversation bear different ids."""
    tools = [
        {**TOOL, "name": name, "description": f"Returns the {name[4:]} word."} for name in ("get_first", "get_second")
    ]
    async with subject.open() as client:
        outcome = await client.say(
            "Call the tools get_first and get_second now, both at once. Do not answer with text.",
            context=subject.base_context(tools=tools),
        )
        ids = [call.get("call_id") for call in outcome.calls]
        if not ids:
            raise Inconclusive(f"the model was asked for two calls and made none: {outcome.text[:120]!r}")
        if len(ids) == 1:
            raise NotOffered("the model was asked for two calls at once and made one: it calls one tool at a time")
        if len(set(ids)) != len(ids):
            raise Deviation("two calls of one turn bear the same call_id", expected="all different", actual=str(ids))


@check("SEG-ITEM-020", profile="core")
async def test_string_equals_parts(subject: Subject) -> None:
    """A message as a string and one as parts are the same to the model."""
    async with subject.open() as client:
        secret = word()
        parts = [{"type": "input_text", "text": plant(secret)}]
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "OK"}]}
        known = ""
        for content in (parts, plant(secret)):
            told = {"type": "message", "role": "user", "content": content}
            asked = {"type": "message", "role": "user", "content": ASK}
            outcome = completed(await client.turn([told, said, asked]), "a history in the input must be accepted")
            if not says(outcome.text, secret):
                form = "parts" if content is parts else "a string"
                if content is parts:
                    raise Inconclusive(f"the model did not say the word given as {form}: {outcome.text[:120]!r}")
                raise Deviation(
                    f"the word was known as parts and lost as {form}",
                    expected=secret,
                    actual=repr(outcome.text[:120]),
                    control=f"as parts the answer was {known!r}",
                )
            known = outcome.text[:120]


@check("SEG-ITEM-021", profile="core", wires=EVERY_WIRE)
async def test_output_goes_in_again(subject: Subject) -> None:
    """Output items, as they came, are accepted as input."""
    async with subject.open() as client:
        first = await client.say("Say hello.")
        items: list[Any] = [*first.start.input] if isinstance(first.start, models.TurnStart) else []
        items += [item for item in first.items if msgspec.json.decode(item).get("type") != "reasoning"]
        asked = {"type": "message", "role": "user", "content": "Say hello again."}
        completed(await client.turn([*items, asked]), "the endpoint's own output came back as input")


@check("SEG-ITEM-022", profile="core", wires=EVERY_WIRE)
async def test_items_without_ids(subject: Subject) -> None:
    """A call and its output are accepted without any id that a server made."""
    async with subject.open() as client:
        story = Story(client)
        _, call = await call_tool(story)
        context = subject.base_context(tools=[TOOL])
        history = [*story.items, tool_output(call, "The word is given."), "Thank you. Say hello."]
        completed(await client.turn(history, context=context), "a call and its output, without ids, must be accepted")


@check("SEG-ITEM-023", profile="core", wires=NATIVE)
async def test_unknown_members_are_ignored(subject: Subject) -> None:
    """An item with a member that nobody knows is taken like one without it."""
    async with subject.open() as client:
        item = {"type": "message", "role": "user", "content": "Say hello.", "vendor:note": {"a": [1, None]}}
        completed(await client.turn([item]), "a message with an unknown member must be accepted")


@check("SEG-ITEM-025", profile="core", wires=NATIVE)
async def test_orphan_output_refused(subject: Subject) -> None:
    """An output of a tool that nobody called is refused."""
    async with subject.open() as client:
        orphan = {"type": "function_call_output", "call_id": "call_nobody_made_this", "output": "42"}
        outcome = await client.turn(["Say hello.", orphan])
        refused(outcome, "the output of a call that was never made was sent", native=subject.native)


def _texts(item: dict[str, Any]) -> list[str]:
    """Return every text of an item that is streamed: parts of content and summary, arguments, input."""
    found: list[str] = []
    for member in ("content", "summary"):
        parts = item.get(member)
        if isinstance(parts, list):
            texts = [p.get("text", p.get("refusal")) for p in parts if isinstance(p, dict)]
            found += [text for text in texts if isinstance(text, str) and text]
    found += [item[m] for m in ("arguments", "input") if isinstance(item.get(m), str) and item[m]]
    return found
