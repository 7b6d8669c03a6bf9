"""Every example is what the index says; every definition has a valid and an invalid one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from segue_schemas import chain, item_digest, load, registry, validator

TOPICS = ("common", "items", "context", "errors", "capabilities", "continuation", "client", "server", "extension")
NOTHING_IS_INVALID = {"JsonValue"}


def read(schema_dir: Path, entry: dict[str, Any]) -> Any:
    return json.loads((schema_dir / "examples" / entry["file"]).read_text(encoding="utf-8"))


def test_example_is_what_the_index_says(example: dict[str, Any], schema_dir: Path) -> None:
    errors = [error.message for error in validator(example["schema"]).iter_errors(read(schema_dir, example))]
    if example["valid"]:
        assert errors == []
    else:
        assert errors, f"accepted, though {example['why']}"


def test_index_lists_every_file_once(schema_dir: Path) -> None:
    folder = schema_dir / "examples"
    listed = [entry["file"] for entry in load_index(schema_dir)]
    beside = {"index.json", "structs_cannot_refuse.json"}
    assert sorted(listed) == sorted({str(p.relative_to(folder).as_posix()) for p in folder.rglob("*.json")} - beside)


def test_file_name_folder_and_definition_agree(example: dict[str, Any]) -> None:
    *folders, name = example["file"].split("/")
    assert folders[-1] == ("valid" if example["valid"] else "invalid")
    assert name.split(".")[0] == example["schema"].rsplit("/", 1)[-1]
    assert (folders[0] == "native") == example["schema"].startswith("native.json")
    assert example["valid"] or example["why"]


def test_every_definition_has_both(schema_dir: Path) -> None:
    have = {(entry["schema"], entry["valid"]) for entry in load_index(schema_dir)}
    wanted = {
        (f"{topic}.json#/$defs/{name}", valid)
        for topic in (*TOPICS, "native")
        for name in load(f"{topic}.json")["$defs"]
        for valid in ((True,) if name in NOTHING_IS_INVALID else (True, False))
    }
    assert wanted - have == set()


def test_valid_message_is_valid_in_its_union_too(schema_dir: Path) -> None:
    seen = 0
    for side, union in (("client", "ClientMessage"), ("server", "ServerMessage")):
        members = set(load(f"{side}.json")["$defs"][union]["discriminator"]["mapping"].values())
        for entry in load_index(schema_dir):
            if entry["schema"].startswith(f"{side}.json") and "#" + entry["schema"].split("#")[1] in members:
                seen += 1
                value = read(schema_dir, entry)
                assert validator(f"{side}.json#/$defs/{union}").is_valid(value) == entry["valid"], entry["file"]
    assert seen > 100


def test_native_is_stricter_than_the_one_model(schema_dir: Path) -> None:
    """What a Segue wire refuses for a missing member only, the one model takes: foreign wires lack it."""
    loose = validator("server.json#/$defs/ServerMessage")
    entries = [e for e in load_index(schema_dir) if e["schema"] == "native.json#/$defs/ServerMessage"]
    assert all(loose.is_valid(read(schema_dir, e)) for e in entries if e["valid"])
    missing = [e for e in entries if not e["valid"] and "_no_" in e["file"]]
    assert len(missing) > 10
    assert all(loose.is_valid(read(schema_dir, e)) for e in missing)


def test_digests_in_the_examples_are_true(schema_dir: Path) -> None:
    """An example that proves nothing would teach the wrong thing."""
    proved = 0
    for entry in load_index(schema_dir):
        value = read(schema_dir, entry)
        if not entry["valid"]:
            continue
        if entry["schema"].endswith("/Bundle"):
            assert chain(value["items"]) == (value["digest"], value["length"]), entry["file"]
            proved += 1
        if entry["schema"].endswith("/ItemCompleted") and "item" in value:
            assert item_digest(value["item"]) == value["digest"], entry["file"]
            proved += 1
    assert proved >= 4


def load_index(schema_dir: Path) -> list[dict[str, Any]]:
    index = json.loads((schema_dir / "examples" / "index.json").read_text(encoding="utf-8"))
    entries: list[dict[str, Any]] = index["examples"]
    return entries


def test_a_last_line_feed_is_refused_by_engines_whose_dollar_takes_one(schema_dir: Path) -> None:
    """Python's `$` matches in front of a last line feed; a validator that takes it so refuses it all the same."""
    plain = [e for e in load_index(schema_dir) if "line_feed" in e["file"]]
    assert len(plain) >= 2
    for entry in plain:
        schema = {"$ref": "https://segue.example/schemas/1.0/" + entry["schema"]}
        assert not Draft202012Validator(schema, registry=registry()).is_valid(read(schema_dir, entry)), entry["file"]


def test_every_anchored_pattern_is_safe_from_a_last_line_feed() -> None:
    def unsafe(node: Any) -> list[str]:
        if isinstance(node, list):
            return [found for inner in node for found in unsafe(inner)]
        if not isinstance(node, dict):
            return []
        found = [found for inner in node.values() for found in unsafe(inner)]
        anchored = isinstance(node.get("pattern"), str) and node["pattern"].endswith("$")
        return [*found, node["pattern"]] if anchored and node.get("not") != {"pattern": "\\n"} else found

    for topic in TOPICS:
        # A pointer may hold a line feed anywhere.
        assert [pattern for pattern in unsafe(load(f"{topic}.json")) if "[^~/]" not in pattern] == [], topic
