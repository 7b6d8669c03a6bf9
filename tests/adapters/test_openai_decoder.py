"""Events of OpenAI Responses read as Segue messages, from full servers, lean ones and broken ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.assembly import ItemAssembler
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.wires.responses_decoder import ResponsesDecoder, parse_event, turn_of_response, usage_of
from segue_schemas import models

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}  # fmt: skip
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": [MESSAGE], "store": True}


def decode(
    *events: dict[str, Any], retention: models.Retention = "cached"
) -> tuple[list[models.ServerMessage], ItemAssembler]:
    decoder, items = ResponsesDecoder("t", retention=retention), ItemAssembler()
    messages = [message for event in events for message in decoder.receive(json.dumps(event))]
    for message in messages:
        items.apply(message)
    return messages, items


def tags(messages: list[models.ServerMessage]) -> list[str]:
    return [str(type(message).__struct_config__.tag) for message in messages]


def delta(kind: str, text: str = "x", **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": 0, "delta": text, **members}


def added(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def ended(kind: str = "completed", **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {**RESPONSE, "status": kind, **members}}


def test_a_turn_as_documented() -> None:
    empty = {**MESSAGE, "content": [], "status": "in_progress"}
    part = {"type": "output_text", "text": "", "annotations": []}
    place = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    events = [
        {"type": "response.created", "response": {"id": "resp_1", "previous_response_id": "resp_0", "store": True}},
        {"type": "response.in_progress", "response": {"id": "resp_1"}},
        added(empty),
        {"type": "response.content_part.added", **place, "part": part},
        {"type": "response.output_text.delta", **place, "delta": "Hel", "logprobs": [], "obfuscation": "zz"},
        {"type": "response.output_text.delta", **place, "delta": "lo"},
        {"type": "response.output_text.done", **place, "text": "Hello"},
        {"type": "response.content_part.done", **place, "part": MESSAGE["content"][0]},
        done(MESSAGE),
        {"type": "codex.rate_limits", "anything": 1},
        ended(usage={"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}),
    ]
    messages, items = decode(*({**event, "sequence_number": n} for n, event in enumerate(events)))
    assert tags(messages) == [
        "turn.accepted", "turn.progress", "item.started", "item.delta", "item.delta", "item.delta", "item.completed",
        "turn.completed",
    ]  # fmt: skip
    accepted, completed = messages[0], messages[-1]
    assert isinstance(accepted, models.TurnAccepted)
    assert isinstance(completed, models.TurnCompleted)
    assert (accepted.turn, accepted.parent, accepted.retention) == ("t", "resp_0", "cached")
    assert completed.continuation == models.Continuation(id="resp_1", retention="cached")
    assert completed.usage == models.Usage(input_tokens=9, output_tokens=3, total_tokens=12)
    assert [json.loads(item) for item in items.items] == [MESSAGE]
    assert items.partial(0)["content"] == [{**part, "text": "Hello"}]
    numbers = [m.seq for m in messages if not isinstance(m, models.TurnProgress)]
    assert numbers == [0, 2, 3, 4, 5, 8, 10]


@pytest.mark.parametrize(
    ("events", "built"),
    [
        # no announcements at all
        ([delta("output_text", "Hi")],
         {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}),
        ([delta("refusal", "No")],
         {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]}),
        ([delta("function_call_arguments", "{"), delta("function_call_arguments", "}")],
         {"type": "function_call", "arguments": "{}"}),
        ([delta("custom_tool_call_input", "ls")], {"type": "custom_tool_call", "input": "ls"}),
        ([delta("reasoning_summary_text", "S")],
         {"type": "reasoning", "summary": [{"type": "summary_text", "text": "S"}]}),
        ([delta("reasoning_text", "R")],
         {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "R"}]}),
        # visible reasoning of an item that was announced without a place for it
        ([added({"type": "reasoning", "summary": []}), delta("reasoning_text", "R", content_index=0)],
         {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "R"}]}),
        ([added({"type": "message", "role": "assistant"}), delta("output_text", "Hi", content_index=0)],
         {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}),
        ([added({"type": "message", "role": "assistant", "content": None}), delta("output_text", "Hi")],
         {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}),
        # parts in another order, from another number, or there from the beginning
        ([delta("output_text", "b", content_index=1), delta("output_text", "a", content_index=0),
          delta("output_text", "B", content_index=1)],
         {"type": "message", "role": "assistant",
          "content": [{"type": "output_text", "text": "bB"}, {"type": "output_text", "text": "a"}]}),
        ([added({"type": "message", "content": [{"type": "output_text", "text": "H"}]}), delta("output_text", "i")],
         {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}),
        ([{"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0,
           "part": {"type": "summary_text", "text": ""}}, delta("reasoning_summary_text", "S", summary_index=0)],
         {"type": "reasoning", "summary": [{"type": "summary_text", "text": "S"}]}),
        ([{"type": "response.content_part.added", "output_index": 0, "content_index": None,
           "part": {"type": "output_text", "text": ""}}, delta("output_text", "S", content_index=None)],
         {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "S"}]}),
    ],
)  # fmt: skip
def test_lean_servers_are_understood(events: list[dict[str, Any]], built: dict[str, Any]) -> None:
    messages, items = decode(*events)
    assert tags(messages)[:2] == ["turn.accepted", "item.started"]
    assert items.partial(0) == built


def test_items_that_come_whole_only() -> None:
    strange = {"type": "vendor:thing", "n": [1.0]}
    messages, items = decode(done(MESSAGE), done(strange, 3), done({"n": 1}, 4), done({"type": []}, 5), ended())
    assert tags(messages) == ["turn.accepted"] + ["item.started", "item.completed"] * 4 + ["turn.completed"]
    assert [json.loads(item) for item in items.items] == [MESSAGE, strange, {"n": 1}, {"type": []}]


@pytest.mark.parametrize("kind", ["response.created", "response.queued", "response.in_progress"])
def test_whichever_comes_first_accepts(kind: str) -> None:
    messages, _ = decode({"type": kind, "response": {"id": "resp_1"}}, {"type": "response.queued"})
    assert tags(messages) == ["turn.accepted", "turn.progress"]
    assert messages[1] == models.TurnProgress(turn="t", phase="queued")


@pytest.mark.parametrize(
    ("kind", "response", "status", "reason"),
    [
        ("completed", {}, "completed", msgspec.UNSET),
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "incomplete", "max_output_tokens"),
        ("incomplete", {"incomplete_details": {"reason": ""}}, "incomplete", msgspec.UNSET),
        ("incomplete", {"incomplete_details": None}, "incomplete", msgspec.UNSET),
        ("cancelled", {}, "cancelled", msgspec.UNSET),
    ],
)
def test_how_a_turn_ends(kind: str, response: dict[str, Any], status: str, reason: Any) -> None:
    messages, _ = decode(ended(kind, **response))
    completed = messages[-1]
    assert isinstance(completed, models.TurnCompleted)
    assert (completed.status, completed.reason) == (status, reason)


@pytest.mark.parametrize("identifier", [None, "", 5])
def test_no_id_no_continuation(identifier: Any) -> None:
    messages, _ = decode(ended(id=identifier))
    assert isinstance(messages[-1], models.TurnCompleted)
    assert messages[-1].continuation is msgspec.UNSET


def test_a_failed_response_is_a_failed_turn() -> None:
    messages, _ = decode(ended("failed", error={"code": "server_error", "message": "broke"}, usage=None))
    failed = messages[-1]
    assert isinstance(failed, models.TurnFailed)
    assert (failed.error.code, failed.error.effect, failed.error.message) == ("internal_error", "unknown", "broke")
    messages, _ = decode(ended("failed", error=None))
    assert isinstance(messages[-1], models.TurnFailed)
    assert messages[-1].error.message == "the endpoint gave no reason"


@pytest.mark.parametrize(
    ("frame", "code", "effect"),
    [
        ({"status": 400, "error": {"code": "previous_response_not_found", "message": "m"}},
         "continuation_not_found", "none"),
        ({"code": "previous_response_not_found", "message": "m"}, "continuation_not_found", "none"),
        ({"code": "server_error", "message": "m"}, "internal_error", "unknown"),
        ({"status_code": 429, "error": {"type": "usage_limit_reached", "message": "m"}}, "rate_limited", "none"),
        ({"status": None, "status_code": 429, "error": {"message": "m"}}, "rate_limited", "none"),
        ({"status": "400", "error": {"message": "m"}}, "internal_error", "unknown"),
        ({"status": True, "error": {"message": "m"}}, "internal_error", "unknown"),
        ({}, "internal_error", "unknown"),
    ],
)  # fmt: skip
def test_an_error_first_is_a_refusal_and_later_the_end(frame: dict[str, Any], code: str, effect: str) -> None:
    messages, _ = decode({"type": "error", **frame})
    (refusal,) = messages
    assert isinstance(refusal, models.ErrorMessage)
    assert (refusal.error.code, refusal.error.effect) == (code, effect)
    assert (refusal.refused, refusal.turn) == ("turn.start", "t")
    later, _ = decode(added(MESSAGE), {"type": "error", "sequence_number": 7, **frame})
    failed = later[-1]
    assert isinstance(failed, models.TurnFailed)
    assert (failed.error.code, failed.error.effect, failed.seq) == (code, "unknown", 7)


@pytest.mark.parametrize(
    ("asked", "store", "granted"),
    [
        ("cached", True, "cached"), ("durable", True, "durable"), ("none", True, "cached"), ("cached", False, "none"),
        ("none", False, "none"), ("connection", False, "connection"), ("cached", None, "cached"),
    ],
)  # fmt: skip
def test_what_is_granted_is_what_store_says(asked: models.Retention, store: Any, granted: str) -> None:
    messages, _ = decode(ended(store=store), retention=asked)
    assert isinstance(messages[0], models.TurnAccepted)
    assert messages[0].retention == granted
    assert isinstance(messages[1], models.TurnCompleted)
    assert isinstance(messages[1].continuation, models.Continuation)
    assert messages[1].continuation.retention == granted


@pytest.mark.parametrize(
    "event",
    [
        delta("output_text", output_index=None),
        delta("output_text", output_index="0"),
        delta("output_text", output_index=True),
        delta("output_text", output_index=-1),
        delta("output_text", delta=None),
        delta("output_text", content_index="a/b"),
        delta("output_text", content_index=-1),
        delta("reasoning_summary_text", summary_index=[]),
        delta("function_call_arguments", delta={}, huge=10**40),
        {"type": "response.content_part.added", "output_index": 0, "content_index": 0},
        {"type": "response.output_item.added", "output_index": 0, "item": []},
        {"type": "response.output_item.done", "output_index": 0},
        {"type": "response.completed"},
        {"type": "response.created", "response": "resp_1"},
    ],
    ids=lambda event: event["type"],
)
def test_events_without_what_they_need_are_a_breach(event: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError, match="without a usable") as caught:
        ResponsesDecoder("t", retention="none").receive(json.dumps(event))
    assert caught.value.expected
    assert event["type"] in caught.value.got


@pytest.mark.parametrize(
    "data",
    ["", "x", "[]", "5", "{}", '{"type":5}', '{"type":"a","type":"b"}', b"\xff", '{"type":"\\ud800"}', "[" * 9999],
)
def test_what_is_no_event_is_a_breach(data: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_event(data)


# ---- a whole Response


def test_a_whole_response() -> None:
    body = json.dumps({**RESPONSE, "previous_response_id": "resp_0", "output": [MESSAGE, {"type": "x", "n": 1.0}]})
    messages = turn_of_response("t", body.encode(), retention="cached")
    assert tags(messages) == ["turn.accepted"] + ["item.started", "item.completed"] * 2 + ["turn.completed"]
    items = ItemAssembler()
    for message in messages:
        items.apply(message)
    assert items.items == [json.dumps(MESSAGE).encode(), b'{"type": "x", "n": 1.0}']


@pytest.mark.parametrize(
    "body",
    [[], {"output": {}}, {"output": [5]}, {"output": None}, RESPONSE | {"status": "in_progress"},
     RESPONSE | {"status": None}, {}],
)  # fmt: skip
def test_what_is_no_whole_response_is_a_breach(body: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        turn_of_response("t", json.dumps(body).encode(), retention="cached")


def test_a_failed_response_as_a_whole() -> None:
    body = {**RESPONSE, "status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "m"}}
    messages = turn_of_response("t", json.dumps(body).encode(), retention="cached")
    assert tags(messages) == ["turn.accepted", "turn.failed"]
    assert isinstance(messages[1], models.TurnFailed)
    assert messages[1].error.code == "rate_limited"


@pytest.mark.parametrize(
    ("value", "usage"),
    [
        (None, None), ({}, None), ([], None),
        ({"input_tokens": 1, "output_tokens": 2}, None),
        ({"input_tokens": 1, "output_tokens": True, "total_tokens": 3}, None),
        ({"input_tokens": -1, "output_tokens": 2, "total_tokens": 3}, None),
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}, (msgspec.UNSET, msgspec.UNSET)),
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_tokens_details": {"cached_tokens": 0},
          "output_tokens_details": {"reasoning_tokens": 2}}, (0, 2)),
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_tokens_details": {"cached_tokens": True},
          "output_tokens_details": {"reasoning_tokens": -1}}, (msgspec.UNSET, msgspec.UNSET)),
    ],
)  # fmt: skip
def test_usage_is_taken_where_it_was_reported(value: Any, usage: Any) -> None:
    got = usage_of(value)
    if usage is None:
        assert got is msgspec.UNSET
    else:
        assert isinstance(got, models.Usage)
        assert (got.total_tokens, got.cached_tokens, got.reasoning_tokens) == (3, *usage)
