"""Creates of the OpenAI wires: what they say of a turn, what is refused and why, and what the wire has no place for."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried
from segue_adapters.wires.base import Refuse, turn_name
from segue_adapters.wires.responses import body_of, create_of
from segue_schemas import models, validator

HELLO = {"type": "message", "role": "user", "content": "Hello"}


def create(body: Any, wire: str = "openai-http") -> Any:
    made = create_of(body if isinstance(body, str | bytes) else json.dumps(body), wire=wire)
    validator("client.json#/$defs/ClientMessage").validate(msgspec.json.decode(msgspec.json.encode(made.start)))
    return made


def base(**members: Any) -> dict[str, Any]:
    return {"model": "m", "input": "Hello", **members}


def refused(body: Any, wire: str = "openai-http") -> models.Error:
    with pytest.raises(Refuse) as caught:
        create(body, wire)
    assert caught.value.message.refused == "turn.start"
    assert caught.value.error.effect == "none"
    validator("server.json#/$defs/ServerMessage").validate(
        msgspec.json.decode(msgspec.json.encode(caught.value.message))
    )
    return caught.value.error


def test_a_string_is_one_message_of_the_user() -> None:
    made = create(base())
    assert [msgspec.json.decode(item) for item in made.start.input] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    ]
    assert (made.stream, made.stored) == (False, True)
    assert made.start.retention is msgspec.UNSET
    assert made.start.parent is msgspec.UNSET
    assert msgspec.json.decode(made.start.context) == {"model": "m"}


def test_items_are_kept_byte_for_byte() -> None:
    body = b'{"model":"m","input":[{ "type":"web_search_call", "n":1.0, "big":123456789012345678901234567890 }]}'
    (item,) = create(body).start.input
    assert bytes(item) == b'{ "type":"web_search_call", "n":1.0, "big":123456789012345678901234567890 }'


@pytest.mark.parametrize("kind", [{}, {"type": None}])
def test_a_message_may_leave_out_its_type(kind: dict[str, Any]) -> None:
    made = create(base(input=[{"role": "user", "content": "Hello", **kind}]))
    assert [msgspec.json.decode(item) for item in made.start.input] == [HELLO]


@pytest.mark.parametrize("parent", [None, "resp_1"])
def test_null_is_no_parent(parent: str | None) -> None:
    made = create(base(previous_response_id=parent))
    assert made.start.parent == (parent or msgspec.UNSET)


def test_every_setting_is_context_also_one_that_nobody_knows() -> None:
    settings = {
        "tools": [],
        "temperature": 1,
        "client_metadata": {"a": "b"},
        "unknown": None,
        "reasoning": {"mode": None},
    }
    transport = {"stream": True, "store": False, "stream_options": {}, "generate": None, "background": False,
                 "conversation": None, "background_options": {}, "previous_response_id": None}  # fmt: skip
    made = create(base(**settings, **transport))
    assert msgspec.json.decode(made.start.context) == {"model": "m", **settings}
    assert (made.stream, made.stored, made.start.retention) == (True, False, "none")


@pytest.mark.parametrize(
    ("store", "wire", "retention"),
    [(False, "openai-ws", "connection"), (False, "openai-http", "none"), (True, "openai-ws", msgspec.UNSET),
     (None, "openai-http", msgspec.UNSET)],
)  # fmt: skip
def test_store_is_retention(store: Any, wire: str, retention: Any) -> None:
    assert create(base(store=store), wire).start.retention == retention


def test_a_warm_up_needs_no_input() -> None:
    made = create({"model": "m", "generate": False})
    assert (made.start.generate, made.start.input) == (False, [])
    assert create({"model": "m", "previous_response_id": "resp_1"}).start.input == []
    assert create(base(generate=True)).start.generate is msgspec.UNSET
    assert create(base(input=[])).start.input == []


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("", "malformed_message", None),
        ("{", "malformed_message", None),
        (b"\xff", "malformed_message", None),
        ('{"model":"m","model":"n","input":"x"}', "malformed_message", None),
        ('{"model":"m","input":[{"a":1,"a":2}]}', "malformed_message", None),
        ('{"model":"m","input":"\\ud800"}', "malformed_message", None),
        ('{"model":"m","input":"x","temperature":NaN}', "malformed_message", None),
        ('{"model":"m","input":"x","temperature":1e999}', "malformed_message", None),
        ('{"model":"m","input":' + "[" * 200 + "]" * 200 + "}", "malformed_message", None),
        ('{"model":"m","input":' + "[" * 200_000, "malformed_message", None),
        ("[]", "invalid_request", None),
        ("null", "invalid_request", None),
        ({}, "invalid_request", "model"),
        ({"model": "", "input": "x"}, "invalid_request", "model"),
        ({"model": 5, "input": "x"}, "invalid_request", "model"),
        ({"model": "m"}, "invalid_request", "input"),
        (base(input=None), "invalid_request", "input"),
        (base(input=5), "invalid_request", "input"),
        (base(input={}), "invalid_request", "input"),
        (base(input=["x"]), "invalid_request", "input[0]"),
        (base(input=[HELLO, {}]), "invalid_request", "input[1].type"),
        (base(input=[{"type": 5}]), "invalid_request", "input[0].type"),
        (base(input=[{"type": ""}]), "invalid_request", "input[0].type"),
        (base(input=[HELLO, {"type": "item_reference", "id": "msg_1"}]), "invalid_request", "input[1]"),
        (base(previous_response_id=""), "invalid_request", "previous_response_id"),
        (base(previous_response_id=5), "invalid_request", "previous_response_id"),
        (base(previous_response_id="x" * 1025), "invalid_request", "previous_response_id"),
        (base(store="yes"), "invalid_request", "store"),
        (base(stream=1), "invalid_request", "stream"),
        (base(generate="no"), "invalid_request", "generate"),
        (base(background="no"), "invalid_request", "background"),
        (base(background=True), "not_offered", "background"),
        (base(conversation="conv_1"), "not_offered", "conversation"),
        (base(conversation={"id": "conv_1"}), "not_offered", "conversation"),
        (base(instructions=5), "invalid_request", "instructions"),
        (base(tools={}), "invalid_request", "tools"),
        (base(tool_choice=[]), "invalid_request", "tool_choice"),
        (base(parallel_tool_calls=1), "invalid_request", "parallel_tool_calls"),
        (base(temperature=True), "invalid_request", "temperature"),
        (base(top_p="1"), "invalid_request", "top_p"),
        (base(max_output_tokens=1.5), "invalid_request", "max_output_tokens"),
        (base(text="json"), "invalid_request", "text"),
        (base(reasoning="high"), "invalid_request", "reasoning"),
        (base(truncation=False), "invalid_request", "truncation"),
        (base(metadata=[]), "invalid_request", "metadata"),
        (base(include="all"), "invalid_request", "include"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, str | bytes | dict) else None,
)
def test_what_is_refused_and_which_member_is_at_fault(body: Any, code: str, param: str | None) -> None:
    error = refused(body)
    assert (error.code, error.param) == (code, msgspec.UNSET if param is None else param)


def test_an_item_by_reference_asks_for_the_item() -> None:
    error = refused(base(input=[{"type": "item_reference", "id": "msg_1"}]))
    assert error.advice == "resend_full"
    assert "msg_1" in error.message


def test_names_are_drawn_with_128_bits() -> None:
    names = {turn_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 24 for name in names)


# ---- the other way


def start(**members: Any) -> models.TurnStart:
    for name in ("context", "input"):
        if name in members:
            value = members[name]
            raw = [msgspec.Raw(json.dumps(i).encode()) for i in value] if name == "input" else None
            members[name] = raw if raw is not None else msgspec.Raw(json.dumps(value).encode())
    return models.TurnStart(**{"turn": "t", "input": [], **members})


@pytest.mark.parametrize("wire", ["openai-http", "openai-ws"])
@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"expect": models.Expectation(digest="segue1-sha256:" + "A" * 43, length=0)}, "expect"),
        ({"overlay": [{}]}, "overlay"),
        ({"deadline_ms": 5}, "deadline_ms"),
        ({"require": ["replay"]}, "require"),
        ({"context": "segue1-sha256:" + "A" * 43}, "digest"),
        ({"context": {"base": "segue1-sha256:" + "A" * 43, "patch": {}}}, "patch"),
    ],
)
def test_what_has_no_place_is_told_before_it_is_sent(wire: str, members: dict[str, Any], what: str) -> None:
    with pytest.raises(NotCarried, match=what) as caught:
        body_of(start(**members), wire=wire, stream=None)
    assert caught.value.wire == wire


def test_http_has_no_connection_and_no_warm_up() -> None:
    for members in ({"retention": "connection"}, {"generate": False}):
        with pytest.raises(NotCarried):
            body_of(start(**members), wire="openai-http", stream=True)
        assert body_of(start(**members), wire="openai-ws", stream=None)


@pytest.mark.parametrize(
    ("retention", "store"), [("none", False), ("connection", False), ("cached", True), ("durable", True)]
)
def test_retention_is_store(retention: models.Retention, store: bool) -> None:
    assert body_of(start(retention=retention), wire="openai-ws", stream=None)["store"] is store


def test_a_body_says_the_turn() -> None:
    items = [HELLO, {"type": "reasoning", "summary": [], "issuer": "x", "encrypted_content": "e"},
             {"type": "compaction", "covers": {}, "encrypted_content": "e"}, {"type": "reasoning", "summary": []},
             {"type": "vendor:thing", "issuer": "kept"}]  # fmt: skip
    body = body_of(
        start(context={"model": "m", "tools": []}, parent="resp_1", input=items, require=[]),
        wire="openai-http",
        stream=True,
    )
    assert json.loads(msgspec.json.encode(body)) == {
        "model": "m", "tools": [], "previous_response_id": "resp_1", "stream": True,
        "input": [HELLO, {"type": "reasoning", "summary": [], "encrypted_content": "e"},
                  {"type": "compaction", "encrypted_content": "e"}, items[3], items[4]],
    }  # fmt: skip
