"""The generated Structs agree with the schemas, or the difference stands in a committed list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from segue_schemas import models, validator

# On Segue's own wires the same Structs are used; what native.json adds is another check's work.
NATIVE = {"Accepted": "TurnAccepted", "Completed": "TurnCompleted"}


def struct(entry: dict[str, Any]) -> Any:
    """Return the model of an example, or None where the value travels as received bytes."""
    name = entry["schema"].rsplit("/", 1)[-1]
    return getattr(models, NATIVE.get(name, name), None)


def test_structs_take_every_valid_example(valid_example: dict[str, Any], schema_dir: Path) -> None:
    data = (schema_dir / "examples" / valid_example["file"]).read_bytes()
    model = struct(valid_example)
    decoded = msgspec.json.decode(data, type=msgspec.Raw if model is None else model)
    assert msgspec.json.encode(decoded)


def test_message_survives_the_model(message_example: dict[str, Any], schema_dir: Path) -> None:
    """Decoded and encoded a message is valid, says the same, and holds its items byte for byte."""
    data = (schema_dir / "examples" / message_example["file"]).read_bytes()
    model = struct(message_example)
    once = msgspec.json.encode(msgspec.json.decode(data, type=model))
    assert validator(message_example["schema"]).is_valid(json.loads(once))
    assert msgspec.json.encode(msgspec.json.decode(once, type=model)) == once
    before, after = json.loads(data), json.loads(once)
    if isinstance(before, dict):
        assert after == {name: value for name, value in before.items() if name in after}
        assert set(before) - set(after) <= {"from_a_later_version", "motd"}


def test_what_structs_cannot_refuse_is_listed(schema_dir: Path) -> None:
    """A server that decodes these with the Structs alone would take what the schema refuses."""
    folder = schema_dir / "examples"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))["examples"]
    taken = []
    for entry in index:
        if entry["valid"]:
            continue
        model = struct(entry)
        try:
            msgspec.json.decode((folder / entry["file"]).read_bytes(), type=msgspec.Raw if model is None else model)
        except msgspec.ValidationError:
            continue
        taken.append(entry["file"])
    listed = json.loads((folder / "structs_cannot_refuse.json").read_text(encoding="utf-8"))["files"]
    assert taken == listed


@pytest.mark.parametrize("union", ["ClientMessage", "ServerMessage"])
def test_unknown_type_is_a_decode_error(union: str) -> None:
    """So the type is read first: an unknown message is refused or ignored, not called malformed."""
    with pytest.raises(msgspec.ValidationError, match=r"Invalid value 'segue\.future'"):
        msgspec.json.decode(b'{"type":"segue.future"}', type=getattr(models, union))


def test_items_are_received_bytes() -> None:
    raw = b'{"type" : "x","n":1.0,"n2":-0, "id":null}'
    start = msgspec.json.decode(b'{"type":"turn.start","turn":"t","input":[' + raw + b"]}", type=models.ClientMessage)
    assert isinstance(start, models.TurnStart)
    assert bytes(start.input[0]) == raw
    assert raw in msgspec.json.encode(start)
