"""A turn written as OpenAI events and read again is the same turn, over both wires of that family."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from segue_adapters.assembly import ItemAssembler
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.wires.base import TurnFacts
from segue_adapters.wires.openai_http import OpenAIHTTPClient, OpenAIHTTPServer
from segue_adapters.wires.openai_ws import OpenAIWSClient, OpenAIWSServer
from segue_adapters.wires.responses_decoder import turn_of_response
from segue_adapters.wires.responses_encoder import ResponsesEncoder
from segue_schemas import models

QUICK = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
DONE_COPIES = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "reasoning_summary_text": "text",
               "function_call_arguments": "arguments", "custom_tool_call_input": "input"}  # fmt: skip


def facts(turn: Any) -> TurnFacts:
    return TurnFacts(response_id="resp_1", created_at=1, start=turn.start, stored=True)


def bare(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without what the wire adds: ids, status, and the lists that its SDKs want to see."""
    item = {name: value for name, value in item.items() if name not in ("id", "status")}
    if item["type"] == "message":
        item["content"] = [
            {name: value for name, value in part.items() if not (name in ("annotations", "logprobs") and value == [])}
            for part in item["content"]
        ]
    return item


def items_of(messages: list[models.ServerMessage]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the items as they came whole, and as the deltas built them."""
    items = ItemAssembler()
    for message in messages:
        items.apply(message)
    whole = {index: bare(json.loads(items.whole(index))) for index in items.completed}
    return list(whole.values()), [bare(items.partial(index)) for index in whole]


def full(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without lists and visible reasoning that hold nothing: no event says that they are there."""
    if item["type"] == "reasoning" and "content" in item:
        item = {**item, "content": [part for part in item["content"] if part["text"]]}
    return {name: value for name, value in item.items() if value != []}


def check_outcome(turn: Any, messages: list[models.ServerMessage]) -> None:
    whole, built = items_of(messages)
    assert whole == turn.items
    for item, grown in zip(turn.items, built, strict=True):
        if item["type"] in ("message", "function_call", "custom_tool_call", "reasoning"):
            assert full(grown) == full(item)
    assert isinstance(messages[0], models.TurnAccepted)
    assert messages[0].parent == turn.start.parent
    wanted, terminal = turn.messages[-1], messages[-1]
    assert type(terminal) is type(wanted)
    assert terminal.usage == wanted.usage or terminal.usage.reasoning_tokens == 0
    if isinstance(wanted, models.TurnCompleted):
        assert (terminal.status, terminal.reason) == (wanted.status, wanted.reason)
        assert terminal.continuation.id == "resp_1"
    else:
        assert (terminal.error.code, terminal.error.message) == ("internal_error", "it broke")


@QUICK
@given(data=st.data())
def test_the_events_keep_the_rules_of_the_wire(turns: Any, data: st.DataObject) -> None:
    turn = data.draw(turns())
    encoder = ResponsesEncoder(facts(turn))
    events = [event for message in turn.messages for event in encoder.feed(message)]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events if event["type"] in TERMINAL] == [events[-1]["type"]]
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    added = {e["output_index"]: e["item"] for e in events if e["type"] == "response.output_item.added"}
    done = {e["output_index"]: e["item"] for e in events if e["type"] == "response.output_item.done"}
    assert added.keys() >= done.keys()
    assert [bare(item) for _, item in sorted(done.items())] == turn.items
    assert events[-1]["response"]["output"] == [item for _, item in sorted(done.items())]
    assert events[-1]["response"]["error"] is None or isinstance(events[-1]["response"]["error"], dict)
    texts: dict[Any, str] = defaultdict(str)
    seen: set[tuple[Any, ...]] = set()
    for event in events:
        stream, _, end = event["type"].removeprefix("response.").partition(".")
        place = tuple(event.get(n) for n in ("output_index", "content_index", "summary_index"))
        if end == "delta":
            texts[stream, place] += event["delta"]
            assert event["item_id"] == added[event["output_index"]]["id"]
        elif end == "done" and stream in DONE_COPIES:
            assert event[DONE_COPIES[stream]] == texts[stream, place]
        elif event["type"] in ("response.content_part.added", "response.reasoning_summary_part.added"):
            assert (event["type"], place) not in seen
            seen.add((event["type"], place))
            assert not event["part"].get("text")
            assert not event["part"].get("refusal")
    for item in done.values():
        assert item.get("status", "completed") == "completed"


@QUICK
@given(data=st.data(), lane=st.none() | st.just("a"))
def test_over_a_websocket(turns: Any, data: st.DataObject, lane: str | None) -> None:
    turn = data.draw(turns())
    client, server = OpenAIWSClient(), OpenAIWSServer()
    if lane:
        turn.start.lane = lane
    (frame,) = client.send(turn.start)
    received = server.receive(frame)
    assert (received.lane, received.parent, received.input) == (turn.start.lane, turn.start.parent, [])
    assert msgspec.json.decode(received.context) == msgspec.json.decode(turn.start.context)
    server.begin(facts(turn))
    frames = [frame for message in turn.messages for frame in server.send(message)]
    assert all(json.loads(frame).get("stream_id") == lane for frame in frames)
    check_outcome(
        turn, [m for frame in frames for m in client.receive(frame) if not isinstance(m, models.TurnProgress)]
    )
    assert server.send(models.TurnProgress(turn="t", phase="late")) == []
    with pytest.raises(RemoteProtocolError, match="no response is awaited"):
        client.receive(frames[-1])


@QUICK
@given(data=st.data(), size=st.integers(1, 4000))
def test_over_http(turns: Any, data: st.DataObject, size: int) -> None:
    turn = data.draw(turns())
    exchange, server = OpenAIHTTPClient().exchange(turn.start), OpenAIHTTPServer()
    call = server.receive(exchange.request)
    assert (call.kind, call.stream, call.start.parent) == ("create", True, turn.start.parent)
    stream = server.stream(facts(turn))
    body = b"".join(stream.sse(message) for message in turn.messages) + stream.end()
    exchange.head(200, {"content-type": "text/event-stream; charset=utf-8"})
    messages = [m for at in range(0, len(body), size) for m in exchange.data(body[at : at + size])] + exchange.end()
    check_outcome(turn, [m for m in messages if not isinstance(m, models.TurnProgress)])
    whole = turn_of_response("t", msgspec.json.encode(stream.response()), retention="cached")
    assert items_of(whole)[0] == turn.items
    assert type(whole[-1]) is type(turn.messages[-1])
