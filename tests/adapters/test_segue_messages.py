"""Messages of Segue's own wires, read on both sides: what is none is refused, or is a breach."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.wires.base import Refuse, status_for
from segue_adapters.wires.segue_ws import SegueWSClient, SegueWSServer, client_message, server_message
from segue_schemas import models, validator

START = {"type": "turn.start", "turn": "t_1", "input": []}


def refused(data: str | bytes) -> models.ErrorMessage:
    with pytest.raises(Refuse) as caught:
        SegueWSServer().receive(data)
    message = caught.value.message
    validator("native.json#/$defs/ServerMessage").validate(json.loads(SegueWSServer().send(message)[0]))
    assert (caught.value.close, caught.value.status) == (None, status_for(message.error.code))
    assert (message.error.advice, message.error.effect) == ("fix", "none")
    return message


@pytest.mark.parametrize(
    "data",
    [
        "", "{", "[]", "null", '"turn.start"', "{}", '{"type":5}', '{"type":null}', b"{}", b"\xff",
        '{"type":"turn.start","type":"turn.start","turn":"t","input":[]}',
        '{"type":"turn.start","turn":"t","input":[{"a":{"b":1,"b":2}}]}',
        '{"type":"turn.start","turn":"t","input":["\\ud800"]}',
        '{"type":"turn.start","turn":"t","input":[],"\\udfff":1}',
        '{"type":"turn.start","turn":"t","input":[NaN]}',
        '{"type":"turn.start","turn":"t","input":[1e999]}',
        '{"type":"turn.start","turn":"t","input":' + "[" * 101 + "]" * 101 + "}",
        '{"type":"turn.start","turn":"t","input":' + "[" * 300_000,
        '{"type":"turn.start","turn":"t","input":[]} x',
    ],
    ids=lambda data: str(data)[:40],
)  # fmt: skip
def test_what_is_no_message_is_malformed(data: str | bytes) -> None:
    message = refused(data)
    assert message.error.code == "malformed_message"
    assert message.refused is msgspec.UNSET


@pytest.mark.parametrize("kind", ["turn.begin", "", "welcome", "x" * 500])
def test_unknown_types_are_refused_by_name_whatever_else_they_hold(kind: str) -> None:
    message = refused(json.dumps({"type": kind, "turn": "t_1", "input": 5}))
    assert message.error.code == "unsupported_message"
    assert (message.refused, message.turn) == (kind[:256], "t_1")


@pytest.mark.parametrize(
    ("members", "param", "turn"),
    [
        ({"input": None}, "/input", "t_1"),
        ({"turn": "no spaces"}, "/turn", None),
        ({"turn": "t" * 65}, "/turn", None),
        ({"turn": "ümlaut"}, "/turn", None),
        ({"turn": "t\n"}, "/turn", None),
        ({"turn": 5}, "/turn", None),
        ({"lane": ""}, "/lane", "t_1"),
        ({"parent": None}, "/parent", "t_1"),
        ({"deadline_ms": -1}, "/deadline_ms", "t_1"),
        ({"require": ["a", 5]}, "/require/1", "t_1"),
        ({"expect": {"digest": "sha256:x", "length": 0}}, "/expect/digest", "t_1"),
        ({"expect": {"length": 0}}, "/expect/digest", "t_1"),
        ({"retention": "forever"}, "/retention", "t_1"),
        ({"delivery": {"mode": "batch"}}, "/delivery/mode", "t_1"),
        ({"trace": {}}, "/trace/traceparent", "t_1"),
    ],
)
def test_the_member_at_fault_is_named(members: dict[str, Any], param: str, turn: str | None) -> None:
    message = refused(json.dumps({**START, **members}))
    assert (message.error.code, message.error.param) == ("invalid_request", param)
    assert (message.refused, message.turn) == ("turn.start", turn or msgspec.UNSET)


@pytest.mark.parametrize("missing", ["turn", "input"])
def test_a_missing_member_is_named(missing: str) -> None:
    message = refused(json.dumps({name: value for name, value in START.items() if name != missing}))
    assert (message.error.code, message.error.param) == ("invalid_request", "/" + missing)


def test_a_refusal_bears_the_ref_and_the_steer_that_could_be_read() -> None:
    message = refused('{"type":"continuation.get","ref":"r_1","id":""}')
    assert (message.refused, message.ref, message.turn) == ("continuation.get", "r_1", msgspec.UNSET)
    message = refused('{"type":"turn.steer","turn":"t_1","steer":"s_1","input":[]}')
    assert (message.refused, message.turn, message.steer) == ("turn.steer", "t_1", "s_1")
    assert refused('{"type":"continuation.get","ref":"a b","id":"x"}').ref is msgspec.UNSET


def test_unknown_members_are_ignored_and_items_kept_as_they_are() -> None:
    text = '{"type":"turn.start","turn":"t_1","later":{"a":1},"input":[{ "type":"x", "n":1.0 }]}'
    message = client_message(text)
    assert isinstance(message, models.TurnStart)
    assert [bytes(item) for item in message.input] == [b'{ "type":"x", "n":1.0 }']
    assert client_message(text.encode()).turn == "t_1"  # type: ignore[union-attr]


def test_both_sides_say_messages_as_they_stand() -> None:
    resume = models.TurnResume(turn="t_1", after=3)
    (frame,) = SegueWSClient().send(resume)
    assert SegueWSServer().receive(frame) == resume
    progress = models.TurnProgress(turn="t_1", phase="queued")
    assert SegueWSClient().receive(SegueWSServer().send(progress)[0]) == [progress]


def test_a_client_ignores_what_a_later_version_says() -> None:
    assert server_message('{"type":"turn.later","turn":5}') is None
    assert SegueWSClient().receive('{"type":"turn.later"}') == []
    told = server_message('{"type":"turn.progress","turn":"t_1","phase":"x","later":1}')
    assert told == models.TurnProgress(turn="t_1", phase="x")


@pytest.mark.parametrize(
    "data",
    [
        "", "{", "[]", "{}", '{"type":5}', b"\xff", b'{"type":"turn.progress","turn":"\xff","phase":"x"}',
        '{"type":"turn.progress"}', '{"type":"turn.progress","turn":"a b","phase":"x"}',
        '{"type":"item.started","turn":"t","index":-1,"item":{}}',
        '{"type":"turn.completed","turn":"t","status":"done"}',
        '{"type":"item.started","turn":"t","index":0,"item":' + "[" * 300_000, "[" * 300_000,
    ],
    ids=lambda data: str(data)[:40],
)  # fmt: skip
def test_a_servers_message_that_is_none_is_a_breach(data: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="none of the protocol's") as caught:
        server_message(data)
    assert len(caught.value.got) <= 300


def test_a_binary_frame_is_a_breach() -> None:
    with pytest.raises(RemoteProtocolError, match="binary"):
        SegueWSClient().receive(b"{}")
