"""OpenAI Responses, bare: the members of the Response itself, of its items and of its usage, on both wires.

Spec: binding-openai-http. Each looks at every response of one short conversation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..registry import check
from ..scenes import scenes, wrong
from ..subject import Subject
from .test_responses_events import counted

OPENAI = ("openai-ws", "openai-http")

_STATUSES = ("completed", "failed", "in_progress", "cancelled", "queued", "incomplete")
#: From 2001 to 5138 as seconds; milliseconds of today lie above.
_SECONDS = (1e9, 1e11)


@check("SEG-OHTTP-015", profile="core", wires=OPENAI)
async def test_member_types(subject: Subject) -> None:
    """The members of a Response have their documented types, and its time is in seconds."""
    for scene in await scenes(subject):
        begun = [e["response"] for e in scene.of("created", "in_progress") if isinstance(e.get("response"), dict)]
        for response in (*begun, scene.response):
            for name, expected in _mistyped(response):
                raise wrong(scene, f"`{name}`", expected, json.dumps(response.get(name)))
        if not scene.events and scene.response.get("status", "completed") not in ("completed", "incomplete", "failed"):
            raise wrong(scene, "`status`", "completed", scene.response.get("status"))


def _mistyped(response: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the members that are of another type, and what was expected."""

    def is_text(value: Any) -> bool:
        return isinstance(value, str) and value != ""

    created = response.get("created_at")
    number = isinstance(created, int | float) and not isinstance(created, bool)
    right = {
        "id": (is_text, "text"),
        "object": (lambda value: value == "response", "response"),
        "created_at": (lambda value: number and _SECONDS[0] < value < _SECONDS[1], "a time in seconds since 1970"),
        "model": (is_text, "the name of a model"),
        "output": (lambda value: isinstance(value, list), "a list"),
        "parallel_tool_calls": (lambda value: isinstance(value, bool), "true or false"),
        "tool_choice": (lambda value: isinstance(value, str | dict), "text or an object"),
        "tools": (lambda value: isinstance(value, list), "a list"),
        "status": (lambda value: value in _STATUSES, f"one of {', '.join(_STATUSES)}"),
    }
    for name, (holds, expected) in right.items():
        if name in response and not holds(response[name]):
            yield name, expected


#: What the other members of a Response are, where they are not null.
_OTHERS: dict[str, tuple[tuple[type, ...], str]] = {
    "completed_at": ((int, float), "a number"), "previous_response_id": ((str,), "text"), "store": ((bool,), "a flag"),
    "instructions": ((str, list), "text or a list"), "background": ((bool,), "a flag"), "user": ((str,), "text"),
    "max_output_tokens": ((int,), "a number"), "max_tool_calls": ((int,), "a number"),
    "metadata": ((dict,), "an object"),
    "temperature": ((int, float), "a number"), "top_p": ((int, float), "a number"), "text": ((dict,), "an object"),
    "top_logprobs": ((int,), "a number"), "truncation": ((str,), "text"), "service_tier": ((str,), "text"),
    "reasoning": ((dict,), "an object"), "incomplete_details": ((dict,), "an object"), "error": ((dict,), "an object"),
    "safety_identifier": ((str,), "text"), "prompt_cache_key": ((str,), "text"),
}  # fmt: skip


@check("SEG-OHTTP-019", "SEG-OHTTP-015", profile="core", wires=OPENAI)
async def test_other_member_types(subject: Subject) -> None:
    """The members of a Response that clients can do without have their documented types all the same, or are null."""
    for scene in await scenes(subject):
        told = scene.response
        for name, (types, expected) in _OTHERS.items():
            value = told.get(name)
            if value is not None and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
                raise wrong(scene, f"`{name}`", f"{expected}, or null", json.dumps(value))
        ended, created = told.get("completed_at"), told.get("created_at")
        if ended is not None and not _SECONDS[0] < ended < _SECONDS[1]:
            raise wrong(scene, "`completed_at`", "a time in seconds since 1970", ended)
        if ended is not None and isinstance(created, int | float) and ended < int(created):
            raise wrong(scene, "`completed_at`", f"not before created_at, {created}", ended)


@check("SEG-OHTTP-016", "SEG-OHTTP-017", profile="core", wires=OPENAI)
async def test_what_was_asked_is_told(subject: Subject) -> None:
    """A Response names its parent and whether it is stored, and claims no error where there is none."""
    for scene in await scenes(subject):
        told, parent = scene.response, scene.asked.get("previous_response_id")
        if "previous_response_id" in told and told["previous_response_id"] != parent:
            raise wrong(scene, "`previous_response_id`", parent, told["previous_response_id"])
        if scene.asked.get("store") is False and told.get("store") is True:
            raise wrong(scene, "`store`, where false was asked for", False, told["store"])
        if told.get("status") == "completed":
            for name in ("error", "incomplete_details"):
                if told.get(name) is not None:
                    raise wrong(scene, f"`{name}` of what completed", None, told[name], "SEG-OHTTP-017")


@check("SEG-OHTTP-046", profile="core", wires=OPENAI)
async def test_whole_items_are_finished(subject: Subject) -> None:
    """Whole items are not in progress any more, and texts have their annotations."""
    for scene in await scenes(subject):
        for item in (*scene.done, *scene.output):
            if item.get("status") not in (None, "completed", "incomplete", "failed"):
                raise wrong(scene, f"the status of a whole {item.get('type')}", "completed", item["status"])
            parts = item.get("content") if item.get("type") == "message" else None
            for part in parts if isinstance(parts, list) else ():
                bare = isinstance(part, dict) and part.get("type") == "output_text"
                if bare and not isinstance(part.get("annotations"), list):
                    raise wrong(scene, "a text", "a list of `annotations`", part)


@check("SEG-OHTTP-018", profile="core", wires=OPENAI)
async def test_usage_is_plausible(subject: Subject) -> None:
    """Counts are not zero for what there is, no part is larger than its whole, and output keeps to its limit."""
    for scene, usage in await counted(subject):
        given, put_out = usage["input_tokens"], usage["output_tokens"]
        told = [item for item in scene.done or scene.output if item.get("type") == "message"]
        said = '"text": "' in json.dumps(told).replace('"text": ""', "")
        if min(given, put_out) < 0 or given == 0 or (put_out == 0 and said):
            raise wrong(scene, "the usage", "more than 0 tokens in and out", usage)
        for name, part, whole in (
            ("input_tokens_details", "cached_tokens", given),
            ("output_tokens_details", "reasoning_tokens", put_out),
        ):
            details = usage.get(name)
            count = details.get(part) if isinstance(details, dict) else None
            if isinstance(count, int) and count > whole:
                raise wrong(scene, f"`{part}`", f"at most {whole}", count)
        limit = scene.asked.get("max_output_tokens")
        # Twice the limit: an endpoint may count a little differently from whoever cuts.
        if limit is not None and put_out > 2 * limit:
            raise wrong(scene, "output_tokens", f"at most max_output_tokens, {limit}", put_out)
