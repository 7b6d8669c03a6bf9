"""OpenAI Responses, bare: what its events must bear, on both wires (spec: binding-openai-http, binding-openai-ws).

Most look at every response of one short conversation: what is right in a plain turn may be wrong in a call of a tool.
"""

from __future__ import annotations

import json
from typing import Any

from ..answers import shown
from ..registry import check
from ..responses_wire import create, events_of, refusal_of
from ..scenes import Scene, scenes, streamed, wrong
from ..subject import Subject
from ..verdicts import Deviation, NotOffered

OPENAI = ("openai-ws", "openai-http")

_RESPONSE = ("id", "object", "created_at", "model", "output", "parallel_tool_calls", "tool_choice", "tools")
_OPEN_RESPONSES = (
    "completed_at", "status", "incomplete_details", "previous_response_id", "instructions", "error", "truncation",
    "text", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "user",
    "usage", "max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata",
    "safety_identifier", "prompt_cache_key",
)  # fmt: skip
_TOTALS = ("input_tokens", "output_tokens", "total_tokens")
_STREAMED_TEXT = "response.output_text.delta"
_ARGUMENTS = "response.function_call_arguments.delta"
_PLACES = {_STREAMED_TEXT: ("output_index", "content_index"), _ARGUMENTS: ("output_index",)}
_COPIES = {
    "response.output_text.done": "text",
    "response.content_part.done": "text",
    "response.function_call_arguments.done": "arguments",
}


@check("SEG-OHTTP-023", "SEG-OWS-020", "SEG-OWS-005", profile="core", wires=OPENAI)
async def test_sequence_numbers(subject: Subject) -> None:
    """Every event of a response bears a sequence_number, and they rise strictly."""
    for scene in await streamed(subject):
        last = -1
        for event in scene.events:
            if not event["type"].startswith("response."):
                continue
            number = event.get("sequence_number")
            if not isinstance(number, int) or isinstance(number, bool):
                raise wrong(scene, event["type"], "a sequence_number", number)
            if number <= last:
                raise wrong(scene, event["type"], f"a sequence_number above {last}", number)
            last = number


@check("SEG-OHTTP-024", "SEG-OWS-023", "SEG-OHTTP-026", profile="core", wires=OPENAI)
async def test_items_are_brought_whole(subject: Subject) -> None:
    """Each output item comes whole in output_item.done, and the terminal event lists the same items."""
    for scene in await streamed(subject):
        done = scene.of("output_item.done")
        listed = scene.response.get("output") or []
        if not done:
            raise wrong(scene, "the response has no whole items", "response.output_item.done", "none")
        items = [event.get("item") for event in sorted(done, key=_index)]
        if listed and [_visible(item) for item in listed] != [_visible(item) for item in items]:
            raise wrong(scene, "the terminal event lists other items than were brought", items, listed, "SEG-OHTTP-026")


@check("SEG-OHTTP-025", "SEG-OHTTP-045", profile="core", wires=OPENAI)
async def test_copies_equal_deltas(subject: Subject) -> None:
    """The `done` copies of texts and arguments, and the whole items, say what the deltas said."""
    judged = False
    for scene in await streamed(subject):
        grown: dict[tuple[Any, Any], str] = {}
        for event in scene.events:
            kind, index = event["type"], event.get("output_index")
            key = (index, None if kind.startswith("response.function_call") else event.get("content_index"))
            if kind in (_STREAMED_TEXT, _ARGUMENTS):
                grown[key] = grown.get(key, "") + str(event.get("delta"))
                judged = True
            elif key in grown and kind in _COPIES:
                copy = event.get("part", event)
                member = _COPIES[kind]
                told = copy.get(member) if isinstance(copy, dict) else None
                if told != grown[key]:
                    raise wrong(scene, f"{kind} says something else", grown[key], told)
            elif kind == "response.output_item.done":
                for (place, part), text in grown.items():
                    if place == index and (told := _said(event.get("item"), part)) != text:
                        what = "the arguments" if part is None else f"part {part}"
                        raise wrong(scene, f"{what} of the whole item", text, told, "SEG-OHTTP-045")
    if not judged:
        raise NotOffered("nothing is streamed: every item comes whole")


def _said(item: Any, part: int | None) -> Any:
    """Return the arguments of a call, or the text of one part of a message."""
    if not isinstance(item, dict):
        return None
    if part is None:
        return item.get("arguments")
    content = item.get("content")
    if not isinstance(content, list) or not isinstance(part, int) or not 0 <= part < len(content):
        return None
    return content[part].get("text") if isinstance(content[part], dict) else None


@check("SEG-OHTTP-028", profile="core", wires=OPENAI)
async def test_delta_members(subject: Subject) -> None:
    """Deltas say to which item, and to which part of its text, they belong."""
    judged = False
    for scene in await streamed(subject):
        for event in scene.events:
            wanted = _PLACES.get(event["type"])
            if wanted is None:
                continue
            judged = True
            missing = [name for name in wanted if not isinstance(event.get(name), int)]
            missing += [] if isinstance(event.get("delta"), str) else ["delta"]
            if missing:
                raise wrong(scene, event["type"], ", ".join((*wanted, "delta")), f"no usable {', '.join(missing)}")
    if not judged:
        raise NotOffered("nothing is streamed: every item comes whole")


@check("SEG-OHTTP-027", "SEG-OWS-024", "SEG-OHTTP-011", profile="core", wires=OPENAI)
async def test_terminal_response(subject: Subject) -> None:
    """The Response at the end has the status of the event's type and the members that clients need."""
    for scene in await scenes(subject):
        named = scene.events[-1]["type"].removeprefix("response.") if scene.events else None
        told = scene.response.get("status", named)
        if named is not None and told != named:
            raise wrong(scene, "the status in the terminal event", named, told)
        missing = [name for name in _RESPONSE if name not in scene.response]
        if missing:
            raise wrong(
                scene, f"the Response lacks {', '.join(missing)}", ", ".join(_RESPONSE), sorted(scene.response),
                "SEG-OHTTP-011",
            )  # fmt: skip


@check("SEG-OHTTP-012", profile="core", wires=OPENAI)
async def test_open_responses_members(subject: Subject) -> None:
    """The Response has every member that Open Responses asks for."""
    for scene in await scenes(subject):
        missing = [name for name in (*_RESPONSE, *_OPEN_RESPONSES) if name not in scene.response]
        if missing:
            raise wrong(
                scene, f"{len(missing)} members are missing", "all that Open Responses asks for", ", ".join(missing)
            )


async def counted(subject: Subject) -> list[tuple[Scene, dict[str, Any]]]:
    """Return the scenes whose usage has its totals, with it; skip the check where none is reported."""
    found = [(scene, scene.response.get("usage")) for scene in await scenes(subject)]
    if all(usage is None for _, usage in found):
        raise NotOffered("no usage is reported")
    return [(scene, usage) for scene, usage in found if isinstance(usage, dict) and not _lacking(usage)]


def _lacking(usage: Any) -> list[str]:
    return [name for name in _TOTALS if not isinstance(usage, dict) or not _is_count(usage.get(name))]


@check("SEG-OHTTP-013", "SEG-TURN-037", profile="core", wires=OPENAI)
async def test_usage_members(subject: Subject) -> None:
    """A usage that is given has its three totals, and they add up."""
    for scene in await scenes(subject):
        usage = scene.response.get("usage")
        if usage is not None and _lacking(usage):
            raise wrong(scene, "the usage", ", ".join(_TOTALS), usage)
    for scene, usage in await counted(subject):
        total = usage["input_tokens"] + usage["output_tokens"]
        if usage["total_tokens"] != total:
            raise wrong(scene, "total_tokens", str(total), usage["total_tokens"], "SEG-TURN-037")


@check("SEG-OHTTP-014", profile="core", wires=OPENAI)
async def test_usage_details(subject: Subject) -> None:
    """A usage that is given has its details, which strict clients ask for."""
    for scene, usage in await counted(subject):
        for name, count in (("input_tokens_details", "cached_tokens"), ("output_tokens_details", "reasoning_tokens")):
            details = usage.get(name)
            if not isinstance(details, dict) or not _is_count(details.get(count)):
                raise wrong(scene, f"`{name}`", f"an object with `{count}`", details)


@check("SEG-OHTTP-001", "SEG-OWS-011", "SEG-OHTTP-002", "SEG-OHTTP-003", "SEG-OWS-012", profile="core", wires=OPENAI)
async def test_easy_input(subject: Subject) -> None:
    """Input as text, a message without type, and a null parent are accepted."""
    forms: list[tuple[str, dict[str, Any], str]] = [
        ("input as a string", {"input": "Say hello."}, "SEG-OHTTP-001"),
        ("a message without `type`", {"input": [{"role": "user", "content": "Say hello."}]}, "SEG-OHTTP-002"),
        ("`previous_response_id: null`", {"previous_response_id": None}, "SEG-OHTTP-003"),
    ]
    for what, members, rule in forms:
        body = {**create(subject, "Say hello."), **members}
        if subject.wire == "openai-http":
            answer = await subject.fetch(
                "POST", "/responses", json.dumps(body).encode(), content_type="application/json"
            )
            taken, told = answer.status < 400, shown(answer)
        else:
            last = (await events_of(subject, body))[-1]
            taken, told = last["type"] in ("response.completed", "response.incomplete"), json.dumps(last)[:200]
        if not taken:
            raise Deviation(f"{what} was not accepted", expected="an answer", actual=told, requirement=rule)


@check("SEG-OHTTP-030", "SEG-OWS-030", profile="core", wires=OPENAI)
async def test_error_envelope(subject: Subject) -> None:
    """A refusal comes in an envelope that clients read, with a message."""
    status, body, _ = await refusal_of(subject, create(subject, [{"type": "message", "role": "user", "content": 7}]))
    inner = body.get("error")
    flat = subject.wire == "openai-ws" and isinstance(body.get("message"), str)
    if not flat and not (isinstance(inner, dict) and isinstance(inner.get("message"), str) and inner["message"]):
        raise Deviation("the refusal", expected="an object `error` with a `message`", actual=json.dumps(body)[:200])
    if subject.wire == "openai-http" and not 400 <= (status or 0) < 600:
        raise Deviation("the refusal's status", expected="400 to 599", actual=str(status))


@check("SEG-OHTTP-032", "SEG-OWS-031", profile="core", wires=OPENAI)
async def test_lost_parent_is_named(subject: Subject) -> None:
    """A lost parent is told by its code or its parameter, so that a client knows to resend in full."""
    body = create(subject, "Say hello.", previous_response_id="resp_" + "0123456789abcdef" * 2)
    _, told, _ = await refusal_of(subject, body)
    inner = told.get("error") if isinstance(told.get("error"), dict) else told
    assert isinstance(inner, dict)
    if inner.get("code") != "previous_response_not_found" and inner.get("param") != "previous_response_id":
        raise Deviation(
            "a lost parent",
            expected="code previous_response_not_found, or param previous_response_id",
            actual=json.dumps(inner)[:200],
        )


def _index(event: dict[str, Any]) -> int:
    index = event.get("output_index")
    return index if isinstance(index, int) else 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _visible(item: Any) -> Any:
    """Return an item without what may differ between two copies of it: ids, state, sealed payloads."""
    if isinstance(item, list):
        return [_visible(value) for value in item]
    if not isinstance(item, dict):
        return item
    hidden = ("id", "status", "encrypted_content", "annotations", "logprobs", "obfuscation")
    return {name: _visible(value) for name, value in item.items() if name not in hidden and value is not None}
