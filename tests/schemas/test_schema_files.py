"""The schema files themselves: valid 2020-12, described member by member, with examples that hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from segue_schemas import load, registry, validator

TOPICS = ("common", "items", "context", "errors", "capabilities", "continuation", "client", "server", "extension")
MEMBERS = [
    (topic, name, member)
    for topic in TOPICS
    for name, body in load(f"{topic}.json")["$defs"].items()
    for member in body.get("properties", {})
]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from nodes(inner)


def test_file_is_valid_2020_12(schema_file: Path) -> None:
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://segue.example/schemas/1.0/{schema_file.name}"
    Draft202012Validator.check_schema(schema)


def test_every_reference_resolves(schema_file: Path) -> None:
    resolver = registry().resolver(f"https://segue.example/schemas/1.0/{schema_file.name}")
    refs = [n["$ref"] for n in nodes(json.loads(schema_file.read_text(encoding="utf-8"))) if "$ref" in n]
    assert all(isinstance(resolver.lookup(ref).contents, dict) for ref in refs)


def test_every_definition_has_a_description(schema_file: Path) -> None:
    defs = json.loads(schema_file.read_text(encoding="utf-8"))["$defs"]
    assert [name for name, body in defs.items() if not body.get("description", "").endswith((".", "`"))] == []


@pytest.mark.parametrize(("topic", "name", "member"), MEMBERS, ids=[".".join(m) for m in MEMBERS])
def test_member_is_described_and_its_examples_hold(topic: str, name: str, member: str) -> None:
    body = load(f"{topic}.json")["$defs"][name]["properties"][member]
    target = body
    if "description" not in body:
        file, pointer = body["$ref"].split("#/$defs/")
        target = load(file or f"{topic}.json")["$defs"][pointer]
    assert target["description"].strip()
    check = validator(f"{topic}.json#/$defs/{name}/properties/{member}")
    assert all(check.is_valid(example) for example in body.get("examples", ()))


def test_examples_of_definitions_hold() -> None:
    seen = 0
    for topic in TOPICS:
        for name, body in load(f"{topic}.json")["$defs"].items():
            for example in body.get("examples", ()):
                seen += 1
                assert validator(f"{topic}.json#/$defs/{name}").is_valid(example), name
    assert seen > 20


def test_required_members_are_defined() -> None:
    for topic in TOPICS:
        for name, body in load(f"{topic}.json")["$defs"].items():
            assert set(body.get("required", ())) <= set(body.get("properties", ())), name


def test_discriminator_says_what_the_union_says() -> None:
    """Validators read `oneOf`, generators read the mapping: neither may know a type that the other doesn't."""
    unions = 0
    for topic in TOPICS:
        defs = load(f"{topic}.json")["$defs"]
        for name, body in defs.items():
            if "discriminator" not in body:
                continue
            unions += 1
            mapping = body["discriminator"]["mapping"]
            assert list(mapping.values()) == [branch["$ref"] for branch in body["oneOf"]], name
            for kind, ref in mapping.items():
                assert defs[ref.rsplit("/", 1)[1]]["properties"]["type"]["const"] == kind
    assert unions == 4


def test_known_types_of_open_unions_are_listed_alike() -> None:
    """`if` names the known types once more; a type missing there would pass as an open item."""
    defs = load("items.json")["$defs"]
    for open_name, closed in (("Item", "KnownItem"), ("ContentPart", "KnownContentPart")):
        listed = defs[open_name]["if"]["properties"]["type"]["enum"]
        assert listed == list(defs[closed]["discriminator"]["mapping"])


def test_annotation_stands_on_members_of_items_only(schema_file: Path) -> None:
    marked = [n for n in nodes(json.loads(schema_file.read_text(encoding="utf-8"))) if "x-digest" in n]
    assert bool(marked) == (schema_file.name in ("items.json", "segue.bundle.json"))
    assert all(n["x-digest"] is True for n in marked)


@pytest.mark.parametrize("member", ["id", "status", "encrypted_content", "issuer", "covers", "annotations", "logprobs"])
def test_what_proves_itself_or_is_the_servers_is_not_digested(member: str) -> None:
    bodies = [
        d["properties"][member] for d in load("items.json")["$defs"].values() if member in d.get("properties", {})
    ]
    assert bodies
    assert all("x-digest" not in body for body in bodies)


def test_patterns_are_anchored_whole() -> None:
    """A pattern that is not anchored lets everything through that holds a fitting piece."""
    for topic in TOPICS:
        for node in nodes(load(f"{topic}.json")):
            if (
                isinstance(node.get("pattern"), str) and node["pattern"] != "\\n"
            ):  # what no name holds, beside the names
                assert node["pattern"].startswith("^")
                assert node["pattern"].endswith("$")
                assert "$" not in node["pattern"][:-1]
