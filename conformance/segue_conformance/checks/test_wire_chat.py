"""Chat Completions, bare: whole answers, chunks, the end of a stream, the envelope of errors (spec: binding-chat)."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.sse import SSEEvent

from ..answers import shown
from ..oracle import ASK, plant, says, word
from ..registry import check
from ..stateless_wire import (
    CALL_IT,
    ask,
    body,
    counted,
    events_of,
    needs_whole,
    object_of,
    refuses_in_envelope,
    tools_of,
    user,
    whole_of,
)
from ..subject import Subject
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from ..wrong_key import refuses_wrong_key

WIRE = ("chat",)

_DONE = "[DONE]"


@check("SEG-CHAT-001", "SEG-CHAT-002", profile="core", wires=WIRE)
async def test_whole_answer(subject: Subject) -> None:
    """Without `stream` the answer is 200 and one completion with the members that clients read."""
    answer = await ask(subject, body(subject))
    if answer.status != 200:
        raise Deviation("a plain request was not answered", expected="200", actual=shown(answer))
    told = object_of(answer)
    if told.get("object") != "chat.completion":
        raise Deviation("the answer", expected="an object `chat.completion`", actual=json.dumps(told)[:200])
    needs_whole(told, ("id", "object", "created", "model", "choices"), "the completion", "SEG-CHAT-002")
    choice = told["choices"][0] if isinstance(told["choices"], list) and told["choices"] else {}
    if not isinstance(choice, dict):
        raise _wrong("the first of `choices`", "an object", told["choices"])
    needs_whole(choice, ("index", "finish_reason", "message"), "the first of `choices`", "SEG-CHAT-002")
    message = choice["message"]
    if not isinstance(message, dict) or message.get("role") != "assistant":
        raise _wrong("the first choice's `message`", "an object of role assistant", message)


def _wrong(what: str, expected: str, got: Any, requirement: str = "SEG-CHAT-002") -> Deviation:
    return Deviation(what, expected=expected, actual=json.dumps(got)[:200], requirement=requirement)


@check("SEG-CHAT-003", profile="core", wires=WIRE)
async def test_calls_are_whole(subject: Subject) -> None:
    """A call in a whole answer has an id, a type, a name, and its arguments as text."""
    told = await whole_of(subject, body(subject, CALL_IT, tools=tools_of(subject)))
    message = _message(told)
    calls = message.get("tool_calls") or []
    counted(calls, str(message.get("content")))
    for call in calls:
        named = call.get("function") if isinstance(call, dict) else None
        given = (call.get("id"), call.get("type")) if isinstance(call, dict) else (None,)
        if isinstance(call, dict) and call.get("type") == "function":
            named = named if isinstance(named, dict) else {}
            given = (*given, named.get("name"), named.get("arguments"))
        if not all(isinstance(value, str) for value in given) or not given[0]:
            what = "`id`, `type`, `function.name` and `function.arguments` as strings"
            raise _wrong("a call of a tool", what, call, "SEG-CHAT-003")


def _message(told: dict[str, Any]) -> dict[str, Any]:
    """Return the message of a completion; Untestable where another check has to tell what is wrong with it."""
    choices = told.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        raise Untestable("the completion has no message (wire_chat.whole_answer)")
    return message


@check("SEG-CHAT-004", profile="core", wires=WIRE)
async def test_usage_members(subject: Subject) -> None:
    """A usage counts the prompt, the completion, and both together."""
    usage = (await whole_of(subject, body(subject))).get("usage")
    if usage is None:
        raise NotOffered("no usage is reported")
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    if not isinstance(usage, dict) or not all(type(usage.get(name)) is int for name in names):
        raise _wrong("`usage`", f"{', '.join(names)} as integers", usage, "SEG-CHAT-004")


@check("SEG-CHAT-010", profile="core", wires=WIRE)
async def test_stream_content_type(subject: Subject) -> None:
    """With `stream` the answer is an event stream."""
    kind, _ = await events_of(subject, body(subject))
    if kind != "text/event-stream":
        raise Deviation("a request with `stream: true`", expected="text/event-stream", actual=kind or "no type")


def _chunks(events: list[SSEEvent]) -> list[dict[str, Any]]:
    """Return the chunks of a stream; Deviation for an event that is none."""
    if not events:
        raise Deviation(
            "the stream has no events", expected="chat.completion.chunk objects", actual="none",
            requirement="SEG-CHAT-011",
        )  # fmt: skip
    found = []
    for number, event in enumerate(events):
        if event.data == _DONE:
            if number != len(events) - 1:
                raise Deviation(
                    "[DONE]", expected="behind all events", actual=f"event {number + 1} of {len(events)}",
                    requirement="SEG-CHAT-011",
                )  # fmt: skip
            continue
        try:
            chunk = json.loads(event.data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict) or not ("error" in chunk or chunk.get("object") == "chat.completion.chunk"):
            raise Deviation(
                "an event's data", expected="a chat.completion.chunk, an object with `error`, or [DONE]",
                actual=event.data[:200], requirement="SEG-CHAT-011",
            )  # fmt: skip
        if chunk.get("error"):
            raise Untestable(f"a plain request failed in its stream: {event.data[:200]}")
        found.append(chunk)
    return found


def _choices(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the chunks bring of the first choice."""
    listed = [choice for chunk in chunks for choice in chunk.get("choices") or () if isinstance(choice, dict)]
    return [choice for choice in listed if choice.get("index", 0) == 0]


def _delta(choice: dict[str, Any]) -> dict[str, Any]:
    return choice["delta"] if isinstance(choice.get("delta"), dict) else {}


@check("SEG-CHAT-011", profile="core", wires=WIRE)
async def test_chunks(subject: Subject) -> None:
    """Each event is one chunk, an object with an error, or the last `[DONE]`."""
    _, events = await events_of(subject, body(subject, "Count from 1 to 20."))
    _chunks(events)


@check("SEG-CHAT-012", profile="core", wires=WIRE)
async def test_one_finish_reason(subject: Subject) -> None:
    """A stream says once why the answer ended."""
    _, events = await events_of(subject, body(subject))
    told = [choice.get("finish_reason") for choice in _choices(_chunks(events))]
    reasons = [str(reason) for reason in told if reason is not None]
    if len(reasons) != 1:
        raise Deviation("`finish_reason`", expected="in exactly one chunk", actual=", ".join(reasons) or "in none")


@check("SEG-CHAT-013", profile="core", wires=WIRE)
async def test_call_fragments(subject: Subject) -> None:
    """Every piece of a call bears its index, and the first one its id and its name."""
    _, events = await events_of(subject, body(subject, CALL_IT, tools=tools_of(subject)))
    deltas = [_delta(choice) for choice in _choices(_chunks(events))]
    fragments = [fragment for delta in deltas for fragment in delta.get("tool_calls") or ()]
    counted(fragments, "".join(str(delta.get("content") or "") for delta in deltas))
    begun: set[int] = set()
    for fragment in fragments:
        index = fragment.get("index") if isinstance(fragment, dict) else None
        if type(index) is not int:
            raise _wrong("a piece of a call", "`index` as an integer", fragment, "SEG-CHAT-013")
        named = fragment.get("function", fragment.get("custom"))
        name = named.get("name") if isinstance(named, dict) else None
        if index not in begun and not (isinstance(fragment.get("id"), str) and fragment["id"] and name):
            raise _wrong("the first piece of a call", "`id` and `function.name`", fragment, "SEG-CHAT-013")
        begun.add(index)


@check("SEG-CHAT-014", profile="core", wires=WIRE)
async def test_usage_chunk(subject: Subject) -> None:
    """Asked for, a chunk of its own brings the usage."""
    _, events = await events_of(subject, body(subject, stream_options={"include_usage": True}))
    if not any(c.get("choices") == [] and isinstance(c.get("usage"), dict) for c in _chunks(events)):
        last = events[-2].data if len(events) > 1 and events[-1].data == _DONE else events[-1].data
        raise Deviation(
            "`stream_options.include_usage` was true",
            expected="a chunk with empty `choices` and a `usage` before [DONE]",
            actual=f"none; the last one is {last[:160]}",
        )


@check("SEG-CHAT-015", profile="core", wires=WIRE)
async def test_done(subject: Subject) -> None:
    """A stream ends with [DONE]."""
    _, events = await events_of(subject, body(subject))
    if not events or events[-1].data != _DONE:
        raise Deviation(
            "the end of a stream", expected="data: [DONE]", actual=(events[-1].data if events else "")[:200]
        )


@check("SEG-CHAT-020", profile="core", wires=WIRE)
async def test_error_envelope(subject: Subject) -> None:
    """What is refused is answered from 400 to 599, with `error` as an object that has a message."""
    await refuses_in_envelope(subject, _is_error, '{"error": {"message": "…"}}')


def _is_error(told: Any) -> bool:
    error = told.get("error") if isinstance(told, dict) else None
    return isinstance(error, dict) and isinstance(error.get("message"), str)


@check("SEG-ITEM-020", profile="core", wires=WIRE)
async def test_string_equals_parts(subject: Subject) -> None:
    """A message as a string and one as parts are the same to the model."""
    secret = word()
    text = plant(secret)
    for form, content in (("a string", text), ("parts", [{"type": "text", "text": text}])):
        told = [user(content), {"role": "assistant", "content": "OK"}, user(ASK)]
        answer = await ask(subject, body(subject, messages=told))
        if answer.status >= 400:
            if form == "a string":
                raise Untestable(f"a history was refused: status {answer.status}")
            came = shown(answer)
            raise Deviation("a message as parts was refused", expected="an answer, as to a string", actual=came)
        said = str(_message(object_of(answer)).get("content"))
        if not says(said, secret):
            if form == "a string":
                raise Inconclusive(f"the model did not say the word given as a string: {said[:120]!r}")
            raise Deviation("the word was known as a string and lost as parts", expected=secret, actual=said[:120])


@check("SEG-SEC-002", profile="core", wires=WIRE)
async def test_wrong_key_refused(subject: Subject) -> None:
    """A wrong key is refused before anything runs."""
    await refuses_wrong_key(subject, lambda key: ask(subject, body(subject), key=key))
