"""The comparison names what breaks an older side, and lets pass what a minor version may do."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def tool(load_tool: Any) -> ModuleType:
    return load_tool("check_compatibility")


@pytest.fixture
def changed(root: Path, tmp_path: Path, tool: ModuleType) -> Callable[..., list[str]]:
    """Change a topic file of this version in a copy, and return what the comparison says."""

    def change(file: str, edit: Edit) -> list[str]:
        copied = tmp_path / "new"
        if not copied.exists():
            shutil.copytree(root / "schemas" / "1.0", copied, ignore=shutil.ignore_patterns("examples", "vectors"))
        document = json.loads((copied / file).read_text(encoding="utf-8"))
        edit(document["$defs"])
        (copied / file).write_text(json.dumps(document), encoding="utf-8")
        return tool.breaking(root / "schemas" / "1.0", copied)

    return change


def put(*path: str, value: Any) -> Edit:
    """Set the value at a path below the definitions."""

    def edit(node: dict[str, Any]) -> None:
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value

    return edit


def drop(*path: str) -> Edit:
    """Remove what stands at a path below the definitions."""

    def edit(node: Any) -> None:
        for step in path[:-1]:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if isinstance(node, list):
            node.remove(path[-1])
        else:
            del node[path[-1]]

    return edit


def test_a_version_is_compatible_with_itself(tool: ModuleType, root: Path) -> None:
    assert tool.breaking(root / "schemas" / "1.0", root / "schemas" / "1.0") == []


@pytest.mark.parametrize(
    ("file", "edit", "line"),
    [
        ("errors.json", drop("Effect"), "Effect: definition removed (it was in errors.json)"),
        ("client.json", drop("TurnStart", "properties", "expect"), "TurnStart/expect: member removed"),
        (
            "client.json",
            put("TurnStart", "required", value=["type", "turn", "input", "parent"]),
            "TurnStart/parent: became required",
        ),
        (
            "client.json",
            put("TurnResume", "required", value=["type", "turn", "mode"]),
            "TurnResume/mode: new required member",
        ),
        (
            "server.json",
            put("ItemDelta", "required", value=["type", "turn", "index"]),
            "ItemDelta/at: no longer required, a reader may count on it",
        ),
        ("errors.json", drop("Advice", "enum", "wait"), 'Advice: enum value "wait" removed'),
        (
            "errors.json",
            put("Effect", "enum", value=["none", "partial", "unknown", "all"]),
            'Effect: enum value "all" added to a closed set, old readers refuse it',
        ),
        (
            "server.json",
            put("TurnProgress", "properties", "phase", "enum", value=["queued"]),
            "TurnProgress/phase: enum added, other values became invalid",
        ),
        ("errors.json", drop("Effect", "enum"), "Effect: enum removed, old readers refuse other values"),
        (
            "server.json",
            put("Welcome", "properties", "type", "const", value="hello"),
            'Welcome/type: const changed from "welcome" to "hello"',
        ),
        (
            "context.json",
            put("TurnContext", "properties", "model", "type", value="string"),
            "TurnContext/model: type narrowed, null is no longer valid",
        ),
        (
            "client.json",
            put("TurnStart", "properties", "generate", "type", value=["boolean", "null"]),
            "TurnStart/generate: type widened, null became valid, old readers refuse it",
        ),
        (
            "common.json",
            put("JsonValue", "type", value="object"),
            'JsonValue: type narrowed to "object"',
        ),
        ("common.json", drop("Count", "type"), 'Count: type widened from "integer" to anything'),
        (
            "common.json",
            put("TurnName", "pattern", value="^[a-z]{1,64}$"),
            'TurnName: pattern changed from "^[A-Za-z0-9_-]{1,64}$" to "^[a-z]{1,64}$"',
        ),
        ("common.json", put("Seq", "minimum", value=1), "Seq: narrowed, minimum changed from 0 to 1"),
        ("common.json", put("Seq", "minimum", value=-1), "Seq: widened, minimum changed from 0 to -1"),
        ("common.json", put("Index", "maximum", value=9), "Index: narrowed, maximum changed from 9007199254740991"),
        (
            "client.json",
            put("TurnStart", "properties", "parent", "maxLength", value=64),
            "TurnStart/parent: narrowed, maxLength changed from 1024 to 64",
        ),
        (
            "client.json",
            put("TurnStart", "properties", "input", "maxItems", value=9),
            "TurnStart/input: narrowed, maxItems 9 added",
        ),
        (
            "client.json",
            drop("TurnSteer", "properties", "input", "minItems"),
            "TurnSteer/input: widened, minItems 1 removed",
        ),
        (
            "client.json",
            put("TurnStart", "properties", "lane", "$ref", value="common.json#/$defs/TurnName"),
            "TurnStart/lane: refers to TurnName, formerly to LaneName",
        ),
        (
            "items.json",
            drop("MessageItem", "properties", "role", "x-digest"),
            "MessageItem/role: x-digest changed from true to nothing",
        ),
        (
            "items.json",
            put("MessageItem", "properties", "status", "x-digest", value=True),
            "MessageItem/status: x-digest changed from nothing to true",
        ),
        (
            "items.json",
            put("MessageItem", "properties", "phase", value={"type": "string", "x-digest": True}),
            "MessageItem/phase: new member with x-digest, old clients reckon another digest",
        ),
        (
            "client.json",
            put("Delivery", "additionalProperties", value=False),
            "Delivery: additional members became forbidden",
        ),
        (
            "client.json",
            put("TurnStart", "properties", "overlay", "items", "type", value="array"),
            "TurnStart/overlay/items: type narrowed, object is no longer valid",
        ),
        (
            "client.json",
            drop("ClientMessage", "discriminator", "mapping", "turn.resume"),
            'ClientMessage: type "turn.resume" removed',
        ),
        (
            "client.json",
            put("ClientMessage", "discriminator", "mapping", "turn.resume", value="#/$defs/TurnCancel"),
            'ClientMessage: type "turn.resume" means TurnCancel, formerly TurnResume',
        ),
        ("server.json", drop("ItemDelta", "oneOf"), "ItemDelta/oneOf: removed"),
        ("context.json", drop("ContextForm", "else"), "ContextForm/else: condition removed"),
        ("native.json", put("Accepted", "required", value=["seq"]), "native.Accepted/context: no longer required"),
        ("native.json", put("Accepted", "properties", "seq", "const", value=1), "native.Accepted/seq: const changed"),
        ("client.json", put("Trace", "dependentRequired", value={}), "Trace/dependentRequired: changed"),
        (
            "client.json",
            put("Delivery", "properties", "mode", "default", value="final"),
            "Delivery/mode: default changed from nothing to",
        ),
    ],
)  # fmt: skip
def test_what_breaks_is_named(changed: Any, file: str, edit: Edit, line: str) -> None:
    found = changed(file, edit)
    assert any(one.startswith(line) for one in found), found
    assert len(found) <= 3, "one change is told in a line or two, not in a page"


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("client.json", put("TurnStart", "properties", "priority", value={"type": "integer"})),
        ("server.json", put("Usage", "description", value="What it cost.")),
        ("errors.json", put("Error", "examples", value=[])),
        ("common.json", put("Speed", value={"type": "string", "enum": ["slow"]})),
    ],
)
def test_what_a_minor_version_may_do_passes(changed: Any, file: str, edit: Edit) -> None:
    assert changed(file, edit) == []


def test_a_new_error_code_passes(changed: Any) -> None:
    assert changed("errors.json", lambda defs: defs["KnownErrorCode"]["enum"].append("moon_is_full")) == []


def test_a_new_message_passes_with_its_rule_for_our_wires(changed: Any) -> None:
    def message(defs: dict[str, Any]) -> None:
        new = copy.deepcopy(defs["TurnProgress"])
        new["properties"]["type"]["const"] = "turn.mood"
        defs["TurnMood"] = new
        defs["ServerMessage"]["oneOf"].append({"$ref": "#/$defs/TurnMood"})
        defs["ServerMessage"]["discriminator"]["mapping"]["turn.mood"] = "#/$defs/TurnMood"

    def rule(defs: dict[str, Any]) -> None:
        for branch in defs["ServerMessage"]["allOf"]:
            kinds = branch.get("if", {}).get("properties", {}).get("type", {}).get("enum")
            if kinds:
                kinds.append("turn.mood")

    assert changed("server.json", message) == []
    assert changed("native.json", rule) == []


def test_a_new_known_item_breaks_since_its_digest_was_that_of_an_open_one(changed: Any) -> None:
    def item(defs: dict[str, Any]) -> None:
        defs["Item"]["if"]["properties"]["type"]["enum"].append("image_generation_call")

    assert changed("items.json", item) == [
        'Item/if/type: enum value "image_generation_call" added to a closed set, old readers refuse it'
    ]


def test_a_definition_may_move_to_another_file(tool: ModuleType, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    body = {"$defs": {"A": {"type": "string"}}}
    (tmp_path / "old" / "a.json").write_text(json.dumps(body), encoding="utf-8")
    (tmp_path / "new" / "b.json").write_text(json.dumps(body), encoding="utf-8")
    assert tool.breaking(tmp_path / "old", tmp_path / "new") == []


def test_a_wider_number_is_told_once(tool: ModuleType) -> None:
    assert list(tool.compare({"type": "integer"}, {"type": "number"})) == [
        ": type widened, number became valid, old readers refuse it"
    ]
    assert list(tool.compare({"type": "number"}, {"type": "integer"})) == [": type narrowed, number is no longer valid"]


def test_nested_schemas_are_compared_at_any_depth(tool: ModuleType) -> None:
    def deep(kind: str) -> dict[str, Any]:
        return {"properties": {"a": {"items": {"anyOf": [{"type": "null"}, {"properties": {"b": {"type": kind}}}]}}}}

    assert list(tool.compare(deep("string"), deep("boolean"))) == [
        "/a/items/anyOf/1/b: type narrowed, string is no longer valid",
        "/a/items/anyOf/1/b: type widened, boolean became valid, old readers refuse it",
    ]


def test_the_exit_code_says_what_was_found(
    tool: ModuleType, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = str(root / "schemas" / "1.0")
    assert tool.main([ours, ours]) == 0
    assert "no breaking change" in capsys.readouterr().out
    (tmp_path / "a.json").write_text('{"$defs": {"A": {"type": "string"}}}', encoding="utf-8")
    assert tool.main([ours, str(tmp_path)]) == 1
    assert "TurnStart: definition removed" in capsys.readouterr().out
    assert tool.main([ours, str(tmp_path / "nowhere")]) == 2
    assert "no schema files" in capsys.readouterr().err
    (tmp_path / "b.json").write_text('{"$defs": {"A": {"type": "string"}}}', encoding="utf-8")
    assert tool.main([ours, str(tmp_path)]) == 2
    assert "`A` is defined in a.json too" in capsys.readouterr().err
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    assert tool.main([ours, str(tmp_path)]) == 2
