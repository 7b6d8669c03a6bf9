"""What a history keeps: every form of input, every item of it, at any length (spec: continuation; G1).

A server that stores a conversation often loses one kind of thing only: a second part, all but the last item, letters
beyond ASCII, what came as text. So the same word is planted in each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from segue_adapters.errors import ConnectionCut

from ..oracle import ASK, ASK_CHOSEN, ASK_CODE, ASK_TOOL, TOOL, Story, call_tool, plant, says, tool_output, word
from ..registry import EVERY_WIRE, check
from ..subject import Client, Subject, completed, handle_of
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import LONG

#: Blanks cost few tokens, and no model reads anything into them.
_FILLER = " " * 70_000
_MANY = 40
#: Turns and pairs of items of a long history.
_TURNS, _PAIRS = 12, 16
_INVENTED = "Küçük-größe-"


def _user(content: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": content}


def _assistant(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


@check("SEG-CONT-012", profile="continuation")
async def test_every_part_and_item(subject: Subject) -> None:
    """A word in a second part, in the first of three items, in the last, or at the end of a long one is known later."""
    secret = word()
    parts = [{"type": "input_text", "text": text} for text in ("Here is something for you.", plant(secret))]
    forms = (
        [_user(parts)],
        [_user(plant(secret)), _assistant("OK"), _user("Repeat after me: good.")],
        [_user("Say hello."), _assistant("Hello."), _user(plant(secret))],
        [_user(f"This is a test.{' ' * 5_000}{plant(secret)}")],
    )
    async with subject.open() as client:
        for items in forms:
            story = Story(client)
            first = await story.say(items)
            await story.recalls(secret, parent=handle_of(first))


@check("SEG-CONT-012", profile="continuation")
async def test_letters_beyond_ascii(subject: Subject) -> None:
    """Letters beyond ASCII come back from a history as they were said."""
    async with subject.open() as client:
        story, secret = Story(client), _INVENTED + word()
        first = await story.say(plant(secret))
        answer = client.excuse(await client.turn(ASK, parent=handle_of(first)))
        outcome = completed(answer, "a turn from a parent must run")
        again = outcome
        if secret.casefold() not in outcome.text.casefold():
            again = await client.turn(ASK, parent=handle_of(outcome))  # a model may err once
        if secret.casefold() in again.text.casefold():
            return
        control = await client.turn([*story.items, _user(ASK)])
        if control.completed is None or secret.casefold() not in control.text.casefold():
            raise Inconclusive(f"the model did not spell the word from one request either: {control.text[:120]!r}")
        raise Deviation(
            "letters beyond ASCII are not what was said",
            expected=repr(secret),
            actual=repr(outcome.text[:120]),
            control=f"with the whole history in one request the answer was {control.text[:120]!r}",
        )


@check("SEG-CONT-012", profile="continuation")
async def test_words_of_the_developer(subject: Subject) -> None:
    """What a developer's message said is known later."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        told = {"type": "message", "role": "developer", "content": f"The code word is {secret}. Tell it if asked."}
        first = await story.say([told, _user("Say hello.")])
        await story.recalls(secret, ASK_CODE, parent=handle_of(first))


@check("SEG-CONT-013", profile="continuation")
async def test_words_given_as_the_models(subject: Subject) -> None:
    """What came as input in the assistant's name is known later."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        asked = "Choose a random word and tell me. Answer with the word only."
        first = await story.say([_user(asked), _assistant(secret), _user("Repeat after me: good.")])
        await story.recalls(secret, ASK_CHOSEN, parent=handle_of(first))


@check("SEG-CONT-012", "SEG-CONT-019", profile="continuation")
async def test_users_words_beside_a_tool(subject: Subject) -> None:
    """What the user said before a tool was called is known to the turn that brings the tool's output."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        context = subject.base_context(tools=[TOOL])
        first = await story.say(plant(secret))
        second, call = await call_tool(story, context=context, parent=handle_of(first))
        told = [tool_output(call, "The tool has nothing to say."), _user(ASK)]
        answer = client.excuse(await client.turn(told, parent=handle_of(second), context=context))
        outcome = completed(answer, "a tool's output and a question were sent", requirement="SEG-CONT-019")
        if says(outcome.text, secret):
            return
        control = await client.turn([*story.items, *told], context=context)
        if not control.completed or not says(control.text, secret):
            raise Inconclusive(f"the model did not say {secret!r} from one request either: {control.text[:120]!r}")
        raise Deviation(
            "the word is lost where a tool's output comes in",
            expected=repr(secret),
            actual=repr(outcome.text[:120]),
            control=f"with the whole history in one request the answer was {control.text[:120]!r}",
        )


@check("SEG-CONT-014", profile="continuation")
async def test_outputs_as_parts(subject: Subject) -> None:
    """What a tool said in parts, where an endpoint takes outputs so, is known later."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        context = subject.base_context(tools=[TOOL])
        first, call = await call_tool(story, context=context)
        parts = [{"type": "input_text", "text": text} for text in ("The tool has an answer.", f"The word is {secret}.")]
        told = {"type": "function_call_output", "call_id": call["call_id"], "output": parts}
        outcome = client.excuse(await client.turn([told], parent=handle_of(first), context=context))
        if outcome.refused is not None:
            raise NotOffered(f"outputs in parts are refused: {outcome.refused.message[:120]}")
        answer = story.add(completed(outcome, "a tool's output was sent in parts"))
        await story.recalls(secret, ASK_TOOL, parent=handle_of(answer), context=context)


@check("SEG-CONT-014", "SEG-CONT-019", profile="continuation")
async def test_two_outputs(subject: Subject) -> None:
    """Two calls of one turn, answered in reverse order, are both answered one turn later as well."""
    tools = [{**TOOL, "name": name} for name in ("get_first", "get_second")]
    async with subject.open() as client:
        context = subject.base_context(tools=tools)
        asked = "Call the tools get_first and get_second now, both at once. Do not answer with text."
        first = await client.say(asked, context=context)
        calls = [call for call in first.calls if call.get("type") == "function_call"]
        if len(calls) < 2:
            raise NotOffered(f"the model was asked for two calls and made {len(calls)}")
        outputs = [tool_output(call, f"The word is {word()}.") for call in reversed(calls)]
        answer = client.excuse(await client.turn(outputs, parent=handle_of(first), context=context))
        second = completed(answer, "all calls were answered, in reverse order", requirement="SEG-CONT-019")
        later = client.excuse(await client.turn("Say hello.", parent=handle_of(second), context=context))
        completed(later, "a turn from a history whose calls are all answered must run")


@check("SEG-CONT-012", profile="continuation")
async def test_words_before_a_cut(subject: Subject) -> None:
    """A turn that was cut stands for its whole history, or is no parent."""
    async with subject.open() as client:
        story, secret = Story(client), word()
        told = [_user(plant(secret)), _assistant("OK"), _user(LONG)]
        outcome = await client.turn(told, context=subject.base_context(max_output_tokens=16))
        if outcome.completed is None or outcome.completed.status != "incomplete":
            raise NotOffered("the output was not cut")
        story.add(outcome)
        if outcome.continuation is None:
            raise Untestable("the turn that was cut issued no continuation")
        parent = outcome.continuation
        if not subject.native:
            probe = await client.turn("Repeat after me: fine.", parent=parent)
            if probe.completed is None:
                return  # whether what was cut can be gone on from is not documented there
            parent = handle_of(story.add(probe))
        await story.recalls(secret, parent=parent)


@check("SEG-CONT-015", "SEG-CONT-012", "SEG-CONT-030", profile="continuation")
async def test_long_chain(subject: Subject) -> None:
    """A history of many turns and items is known from its first on, and its first response is still a parent."""
    async with subject.open() as client:
        tier = "connection" if subject.is_stream and subject.stores_nothing else subject.needs_tier("cached", "durable")
        story, secret = Story(client), word()
        told = [_user(plant(secret)), _assistant("OK")]
        told += [item for _ in range(_PAIRS) for item in (_user("Say hello."), _assistant("Hello there."))]
        first = await story.say([*told, _user(f"Say hello.{' ' * 5_000}")], retention=tier)
        last, beginning = first, story.fork()
        for _ in range(_TURNS):
            last = await story.say("Say hello.", parent=handle_of(last), retention=tier)
            if len(last.text) > 10_000:
                break  # a model that says again all that it was given: each answer is twice as long as the one before
        await story.recalls(secret, parent=handle_of(last), retention=tier)
        # So many others came meanwhile: whoever holds a few responses only, and says so nowhere, has lost the first.
        answer = await client.turn(ASK, parent=handle_of(first), retention=tier)
        if answer.refused is not None and (subject.document is not None or subject.is_stream):
            return  # how much is held is declared; over OpenAI's WebSocket an older response need not be
        await beginning.judges(answer, secret, ASK, parent=handle_of(first), retention=tier, requirement="SEG-CONT-030")


@check("SEG-CTX-020", profile="core", wires=EVERY_WIRE)
async def test_long_message(subject: Subject) -> None:
    """A message of 70 kB is read to its end, or refused: never cut in silence."""
    limit = subject.limits.message_bytes if subject.limits is not None else None
    if isinstance(limit, int) and limit < 2 * len(_FILLER):
        raise NotOffered(f"the limit is {limit} bytes")
    secret = word()

    def history(filler: str) -> list[dict[str, Any]]:
        return [_user(f"This is a test.{filler}{plant(secret)}"), _assistant("OK"), _user(ASK)]

    await _seen(subject, secret, history(_FILLER), history(" "), "the end of a message of 70 kB")


@check("SEG-CTX-020", profile="core", wires=EVERY_WIRE)
async def test_many_items(subject: Subject) -> None:
    """The first of eighty items is read, or the request refused: none is left out in silence."""
    secret = word()
    between = [item for _ in range(_MANY) for item in (_user("Say hello."), _assistant("Hello there."))]
    told = [_user(plant(secret)), _assistant("OK")]
    await _seen(subject, secret, [*told, *between, _user(ASK)], [*told, _user(ASK)], "the first of eighty items")


@check("SEG-CTX-020", profile="core", wires=EVERY_WIRE)
async def test_long_instructions(subject: Subject) -> None:
    """The end of long instructions is read, or the request refused."""
    secret = word()
    async with subject.open() as client:

        async def asked(filler: str) -> str | None:
            told = f"Be helpful.{filler}The code word is {secret}. Tell it to whoever asks."
            return await _answer(client, ASK_CODE, context=subject.base_context(instructions=told))

        await _compared(secret, "the end of long instructions", lambda: asked(" " * 20_000), lambda: asked(" "))


async def _seen(
    subject: Subject, secret: str, long: list[dict[str, Any]], short: list[dict[str, Any]], what: str
) -> None:
    async with subject.open() as client:
        await _compared(secret, what, lambda: _answer(client, long), lambda: _answer(client, short))


async def _answer(client: Client, input: Any, **options: Any) -> str | None:
    """Return the answer's text; None where the request was honestly refused."""
    try:
        outcome = await client.turn(input, **options)
    except ConnectionCut as cut:
        if cut.code == 1009:  # a library may say that it is too large before the endpoint can (SEG-MSG-030)
            return None
        raise
    if outcome.refused is not None and outcome.refused.code != "internal_error":
        return None
    done = completed(outcome, "a long request must be run, or called too long")
    if done.completed is not None and done.completed.status == "incomplete":
        raise Inconclusive(f"the answer itself was cut, so that it does not show what was read: {done.text[:80]!r}")
    return done.text


async def _compared(
    secret: str, what: str, long: Callable[[], Awaitable[str | None]], short: Callable[[], Awaitable[str | None]]
) -> None:
    """Deviation where a word is known from the short request and, twice, not from the long one."""
    text = await long()
    if text is None:
        raise NotOffered(f"it is refused: {what}")
    if says(text, secret):
        return
    control = await short()
    if control is None or not says(control, secret):
        raise Inconclusive(f"the model did not say {secret!r} in the short form either: {str(control)[:120]!r}")
    if says(await long() or "", secret):
        return
    raise Deviation(
        f"the model did not see {what}",
        expected=f"{secret!r}, or a refusal",
        actual=repr(text[:120]),
        control=f"without what stood between, the answer was {control[:120]!r}",
    )
