"""The AsyncAPI document: AsyncAPI's own parser takes it, with every message of the wire, each answered."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import segue_schemas
from jsonschema import Draft7Validator

Parse = Callable[[Any], dict[str, Any]]


def kinds(file: str, union: str) -> set[str]:
    return set(segue_schemas.load(file)["$defs"][union]["discriminator"]["mapping"])


def resolve(document: dict[str, Any], ref: str) -> Any:
    assert ref.startswith("#/")
    node: Any = document
    for step in ref[2:].split("/"):
        node = node[step]
    return resolve(document, node["$ref"]) if set(node) == {"$ref"} else node


def test_it_is_valid(asyncapi: dict[str, Any], asyncapi_parser: Parse) -> None:
    """By its schema and by what a schema can't say: references, channels of operations, replies."""
    found = asyncapi_parser(asyncapi)
    assert found["parsed"]
    # 3.0 is what tools read; that there is a later one is no fault.
    assert [one for one in found["said"] if one["code"] != "asyncapi-latest-version"] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("operations", "turnStart", "action"), "publish"),
        (("operations", "turnStart", "channel"), {"$ref": "#/channels/nowhere"}),
    ],
)
def test_the_parser_finds_a_fault(
    asyncapi: dict[str, Any], asyncapi_parser: Parse, path: tuple[str, ...], value: Any
) -> None:
    broken = copy.deepcopy(asyncapi)
    node = broken
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert "error" in {one["severity"] for one in asyncapi_parser(broken)["said"]}


def test_every_reference_resolves(asyncapi: dict[str, Any]) -> None:
    refs = re.findall(r'"\$ref": "([^"]+)"', json.dumps(asyncapi))
    assert len(refs) > 100
    assert all(resolve(asyncapi, ref) for ref in refs)


def test_every_message_of_the_wire_is_there(asyncapi: dict[str, Any]) -> None:
    names = {message["name"] for message in asyncapi["components"]["messages"].values()}
    assert names == (kinds("client.json", "ClientMessage") | kinds("server.json", "ServerMessage")) - {"turn.snapshot"}


def test_what_a_client_sends_is_received_and_answered(asyncapi: dict[str, Any]) -> None:
    received = [body for body in asyncapi["operations"].values() if body["action"] == "receive"]
    taken = {resolve(asyncapi, ref["$ref"])["name"] for body in received for ref in body["messages"]}
    assert taken == kinds("client.json", "ClientMessage")
    for body in received:
        answers = {resolve(asyncapi, ref["$ref"])["name"] for ref in body["reply"]["messages"]}
        assert "error" in answers, body["title"]
        assert len(answers) > 1, body["title"]
        assert answers <= kinds("server.json", "ServerMessage")


def test_what_the_endpoint_sends_is_everything_else(asyncapi: dict[str, Any]) -> None:
    (sent,) = [body for body in asyncapi["operations"].values() if body["action"] == "send"]
    names = {resolve(asyncapi, ref["$ref"])["name"] for ref in sent["messages"]}
    assert names == kinds("server.json", "ServerMessage") - {"turn.snapshot"}


@pytest.mark.parametrize("name", ["TurnAccepted", "ItemCompleted", "TurnCompleted"])
def test_payloads_are_those_of_a_segue_wire(asyncapi: dict[str, Any], name: str) -> None:
    """A member that only a foreign wire can't carry is required here."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": asyncapi["components"]}
    foreign = {
        "TurnAccepted": {"type": "turn.accepted", "turn": "t_1"},
        "ItemCompleted": {"type": "item.completed", "turn": "t_1", "index": 0},
        "TurnCompleted": {"type": "turn.completed", "turn": "t_1", "status": "completed"},
    }[name]
    digest = "segue1-sha256:" + "A" * 43
    more = {
        "TurnAccepted": {"seq": 0, "context": digest, "retention": "none"},
        "ItemCompleted": {"seq": 3, "digest": digest},
        "TurnCompleted": {"seq": 4, "digest": digest, "length": 2},
    }[name]
    assert not Draft7Validator(schema).is_valid(foreign)
    assert Draft7Validator(schema).is_valid({**foreign, **more})
