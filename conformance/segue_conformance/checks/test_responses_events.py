"""OpenAI Responses, bare: what its events must bear, on both wires (spec: binding-openai-http, binding-openai-ws)."""

from __future__ import annotations

import json
from typing import Any

from ..registry import check
from ..responses_wire import create, events_of, refusal_of, terminal_of
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


@check("SEG-OHTTP-023", "SEG-OWS-020", "SEG-OWS-005", profile="core", wires=OPENAI)
async def test_sequence_numbers(subject: Subject) -> None:
    """Every event of a response bears a sequence_number, and they rise strictly."""
    last = -1
    for event in await events_of(subject, create(subject)):
        if not event["type"].startswith("response."):
            continue
        number = event.get("sequence_number")
        if not isinstance(number, int) or isinstance(number, bool):
            raise Deviation(f"{event['type']}", expected="a sequence_number", actual=str(number))
        if number <= last:
            raise Deviation(f"{event['type']}", expected=f"a sequence_number above {last}", actual=str(number))
        last = number


@check("SEG-OHTTP-024", "SEG-OWS-023", "SEG-OHTTP-026", profile="core", wires=OPENAI)
async def test_items_are_brought_whole(subject: Subject) -> None:
    """Each output item comes whole in output_item.done, and the terminal event lists the same items."""
    events = await events_of(subject, create(subject))
    response = terminal_of(events)
    done = [event for event in events if event["type"] == "response.output_item.done"]
    listed = response.get("output") or []
    if not done:
        raise Deviation("the response has no whole items", expected="response.output_item.done", actual="none")
    items = [event.get("item") for event in sorted(done, key=lambda event: event.get("output_index", 0))]
    if listed and [_visible(item) for item in listed] != [_visible(item) for item in items]:
        raise Deviation(
            "the terminal event lists other items than were brought",
            expected=json.dumps(items)[:300],
            actual=json.dumps(listed)[:300],
            requirement="SEG-OHTTP-026",
        )


@check("SEG-OHTTP-025", profile="core", wires=OPENAI)
async def test_copies_equal_deltas(subject: Subject) -> None:
    """The `done` copies of a text say what its deltas said."""
    events = await events_of(subject, create(subject))
    terminal_of(events)
    streamed: dict[tuple[Any, Any], str] = {}
    for event in events:
        key = (event.get("output_index"), event.get("content_index"))
        if event["type"] == "response.output_text.delta":
            streamed[key] = streamed.get(key, "") + str(event.get("delta"))
        elif event["type"] == "response.output_text.done" and key in streamed:
            _same("response.output_text.done", streamed[key], event.get("text"))
        elif event["type"] == "response.content_part.done" and key in streamed:
            part = event.get("part")
            _same("response.content_part.done", streamed[key], part.get("text") if isinstance(part, dict) else None)
    if not streamed:
        raise NotOffered("no text is streamed: every item comes whole")


def _same(where: str, streamed: str, copy: Any) -> None:
    if copy != streamed:
        raise Deviation(f"{where} says another text", expected=repr(streamed[:200]), actual=repr(copy)[:200])


@check("SEG-OHTTP-027", "SEG-OWS-024", "SEG-OHTTP-011", profile="core", wires=OPENAI)
async def test_terminal_response(subject: Subject) -> None:
    """The terminal event's response has the status of the event's type and the members that clients need."""
    events = await events_of(subject, create(subject))
    response = terminal_of(events)
    named = events[-1]["type"].removeprefix("response.")
    if response.get("status", named) != named:
        raise Deviation("the status in the terminal event", expected=named, actual=str(response.get("status")))
    missing = [name for name in _RESPONSE if name not in response]
    if missing:
        raise Deviation(
            f"the response of the terminal event lacks {', '.join(missing)}",
            expected=", ".join(_RESPONSE),
            actual=", ".join(sorted(response)),
            requirement="SEG-OHTTP-011",
        )


@check("SEG-OHTTP-012", profile="core", wires=OPENAI)
async def test_open_responses_members(subject: Subject) -> None:
    """The response has every member that Open Responses asks for."""
    response = terminal_of(await events_of(subject, create(subject)))
    missing = [name for name in (*_RESPONSE, *_OPEN_RESPONSES) if name not in response]
    if missing:
        raise Deviation(
            f"{len(missing)} members are missing",
            expected="all that Open Responses asks for",
            actual=", ".join(missing),
        )


@check("SEG-OHTTP-028", profile="core", wires=OPENAI)
async def test_delta_members(subject: Subject) -> None:
    """Text deltas say to which item and part they belong."""
    events = await events_of(subject, create(subject))
    terminal_of(events)
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    if not deltas:
        raise NotOffered("no text is streamed: every item comes whole")
    for event in deltas:
        wrong = [name for name in ("output_index", "content_index") if not isinstance(event.get(name), int)]
        wrong += [] if isinstance(event.get("delta"), str) else ["delta"]
        if wrong:
            raise Deviation(
                "a text delta", expected="output_index, content_index, delta", actual=f"no usable {', '.join(wrong)}"
            )


@check("SEG-OHTTP-013", profile="core", wires=OPENAI)
async def test_usage_members(subject: Subject) -> None:
    """A usage that is given has its three totals."""
    usage = terminal_of(await events_of(subject, create(subject))).get("usage")
    if usage is None:
        raise NotOffered("no usage is reported")
    totals = ("input_tokens", "output_tokens", "total_tokens")
    wrong = [name for name in totals if not isinstance(usage.get(name), int)]
    if wrong:
        raise Deviation("the usage", expected=", ".join(totals), actual=json.dumps(usage)[:200])


@check("SEG-OHTTP-014", profile="core", wires=OPENAI)
async def test_usage_details(subject: Subject) -> None:
    """A usage that is given has its details, which strict clients ask for."""
    usage = terminal_of(await events_of(subject, create(subject))).get("usage")
    if usage is None:
        raise NotOffered("no usage is reported")
    missing = [name for name in ("input_tokens_details", "output_tokens_details") if name not in usage]
    if missing:
        raise Deviation("the usage", expected="both details", actual=f"no {', '.join(missing)}")


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
            taken, told = answer.status < 400, f"{answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
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


def _visible(item: Any) -> Any:
    """Return an item without what may differ between two copies of it: ids, state, sealed payloads."""
    if isinstance(item, list):
        return [_visible(value) for value in item]
    if not isinstance(item, dict):
        return item
    hidden = ("id", "status", "encrypted_content", "annotations", "logprobs", "obfuscation")
    return {name: _visible(value) for name, value in item.items() if name not in hidden and value is not None}
