"""Anthropic Messages as a surface: requests read as turns, refusals with their place, answers block by block."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.wires.anthropic import AnthropicClient, AnthropicServer, AnthropicStream
from segue_adapters.wires.base import Refuse, Request, TurnFacts
from segue_adapters.wires.stateless import Create
from segue_schemas import models
from stateless_lab import start

SERVER = AnthropicServer()
USER = {"role": "user", "content": "Hello"}
USE = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "c1", "content": "42"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
SHOWN = [{"type": "reasoning_text", "text": "hm"}]
THOUGHT = {"type": "reasoning", "summary": [], "content": SHOWN, "encrypted_content": "s", "issuer": "anthropic"}
ACCEPTED = models.TurnAccepted(turn="t", seq=0)
USAGE = models.Usage(input_tokens=9, output_tokens=3, total_tokens=12, cached_tokens=4)


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def body_of(*messages: Any, **members: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 5, "messages": list(messages), **members}).encode()


def asked(*messages: Any, **members: Any) -> Create:
    return SERVER.receive(Request("POST", "/messages", body=body_of(*messages, **members)))


def items(create: Create) -> list[Any]:
    return [json.loads(bytes(item)) for item in create.start.input]


def context(create: Create) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(create.start.context)  # type: ignore[arg-type]
    return told


def refused(body: bytes) -> tuple[str, Any]:
    with pytest.raises(Refuse) as caught:
        SERVER.receive(Request("POST", "/messages", body=body))
    return caught.value.error.code, caught.value.error.param


def test_a_post_is_a_turn() -> None:
    create = asked(USER, stream=True)
    assert (create.start.retention, create.stream) == ("none", True)
    assert context(create) == {"model": "m", "max_output_tokens": 5}
    assert items(create) == [{"type": "message", "role": "user", "content": "Hello"}]
    assert asked(USER).stream is False


def test_settings() -> None:
    tools = [{"name": "f", "description": "d", "input_schema": {}}, {"type": "custom", "name": "g", "input_schema": {}},
             {"type": "bash_20250124", "name": "bash"}]  # fmt: skip
    system = [{**text("Be brief."), "cache_control": {"type": "ephemeral"}}, text("And kind.")]
    choice = {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    create = asked(USER, system=system, tools=tools, tool_choice=choice, top_k=3, temperature=0.5)
    assert context(create) == {
        "model": "m", "max_output_tokens": 5, "instructions": "Be brief.\n\nAnd kind.", "top_k": 3, "temperature": 0.5,
        "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {}},
                  {"type": "function", "name": "g", "parameters": {}}, tools[2]],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False,
    }  # fmt: skip
    assert context(asked(USER, system="s"))["instructions"] == "s"
    assert "instructions" not in context(asked(USER, system=""))


@pytest.mark.parametrize(("kind", "choice"), [("auto", "auto"), ("any", "required"), ("none", "none")])
def test_tool_choice(kind: str, choice: str) -> None:
    assert context(asked(USER, tool_choice={"type": kind}))["tool_choice"] == choice


def test_messages_are_items() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}
    create = asked(
        {"role": "user", "content": [text("a"), image, {"type": "image", "source": {"type": "url", "url": "u"}}]},
        {"role": "user", "content": [
            {"type": "document", "title": "t", "source": {"type": "base64", "media_type": "text/plain", "data": "BB"}},
            {"type": "document", "title": 7, "source": {"type": "file", "file_id": "f"}},
        ]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
                                          {"type": "redacted_thinking", "data": "d"}, text("b"), text("c"), USE]},
        {"role": "user", "content": [{**RESULT, "is_error": True}, {**RESULT, "content": [text("x"), image]},
                                     {"type": "tool_result", "tool_use_id": "c1"}, text("Thanks")]},
        {"role": "assistant", "content": "as text"},
    )  # fmt: skip
    output = {"type": "function_call_output", "call_id": "c1"}
    png = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    assert items(create) == [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "a"}, png, {"type": "input_image", "image_url": "u"}],
        },
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_file", "file_data": "data:text/plain;base64,BB", "filename": "t"},
                {"type": "input_file", "file_id": "f"},
            ],
        },
        THOUGHT,
        {"type": "reasoning", "summary": [], "encrypted_content": "d", "issuer": "anthropic"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "b"}, {"type": "output_text", "text": "c"}],
        },
        CALL,
        {**output, "output": "42", "is_error": True},
        {**output, "output": [{"type": "input_text", "text": "x"}, png]},
        {**output, "output": ""},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Thanks"}]},
        {"type": "message", "role": "assistant", "content": "as text"},
    ]
    assert create.places[4:6] == ("messages.2.content.2", "messages.2.content.4")


def test_arguments_are_the_text_that_came() -> None:
    body = (
        b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":'
        b'[{"type":"tool_use","id":"c1","name":"f","input":  {"b": 1.0, "a":2} }]}]}'
    )
    (call,) = items(SERVER.receive(Request("POST", "/messages", body=body)))
    assert call["arguments"] == '{"b": 1.0, "a":2}'


def test_what_our_client_sends_is_read_as_it_was() -> None:
    hello = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    history = [hello, THOUGHT, answer, {**CALL, "arguments": '{"a":1}'},
               {"type": "function_call_output", "call_id": "c1", "output": "42"}, hello]  # fmt: skip
    given = {"instructions": "Be brief.", "max_output_tokens": 5, "tool_choice": "required", "temperature": 0.5}
    create = SERVER.receive(AnthropicClient().exchange(start(*history, context=given)).request)
    assert (items(create), context(create)) == (history, {"model": "m", **given})


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (7, ".role"),
        ({"role": "system", "content": "s"}, ".role"),
        ({"role": "user", "content": 7}, ".content"),
        ({"role": "user", "content": []}, ".content"),
        ({"role": "user", "content": [7]}, ".content.0"),
        ({"role": "user", "content": [USE]}, ".content.0"),
        ({"role": "user", "content": [{"type": "text", "text": 7}]}, ".content.0"),
        ({"role": "user", "content": [{"type": "image"}]}, ".content.0.source"),
        ({"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}, ".content.0.source"),
        ({"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}, ".content.0.source"),
        ({"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}, ".content.0.source"),
        ({"role": "user", "content": [{"type": "tool_result"}]}, ".content.0.tool_use_id"),
        ({"role": "user", "content": [{**RESULT, "content": 7}]}, ".content.0.content"),
        ({"role": "user", "content": [{**RESULT, "content": [{"type": "later"}]}]}, ".content.0.content"),
        ({"role": "assistant", "content": [RESULT]}, ".content.0"),
        ({"role": "assistant", "content": [{"type": "image"}]}, ".content.0"),
        ({"role": "assistant", "content": [{**USE, "input": "{}"}]}, ".content.0"),
        ({"role": "assistant", "content": [{**USE, "name": None}]}, ".content.0"),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]}, ".content.0"),
    ],
)
def test_messages_that_are_refused(message: Any, place: str) -> None:
    assert refused(body_of(USER, message)) == ("invalid_request", f"messages.1{place}")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"system": 7}, "system"),
        ({"system": [7]}, "system"),
        ({"system": [{"type": "image"}]}, "system"),
        ({"temperature": "hot"}, "temperature"),
        ({"tool_choice": {"type": "later"}}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"tools": [{}]}, "tools.0"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
    ],
)
def test_members_that_are_refused(members: dict[str, Any], param: str) -> None:
    assert refused(body_of(USER, **members)) == ("invalid_request", param)


def test_there_is_one_route() -> None:
    for request in (Request("GET", "/messages"), Request("POST", "/messages/count_tokens")):
        with pytest.raises(Refuse) as caught:
            SERVER.receive(request)
        assert caught.value.status == 404


def test_errors_are_anthropics() -> None:
    error = models.Error(code="rate_limited", advice="wait", effect="none", message="m", retry_after_ms=1200)
    answer = SERVER.error(error)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert json.loads(answer.body) == {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}
    answer = SERVER.error(
        models.Error(code="unsupported_message", advice="fix", effect="none", message="m"), status=404
    )
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (404, "not_found_error")


# ---- answers


def writer() -> AnthropicStream:
    create = asked(USER)
    return SERVER.stream(TurnFacts(response_id="resp_1", created_at=1, start=create.start, stored=False), create)


def events(stream: AnthropicStream, *messages: models.ServerMessage) -> list[Any]:
    data = b"".join(stream.sse(message) for message in messages) + stream.end()
    told = []
    for lines in data.decode().split("\n\n")[:-1]:
        name, line = lines.split("\n")
        told.append(json.loads(line.removeprefix("data: ")))
        assert name == f"event: {told[-1]['type']}"
    return told


def item(index: int, **members: Any) -> models.ItemCompleted:
    return models.ItemCompleted(turn="t", index=index, item=msgspec.Raw(json.dumps(members).encode()))


def brief(told: list[Any]) -> list[str]:
    short = {"content_block_start": "start", "content_block_delta": "delta", "content_block_stop": "stop"}
    return [f"{short[e['type']]}{e['index']}" if e["type"] in short else e["type"] for e in told]


def test_text_is_told_as_it_comes() -> None:
    stream = writer()
    skeleton = msgspec.Raw(b'{"type":"message","role":"assistant","content":[]}')
    told = events(
        stream, ACCEPTED, models.TurnProgress(turn="t", phase="x"),
        models.ItemStarted(turn="t", index=0, item=skeleton),
        models.ItemDelta(turn="t", index=0, at="/content/0", put=msgspec.Raw(b'{"type":"output_text","text":"H"}')),
        models.ItemDelta(turn="t", index=0, at="/content/0/text", append="i"),
        models.ItemDelta(turn="t", index=0, at="/content/-", put=msgspec.Raw(b'{"type":"refusal","refusal":"no"}')),
        models.ItemDelta(turn="t", index=0, at="/content/-", put=msgspec.Raw(b'{"type":"later"}')),
        models.ItemCompleted(turn="t", index=0), models.TurnCompleted(turn="t", status="completed", usage=USAGE),
    )  # fmt: skip
    assert brief(told) == [
        "message_start", "ping", "start0", "delta0", "delta0", "stop0", "start1", "delta1", "stop1", "message_delta",
        "message_stop",
    ]  # fmt: skip
    assert told[0]["message"]["stop_reason"] is None
    assert told[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    counts = {"input_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 3}
    assert told[-2]["usage"] == stream.response()["usage"] == counts
    assert stream.response()["content"] == [text("Hi"), text("no")]
    assert (stream.response()["id"], stream.response()["stop_reason"]) == ("msg_1", "end_turn")


def test_calls_and_thoughts() -> None:
    stream = writer()
    told = events(
        stream, ACCEPTED,
        item(0, **THOUGHT), item(1, **{**THOUGHT, "content": []}), item(2, **{**THOUGHT, "issuer": "x"}),
        models.ItemStarted(turn="t", index=3, item=msgspec.Raw(b'{"type":"function_call","arguments":""}')),
        item(3, **CALL), item(4, **{**CALL, "arguments": ""}), item(5, **{**CALL, "arguments": "[1]"}),
        item(6, **{**CALL, "arguments": "{"}), models.TurnCompleted(turn="t", status="completed"),
    )  # fmt: skip
    assert brief(told)[1:11] == [
        "start0", "delta0", "delta0", "stop0", "start1", "stop1", "start2", "delta2", "stop2", "start3",
    ]  # fmt: skip
    assert told[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert told[3]["delta"] == {"type": "signature_delta", "signature": "s"}
    assert told[5]["content_block"] == {"type": "redacted_thinking", "data": "s"}
    assert told[8]["delta"] == {"type": "input_json_delta", "partial_json": '{"a": 1}'}
    assert told[-2]["delta"]["stop_reason"] == "tool_use"
    assert told[-2]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    content = msgspec.json.decode(msgspec.json.encode(stream.response()["content"]))
    assert content[:3] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted_thinking", "data": "s"}, USE,
    ]  # fmt: skip
    assert [block["input"] for block in content[3:]] == [{}, {}, {}]


@pytest.mark.parametrize(
    ("done", "word"),
    [
        ({"status": "incomplete", "reason": "max_output_tokens"}, "max_tokens"),
        ({"status": "incomplete", "reason": "content_filter"}, "refusal"),
        ({"status": "incomplete", "reason": "pause_turn"}, "pause_turn"),
        ({"status": "incomplete"}, "max_tokens"),
        ({"status": "cancelled"}, "end_turn"),
    ],
)
def test_ends(done: dict[str, Any], word: str) -> None:
    stream = writer()
    begun = models.ItemStarted(turn="t", index=0, item=msgspec.Raw(json.dumps(CALL).encode()))
    told = events(
        stream, ACCEPTED, begun, item(1, type="message", role="assistant", content="as text"),
        item(2, type="message", role="assistant", content=None), item(3, type="later"),
        models.TurnCompleted(turn="t", discarded=[0], **done),
    )  # fmt: skip
    # A block that its item's end did not close is closed before the end of all.
    assert brief(told)[-3:] == ["stop0", "message_delta", "message_stop"]
    assert (told[-2]["delta"]["stop_reason"], stream.response()["stop_reason"]) == (word, word)
    assert stream.response()["content"] == [text("as text")]


def test_a_failed_turn_ends_in_an_error() -> None:
    stream = writer()
    error = models.Error(code="overloaded", advice="retry", effect="unknown", message="it broke")
    told = events(stream, ACCEPTED, models.TurnFailed(turn="t", error=error))
    assert told[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "it broke"}}
    assert stream.encoder.failed == error
    assert stream.refused(error).startswith(b'event: error\ndata: {"type":"error"')
    assert events(stream, models.ContinuationEvicted(id="c", reason="capacity")) == []
