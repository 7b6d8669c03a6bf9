"""The Responses extension: who is declared, and a turn as a create and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried
from segue_adapters.wires.base import Refuse
from segue_adapters.wires.extension import (
    ContextMemory,
    declares,
    extended_body,
    is_declared,
    plain_wire,
    speaks,
)
from segue_adapters.wires.responses import create_of
from segue_schemas import VERSION, context_digest, models

CONTEXT = {"model": "m", "instructions": "Be terse."}
DIGEST = context_digest(CONTEXT)
ITEM = {"type": "message", "role": "user", "content": "Hello"}


def started(**members: Any) -> models.TurnStart:
    given = {"turn": "t_1", "input": [msgspec.Raw(json.dumps(ITEM).encode())], "context": CONTEXT, **members}
    if given["context"] is None:
        del given["context"]
    else:
        given["context"] = msgspec.Raw(json.dumps(given["context"]).encode())
    return models.TurnStart(**given)


def body(start: models.TurnStart, memory: ContextMemory | None = None, wire: str = "openai-ws+segue") -> dict[str, Any]:
    told = extended_body(start, wire=wire, stream=None, memory=memory or ContextMemory())
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(told))
    return found


@pytest.mark.parametrize("version", ["1.0", "1.7", "1.12", " 1.0 "])
def test_a_version_of_the_same_major_number_is_understood(version: str) -> None:
    assert declares({"segue-version": version})


@pytest.mark.parametrize("version", ["2.0", "1", "1.0.0", "v1.0", "1.0, 1.1", "01.0", "", "1.x"])
def test_any_other_value_counts_as_none(version: str) -> None:
    assert not declares({"segue-version": version})
    assert not declares({})
    assert not speaks(None)


def test_discovery_declares_a_binding() -> None:
    document = models.Discovery(
        versions=[VERSION],
        endpoint="e",
        bindings=[
            models.Binding(wire="openai-ws", url="/v1", segue="1.0"),
            models.Binding(wire="openai-http", url="/v1"),
        ],
        capabilities=models.Capabilities(
            model_input="exact", principal="key", names_survive="process", retention=["none"], features=[]
        ),
        limits=models.Limits(heartbeat_ms=1, message_bytes=1, replay_ms=0, name_ms=0),
    )
    assert is_declared(document, "openai-ws")
    assert not is_declared(document, "openai-http")
    assert not is_declared(None, "openai-ws")
    assert plain_wire("openai-ws+segue") == plain_wire("openai-ws") == "openai-ws"


FULL = {
    "parent": "resp_1",
    "expect": models.Expectation(digest=DIGEST, length=3, context=DIGEST),
    "overlay": [{"op": "add", "path": "/a", "value": 1}],
    "retention": "connection",
    "generate": False,
    "require": ["resume"],
    "deadline_ms": 500,
    "trace": models.Trace(traceparent=f"00-{'a' * 32}-{'b' * 16}-01"),
}


def test_a_turn_comes_back_as_it_was() -> None:
    start = started(**FULL, delivery=models.Delivery(coalesce_ms=20))
    told = body(start)
    assert "expect" not in told
    assert told["segue"]["turn"] == "t_1"
    create = create_of(json.dumps(told), wire="openai-ws", extended=True)
    again = create.start
    assert (create.governed, create.named) == (True, True)
    for member in ("turn", "parent", "expect", "overlay", "retention", "generate", "require", "deadline_ms", "trace"):
        assert getattr(again, member) == getattr(start, member), member
    assert msgspec.json.decode(again.context) == CONTEXT
    assert [msgspec.json.decode(item) for item in again.input] == [ITEM]
    assert again.delivery == models.Delivery(mode="stream", coalesce_ms=20)


def test_what_those_in_between_read_says_the_same() -> None:
    told = body(started(retention="none", generate=False))
    assert (told["store"], told["generate"], told["segue"]["generate"]) == (False, False, False)
    assert body(started(retention="durable"))["store"] is True
    assert "generate" not in body(started(generate=False), wire="openai-http+segue")


def test_segue_of_a_silent_client_is_ignored() -> None:
    create = create_of(json.dumps(body(started(retention="none"))), wire="openai-http")
    assert (create.governed, create.named) == (False, False)
    assert create.start.turn != "t_1"
    assert b"segue" not in bytes(create.start.context)
    create_of(json.dumps({**body(started()), "segue": 7}), wire="openai-http")


@pytest.mark.parametrize("segue", [None, {}, {"unknown": 1}])
def test_a_name_is_drawn_where_none_is_named(segue: Any) -> None:
    create = create_of(json.dumps({"model": "m", "input": "x", "segue": segue}), wire="openai-ws", extended=True)
    assert (create.governed, create.named) == (True, False)
    assert len(create.start.turn) > 20


@pytest.mark.parametrize(
    ("segue", "param"),
    [
        (7, "/segue"),
        ({"turn": 7}, "/segue/turn"),
        ({"turn": "no spaces"}, "/segue/turn"),
        ({"expect": {"length": 1}}, "/segue/expect/digest"),
        ({"deadline_ms": -1}, "/segue/deadline_ms"),
        ({"delivery": {"coalesce_ms": "x"}}, "/segue/delivery/coalesce_ms"),
        ({"context": {"model": "m"}}, "/segue/context"),
        ({"generate": True}, "/segue/generate"),
    ],
)
def test_what_is_not_valid_is_named(segue: Any, param: str) -> None:
    asked = {"model": "m", "input": "x", "generate": False, "segue": segue}
    with pytest.raises(Refuse) as refused:
        create_of(json.dumps(asked), wire="openai-ws", extended=True)
    assert (refused.value.error.code, refused.value.error.param) == ("invalid_request", param)
    assert refused.value.message.refused == "turn.start"


def test_a_context_by_its_digest_names_its_model_beside() -> None:
    memory = ContextMemory()
    body(started(), memory)
    told = body(started(context=DIGEST), memory)
    assert (told["model"], told["segue"]["context"]) == ("m", DIGEST)
    create = create_of(json.dumps(told), wire="openai-ws", extended=True)
    assert (msgspec.json.decode(create.start.context), create.model) == (DIGEST, "m")
    patched = body(started(context={"base": DIGEST, "patch": {"model": "n"}}), memory)
    assert patched["model"] == "n"
    assert "model" not in body(started(context=DIGEST))


def test_settings_beside_a_named_context_are_refused() -> None:
    asked = {"model": "m", "input": "x", "temperature": 1, "segue": {"context": DIGEST}}
    with pytest.raises(Refuse) as refused:
        create_of(json.dumps(asked), wire="openai-ws", extended=True)
    assert refused.value.error.param == "/context/temperature"


def test_what_is_inherited_is_named() -> None:
    memory = ContextMemory()
    body(started(), memory)
    memory.told(models.Continuation(id="resp_1", retention="cached", context=DIGEST))
    assert body(started(context=None, parent="resp_1"), memory)["segue"]["context"] == DIGEST
    for start in (started(context=None), started(context=None, parent="resp_2")):
        with pytest.raises(NotCarried):
            body(start, memory)


def test_a_context_without_a_digest_is_sent_all_the_same() -> None:
    assert body(started(context={"model": "m", "seed": 2**53 + 1}))["seed"] == 2**53 + 1
