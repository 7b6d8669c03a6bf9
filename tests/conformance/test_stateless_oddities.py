"""What is legal on the two wires without state and unusual accuses nobody.

The reference endpoint says what it says in another, legal form; every check of the wire looks at it, in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from segue_adapters.wires.base import Answer, Request
from segue_conformance.mutants import Mutant
from segue_conformance.mutants.wire_fault import Told, WireFault
from segue_conformance.registry import Catalogue
from segue_conformance.verdicts import Verdict
from segue_conformance.virtual.world import World

Event = dict[str, Any]
Oddity = Callable[[Event, dict[str, Any]], Told]


def _choice(event: Event) -> Event:
    return event["choices"][0] if event.get("choices") else {}


# ---- Chat Completions


def null_usage_in_chunks(event: Event, state: Event) -> Told:
    return event if "usage" in event else {**event, "usage": None}


def empty_deltas(event: Event, state: Event) -> Told:
    if not event.get("choices"):
        return event
    empty = {**event, "choices": [{"index": 0, "delta": {}, "finish_reason": None}]}
    return [empty, event]


def no_first_chunk(event: Event, state: Event) -> Told:
    return None if _choice(event).get("delta", {}).get("content") == "" else event


def a_first_chunk_without_choices(event: Event, state: Event) -> Told:
    fresh = not state
    state["begun"] = True
    return [{**event, "choices": [], "prompt_filter_results": []}, event] if fresh else event


def content_null(event: Event, state: Event) -> Told:
    delta = _choice(event).get("delta")
    if delta is not None and not delta.get("content"):
        delta["content"] = None
    return event


def finish_beside_the_last_delta(event: Event, state: Event) -> Told:
    """Hold every chunk back until the next one is there: the reason joins the last that said something."""
    held = state.pop("held", None)
    if not event.get("choices"):
        return [held, event] if held else event
    if held and _choice(event)["finish_reason"]:
        _choice(held)["finish_reason"] = _choice(event)["finish_reason"]
        return held
    state["held"] = event
    return held


def usage_in_every_chunk(event: Event, state: Event) -> Told:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return event if event.get("choices") == [] else {**event, "usage": usage}


def unknown_members(event: Event, state: Event) -> Told:
    for choice in event.get("choices", ()):
        choice["delta"] |= {"reasoning_content": None, "vendor": {"a": [1]}}
    return {**event, "system_fingerprint": None, "service_tier": "default", "obfuscation": "xyz"}


def id_and_name_again(event: Event, state: Event) -> Told:
    for call in _choice(event).get("delta", {}).get("tool_calls", ()):
        known = state.setdefault(str(call["index"]), {})
        known |= {name: call[name] for name in ("id", "type") if name in call}
        call |= known
    return event


def whole_calls(event: Event, state: Event) -> Told:
    """Send each call in one piece, as endpoints do that wait for its end."""
    calls = _choice(event).get("delta", {}).get("tool_calls")
    if calls:
        for call in calls:
            held = state.setdefault(call["index"], call)
            if held is not call:
                held["function"]["arguments"] += call["function"].get("arguments", "")
        return None
    if _choice(event).get("finish_reason") and state:
        delta = {"tool_calls": [state[index] for index in sorted(state)]}
        state.clear()
        return [{**event, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}, event]
    return event


# ---- Anthropic Messages


def pings_everywhere(event: Event, state: Event) -> Told:
    return [{"type": "ping"}, event, {"type": "ping"}]


def unknown_events(event: Event, state: Event) -> Told:
    return [event, {"type": "vendor_event", "index": 0, "delta": {"type": "x"}}]


def unknown_deltas(event: Event, state: Event) -> Told:
    if event["type"] != "content_block_delta":
        return event
    return [event, {**event, "delta": {"type": "citations_delta", "citation": {}}}]


def no_deltas_for_an_empty_input(event: Event, state: Event) -> Told:
    piece = event.get("delta", {}).get("partial_json") if event["type"] == "content_block_delta" else None
    return None if piece == "{}" else event


def empty_pieces(event: Event, state: Event) -> Told:
    if event["type"] != "content_block_delta":
        return event
    kind = event["delta"]["type"]
    member = {"text_delta": "text", "input_json_delta": "partial_json"}[kind]
    return [{**event, "delta": {"type": kind, member: ""}}, event]


def thinks_first(event: Event, state: Event) -> Told:
    """Begin with a thought, sealed: the other blocks count from one."""
    if event["type"].startswith("content_block"):
        return {**event, "index": event["index"] + 1}
    if event["type"] != "message_start":
        return event
    block = {"type": "thinking", "thinking": "", "signature": ""}
    return [
        event,
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2VhbA=="}},
        {"type": "content_block_stop", "index": 0},
    ]


def usage_grows(event: Event, state: Event) -> Told:
    """Tell the usage in two message_delta events: what comes later counts."""
    if event["type"] != "message_delta":
        return event
    return [{"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 1}}, event]


def more_members(event: Event, state: Event) -> Told:
    if event["type"] == "message_start":
        event["message"] |= {"container": None, "stop_details": None}
        event["message"]["usage"] |= {"cache_creation": None, "service_tier": "standard"}
    return {**event, "vendor": None}


CHAT: Mapping[str, Oddity] = {
    oddity.__name__: oddity
    for oddity in (
        null_usage_in_chunks, empty_deltas, no_first_chunk, a_first_chunk_without_choices, content_null,
        finish_beside_the_last_delta, usage_in_every_chunk, unknown_members, id_and_name_again, whole_calls,
    )
}  # fmt: skip
ANTHROPIC: Mapping[str, Oddity] = {
    oddity.__name__: oddity
    for oddity in (
        pings_everywhere, unknown_events, unknown_deltas, no_deltas_for_an_empty_input, empty_pieces, thinks_first,
        usage_grows, more_members,
    )
}  # fmt: skip


class Odd(WireFault):
    """The reference endpoint with other words for its events."""

    oddity: ClassVar[Oddity]

    def event(self, wire: str, event: Event, state: dict[str, Any]) -> Told:
        return type(self).oddity(event, state)


class OddBytes(WireFault):
    """The reference endpoint with other bytes for its streams: comments, CRLF, no space, members in several lines."""

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        if wire not in self.wires:
            return data
        odd = data.replace(b"data: ", b"data:").replace(b"\n", b"\r\n")
        return b": keep alive\r\n\r\n" + odd + b":\r\nid: 7\r\nretry: 10\r\n\r\n"


class OddAnswers(WireFault):
    """The reference endpoint with other members in whole answers, and errors as others have them."""

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        if not answer.body:
            return answer
        told = json.loads(answer.body)
        if answer.status >= 400 and wire == "chat":
            told = {"error": {"message": told["error"]["message"], "code": None}}
        elif answer.status >= 400:
            told["request_id"] = "req_1"
        elif wire == "chat":
            message = told["choices"][0]["message"]
            del message["refusal"], message["annotations"]
            told |= {"usage": None, "vendor": [1], "choices": [{**told["choices"][0], "stop_reason": None}]}
        else:
            told |= {"usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": None}, "container": None}
        return Answer(answer.status, {**answer.headers, "content-type": "application/json;charset=UTF-8"},
                      json.dumps(told, indent=1).encode())  # fmt: skip


CASES: list[tuple[str, str]] = [
    *(("chat", name) for name in (*CHAT, "bytes", "answers")),
    *(("anthropic", name) for name in (*ANTHROPIC, "bytes", "answers")),
]


def odd(wire: str, name: str) -> type[WireFault]:
    if name in ("bytes", "answers"):
        return type(name, (OddBytes if name == "bytes" else OddAnswers,), {"wires": (wire,)})
    told = (CHAT if wire == "chat" else ANTHROPIC)[name]
    return type(name, (Odd,), {"wires": (wire,), "oddity": staticmethod(told)})


@pytest.mark.parametrize(("wire", "name"), CASES)
def test_what_is_legal_accuses_nobody(wire: str, name: str) -> None:
    catalogue = Catalogue.load()
    world = World(Mutant(name, "Nothing is wrong.", {}, odd(wire, name)), catalogue)
    try:
        results = [world.perform(check, wire) for check in catalogue if wire in check.wires]
    finally:
        world.close()
    told = [f"{r.check}: {r.verdict}: {r.message} (expected {r.expected}, got {r.actual})" for r in results
            if r.verdict is not Verdict.PASS]  # fmt: skip
    accused = [r for r in results if r.verdict not in (Verdict.PASS, Verdict.SKIP)]
    assert accused == [], told
    assert sum(r.verdict is Verdict.PASS for r in results) >= len(results) - 3, told
