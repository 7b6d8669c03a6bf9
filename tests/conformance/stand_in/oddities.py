"""What is unusual and legal on OpenAI's wires, beyond the stand-in's switches: by name a sentence, wires and seams."""

from __future__ import annotations

import json
from typing import Any

from .endpoint import Refused
from .faults.answers import body, each, item, part, usage
from .seams import At, Seam

__all__ = ["ODDITIES"]

Event = dict[str, Any]
WS, HTTP = ("openai-ws",), ("openai-http",)
BOTH = (*WS, *HTTP)


def refusing(status: int, **members: Any) -> dict[str, Seam]:
    """Refuse what is wrong in a request with another status, and other members."""

    def seam(refused: Any, at: At) -> Any:
        if isinstance(refused, Refused) and refused.error["code"] in ("invalid_type", "invalid_value"):
            refused.status = status
            refused.error.update(members)
        return refused

    return {"refused": seam}


def lost(status: int, **members: Any) -> dict[str, Seam]:
    """Refuse a lost parent in other words."""

    def seam(refused: Any, at: At) -> Any:
        if isinstance(refused, Refused) and refused.error["code"] == "previous_response_not_found":
            refused.status = status
            refused.error.update(members)
        return refused

    return {"refused": seam}


def counted_on(event: Event | None, at: At) -> Event | None:
    """Number the events of all responses as one series."""
    return None if event is None else {**event, "sequence_number": at.count("events")}


def with_tool_first(output: list[Event], at: At) -> list[Event]:
    """Begin with what a tool of the vendor's own did."""
    return [{"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}, *output]


def text_before_calls(output: list[Event], at: At) -> list[Event]:
    """Say something before a tool is called."""
    calls = any(each["type"] == "function_call" for each in output)
    return [at.stand_in._message(["I will call it."]), *output] if calls else output


def cut_before_text(made: Event, at: At) -> Event:
    """Spend the whole limit on thoughts."""
    if made["status"] != "incomplete":
        return made
    thought = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "I think."}]}
    return {**made, "output": [thought]}


def call_ids_start_again(output: list[Event], at: At) -> list[Event]:
    """Count the calls of each turn from 0."""
    calls = [each for each in output if each["type"] == "function_call"]
    return [{**e, "call_id": f"call_{calls.index(e)}"} if e in calls else e for e in output]


def children_too(answer: Any, at: At) -> Any:
    """Delete what went on from a response with it."""
    if isinstance(answer, dict):
        for name, held in list(at.stand_in.held.items()):
            back = held
            while back is not None:
                if back.id == at.asked["id"]:
                    at.stand_in.held.pop(name, None)
                back = back.parent
    return answer


def lines_of(lines: list[str], at: At) -> list[str]:
    """Write JSON over several lines, each a `data` line, as server-sent events allow."""
    *head, data = lines
    return [*head, *(f"data: {line}" for line in json.dumps(json.loads(data[6:]), indent=1).split("\n"))]


def warm_usage(made: Event, at: At) -> Event:
    """Count nothing of a warm-up."""
    return {**made, "usage": None} if at.asked.get("generate") is False else made


def no_status(event: Event | None, at: At) -> Event | None:
    """Leave the status of the Response to the event's type."""
    if event is None or "response" not in event:
        return event
    return {**event, "response": {n: v for n, v in event["response"].items() if n != "status"}}


def annotated(text: Event) -> Event:
    cited = {"type": "url_citation", "url": "https://example.test", "start_index": 0, "end_index": 2, "title": "x"}
    return {**text, "annotations": [cited]}


def without(*names: str) -> dict[str, Seam]:
    """Leave members out of the Response."""
    return {"body": lambda b, at: {n: v for n, v in b.items() if n not in names}}


def refuses_member(*names: str) -> dict[str, Seam]:
    """Refuse creates that have one of these members."""

    def seam(given: Any, at: At) -> Any:
        for name in names:
            if at.asked.get(name) is not None:
                raise Refused(400, "unsupported_parameter", f"Unsupported parameter: '{name}'.", name)
        return given

    return {"checked": seam}


def refuses_now_and_then(output: list[Event], at: At) -> list[Event]:
    """Say in every sixth answer that this is not answered."""
    if at.count("answers") % 6 != 5:
        return output
    part = {"type": "refusal", "refusal": "I can't help with that."}
    return [{**i, "content": [part]} if i["type"] == "message" else i for i in output]


def thinking_in_text(output: list[Event], at: At) -> list[Event]:
    """Think aloud in reasoning, with every word that it was given."""
    if at.asked.get("generate") is False:
        return output
    told = " ".join(str(i.get("content")) for i in at.asked.get("input") or () if isinstance(i, dict))
    summary = [{"type": "summary_text", "text": f"The user says: {told}"}]
    return [{"id": at.stand_in._id("rs"), "type": "reasoning", "summary": summary}, *output]


def empty_part_first(made: Event) -> Event:
    blank = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    return {**made, "content": [blank, *made["content"]]}


def lean_created(event: Event | None, at: At) -> Event | None:
    """Tell at the beginning of a response no more than which it is."""
    if event is None or not event["type"].endswith(("created", "in_progress")):
        return event
    return {**event, "response": {n: event["response"][n] for n in ("id", "object", "status", "model")}}


def same_item_ids(output: list[Event], at: At) -> list[Event]:
    """Count the items of each response from 0."""
    return [{**i, "id": f"msg_{place}"} for place, i in enumerate(output)]


def annotating(events: list[Event], at: At) -> list[Event]:
    """Say of a text where it comes from, event by event."""
    found: list[Event] = []
    for event in events:
        if event["type"].endswith("output_text.done"):
            where = {n: event[n] for n in ("item_id", "output_index", "content_index")}
            cited = {"type": "url_citation", "url": "https://example.test", "start_index": 0, "end_index": 1}
            more = {"type": "response.output_text.annotation.added", "annotation_index": 0, "annotation": cited}
            found.append({**more, **where})
        found.append(event)
    return found


ODDITIES: dict[str, tuple[str, tuple[str, ...], dict[str, Seam]]] = {
    "created_at_is_float": ("times with fractions", BOTH, {}),
    "short_ids": ("ids that count: resp_1, resp_2", BOTH, {}),
    "dotted_ids": ("ids with dots, colons and tildes", BOTH, {}),
    "numbers_go_on": ("sequence numbers that go on from response to response", BOTH, {"event": counted_on}),
    "numbers_are_large": (
        "sequence numbers from a million on",
        BOTH,
        each("", lambda e, at: {**e, "sequence_number": e["sequence_number"] + 10**6}),
    ),
    "model_is_dated": ("the model's name with a date", BOTH, body(model="scripted-2026-11")),
    "model_is_another": ("another name of the model", BOTH, body(model="another-model")),
    "tools_are_not_echoed": ("tools are not told again", BOTH, body(tools=[])),
    "metadata_is_lost": ("metadata are not told again", BOTH, body(metadata={})),
    "store_is_not_told": ("no `store` in the Response", BOTH, without("store")),
    "parent_is_absent": ("no previous_response_id in the Response", BOTH, without("previous_response_id")),
    "status_is_absent": ("no status in the Response", BOTH, {"event": no_status}),
    "instructions_are_told_always": (
        "instructions of its own are told",
        BOTH,
        body(instructions="Be kind."),
    ),
    "tier_is_odd": ("a service tier that nobody asked for", BOTH, body(service_tier="flex", truncation="auto")),
    "items_without_status": (
        "items without status",
        BOTH,
        item(lambda i: {n: v for n, v in i.items() if n != "status"}),
    ),
    "cites_sources": ("texts with annotations", BOTH, part(annotated)),
    "null_logprobs": ("logprobs null", BOTH, part(lambda p: {**p, "logprobs": None})),
    "parts_with_more": ("parts with members of a vendor", BOTH, part(lambda p: {**p, "vendor": {"a": 1}})),
    "usage_is_cached": (
        "all input tokens cached, and members of a vendor in the usage",
        BOTH,
        usage(lambda u, at: {**u, "input_tokens_details": {"cached_tokens": u["input_tokens"], "vendor_tokens": 0}}),
    ),
    "usage_counts_thoughts": (
        "reasoning tokens among those of output",
        BOTH,
        usage(
            lambda u, at: {
                **u,
                "output_tokens": u["output_tokens"] + 9,
                "total_tokens": u["total_tokens"] + 9,
                "output_tokens_details": {"reasoning_tokens": 9},
            }
        ),
    ),
    "usage_has_null_details": (
        "details of usage null",
        BOTH,
        usage(lambda u, at: {**u, "input_tokens_details": None, "output_tokens_details": None}),
    ),
    "vendors_tool_first": ("an item of a vendor's tool before the answer", BOTH, {"output": with_tool_first}),
    "text_before_calls": ("a message before a call of a tool", BOTH, {"output": text_before_calls}),
    "call_ids_start_again": ("call ids that count from 0 in each turn", BOTH, {"output": call_ids_start_again}),
    "arguments_with_blanks": (
        "arguments with blanks",
        BOTH,
        item(lambda i: {**i, "arguments": "{ }"}, "function_call"),
    ),
    "cut_before_text": ("a limit that is spent before the first word", BOTH, {"body": cut_before_text}),
    "wrong_is_422": ("422 for what is wrong in a request", BOTH, refusing(422)),
    "wrong_without_code": ("no code for what is wrong in a request", BOTH, refusing(400, code=None, param=None)),
    "lost_is_response_not_found": (
        "a lost parent by the code response_not_found and its parameter",
        BOTH,
        lost(404, code="response_not_found"),
    ),
    "errors_with_more": (
        "errors with members of a vendor",
        BOTH,
        {"told": lambda told, at: {**told, "request_id": "req_1", "error": {**told["error"], "doc_url": "x"}}},
    ),
    "no_model_is_taken": (
        "a create without model runs",
        BOTH,
        {"asked": lambda a, at: {**a, "model": a.get("model") or "default"}},
    ),
    "empty_parent_is_taken": (
        "an empty parent is none",
        BOTH,
        {"asked": lambda a, at: {n: v for n, v in a.items() if n != "previous_response_id" or v != ""}},
    ),
    "wrong_key_is_403": (
        "403 for a wrong key",
        HTTP,
        {"answer": lambda seen, at: (403, *seen[1:]) if seen[0] == 401 else seen},
    ),
    "delete_is_204": (
        "a delete is answered 204",
        HTTP,
        {"answer": lambda seen, at: (204, b"", "text/plain") if "'deleted'" in str(seen[1]) else seen},
    ),
    "delete_names_its_object": (
        "a delete is answered by an object `response.deleted`",
        HTTP,
        {"deleted": lambda a, at: {**a, "object": "response.deleted"} if isinstance(a, dict) else a},
    ),
    "delete_takes_children": ("a delete takes the children with it", HTTP, {"deleted": children_too}),
    "cannot_list": ("no list of input items", HTTP, {}),
    "json_with_charset": (
        "a charset in the content type",
        HTTP,
        {"answer": lambda seen, at: (*seen[:2], f"{seen[2]}; charset=utf-8")},
    ),
    "sse_without_blanks": (
        "fields without a blank behind the colon",
        HTTP,
        {"sse": lambda lines, at: [line.replace(": ", ":", 1) for line in lines]},
    ),
    "sse_data_before_event": ("data before the event's name", HTTP, {"sse": lambda lines, at: lines[::-1]}),
    "sse_lines_of_data": ("data over several lines", HTTP, {"sse": lines_of}),
    "closes_behind_answers": ("a connection for each request", HTTP, {}),
    "unknown_type_is_silent": (
        "a client event of an unknown type is not answered",
        WS,
        {"told": lambda t, at: None if "Unknown event type" in str(t) else t},
    ),
    "half_json_is_silent": (
        "half a JSON object is not answered",
        WS,
        {"told": lambda t, at: None if "invalid_json" in str(t) else t},
    ),
    "closes_behind_half_json": ("half a JSON object ends the connection", WS, {}),
    "closes_behind_a_type": ("a client event of an unknown type ends the connection", WS, {}),
    "ws_errors_as_codex": ("errors with status_code and headers", WS, {}),
    "ws_indented": (
        "events as indented JSON, in letters of ASCII alone",
        WS,
        {"frame": lambda told, at: "\n" + json.dumps(told, indent=2) + "\n"},
    ),
    "ws_pings": ("pings and pongs of the endpoint's own", WS, {}),
    "warm_up_counts_nothing": ("no usage for a warm-up", WS, {"body": warm_usage}),
    "refuses_now_and_then": ("a model that refuses now and then", BOTH, {"output": refuses_now_and_then}),
    "thinks_in_text": ("reasoning that names every word", BOTH, {"output": thinking_in_text}),
    "empty_part_first": ("an empty part before the text", BOTH, item(empty_part_first)),
    "created_is_lean": ("response.created that says which response it is, and no more", BOTH, {"event": lean_created}),
    "item_ids_start_again": ("ids of items that count from 0 in each response", BOTH, {"output": same_item_ids}),
    "cites_in_events": ("response.output_text.annotation.added", BOTH, {"events": annotating}),
    "slow_answers": ("each answer takes its time", BOTH, {}),
    "overloaded_now_and_then": ("503 for one request in seven", BOTH, {}),
    "no_tools": ("tools refused", BOTH, refuses_member("tools")),
    "no_instructions": ("instructions refused", BOTH, refuses_member("instructions")),
    "no_metadata": ("metadata refused", BOTH, refuses_member("metadata", "user", "safety_identifier")),
    "no_choices": (
        "no choice among tools",
        BOTH,
        refuses_member("tool_choice", "parallel_tool_calls"),
    ),
    "no_store_member": ("`store` refused", BOTH, refuses_member("store")),
    "no_conversation": ("`conversation` refused", BOTH, refuses_member("conversation")),
    "limit_is_capped": (
        "max_output_tokens above 20 is 20",
        BOTH,
        {
            "asked": lambda a, at: (
                {**a, "max_output_tokens": min(20, a["max_output_tokens"])}
                if isinstance(a.get("max_output_tokens"), int) and a["max_output_tokens"] > 16
                else a
            )
        },
    ),
    "speaks_http_1_0": ("HTTP/1.0, a connection for each answer", HTTP, {}),
    "streams_end_by_closing": ("streams that end with their connection", HTTP, {}),
    "streams_have_a_length": ("streams that are sent at their end, with a length", HTTP, {}),
    "chunks_have_notes": ("chunks with extensions, and a trailer", HTTP, {}),
    "streams_in_gzip": ("streams in gzip", HTTP, {}),
    "answers_in_gzip": ("answers in gzip", HTTP, {}),
    "json_behind_blanks": ("blank lines before JSON", HTTP, {}),
    "sse_begins_with_a_mark": ("a byte order mark before the stream", HTTP, {}),
    "types_in_capitals": ("content types in capitals", HTTP, {}),
    "routes_in_html": ("a page of HTML for what is not served", HTTP, {}),
    "delete_is_202": (
        "a delete is answered 202",
        HTTP,
        {"answer": lambda seen, at: (202, b"", "text/plain") if "'deleted'" in str(seen[1]) else seen},
    ),
    "key_closes_inside": ("a wrong key ends the connection behind the upgrade", WS, {}),
    "ws_says_hello": ("a greeting of the endpoint's own", WS, {}),
    "ws_chatters": ("signs of life between responses", WS, {}),
    "ws_ends_when_idle": ("an idle connection is ended after a second", WS, {}),
    "lane_is_null": ("`stream_id: null` where none was named", WS, {}),
    "three_at_once": ("429 for a fourth response in flight", WS, {}),
    "queue_of_one": ("429 for a third create in a lane", WS, {}),
    "ws_numbers_errors": (
        "errors with a sequence number",
        WS,
        {"told": lambda t, at: {**t, "sequence_number": 0} if isinstance(t, dict) and "type" in t else t},
    ),
}
