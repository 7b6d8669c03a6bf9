"""What the surface of the OpenAI wires sends where a turn is out of the ordinary."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.wires.base import TurnFacts
from segue_adapters.wires.responses_encoder import ResponsesEncoder, response_object
from segue_schemas import models


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def facts(**context: Any) -> TurnFacts:
    start = models.TurnStart(turn="t", input=[], context=raw({"model": "m", **context}))
    return TurnFacts(response_id="resp_1", created_at=100, start=start, stored=True)


def begun(item: Any) -> models.ItemStarted:
    return models.ItemStarted(turn="t", index=0, item=raw(item))


def put(at: str, value: Any) -> models.ItemDelta:
    return models.ItemDelta(turn="t", index=0, at=at, put=raw(value))


def append(at: str, text: str) -> models.ItemDelta:
    return models.ItemDelta(turn="t", index=0, at=at, append=text)


def whole(item: Any = None) -> models.ItemCompleted:
    return models.ItemCompleted(turn="t", index=0, item=msgspec.UNSET if item is None else raw(item))


def feed(*messages: models.ServerMessage) -> list[dict[str, Any]]:
    encoder = ResponsesEncoder(facts())
    return [event for message in messages for event in encoder.feed(message)]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def deltas(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"].endswith(".delta"))


WORDS = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}


def test_text_that_came_with_its_part_is_streamed_too() -> None:
    """The example of binding-segue-ws: clients of this wire add up deltas."""
    events = feed(begun({**WORDS, "content": []}), put("/content/0", {"type": "output_text", "text": "Hel"}),
                  append("/content/0/text", "lo"), whole())  # fmt: skip
    assert kinds(events) == [
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done",
    ]  # fmt: skip
    assert events[1]["part"] == {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    assert (deltas(events), events[4]["text"]) == ("Hello", "Hello")


@pytest.mark.parametrize(
    "messages",
    [
        [whole(WORDS)],
        [begun(WORDS), whole()],
        [begun({"type": "message", "role": "assistant", "content": ""}), append("/content", "Hel"),
         append("/content", "lo"), whole()],
        [begun({"type": "message", "role": "assistant"}),
         whole({**WORDS, "content": "Hello", "status": "in_progress"})],
        [begun({**WORDS, "content": []}), put("/content", [{"type": "output_text"}]), put("/content/0/text", "Hel"),
         append("/content/0/text", "lo"), whole()],
        [begun({**WORDS, "content": [], "status": None}), put("/content/-", WORDS["content"][0]),
         put("/content/0", WORDS["content"][0]), whole()],
    ],
)  # fmt: skip
def test_however_a_message_comes_it_goes_out_the_same(messages: list[models.ServerMessage]) -> None:
    events = feed(*messages)
    assert kinds(events)[:2] == ["output_item.added", "content_part.added"]
    assert events[0]["item"] == {"id": "msg_1_0", "type": "message", "role": "assistant", "content": [],
                                 "status": "in_progress"}  # fmt: skip
    assert kinds(events)[-3:] == ["output_text.done", "content_part.done", "output_item.done"]
    assert deltas(events) == events[-3]["text"] == "Hello"
    assert kinds(events).count("content_part.added") == 1
    part = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    assert events[-1]["item"] == {"id": "msg_1_0", "type": "message", "role": "assistant", "content": [part],
                                  "status": "completed"}  # fmt: skip


def test_a_call_whose_arguments_came_at_once() -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "f"}
    events = feed(begun({**call, "arguments": '{"a"'}), append("/arguments", ":1}"), whole())
    assert events[0]["item"]["arguments"] == ""
    assert deltas(events) == events[-2]["arguments"] == events[-1]["item"]["arguments"] == '{"a":1}'
    assert feed(whole(call))[-1]["item"]["arguments"] == ""
    assert feed(whole({"type": "custom_tool_call", "call_id": "c", "name": "f"}))[-1]["item"]["input"] == ""
    assert kinds(feed(begun(call), put("/arguments", 5))) == ["output_item.added"]


def test_reasoning_is_announced_and_repeated() -> None:
    item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "S"}],
            "content": [{"type": "reasoning_text", "text": "R"}], "status": "in_progress"}  # fmt: skip
    events = feed(begun(item), whole())
    assert kinds(events) == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "reasoning_text.done", "output_item.done",
    ]  # fmt: skip
    assert (events[0]["item"]["summary"], events[0]["item"]["content"]) == ([], [])
    assert events[-1]["item"]["status"] == "completed"
    bare = feed(whole({"type": "reasoning", "encrypted_content": "e"}))
    assert bare[-1]["item"]["summary"] == []


@pytest.mark.parametrize("part", [{"type": "input_image", "file_id": "f"}, {"type": 5}, "text", {}])
def test_parts_of_other_types_come_whole(part: Any) -> None:
    events = feed(begun({**WORDS, "content": []}), put("/content/-", part), whole())
    assert kinds(events) == ["output_item.added", "content_part.added", "content_part.done", "output_item.done"]
    assert events[1]["part"] == events[2]["part"] == part


def test_parts_without_their_text_do_not_stop_it() -> None:
    odd = [{"type": "output_text"}, {"type": "refusal", "refusal": 5}, {"type": "summary_text", "text": "x"}]
    events = feed(whole({**WORDS, "content": odd}))
    assert events[-1]["item"]["content"][1:] == odd[1:]
    assert deltas(events) == ""


def test_what_this_wire_has_no_event_for_says_nothing() -> None:
    assert feed(models.TurnProgress(turn="t", phase="thinking")) == []
    events = feed(begun({"type": "vendor:thing", "id": "own"}), append("/text", "x"), put("/n", 1), whole())
    assert kinds(events) == ["output_item.added", "output_item.done"]
    assert events[1]["item"] == {"type": "vendor:thing", "id": "own", "text": "x", "n": 1}
    assert kinds(feed(begun({**WORDS, "content": []}), put("/phase", "commentary"))) == ["output_item.added"]


@pytest.mark.parametrize("delta", [append("/content/5/text", "x"), put("/content/-/x", 1)])
def test_a_delta_without_a_place_is_no_event(delta: models.ItemDelta) -> None:
    with pytest.raises(RemoteProtocolError, match="no place"):
        feed(begun({**WORDS, "content": []}), delta)


def test_ids_stay_and_are_drawn_where_there_are_none() -> None:
    assert feed(begun({**WORDS, "id": "msg_own"}), whole())[-1]["item"]["id"] == "msg_own"
    assert feed(begun({**WORDS, "id": None}), whole({**WORDS, "id": "msg_new"}))[-1]["item"]["id"] == "msg_1_0"
    assert feed(whole({"type": "vendor:thing"}))[0]["item"]["id"] == "item_1_0"


@pytest.mark.parametrize(
    ("status", "reason", "details"),
    [("incomplete", "max_output_tokens", {"reason": "max_output_tokens"}), ("cancelled", None, {"reason": "cancelled"}),
     ("incomplete", "retention_lost", {"reason": "retention_lost"}), ("completed", None, None)],
)  # fmt: skip
def test_how_it_ends(status: Any, reason: str | None, details: Any) -> None:
    end = models.TurnCompleted(turn="t", status=status, reason=reason or msgspec.UNSET)
    end.timing = models.Timing(total_ms=2500)
    (event,) = feed(end)
    response = event["response"]
    assert event["type"] == f"response.{'completed' if status == 'completed' else 'incomplete'}"
    assert event["type"] == f"response.{response['status']}"
    assert response["incomplete_details"] == details
    assert response["completed_at"] == (102 if status == "completed" else None)
    assert response["usage"] is None


@pytest.mark.parametrize(
    ("code", "foreign"), [("rate_limited", "rate_limit_exceeded"), ("upstream_failed", "server_error")]
)
def test_a_failure_has_a_code_that_the_wire_knows(code: str, foreign: str) -> None:
    error = models.Error(code=code, advice="retry", effect="unknown", message="m")
    (event,) = feed(models.TurnFailed(turn="t", error=error))
    assert event["response"]["error"] == {"code": foreign, "message": "m"}


def test_a_response_echoes_settings_and_nothing_else_of_the_request() -> None:
    foreign = {"error": "x", "incomplete_details": {}, "background": 1, "id": "resp_x", "status": "failed",
               "store": False, "output": [1], "usage": {}}  # fmt: skip
    mine = facts(temperature=0.5, tools=[{"type": "function"}], top_p=None, **foreign)
    response = response_object(mine, status="in_progress", output=[])
    assert (response["temperature"], response["tools"], response["top_p"]) == (0.5, [{"type": "function"}], 1.0)
    assert (response["error"], response["incomplete_details"], response["background"]) == (None, None, False)
    assert (response["id"], response["status"], response["store"]) == ("resp_1", "in_progress", True)
    assert (response["output"], response["usage"], response["previous_response_id"]) == ([], None, None)
    bare = TurnFacts("resp_1", 1, models.TurnStart(turn="t", input=[]), stored=False)
    assert response_object(bare, status="queued", output=[])["model"] == ""
