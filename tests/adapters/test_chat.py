"""Chat Completions as a client: what is sent, what has no place, and every shape of answer and error (binding-chat)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried, RemoteProtocolError
from segue_adapters.sse import encode_event
from segue_adapters.wires.base import Answer
from segue_adapters.wires.chat import ChatClient
from segue_schemas import models
from stateless_lab import JSON, STREAM, answered, built, carried, sent, start, tags

CHAT = ChatClient()
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "42"}
CUSTOM = {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"}
REASONING = {"type": "reasoning", "summary": [], "encrypted_content": "s", "issuer": "openai"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def said(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> bytes:
    choice: dict[str, Any] = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return encode_event(json.dumps({**told, **more}).encode())


def text(*pieces: str) -> bytes:
    return b"".join(chunk({"content": piece}) for piece in pieces)


FIRST = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
DONE = encode_event(b"[DONE]")


def streamed(*chunks: bytes, step: int = 11) -> list[models.ServerMessage]:
    return answered(CHAT, Answer(200, STREAM, b"".join(chunks)), step=step)


def completion(message: Any, finish: Any = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "c", "object": "chat.completion", "choices": [choice], **more}).encode()


def whole(body: bytes) -> list[models.ServerMessage]:
    return answered(CHAT, Answer(200, JSON, body), delivery=models.Delivery(mode="final"))


# ---- requests


def test_a_turn_is_a_post() -> None:
    trace = models.Trace(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    request = CHAT.exchange(start("Hello", trace=trace, retention="none")).request
    assert (request.method, request.path, request.key_header) == ("POST", "/chat/completions", "authorization")
    assert request.headers == {**JSON, "accept": "text/event-stream", "traceparent": trace.traceparent}
    assert json.loads(request.body) == {
        "model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    body = sent(CHAT, "Hello", delivery=models.Delivery(mode="final"))
    assert (body["stream"], "stream_options" in body) == (False, False)
    assert json.loads(CHAT.exchange(models.TurnStart(turn="t", input=[])).request.body)["messages"] == []


def test_settings_go_under_their_names_here() -> None:
    function = {"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": True}
    schema = {"type": "json_schema", "name": "n", "schema": {}, "strict": True}
    context = {
        "instructions": "Be brief.", "tools": [function, {"type": "web_search"}, 7], "parallel_tool_calls": False,
        "tool_choice": {"type": "function", "name": "f"}, "max_output_tokens": 5, "temperature": 0.5,
        "text": {"format": schema, "verbosity": "low"}, "reasoning": {"effort": "low"}, "truncation": "disabled",
        "vendor:x": [1],
    }  # fmt: skip
    body = sent(CHAT, "Hello", context=context)
    assert body.pop("messages")[0] == {"role": "system", "content": "Be brief."}
    assert body.pop("tools") == [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}, "strict": True}},
        {"type": "web_search"},
        7,
    ]
    assert body == {
        "model": "m", "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": False,
        "max_completion_tokens": 5, "temperature": 0.5, "verbosity": "low", "reasoning_effort": "low", "vendor:x": [1],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    body = sent(CHAT, context={"tool_choice": "none", "text": {"format": {"type": "json_object"}}})
    assert (body["tool_choice"], body["response_format"]) == ("none", {"type": "json_object"})


def test_older_endpoints_know_other_names() -> None:
    older = ChatClient(role="developer", max_tokens="max_tokens")
    body = sent(older, context={"instructions": "Hi.", "max_output_tokens": 5})
    assert (body["messages"][0]["role"], body["max_tokens"]) == ("developer", 5)


def test_a_history_is_messages() -> None:
    spoken = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    body = sent(
        CHAT,
        said("system", "s"), said("user", [{"type": "input_text", "text": "one part"}]), said("assistant", spoken),
        REASONING, CALL, CUSTOM, OUTPUT, {**OUTPUT, "type": "custom_tool_call_output", "call_id": "c2",
        "output": [{"type": "input_text", "text": "4"}, {"type": "input_text", "text": "2"}]}, "Thanks",
        said("assistant", [{"type": "refusal", "refusal": "no"}, {"type": "refusal", "refusal": "pe"}]),
        said("assistant", "as text"),
    )  # fmt: skip
    assert body["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "one part"},
        {
            "role": "assistant",
            "content": "ab",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "tool", "tool_call_id": "c2", "content": "42"},
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": None, "refusal": "nope"},
        {"role": "assistant", "content": "as text"},
    ]
    (first, _, *_) = sent(CHAT, CALL, OUTPUT)["messages"]
    assert (first["role"], first["content"]) == ("assistant", None)


def test_parts_have_other_names() -> None:
    parts = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "data:x", "detail": "low"},
        {"type": "input_image", "image_url": "https://a.test/b.png", "detail": None},
        {"type": "input_file", "file_data": "data:y", "filename": "a.pdf"},
    ]
    assert sent(CHAT, said("user", parts))["messages"][0]["content"] == [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}},
        {"type": "file", "file": {"file_data": "data:y", "filename": "a.pdf"}},
    ]
    # No message at all: it is the endpoint's to refuse.
    assert sent(CHAT, said("user", 7))["messages"] == [{"role": "user", "content": 7}]


@pytest.mark.parametrize(
    ("items", "more", "what"),
    [
        ([], {"parent": "resp_1"}, "`parent`"),
        ([], {"lane": "a"}, "`lane`"),
        ([], {"deadline_ms": 1}, "`deadline_ms`"),
        ([], {"require": ["warm_up"]}, "`require`"),
        ([], {"retention": "cached"}, "retention `cached`: nothing is kept on it"),
        ([], {"generate": False}, "a warm-up"),
        ([], {"context": {"instructions": [1]}}, "`instructions` that are no text"),
        ([], {"context": {"truncation": "auto"}}, "`truncation` auto"),
        ([{"type": "compaction", "encrypted_content": "x"}], {}, "an item of type `compaction` (input/0)"),
        (["Hi", {"type": "later_call"}], {}, "an item of type `later_call` (input/1)"),
        ([said("user", [{"type": "input_image", "file_id": "f"}])], {}, "type `input_image` (input/0/content/0)"),
        ([said("user", [{"type": "input_file", "file_url": "u"}])], {}, "type `input_file`"),
        ([said("user", ["text"])], {}, "type `None`"),
        ([said("assistant", [{"type": "later"}])], {}, "type `later` (input/0/content/0)"),
        ([said("assistant", [7])], {}, "type `None` (input/0/content/0)"),
        ([CALL, {**OUTPUT, "output": [{"type": "input_image"}]}], {}, "that is not text (input/1/output/0)"),
        ([CALL, {**OUTPUT, "output": [7]}], {}, "that is not text"),
        ([CALL, "Hello"], {}, "not answered before the next message (c1, input/0)"),
        ([CALL], {}, "not answered before the next message (c1, input/0)"),
    ],
)  # fmt: skip
def test_what_has_no_place(items: list[Any], more: dict[str, Any], what: str) -> None:
    assert what in carried(CHAT, *items, **more)


@pytest.mark.parametrize("context", [b'"segue1-sha256:abc"', b'{"base":"b","patch":{}}'])
def test_contexts_that_have_no_place(context: bytes) -> None:
    with pytest.raises(NotCarried, match="a context"):
        CHAT.exchange(models.TurnStart(turn="t", input=[], context=msgspec.Raw(context)))


def test_other_messages_have_no_place() -> None:
    for message in (models.TurnResume(turn="t"), models.ContinuationGet(ref="r", id="c")):
        with pytest.raises(NotCarried):
            CHAT.exchange(message)
    with pytest.raises(NotCarried):
        CHAT.snapshot(models.TurnResume(turn="t"))


# ---- streams


def test_text() -> None:
    told = streamed(FIRST, text("Hel", "lo"), STOP, chunk(choices=[], usage=USAGE), DONE)
    assert tags(told) == "accepted item.started item.delta item.delta item.delta item.completed completed"
    assert built(told) == [said("assistant", [{"type": "output_text", "text": "Hello"}])]
    accepted, done = told[0], told[-1]
    assert isinstance(accepted, models.TurnAccepted)
    assert isinstance(done, models.TurnCompleted)
    assert (accepted.retention, accepted.omitted, done.status) == ("none", msgspec.UNSET, "completed")
    assert done.usage == models.Usage(input_tokens=9, output_tokens=3, total_tokens=12)


def call(index: Any, **more: Any) -> bytes:
    fragment = {"index": index, **more} if index is not None else more
    return chunk({"tool_calls": [fragment]})


def named(name: str, arguments: str = "") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


A, B = {"id": "c1", **named("f")}, {"id": "c2", **named("g")}


@pytest.mark.parametrize(
    "pieces",
    [
        [call(0, **A), call(0, function={"arguments": '{"a"'}), call(1, **B), call(0, function={"arguments": ":1}"})],
        [call(0, id="c1", **named("f", '{"a":1}')), call(1, id="c2", **named("g"))],
        # Endpoints that leave the index out, or always say 0.
        [call(None, **A), call(None, function={"arguments": '{"a":1}'}), call(None, **B)],
        [call(0, id="c1", **named("f", '{"a":1}')), call(0, id="c2", **named("g"))],
        # Id and name again with each piece.
        [call(0, id="c1", **named("f", '{"a"')), call(0, id="c1", **named("f", ":1}")), call(1, **B)],
        [call(0, **A), call(0, id="", function={"name": None, "arguments": '{"a":1}'}), call(1, **B)],
    ],
)
def test_calls(pieces: list[bytes]) -> None:
    told = streamed(FIRST, text("Well."), *pieces, chunk({}, "tool_calls"), DONE)
    assert built(told) == [
        said("assistant", [{"type": "output_text", "text": "Well."}]),
        CALL,
        {**CALL, "call_id": "c2", "name": "g", "arguments": ""},
    ]
    kinds = tags(told).split()
    assert kinds.index("item.completed") < [n for n, kind in enumerate(kinds) if kind == "item.started"][1]
    done = told[-1]
    assert isinstance(done, models.TurnCompleted)
    assert done.status == "completed"


def test_calls_of_custom_tools() -> None:
    begun = call(0, id="c2", type="custom", custom={"name": "g", "input": ""})
    told = streamed(begun, call(0, custom={"input": "x"}), chunk({}, "tool_calls"), DONE)
    assert built(told) == [CUSTOM]


@pytest.mark.parametrize("piece", [call(0, function={"arguments": "{}"}), call(0, id="c"), chunk({"tool_calls": [7]})])
def test_calls_without_a_name_are_a_breach(piece: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="without an id or a name"):
        streamed(FIRST, piece)


def test_refusals() -> None:
    told = streamed(FIRST, text("I "), chunk({"refusal": "can"}), chunk({"refusal": "'t"}), STOP, DONE)
    parts = [{"type": "output_text", "text": "I "}, {"type": "refusal", "refusal": "can't"}]
    assert built(told) == [said("assistant", parts)]
    told = streamed(FIRST, chunk({"refusal": "No."}), text("But"), STOP, DONE)
    assert [part["type"] for part in built(told)[0]["content"]] == ["refusal", "output_text"]


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", msgspec.UNSET),
        ("function_call", "completed", msgspec.UNSET),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("insufficient_system_resource", "incomplete", "insufficient_system_resource"),
    ],
)
def test_finish_reasons(finish: str, status: str, reason: Any) -> None:
    told = streamed(FIRST, text("Hello"), chunk({}, finish), DONE)
    done = told[-1]
    assert isinstance(done, models.TurnCompleted)
    assert (done.status, done.reason, done.discarded) == (status, reason, msgspec.UNSET)
    assert built(told)[0].get("status") == (None if status == "completed" else "incomplete")


def test_a_call_that_was_cut_is_discarded() -> None:
    pieces = [call(0, id="c1", **named("f", '{"a":1}')), call(1, id="c2", **named("g", '{"a'))]
    told = streamed(FIRST, *pieces, chunk({}, "length"), DONE)
    done = told[-1]
    assert isinstance(done, models.TurnCompleted)
    assert (built(told), done.discarded, done.status) == ([CALL], [1], "incomplete")


ODD: dict[str, list[bytes]] = {
    "no_done": [FIRST, text("Hello"), STOP],
    "finish_beside_the_text": [FIRST, chunk({"content": "Hello"}, "stop"), DONE],
    "no_first_chunk": [text("Hello"), STOP, DONE],
    "a_first_chunk_without_choices": [chunk(choices=[], prompt_filter_results=[]), text("Hello"), STOP, DONE],
    "content_null": [chunk({"role": "assistant", "content": None}), text("Hello"),
                     chunk({"content": None}, "stop"), DONE],
    "usage_null": [FIRST, chunk({"content": "Hello"}, usage=None), STOP, DONE],
    "usage_in_every_chunk": [chunk({"content": "Hello"}, usage=USAGE), chunk({}, "stop", usage=USAGE), DONE],
    "empty_deltas": [FIRST, chunk(), chunk({"content": ""}), text("Hello"), chunk(None), STOP, DONE],
    "delta_null": [FIRST, text("Hello"), chunk(choices=[{"index": 0, "delta": None, "finish_reason": "stop"}]), DONE],
    "no_index": [chunk(choices=[{"delta": {"content": "Hello"}}]), STOP, DONE],
    "finish_empty": [chunk({"content": "Hello"}, ""), STOP, DONE],
    "finish_twice": [text("Hello"), STOP, STOP, chunk({"content": "!"}, "length"), DONE],
    "another_choice": [text("Hello"), chunk(choices=[{"index": 1, "delta": {"content": "Bye"}}]), STOP, DONE],
    "comments": [b": hi\n\n", text("Hello"), b":\n\n", STOP, DONE],
    "named_events": [b"event: message\n" + text("Hello"), STOP, DONE],
    "crlf": [(FIRST + text("Hello") + STOP + DONE).replace(b"\n", b"\r\n")],
    "unknown_members": [chunk({"content": "Hello", "reasoning_content": "hm", "vendor": {}}, x=[1]), STOP, DONE],
    "behind_the_end": [text("Hello"), STOP, DONE, text("!"), b"data: <html>\n\n"],
    "content_in_parts": [chunk({"content": [{"type": "text", "text": "Hello"}, {"type": "image"}, 7]}), STOP, DONE],
    "no_objects": [text("Hello"), chunk(choices=[7, {"index": 0, "delta": "x"}]), chunk(choices=None), STOP, DONE],
    "error_null": [chunk({"content": "Hello"}, error=None), STOP, DONE],
    "tool_calls_null": [chunk({"content": "Hello", "tool_calls": None}), STOP, DONE],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("step", [1, 10_000])
def test_what_is_legal_and_odd(name: str, step: int) -> None:
    told = streamed(*ODD[name], step=step)
    assert built(told) == [said("assistant", [{"type": "output_text", "text": "Hello"}])]
    done = told[-1]
    assert isinstance(done, models.TurnCompleted)
    assert done.status == "completed"


def test_the_role_is_the_endpoints_word() -> None:
    assert built(streamed(chunk({"role": "user", "content": "Hello"}), STOP, DONE))[0]["role"] == "user"


@pytest.mark.parametrize("chunks", [[FIRST, text("Hel")], [FIRST, text("Hel"), DONE], [FIRST]])
def test_an_end_without_a_finish_reason(chunks: list[bytes]) -> None:
    failed = streamed(*chunks)[-1]
    assert isinstance(failed, models.TurnFailed)
    assert (failed.error.code, failed.error.effect) == ("upstream_failed", "unknown")


@pytest.mark.parametrize("body", [b"", b": x\n\n", DONE])
def test_a_stream_of_nothing_is_a_breach(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="before its first chunk"):
        streamed(body)


@pytest.mark.parametrize("data", [b"<html>", b"[1]", b'"x"', b'{"a":1,"a":2}'])
def test_an_event_that_is_no_chunk_is_a_breach(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="an event is"):
        streamed(encode_event(data))


ERROR = encode_event(b'{"error":{"message":"too much","type":"rate_limit_error","code":"rate_limit_exceeded"}}')
FAULT = encode_event(b'{"error":{"message":"broke","status":503}}')


@pytest.mark.parametrize(
    ("chunks", "kinds", "code", "effect"),
    [
        ([ERROR, DONE], "error", "rate_limited", "unknown"),
        ([chunk(choices=[]), FAULT], "accepted error", "overloaded", "unknown"),
        ([encode_event(b'{"error":"no"}')], "error", "internal_error", "unknown"),
        ([FIRST, ERROR, DONE], "accepted failed", "upstream_failed", "partial"),
        ([FIRST, FAULT], "accepted failed", "upstream_failed", "partial"),
    ],
)
def test_errors_in_a_stream(chunks: list[bytes], kinds: str, code: str, effect: str) -> None:
    told = streamed(*chunks)
    last = told[-1]
    assert isinstance(last, models.ErrorMessage | models.TurnFailed)
    assert (tags(told), last.error.code, last.error.effect) == (kinds, code, effect)


def test_settings_that_have_no_place_are_told() -> None:
    reasoning = {"effort": "low", "summary": "auto", "generate_summary": None}
    accepted = answered(CHAT, Answer(200, STREAM, FIRST + STOP), "Hi", context={"reasoning": reasoning})[0]
    assert isinstance(accepted, models.TurnAccepted)
    assert accepted.ignored == ["/reasoning/summary"]
    assert ChatClient().ignored({"reasoning": {"effort": "low", "summary": "auto"}}) == ["/reasoning/summary"]


def test_what_was_left_out_is_told() -> None:
    answer = Answer(200, STREAM, FIRST + STOP + DONE)
    accepted = answered(CHAT, answer, "Hi", REASONING, said("assistant", "Hello"), REASONING, "Again")[0]
    assert isinstance(accepted, models.TurnAccepted)
    assert accepted.omitted == [1, 3]


# ---- whole answers


def test_a_whole_answer() -> None:
    message = {
        "role": "assistant", "content": "Hello", "refusal": None,
        "tool_calls": [{"id": "c1", **named("f", '{"a":1}')},
                       {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}}],
    }  # fmt: skip
    details = {"prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 1}}
    told = whole(completion(message, "tool_calls", usage={**USAGE, **details}))
    assert built(told) == [said("assistant", [{"type": "output_text", "text": "Hello"}]), CALL, CUSTOM]
    done = told[-1]
    assert isinstance(done, models.TurnCompleted)
    assert isinstance(done.usage, models.Usage)
    assert (done.usage.cached_tokens, done.usage.reasoning_tokens) == (2, 1)


@pytest.mark.parametrize(
    "usage",
    [None, 7, {}, {**USAGE, "total_tokens": True}, {**USAGE, "prompt_tokens": -1}, {**USAGE, "completion_tokens": "3"}],
)
def test_usage_that_is_none(usage: Any) -> None:
    done = whole(completion({"role": "assistant", "content": "a"}, usage=usage))[-1]
    assert isinstance(done, models.TurnCompleted)
    assert done.usage is msgspec.UNSET
    odd = {**USAGE, "prompt_tokens_details": 7, "completion_tokens_details": {"reasoning_tokens": None}}
    done = whole(completion({"role": "assistant", "content": "a"}, usage=odd))[-1]
    assert isinstance(done, models.TurnCompleted)
    assert isinstance(done.usage, models.Usage)
    assert done.usage.cached_tokens is done.usage.reasoning_tokens is msgspec.UNSET


def test_whole_answers_that_were_cut() -> None:
    told = whole(completion({"role": "assistant", "content": "Hel"}, "length"))
    assert built(told)[0]["status"] == "incomplete"
    calls = [{"id": "c1", **named("f", '{"a":1}')}, {"id": "c2", **named("g", '{"a')}]
    told = whole(completion({"content": "Hello", "tool_calls": calls}, "length"))
    done = told[-1]
    assert isinstance(done, models.TurnCompleted)
    assert done.discarded == [2]
    assert [item.get("status") for item in built(told)] == [None, None]


def test_odd_whole_answers() -> None:
    told = whole(completion({"content": None, "refusal": "No.", "tool_calls": None}, None))
    assert built(told) == [said("assistant", [{"type": "refusal", "refusal": "No."}])]
    asked = {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}
    assert built(whole(completion({"content": [], "tool_calls": [asked]}))) == [CALL]
    assert built(whole(completion({"role": 7, "content": "a"})))[0]["role"] == "assistant"
    assert built(whole(completion({}))) == []
    told = whole(b'{"error":{"message":"no"}}')
    assert tags(told) == "error"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{"index":0}]}', b'{"a":1,"a":2}']
)
def test_whole_answers_that_are_none_are_a_breach(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        whole(body)
    assert caught.value.expected


@pytest.mark.parametrize("asked", [{"function": {"name": "f"}}, {"id": "c"}, {"id": "", "function": {"name": "f"}}, 7])
def test_whole_calls_without_a_name_are_a_breach(asked: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="without an id or a name"):
        whole(completion({"tool_calls": [asked]}))


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (400, b'{"error":{"message":"m","type":"invalid_request_error"}}', "invalid_request", "m"),
        (400, b'{"error":"m"}', "invalid_request", "m"),
        (422, b'{"detail":[{"msg":"x"}]}', "invalid_request", "the endpoint gave no reason but status 422"),
        (401, b'{"error":{"message":"m","code":"invalid_api_key"}}', "unauthenticated", "m"),
        (404, b'{"error":{"message":"m","code":"model_not_found"}}', "invalid_request", "m"),
        (429, b'{"error":{"message":"m"}}', "rate_limited", "m"),
        (400, b'{"error":{"message":"m","code":"context_length_exceeded"}}', "message_too_large", "m"),
        (502, b"<html>Bad Gateway</html>", "upstream_failed", "<html>Bad Gateway</html>"),
        (500, b"", "internal_error", "the endpoint gave no reason but status 500"),
        (503, b'{"message":"m","code":503}', "overloaded", "m"),
    ],
)
@pytest.mark.parametrize("headers", [JSON, STREAM])
def test_every_error_status_is_a_refusal(
    status: int, body: bytes, code: str, message: str, headers: dict[str, str]
) -> None:
    (told,) = answered(CHAT, Answer(status, {**headers, "retry-after": "2"}, body))
    assert isinstance(told, models.ErrorMessage)
    assert (told.error.code, told.error.message, told.error.retry_after_ms) == (code, message, 2000)
    assert (told.refused, told.turn) == ("turn.start", "t")
