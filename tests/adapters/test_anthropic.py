"""Anthropic Messages as a client: what is sent, what has no place, every shape of answer and error (its binding)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried, RemoteProtocolError
from segue_adapters.sse import encode_event
from segue_adapters.wires.anthropic import AnthropicClient
from segue_adapters.wires.anthropic_errors import encode_error, error_status
from segue_adapters.wires.base import Answer
from segue_schemas import models
from stateless_lab import JSON, STREAM, answered, built, carried, sent, start, tags

WIRE = AnthropicClient()
NEWER = AnthropicClient(version="2026-10-21", max_tokens=9)
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "42"}
SHOWN = [{"type": "reasoning_text", "text": "hm"}]
THOUGHT = {"type": "reasoning", "summary": [], "content": SHOWN, "encrypted_content": "s", "issuer": "anthropic"}
REDACTED = {"type": "reasoning", "summary": [], "encrypted_content": "d", "issuer": "anthropic"}
FOREIGN = {"type": "reasoning", "summary": [], "encrypted_content": "s", "issuer": "openai"}


def said(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def spoken(*texts: str) -> dict[str, Any]:
    return said("assistant", [{"type": "output_text", "text": text} for text in texts])


def told_as(messages: list[dict[str, Any]]) -> list[Any]:
    return [[m["role"], *(block.get("text", block["type"]) for block in m["content"])] for m in messages]


def event(kind: str, **members: Any) -> bytes:
    return encode_event(json.dumps({"type": kind, **members}).encode(), event=kind)


START = event("message_start", message={"id": "msg_1", "role": "assistant", "content": [],
                                        "usage": {"input_tokens": 9, "output_tokens": 1}})  # fmt: skip
STOP = event("message_stop")
PING = event("ping")


def block(index: int, begun: dict[str, Any], *deltas: dict[str, Any], stop: bool = True) -> bytes:
    told = event("content_block_start", index=index, content_block=begun)
    told += b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
    return told + (event("content_block_stop", index=index) if stop else b"")


def text(index: int, *pieces: str, stop: bool = True) -> bytes:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas, stop=stop)


def use(index: int, *pieces: str, given: Any = None, stop: bool = True) -> bytes:
    begun = {"type": "tool_use", "id": "c1", "name": "f", "input": given or {}}
    return block(index, begun, *({"type": "input_json_delta", "partial_json": p} for p in pieces), stop=stop)


def reason(word: Any = "end_turn", **usage: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": word, "stop_sequence": None}, usage=usage)


def streamed(*events: bytes, step: int = 11) -> list[models.ServerMessage]:
    return answered(WIRE, Answer(200, STREAM, b"".join(events)), step=step)


def message(*content: Any, stop: Any = "end_turn", **more: Any) -> bytes:
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content}
    return json.dumps({**told, "stop_reason": stop, "usage": {"input_tokens": 1, "output_tokens": 2}, **more}).encode()


def whole(body: bytes) -> list[models.ServerMessage]:
    return answered(WIRE, Answer(200, JSON, body), delivery=models.Delivery(mode="final"))


def end_of(messages: list[models.ServerMessage]) -> models.TurnCompleted:
    done = messages[-1]
    assert isinstance(done, models.TurnCompleted)
    return done


# ---- requests


def test_a_turn_is_a_post() -> None:
    trace = models.Trace(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    request = WIRE.exchange(start("Hello", trace=trace)).request
    assert (request.method, request.path, request.key_header) == ("POST", "/messages", "x-api-key")
    assert request.headers == {
        **JSON, "accept": "text/event-stream", "anthropic-version": "2023-06-01", "traceparent": trace.traceparent,
    }  # fmt: skip
    assert json.loads(request.body) == {
        "model": "m", "max_tokens": 4096, "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }  # fmt: skip
    body = sent(NEWER, "Hello", delivery=models.Delivery(mode="final"))
    assert (body["max_tokens"], "stream" in body) == (9, False)


def test_settings_go_under_their_names_here() -> None:
    function = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    context = {
        "instructions": "Be brief.",
        "tools": [function, {"type": "function", "name": "g"}, {"type": "bash", "name": "b"}],
        "tool_choice": "required", "parallel_tool_calls": False, "max_output_tokens": 5, "temperature": 0.5, "top_k": 3,
        "text": {"format": {"type": "text"}}, "reasoning": {"effort": None}, "truncation": "disabled",
        "thinking": {"type": "enabled"},
    }  # fmt: skip
    body = sent(WIRE, said("system", [{"type": "input_text", "text": "And kind."}]), "Hello", context=context)
    del body["messages"]
    assert body == {
        "model": "m", "system": "Be brief.\n\nAnd kind.", "max_tokens": 5, "temperature": 0.5, "top_k": 3,
        "stream": True,
        "thinking": {"type": "enabled"}, "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}},
                  {"name": "g", "input_schema": {"type": "object", "properties": {}}}, {"type": "bash", "name": "b"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("context", "choice"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": {"type": "function", "name": "f"}}, {"type": "tool", "name": "f"}),
        ({"tool_choice": {"type": "any"}}, {"type": "any"}),
        ({"parallel_tool_calls": False, "tools": [{"name": "f"}]}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": False}, None),
    ],
)
def test_tool_choice(context: dict[str, Any], choice: Any) -> None:
    assert sent(WIRE, "Hello", context=context).get("tool_choice") == choice


def test_a_history_is_messages() -> None:
    body = sent(
        WIRE, said("developer", "s"), "Hello", said("user", "again"), FOREIGN, THOUGHT, REDACTED,
        said("assistant", [{"type": "output_text", "text": "Hi"}, {"type": "output_text", "text": ""},
                           {"type": "refusal", "refusal": "no"}]),
        CALL, OUTPUT, "Thanks",
    )  # fmt: skip
    assert body["system"] == "s"
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "again"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "text", "text": "Hi"},
                {"type": "text", "text": "no"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
                {"type": "text", "text": "Thanks"},
            ],
        },
    ]


def test_results_stand_first_in_their_message() -> None:
    other = {**CALL, "call_id": "c2", "arguments": ""}
    image = {"type": "input_image", "file_id": "f"}
    parts = {**OUTPUT, "call_id": "c2", "is_error": True, "output": [{"type": "input_text", "text": "no"}, image]}
    messages = sent(WIRE, "Hello", CALL, other, OUTPUT, parts)["messages"]
    assert messages[1]["content"][1]["input"] == {}
    content = [{"type": "text", "text": "no"}, {"type": "image", "source": {"type": "file", "file_id": "f"}}]
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
        {"type": "tool_result", "tool_use_id": "c2", "content": content, "is_error": True},
    ]
    # A user's word before the results: an output that nobody called for joins it.
    assert told_as(sent(WIRE, "Hello", OUTPUT)["messages"]) == [["user", "tool_result", "Hello"]]


def test_images_and_files() -> None:
    parts = [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_image", "image_url": "https://a.test/b.png"},
        {"type": "input_file", "file_data": "data:text/plain;base64,BBBB", "filename": "a.txt"},
        {"type": "input_file", "file_data": "CCCC"},
        {"type": "input_file", "file_url": "https://a.test/c.pdf"},
        {"type": "input_file", "file_id": "f"},
    ]
    blocks = sent(WIRE, said("user", parts))["messages"][0]["content"]
    assert [part["source"] for part in blocks] == [
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        {"type": "url", "url": "https://a.test/b.png"},
        {"type": "base64", "media_type": "text/plain", "data": "BBBB"},
        {"type": "base64", "media_type": "application/pdf", "data": "CCCC"},
        {"type": "url", "url": "https://a.test/c.pdf"},
        {"type": "file", "file_id": "f"},
    ]
    assert ([part["type"] for part in blocks].count("document"), blocks[2]["title"]) == (4, "a.txt")


def test_what_is_no_message_is_the_endpoints_to_refuse() -> None:
    assert sent(WIRE, said("user", 7))["messages"] == [{"role": "user", "content": 7}]
    assert sent(WIRE, said("user", ""))["messages"][0]["content"] == [{"type": "text", "text": ""}]


@pytest.mark.parametrize(
    ("items", "more", "what"),
    [
        ([], {"parent": "resp_1"}, "`parent`"),
        ([], {"retention": "durable"}, "retention `durable`"),
        ([], {"context": {"instructions": [1]}}, "`instructions` that are no text"),
        ([], {"context": {"truncation": "auto"}}, "`truncation` auto"),
        ([], {"context": {"text": {"format": {"type": "json_schema"}}}}, "`text.format` of type json_schema"),
        (["Hello", said("system", "s")], {}, "a message of role system behind another (input/1)"),
        ([said("system", [7, {"type": "input_image"}])], {}, "instructions that are no text (input/0)"),
        ([said("system", 7)], {}, "instructions that are no text (input/0)"),
        ([{"type": "compaction", "encrypted_content": "x"}], {}, "an item of type `compaction` (input/0)"),
        ([{"type": "custom_tool_call", "call_id": "c"}], {}, "an item of type `custom_tool_call` (input/0)"),
        ([{**CALL, "arguments": "[1]"}], {}, "no JSON object (input/0)"),
        ([{**CALL, "arguments": '{"a'}], {}, "no JSON object (input/0)"),
        ([said("user", [{"type": "input_audio"}])], {}, "type `input_audio` (input/0/content/0)"),
        ([said("user", ["text"])], {}, "type `None`"),
        ([said("user", [{"type": "input_file"}])], {}, "without its content (input/0/content/0)"),
        ([CALL, "Hello"], {}, "not answered before the next message (c1, input/0)"),
        ([CALL], {}, "not answered before the next message (c1, input/0)"),
    ],
)  # fmt: skip
def test_what_has_no_place(items: list[Any], more: dict[str, Any], what: str) -> None:
    assert what in carried(WIRE, *items, **more)


def test_the_newer_version_takes_no_sampling() -> None:
    context = {"top_p": 1, "temperature": None, "stop_sequences": ["x"]}
    body = sent(NEWER, "Hello", context=context)
    assert ("top_p" in body, "temperature" in body, body["stop_sequences"]) == (False, False, ["x"])
    assert sent(WIRE, "Hello", context=context)["top_p"] == 1


@pytest.mark.parametrize(
    ("client", "context", "ignored"),
    [
        (NEWER, {"top_p": 1, "temperature": None}, ["/top_p"]),
        (WIRE, {"top_p": 1, "reasoning": {"effort": None}}, msgspec.UNSET),
        (WIRE, {"reasoning": {"effort": "low", "summary": "auto"}}, ["/reasoning/effort", "/reasoning/summary"]),
        (WIRE, {"tools": [{"type": "bash", "strict": True}, {"type": "function", "name": "f", "strict": True}, 7]},
         ["/tools/1/strict"]),
    ],
)  # fmt: skip
def test_settings_that_have_no_place_are_told(client: AnthropicClient, context: Any, ignored: Any) -> None:
    accepted = answered(client, Answer(200, STREAM, START), "Hello", context=context)[0]
    assert isinstance(accepted, models.TurnAccepted)
    assert accepted.ignored == ignored
    assert client.ignored({"model": "m", **context}) == ([] if ignored is msgspec.UNSET else ignored)


def test_other_messages_have_no_place() -> None:
    with pytest.raises(NotCarried):
        WIRE.exchange(models.TurnCancel(turn="t"))
    with pytest.raises(NotCarried):
        WIRE.snapshot(models.TurnResume(turn="t"))


# ---- streams


def test_text() -> None:
    told = streamed(START, PING, text(0, "Hel", "lo"), reason(output_tokens=3), STOP)
    assert tags(told) == "accepted progress item.started item.delta item.delta item.delta item.completed completed"
    assert built(told) == [spoken("Hello")]
    done = end_of(told)
    assert (done.status, done.reason) == ("completed", msgspec.UNSET)
    assert done.usage == models.Usage(input_tokens=9, output_tokens=3, total_tokens=12)


def test_neighbouring_texts_are_parts_of_one_message() -> None:
    told = streamed(START, text(0, "a"), text(1, "b"), use(2), text(3, "c"), reason("tool_use"), STOP)
    assert built(told) == [spoken("a", "b"), {**CALL, "arguments": "{}"}, spoken("c")]


@pytest.mark.parametrize(
    ("events", "arguments"),
    [
        ([use(0, '{"a"', ":1}")], '{"a":1}'),
        ([use(0)], "{}"),
        ([use(0, "")], "{}"),
        ([use(0, given={"a": 1})], '{"a": 1}'),
        ([use(0, '{"a', stop=False)], '{"a'),
    ],
)
def test_calls(events: list[bytes], arguments: str) -> None:
    told = streamed(START, *events, reason("tool_use"), STOP)
    assert built(told) == [{**CALL, "arguments": arguments}]
    assert end_of(told).status == "completed"


def test_thinking() -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    deltas = [{"type": "thinking_delta", "thinking": "h"}, {"type": "thinking_delta", "thinking": "m"},
              {"type": "signature_delta", "signature": "s"}]  # fmt: skip
    redacted = {"type": "redacted_thinking", "data": "d"}
    told = streamed(START, block(0, thinking, *deltas), block(1, redacted), text(2, "Hi"), reason(), STOP)
    assert built(told) == [THOUGHT, REDACTED, spoken("Hi")]
    # Without text, without a seal: what there is.
    told = streamed(START, block(0, {"type": "thinking", "signature": "s"}), reason(), STOP)
    assert built(told)[0]["content"] == [{"type": "reasoning_text", "text": ""}]
    told = streamed(START, block(0, {"type": "redacted_thinking"}), reason(), STOP)
    assert built(told) == [{"type": "reasoning", "summary": [], "issuer": "anthropic"}]


@pytest.mark.parametrize(
    ("word", "status", "why"),
    [
        ("stop_sequence", "completed", msgspec.UNSET),
        ("max_tokens", "incomplete", "max_output_tokens"),
        ("model_context_window_exceeded", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
        ("pause_turn", "incomplete", "pause_turn"),
        (None, "incomplete", "unknown"),
    ],
)
def test_stop_reasons(word: Any, status: str, why: Any) -> None:
    told = streamed(START, text(0, "Hi"), reason(word), STOP)
    done = end_of(told)
    assert (done.status, done.reason) == (status, why)
    assert built(told)[0].get("status") == (None if status == "completed" else "incomplete")


def test_a_call_that_was_cut_is_discarded() -> None:
    told = streamed(START, text(0, "Hi"), use(1, '{"a'), reason("max_tokens"), STOP)
    assert (built(told), end_of(told).discarded) == ([spoken("Hi")], [1])


def test_a_call_without_input_is_whole_unless_the_answer_was_cut_at_it() -> None:
    """Cut before its first character it looks like one that needs no input; only the last one can be that."""
    told = streamed(START, use(0), use(1), reason("max_tokens"), STOP)
    assert ([call["arguments"] for call in built(told)], end_of(told).discarded) == (["{}"], [1])
    told = streamed(START, use(0), use(1), reason("tool_use"), STOP)
    assert ([call["arguments"] for call in built(told)], end_of(told).discarded) == (["{}", "{}"], msgspec.UNSET)


def test_usage_counts_what_came_from_a_cache() -> None:
    counts = {"input_tokens": 1, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300, "output_tokens": 1}
    begun = event("message_start", message={"usage": counts, "role": 7})
    more = {"output_tokens": 4, "input_tokens": None, "output_tokens_details": {"thinking_tokens": 2}}
    done = end_of(streamed(begun, text(0, "Hi"), reason(**more), STOP))
    assert done.usage == models.Usage(
        input_tokens=321, output_tokens=4, total_tokens=325, cached_tokens=300, reasoning_tokens=2
    )


def test_usage_that_nobody_reported() -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0}
    for begun in (event("message_start", message={"usage": nothing}), event("message_start"), event("message_start",
                  message={"usage": {"input_tokens": True}})):  # fmt: skip
        assert end_of(streamed(begun, reason(), STOP)).usage is msgspec.UNSET


HELLO = [text(0, "Hel", "lo"), reason(), STOP]
ODD: dict[str, list[bytes]] = {
    "pings_anywhere": [PING, START, PING, text(0, "Hello"), PING, reason(), PING, STOP],
    "unknown_events": [event("later"), START, event("later", x=1), *HELLO],
    "unknown_deltas": [START, block(0, {"type": "text", "text": "Hello"}, {"type": "citations_delta"}, {"type": "x"}),
                       reason(), STOP],
    "text_in_the_start": [START, block(0, {"type": "text", "text": "Hello"}), reason(), STOP],
    "empty_deltas": [START, text(0, "", "Hello", ""), reason(), STOP],
    "unknown_blocks": [START, block(0, {"type": "server_tool_use"}, {"type": "input_json_delta", "partial_json": "{"}),
                       text(1, "Hello"), reason(), STOP],
    "comments": [b": hi\n\n", START, b":\n\n", *HELLO],
    "no_event_lines": [b"".join([START, *HELLO]).replace(b"event: ", b"x: ")],
    "crlf": [b"".join([START, *HELLO]).replace(b"\n", b"\r\n")],
    "reason_twice": [START, text(0, "Hello"), reason("max_tokens"), reason(), STOP],
    "delta_without_reason": [START, text(0, "Hello"), reason(), event("message_delta"), STOP],
    "start_twice": [START, START, *HELLO],
    "deltas_of_nothing": [START, text(0, "Hello"), event("content_block_delta", index=7, delta={"type": "text_delta"}),
                          event("content_block_delta", index=0, delta=None), event("content_block_stop", index=7),
                          reason(), STOP],
    "deltas_of_another_kind": [START, text(0, "Hello", stop=False),
                               event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "x"}),
                               event("content_block_delta", index=0, delta={"type": "input_json_delta",
                                                                            "partial_json": "x"}),
                               event("content_block_delta", index=0, delta={"type": "signature_delta"}),
                               reason(), STOP],
    "block_is_no_object": [START, text(0, "Hello"), event("content_block_start", index=1), reason(), STOP],
    "block_stays_open": [START, text(0, "Hello", stop=False), reason(), STOP],
    "behind_the_end": [START, *HELLO, text(1, "!"), event("error", error={"type": "api_error", "message": "m"})],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("step", [1, 10_000])
def test_what_is_legal_and_odd(name: str, step: int) -> None:
    told = streamed(*ODD[name], step=step)
    assert built(told) == [spoken("Hello")]
    assert (tags(told[:1]), end_of(told).status) == ("accepted", "completed")


def test_the_role_is_the_endpoints_word() -> None:
    assert built(streamed(event("message_start", message={"role": "user"}), *HELLO))[0]["role"] == "user"


def test_an_end_without_message_stop() -> None:
    failed = streamed(START, text(0, "Hel"), reason())[-1]
    assert isinstance(failed, models.TurnFailed)
    assert (failed.error.code, failed.error.effect) == ("upstream_failed", "unknown")


@pytest.mark.parametrize("body", [b"", PING, b": x\n\n"])
def test_a_stream_of_nothing_is_a_breach(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="before message_start"):
        streamed(body)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (event("content_block_start", content_block={"type": "text"}), "without a usable `index`"),
        (event("content_block_delta", index=True, delta={}), "without a usable `index`"),
        (event("content_block_stop", index=-1), "without a usable `index`"),
        (block(0, {"type": "tool_use", "id": "", "name": "f"}), "without an id or a name"),
        (block(0, {"type": "tool_use", "id": "c1"}), "without an id or a name"),
        (encode_event(b"[DONE]"), "an event is"),
    ],
)
def test_events_that_are_a_breach(broken: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        streamed(START, broken)


def error(kind: str, **more: Any) -> bytes:
    return event("error", error={"type": kind, "message": "m"}, **more)


@pytest.mark.parametrize(
    ("events", "kinds", "code", "effect"),
    [
        ([error("overloaded_error", request_id="r")], "error", "overloaded", "none"),
        ([error("invalid_request_error")], "error", "invalid_request", "none"),
        ([error("api_error")], "error", "internal_error", "unknown"),
        ([error("later_error")], "error", "internal_error", "unknown"),
        ([START, error("overloaded_error"), STOP], "accepted failed", "overloaded", "partial"),
        ([event("error", error=None)], "error", "internal_error", "unknown"),
    ],
)
def test_errors_in_a_stream(events: list[bytes], kinds: str, code: str, effect: str) -> None:
    told = streamed(*events)
    last = told[-1]
    assert isinstance(last, models.ErrorMessage | models.TurnFailed)
    assert (tags(told), last.error.code, last.error.effect) == (kinds, code, effect)


def test_what_was_left_out_is_told() -> None:
    accepted = answered(WIRE, Answer(200, STREAM, START + b"".join(HELLO)), "Hi", FOREIGN, "Again")[0]
    assert isinstance(accepted, models.TurnAccepted)
    assert accepted.omitted == [1]


# ---- whole answers


def test_a_whole_answer() -> None:
    body = (
        b'{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},'
        b'{"type":"redacted_thinking","data":"d"},{"type":"text","text":"a"},{"type":"text","text":null},{"type":"later"},'
        b'{"type":"tool_use","id":"c1","name":"f","input": { "a": 1.0 } }],"stop_reason":"tool_use"}'
    )
    told = whole(body)
    assert built(told) == [THOUGHT, REDACTED, spoken("a", ""), {**CALL, "arguments": '{ "a": 1.0 }'}]
    assert (end_of(told).status, end_of(told).usage) == ("completed", msgspec.UNSET)


def test_whole_answers_that_were_cut() -> None:
    asked = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    told = whole(message(asked, {**asked, "id": "c2"}, stop="max_tokens"))
    assert ([item["call_id"] for item in built(told)], end_of(told).discarded) == (["c1"], [1])
    told = whole(message({"type": "text", "text": "Hel"}, stop="max_tokens"))
    assert built(told)[0]["status"] == "incomplete"
    assert end_of(whole(message(stop=None))).status == "completed"
    # A thought without a seal is no item that could ever go back.
    assert built(whole(message({"type": "thinking", "thinking": "hm"}))) == []
    assert tags(whole(b'{"type":"error","error":{"type":"api_error","message":"m"}}')) == "error"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content":7}', b'{"content":[7]}', b'{"a":1,"a":2}'])
def test_whole_answers_that_are_none_are_a_breach(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        whole(body)
    assert caught.value.expected


# ---- errors


@pytest.mark.parametrize(
    ("status", "kind", "code", "advice", "effect"),
    [
        (400, "invalid_request_error", "invalid_request", "fix", "none"),
        (401, "authentication_error", "unauthenticated", "authenticate", "none"),
        (402, "billing_error", "quota_exceeded", "give_up", "none"),
        (403, "permission_error", "forbidden", "give_up", "none"),
        (404, "not_found_error", "invalid_request", "fix", "none"),
        (409, "conflict_error", "overloaded", "wait", "none"),
        (413, "invalid_request_error", "message_too_large", "fix", "none"),
        (413, "request_too_large", "message_too_large", "fix", "none"),
        (429, "rate_limit_error", "rate_limited", "wait", "none"),
        (500, "api_error", "internal_error", "retry", "unknown"),
        (504, "timeout_error", "upstream_timeout", "retry", "unknown"),
        (529, "overloaded_error", "overloaded", "retry", "none"),
        (529, "later_error", "overloaded", "retry", "unknown"),
        (418, "later_error", "invalid_request", "fix", "none"),
        (502, "later_error", "internal_error", "retry", "unknown"),
    ],
)
def test_errors(status: int, kind: str, code: str, advice: str, effect: str) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "r"}).encode()
    (told,) = answered(WIRE, Answer(status, {**JSON, "retry-after": "1.5"}, body))
    assert isinstance(told, models.ErrorMessage)
    error = told.error
    assert (error.code, error.advice, error.effect, error.message) == (code, advice, effect, "m")
    assert (error.retry_after_ms, error.detail) == (1500, {"status": status, "type": kind, "request_id": "r"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "<html>"),
        (b'{"detail":"x"}', "the endpoint gave no reason but status 500"),
        (b'{"message":"m"}', "m"),
        (b"", "the endpoint gave no reason but status 500"),
    ],
)
@pytest.mark.parametrize("retry_after", ["", "soon", "inf"])
def test_errors_of_others(body: bytes, message: str, retry_after: str) -> None:
    (told,) = answered(WIRE, Answer(500, {**JSON, "retry-after": retry_after}, body))
    assert isinstance(told, models.ErrorMessage)
    assert (told.error.message, told.error.retry_after_ms) == (message, msgspec.UNSET)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("invalid_request", 400, "invalid_request_error"),
        ("quota_exceeded", 402, "billing_error"),
        ("overloaded", 529, "overloaded_error"),
        ("message_too_large", 413, "request_too_large"),
        ("not_offered", 400, "invalid_request_error"),
        ("upstream_failed", 502, "api_error"),
        ("later_code", 500, "api_error"),
    ],
)
def test_errors_that_are_told(code: str, status: int, kind: str) -> None:
    error = models.Error(code=code, advice="fix", effect="none", message="m")
    assert error_status(error) == status
    assert encode_error(error) == {"type": "error", "error": {"type": kind, "message": "m"}}
    assert encode_error(error, status=404)["error"]["type"] == "not_found_error"


def test_a_model_that_is_not_there_is_not_found() -> None:
    error = models.Error(code="not_offered", advice="fix", effect="none", message="no model m", param="/context/model")
    assert error_status(error) == 404
    assert encode_error(error)["error"]["type"] == "not_found_error"
