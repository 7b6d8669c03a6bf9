"""Chat Completions as a surface: requests read as turns, refusals with their place, answers that its SDK takes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.wires.base import Refuse, Request, TurnFacts, refusal
from segue_adapters.wires.chat import ChatClient, ChatServer, ChatStream
from segue_adapters.wires.stateless import Create
from segue_schemas import models
from stateless_lab import start

SERVER = ChatServer()
USER = {"role": "user", "content": "Hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ACCEPTED = models.TurnAccepted(turn="t", seq=0)
USAGE = models.Usage(input_tokens=9, output_tokens=3, total_tokens=12, cached_tokens=1, reasoning_tokens=2)


def asked(*messages: Any, **members: Any) -> Create:
    body = {"model": "m", "messages": list(messages), **members}
    return SERVER.receive(Request("POST", "/chat/completions", body=json.dumps(body).encode()))


def items(create: Create) -> list[Any]:
    return [json.loads(bytes(item)) for item in create.start.input]


def context(create: Create) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(create.start.context)  # type: ignore[arg-type]
    return told


def refused(body: Any) -> tuple[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Refuse) as caught:
        SERVER.receive(Request("POST", "/chat/completions", body=data))
    return caught.value.error.code, None if caught.value.error.param is msgspec.UNSET else caught.value.error.param


def test_a_post_is_a_turn() -> None:
    create = asked(USER)
    assert (create.start.retention, create.stream, create.usage, context(create)) == (
        "none",
        False,
        False,
        {"model": "m"},
    )
    assert items(create) == [{"type": "message", "role": "user", "content": "Hello"}]
    create = asked(USER, stream=True, stream_options={"include_usage": True})
    assert (create.stream, create.usage) == (True, True)
    assert asked(USER, stream=None, stream_options=None).usage is False
    assert create.start.turn != asked(USER).start.turn


def test_settings() -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "strict": True}},
        {"type": "custom", "custom": {"name": "g"}},
    ]
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}
    create = asked(
        USER, tools=tools, tool_choice={"type": "function", "function": {"name": "f"}}, max_completion_tokens=5,
        max_tokens=7, response_format=schema, verbosity="low", reasoning_effort="low", n=1, seed=4, top_p=None,
    )  # fmt: skip
    assert context(create) == {
        "model": "m", "seed": 4, "top_p": None, "max_output_tokens": 5, "reasoning": {"effort": "low"},
        "tools": [{"type": "function", "name": "f", "strict": True}, tools[1]],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
    }  # fmt: skip
    create = asked(USER, max_tokens=7, tool_choice="none", response_format={"type": "text"})
    assert context(create) == {
        "model": "m", "max_output_tokens": 7, "tool_choice": "none", "text": {"format": {"type": "text"}},
    }  # fmt: skip


def test_messages_are_items() -> None:
    custom = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}}
    parts = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]
    create = asked(
        {"role": "developer", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "see"},
                                     {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
                                     {"type": "image_url", "image_url": {"url": "data:y"}},
                                     {"type": "file", "file": {"file_id": "f", "filename": None}}]},
        {"role": "assistant", "content": parts, "refusal": "c", "tool_calls": [CALL, custom]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "42"}]},
        {"role": "tool", "tool_call_id": "c2", "content": "43"},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "c3"}]},
        {"role": "assistant", "content": "", "tool_calls": [{k: v for k, v in CALL.items() if k != "type"}]},
    )  # fmt: skip
    assert items(create) == [
        {"type": "message", "role": "developer", "content": "s"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "data:x", "detail": "low"},
                {"type": "input_image", "image_url": "data:y"},
                {"type": "input_file", "file_id": "f"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a"},
                {"type": "refusal", "refusal": "b"},
                {"type": "refusal", "refusal": "c"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "42"}]},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "43"},
        {"type": "function_call", "call_id": "c3", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
    ]
    assert create.places[2:5] == ("messages[2]", "messages[2].tool_calls[0]", "messages[2].tool_calls[1]")


def test_what_our_client_sends_is_read_as_it_was() -> None:
    history = [
        {"type": "message", "role": "user", "content": "Hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{ "a":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
    ]
    given = {"tools": [{"type": "function", "name": "f"}], "max_output_tokens": 5, "temperature": 0.5}
    create = SERVER.receive(ChatClient().exchange(start(*history, context=given)).request)
    assert (items(create), context(create)) == (history, {"model": "m", **given})
    assert (create.stream, create.usage) == (True, True)


MESSAGES: dict[str, Any] = {
    "messages[0]": 7,
    "messages[0].role": {"content": "x"},
    "messages[0].content": {"role": "user", "content": 7},
    "messages[0].content[0]": {"role": "user", "content": [{"type": "input_audio"}]},
    "messages[0].tool_calls": {"role": "assistant", "tool_calls": {}},
    "messages[0].tool_calls[0]": {"role": "assistant", "tool_calls": [{**CALL, "id": 7}]},
    "messages[0].tool_call_id": {"role": "tool", "content": "x"},
}


@pytest.mark.parametrize("place", MESSAGES)
def test_messages_that_are_refused(place: str) -> None:
    assert refused({"model": "m", "messages": [MESSAGES[place]]}) == ("invalid_request", place)


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"role": "user", "content": []}, "content"),
        ({"role": "user"}, "content"),
        ({"role": "user", "content": [7]}, "content[0]"),
        ({"role": "user", "content": [{"type": "text", "text": 7}]}, "content[0]"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": "u"}]}, "content[0]"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": 7}}]}, "content[0]"),
        ({"role": "user", "content": [{"type": "file", "file": "f"}]}, "content[0]"),
        ({"role": "assistant", "content": 7}, "content"),
        ({"role": "assistant", "content": "a", "refusal": 7}, "content"),
        ({"role": "assistant", "content": [{"type": "image_url"}]}, "content[0]"),
        ({"role": "assistant", "content": [7]}, "content[0]"),
        ({"role": "assistant", "content": None}, "content"),
        ({"role": "assistant", "tool_calls": [7]}, "tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [{**CALL, "type": "later"}]}, "tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f"}}]}, "tool_calls[0]"),
        ({"role": "tool", "tool_call_id": "c", "content": None}, "content"),
    ],
)
def test_messages_are_looked_into(message: Any, place: str) -> None:
    assert refused({"model": "m", "messages": [USER, message]}) == ("invalid_request", f"messages[1].{place}")


@pytest.mark.parametrize(
    ("members", "code", "param"),
    [
        ({"model": ""}, "invalid_request", "model"),
        ({"messages": []}, "invalid_request", "messages"),
        ({"messages": "Hello"}, "invalid_request", "messages"),
        ({"n": 2}, "not_offered", "n"),
        ({"functions": []}, "not_offered", "functions"),
        ({"function_call": "auto"}, "not_offered", "function_call"),
        ({"temperature": "hot"}, "invalid_request", "temperature"),
        ({"max_tokens": True}, "invalid_request", "max_tokens"),
        ({"stream": 1}, "invalid_request", "stream"),
        ({"tool_choice": 7}, "invalid_request", "tool_choice"),
        ({"tools": [7]}, "invalid_request", "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}]}, "invalid_request", "tools[0].function"),
    ],
)
def test_members_that_are_refused(members: dict[str, Any], code: str, param: str) -> None:
    assert refused({"model": "m", "messages": [USER], **members}) == (code, param)


@pytest.mark.parametrize(("body", "code"), [(b"{", "malformed_message"), (b"[]", "invalid_request")])
def test_bodies_that_are_refused(body: bytes, code: str) -> None:
    assert refused(body) == (code, None)


def test_there_is_one_route() -> None:
    for request in (Request("GET", "/chat/completions"), Request("POST", "/chat")):
        with pytest.raises(Refuse) as caught:
            SERVER.receive(request)
        assert caught.value.status == 404


def test_a_refusal_names_the_place_in_the_messages() -> None:
    create = asked({"role": "system", "content": "s"}, {"role": "assistant", "tool_calls": [CALL]})
    for param, told in (
        ("/input/1/call_id", "messages[1].tool_calls[0]"), ("/input", "/input"), ("/input/9", "/input/9"),
        ("/input/x", "/input/x"), (None, msgspec.UNSET),
    ):  # fmt: skip
        placed = create.placed(refusal("invalid_request", "fix", "m", param=param))
        assert placed.error.param == told


def test_errors_are_openais() -> None:
    error = models.Error(code="rate_limited", advice="wait", effect="none", message="m", retry_after_ms=1200)
    answer = SERVER.error(error)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert json.loads(answer.body)["error"]["code"] == "rate_limit_exceeded"
    assert SERVER.error(models.Error(code="x", advice="fix", effect="none", message="m"), status=404).status == 404


# ---- answers


def writer(usage: bool = False) -> ChatStream:
    create = asked(USER, stream_options={"include_usage": usage})
    facts = TurnFacts(response_id="resp_1", created_at=1, start=create.start, stored=False)
    return SERVER.stream(facts, create)


def chunks(stream: ChatStream, *messages: models.ServerMessage) -> list[Any]:
    data = b"".join(stream.sse(message) for message in messages) + stream.end()
    lines = data.decode().split("\n\n")[:-1]
    assert all(line.startswith("data: ") for line in lines)
    return [line[6:] if line[6:] == "[DONE]" else json.loads(line[6:]) for line in lines]


def item(index: int, **members: Any) -> models.ItemCompleted:
    return models.ItemCompleted(turn="t", index=index, item=msgspec.Raw(json.dumps(members).encode()))


def deltas(told: list[Any]) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in told if isinstance(chunk, dict) and chunk.get("choices")]


def test_text_is_told_as_it_comes() -> None:
    stream = writer(usage=True)
    skeleton = msgspec.Raw(b'{"type":"message","role":"assistant","content":[{"type":"output_text","text":""}]}')
    told = chunks(
        stream, ACCEPTED, models.TurnProgress(turn="t", phase="x"),
        models.ItemStarted(turn="t", index=0, item=skeleton),
        models.ItemDelta(turn="t", index=0, at="/content/0/text", append="Hel"),
        models.ItemDelta(turn="t", index=0, at="/content/0/text", append="lo"), models.ItemCompleted(turn="t", index=0),
        models.TurnCompleted(turn="t", status="completed", usage=USAGE),
    )  # fmt: skip
    assert deltas(told) == [{"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in told[:4]] == [None, None, None, "stop"]
    assert all(chunk["usage"] is None and chunk["id"] == "chatcmpl-1" for chunk in told[:4])
    usage = {
        "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    assert (told[4]["choices"], told[4]["usage"], told[5]) == ([], usage, "[DONE]")
    assert stream.response()["choices"][0]["message"]["content"] == "Hello"


def test_calls_are_numbered_by_their_order() -> None:
    told = chunks(
        writer(), ACCEPTED,
        models.ItemStarted(turn="t", index=0, item=msgspec.Raw(b'{"type":"function_call","arguments":""}')),
        item(0, type="function_call", call_id="c1", name="f", arguments="{}"),
        item(1, type="reasoning", summary=[]),
        item(2, type="custom_tool_call", call_id="c2", name="g", input="x"),
        models.TurnCompleted(turn="t", status="completed"),
    )  # fmt: skip
    begun = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    custom = {"index": 1, "id": "c2", "type": "custom", "custom": {"name": "g", "input": ""}}
    assert deltas(told)[1:] == [
        {"tool_calls": [begun]}, {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {"tool_calls": [custom]}, {"tool_calls": [{"index": 1, "custom": {"input": "x"}}]}, {},
    ]  # fmt: skip
    assert told[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert "usage" not in told[0]


@pytest.mark.parametrize(
    ("done", "finish"),
    [
        ({"status": "incomplete", "reason": "max_output_tokens"}, "length"),
        ({"status": "incomplete", "reason": "content_filter"}, "content_filter"),
        ({"status": "incomplete", "reason": "pause_turn"}, "pause_turn"),
        ({"status": "incomplete"}, "incomplete"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_ends(done: dict[str, Any], finish: str) -> None:
    stream = writer()
    told = chunks(
        stream, ACCEPTED, item(0, type="function_call", call_id="c1", name="f", arguments="{"),
        item(1, type="message", role="assistant", content="as text"),
        models.TurnCompleted(turn="t", discarded=[0], **done),
    )  # fmt: skip
    assert told[-2]["choices"][0]["finish_reason"] == finish
    (choice,) = stream.response()["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == (finish, "as text")
    assert "tool_calls" not in choice["message"]
    assert "usage" not in stream.response()


def test_a_failed_turn_has_no_end_mark() -> None:
    stream = writer()
    error = models.Error(code="upstream_failed", advice="retry", effect="unknown", message="it broke")
    told = chunks(stream, ACCEPTED, models.TurnFailed(turn="t", error=error))
    assert (told[-1]["error"]["message"], stream.encoder.failed) == ("it broke", error)
    assert json.loads(stream.refused(error)[6:])["error"]["message"] == "it broke"


def test_whole_answers() -> None:
    stream = writer()
    parts = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}, {"type": "later"}]
    for message in (
        item(0, type="message", role="assistant", content=parts),
        item(1, type="message", role="assistant", content=None),
        item(2, type="function_call", call_id="c1", name="f", arguments="{}"), item(3, type="reasoning", summary=[]),
        item(4, type="message", role="assistant", content=[{"type": "output_text", "text": "b"}]),
        models.TurnCompleted(turn="t", status="completed", usage=USAGE),
    ):  # fmt: skip
        stream.sse(message)
    told = stream.response()
    assert told["choices"][0]["message"] == {
        "role": "assistant", "content": "ab", "refusal": "no", "annotations": [], "tool_calls": [CALL],
    }  # fmt: skip
    assert (told["object"], told["usage"]["total_tokens"]) == ("chat.completion", 12)
