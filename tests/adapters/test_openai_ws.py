"""The OpenAI WebSocket wire: whose event is it? Lanes, first in first out, and errors that name nobody."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried, RemoteProtocolError
from segue_adapters.wires.base import Refuse
from segue_adapters.wires.openai_ws import OpenAIWSClient, OpenAIWSServer
from segue_schemas import models

LOST = {"code": "previous_response_not_found", "message": "gone", "param": "previous_response_id"}


def start(turn: str, lane: str | None = None, **members: Any) -> models.TurnStart:
    message = models.TurnStart(turn=turn, input=[], context=msgspec.Raw(b'{"model":"m"}'), **members)
    if lane is not None:
        message.lane = lane
    return message


def asked(*starts: models.TurnStart) -> OpenAIWSClient:
    client = OpenAIWSClient()
    for message in starts:
        client.send(message)
    return client


def told(client: OpenAIWSClient, kind: str, **members: Any) -> list[tuple[str, str]]:
    """Return type and turn of the messages that an event becomes."""
    if kind.startswith("response.") and kind.count(".") == 1:
        members.setdefault("response", {"id": "resp_1", "status": "completed"})
    return [
        (str(type(m).__struct_config__.tag), getattr(m, "turn", msgspec.UNSET) or "")
        for m in client.receive(json.dumps({"type": kind, **members}))
    ]


def test_a_create_says_the_turn_and_its_lane() -> None:
    (frame,) = OpenAIWSClient().send(start("t", "a.b", parent="resp_0", generate=False, retention="none"))
    assert json.loads(frame) == {
        "type": "response.create", "stream_id": "a.b", "model": "m", "previous_response_id": "resp_0", "input": [],
        "generate": False, "store": False,
    }  # fmt: skip
    streamed = models.Delivery(mode="stream")
    assert "stream" not in json.loads(OpenAIWSClient().send(start("t", delivery=streamed))[0])


@pytest.mark.parametrize(
    "message",
    [
        models.TurnResume(turn="t"),
        models.TurnCancel(turn="t"),
        models.ContinuationGet(ref="r", id="c"),
        start("t", delivery=models.Delivery(mode="final")),
        start("t", deadline_ms=5),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_has_no_place_is_not_awaited_either(message: models.ClientMessage) -> None:
    client = OpenAIWSClient()
    with pytest.raises(NotCarried):
        client.send(message)
    with pytest.raises(RemoteProtocolError):
        told(client, "response.created")


@pytest.mark.parametrize(
    ("retention", "granted"), [("none", "connection"), ("connection", "connection"), ("cached", "cached")]
)
def test_store_false_keeps_it_for_the_connection(retention: Any, granted: str) -> None:
    client = asked(start("t", retention=retention))
    (accepted,) = client.receive('{"type":"response.created","response":{}}')
    assert isinstance(accepted, models.TurnAccepted)
    assert accepted.retention == granted


def test_a_lane_is_first_in_first_out() -> None:
    client = asked(start("t1"), start("t2"))
    assert told(client, "response.created") == [("turn.accepted", "t1")]
    assert told(client, "response.completed") == [("turn.completed", "t1")]
    assert told(client, "response.created") == [("turn.accepted", "t2")]
    assert told(client, "response.failed", response={"error": {}}) == [("turn.failed", "t2")]
    with pytest.raises(RemoteProtocolError, match="no response is awaited"):
        told(client, "response.created")


def test_lanes_are_told_apart() -> None:
    client = asked(start("t1"), start("t2", "a"), start("t3", "b"))
    assert told(client, "response.created", stream_id="b") == [("turn.accepted", "t3")]
    assert told(client, "response.created") == [("turn.accepted", "t1")]
    assert told(client, "response.completed", stream_id="a") == [("turn.accepted", "t2"), ("turn.completed", "t2")]
    assert told(client, "response.completed", stream_id="b") == [("turn.completed", "t3")]
    assert told(client, "response.completed", stream_id=None) == [("turn.completed", "t1")]


@pytest.mark.parametrize("kind", ["response.in_progress", "response.completed"])
@pytest.mark.parametrize("begun", [False, True])
def test_what_is_said_of_an_ended_response_is_not_taken_for_the_next(kind: str, begun: bool) -> None:
    client = asked(start("t1"), start("t2"))
    told(client, "response.completed", response={"id": "resp_1"})
    if begun:
        told(client, "response.created", response={"id": "resp_2"})
    with pytest.raises(RemoteProtocolError, match=f"{kind} of a response that has ended"):
        told(client, kind, response={"id": "resp_1"})


def test_a_response_that_has_the_id_of_an_ended_one_is_read() -> None:
    client = asked(start("t1"), start("t2"))
    told(client, "response.completed", response={"id": "resp_1"})
    assert told(client, "response.created", response={"id": "resp_1"}) == [("turn.accepted", "t2")]
    assert told(client, "response.completed", response={"id": "resp_1"}) == [("turn.completed", "t2")]


@pytest.mark.parametrize("lane", [None, 5, {}])
def test_a_null_lane_is_the_default_lane(lane: Any) -> None:
    assert told(asked(start("t")), "response.created", stream_id=lane) == [("turn.accepted", "t")]


def test_events_of_a_lane_that_nobody_named_are_a_breach() -> None:
    with pytest.raises(RemoteProtocolError, match="on lane 'b'"):
        told(asked(start("t", "a")), "response.created", stream_id="b")
    with pytest.raises(RemoteProtocolError, match="no response is awaited"):
        told(asked(start("t", "a")), "response.created")


@pytest.mark.parametrize("kind", ["codex.rate_limits", "keepalive", "responses.x", "response.steer.accepted"])
def test_types_that_belong_to_no_turn_are_ignored(kind: str) -> None:
    assert told(OpenAIWSClient(), kind, response=5) == []


def test_unknown_types_of_a_response_are_ignored() -> None:
    assert told(asked(start("t")), "response.web_search_call.searching", output_index="x") == []


@pytest.mark.parametrize("frame", [b"{}", "", "[]", "{}", '{"type":1}', '{"type":"a","type":"b"}'])
def test_frames_that_are_no_events_are_a_breach(frame: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        asked(start("t")).receive(frame)


def test_a_refusal_takes_the_first_of_its_lane() -> None:
    client = asked(start("t1"), start("t2"), start("t3", "a"))
    assert told(client, "error", status=400, error=LOST) == [("error", "t1")]
    assert told(client, "error", status=400, error=LOST, stream_id="a") == [("error", "t3")]
    assert told(client, "response.created") == [("turn.accepted", "t2")]
    assert told(client, "error", status=500, error={"message": "m"}) == [("turn.failed", "t2")]


def test_an_error_that_names_no_lane_is_that_of_the_only_turn_that_waits() -> None:
    client = asked(start("t1", "bad"), start("t2", "b"))
    told(client, "response.created", stream_id="b")
    assert told(client, "error", status=400, error={"code": "invalid_stream_id"}) == [("error", "t1")]
    assert told(client, "response.completed", stream_id="b") == [("turn.completed", "t2")]


@pytest.mark.parametrize("lane", [None, "c"])
def test_an_error_that_could_be_anybodys_is_the_connections(lane: str | None) -> None:
    client = asked(start("t1", "a"), start("t2", "b"))
    limit = {"code": "websocket_connection_limit_reached", "message": "60 minutes"}
    (error,) = client.receive(json.dumps({"type": "error", "status": 400, "error": limit, "stream_id": lane}))
    assert isinstance(error, models.ErrorMessage)
    assert (error.error.code, error.error.advice) == ("draining", "reconnect")
    assert (error.turn, error.refused) == (msgspec.UNSET, msgspec.UNSET)
    assert told(client, "response.created", stream_id="b") == [("turn.accepted", "t2")]


# ---- the server's side


def refused(frame: str | bytes) -> Refuse:
    with pytest.raises(Refuse) as caught:
        OpenAIWSServer().receive(frame)
    return caught.value


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"{}", "malformed_message"),
        ("", "malformed_message"),
        ("[]", "malformed_message"),
        ('{"type":5}', "malformed_message"),
        ('{"type":"response.create","type":"response.create"}', "malformed_message"),
        ('{"type":"response.steer"}', "unsupported_message"),
        ('{"type":"segue:turn.resume"}', "unsupported_message"),
        (json.dumps({"type": "x" * 500}), "unsupported_message"),
    ],
)
def test_frames_that_are_no_create(frame: str | bytes, code: str) -> None:
    caught = refused(frame)
    assert (caught.error.code, caught.close, caught.lane) == (code, None, None)
    assert len(caught.error.message) < 150


@pytest.mark.parametrize("lane", ["", "a b", "ü", "x" * 257, 5, None, []])
def test_a_lane_of_another_form_is_refused_without_it(lane: Any) -> None:
    caught = refused(json.dumps({"type": "response.create", "model": "m", "input": "x", "stream_id": lane}))
    assert (caught.error.code, caught.error.param, caught.lane) == ("invalid_request", "stream_id", None)
    (frame,) = OpenAIWSServer().refuse(caught.message, caught.lane)
    told = json.loads(frame)
    assert "stream_id" not in told
    assert (told["type"], told["status"], told["error"]["code"]) == ("error", 400, "invalid_stream_id")


@pytest.mark.parametrize("lane", [None, "a"])
def test_a_refused_create_keeps_its_lane(lane: str | None) -> None:
    create = {"type": "response.create", "model": "m", "input": 5}
    caught = refused(json.dumps(create | ({} if lane is None else {"stream_id": lane})))
    assert caught.lane == lane
    (frame,) = OpenAIWSServer().refuse(caught.message, caught.lane)
    assert json.loads(frame).get("stream_id") == lane
    client = asked(start("t", lane))
    (refusal,) = client.receive(frame)
    assert isinstance(refusal, models.ErrorMessage)
    assert (refusal.turn, refusal.error.code, refusal.error.param) == ("t", "invalid_request", "input")


def test_creates_are_tolerated_as_clients_send_them() -> None:
    frame = {"type": "response.create", "model": "m", "input": [{"role": "user", "content": "Hello"}], "stream": True,
             "previous_response_id": None, "include": [], "client_metadata": {"a": "b"}, "stream_id": "main",
             "store": False}  # fmt: skip
    message = OpenAIWSServer().receive(json.dumps(frame))
    assert (message.lane, message.retention, message.parent) == ("main", "connection", msgspec.UNSET)
    again = OpenAIWSServer().receive(json.dumps(frame))
    assert again.turn != message.turn


def test_what_belongs_to_no_response_says_nothing() -> None:
    draining = models.ConnectionDraining(reason="lifetime", close_in_ms=5)
    assert OpenAIWSServer().send(draining) == []
    assert OpenAIWSServer().send(models.TurnAccepted(turn="t")) == []
