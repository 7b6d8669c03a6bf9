"""strict_loads reads I-JSON and nothing else, and reads it as the standard library does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from segue_schemas import StrictJSONError, strict_loads

VECTORS = json.loads(
    (Path(__file__).resolve().parents[2] / "schemas" / "1.0" / "vectors" / "ijson.json").read_text(encoding="utf-8")
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda v: v["name"])
def test_accepted(vector: dict[str, str]) -> None:
    assert strict_loads(vector["text"]) == json.loads(vector["text"])
    assert strict_loads(vector["text"].encode()) == json.loads(vector["text"])


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_refused(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["hex"]) if "hex" in vector else vector["text"].encode()
    with pytest.raises(StrictJSONError) as refusal:
        strict_loads(data)
    assert refusal.value.kind == vector["kind"]
    assert refusal.value.reason == str(refusal.value)


@given(VALUES, st.booleans())
def test_reads_what_the_standard_library_reads(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert strict_loads(text) == json.loads(text) == value
    assert strict_loads(text.encode()) == value


@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), st.data())
def test_a_duplicate_anywhere_is_refused(value: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    text = json.dumps(value)[:-1] + "," + json.dumps(name) + ":0}"
    json.loads(text)
    with pytest.raises(StrictJSONError, match="duplicate key"):
        strict_loads(f"[[{text}]]")


@given(st.integers(0, 30), st.integers(0, 30))
def test_depth_is_counted_in_arrays_and_objects(arrays: int, objects: int) -> None:
    text = "[" * arrays + '{"a":' * objects + '"[{"' + "}" * objects + "]" * arrays
    strict_loads(text, max_depth=arrays + objects)
    if arrays + objects:
        with pytest.raises(StrictJSONError, match="nested deeper"):
            strict_loads(text, max_depth=arrays + objects - 1)


def test_brackets_in_strings_are_no_depth() -> None:
    assert strict_loads('"' + "[" * 500 + '"') == "[" * 500


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_hostile_depth_is_refused_not_a_crash(opening: str) -> None:
    with pytest.raises(StrictJSONError) as refusal:
        strict_loads(opening * 200_000)
    assert refusal.value.kind in ("too_deep", "not_json")


def test_hostile_number_is_refused_not_a_crash() -> None:
    with pytest.raises(StrictJSONError) as refusal:
        strict_loads("9" * 100_000)
    assert refusal.value.kind == "not_a_number"


def test_surrogate_of_the_callers_own_string() -> None:
    with pytest.raises(StrictJSONError, match="lone surrogate"):
        strict_loads('"\ud800"')


def test_numbers_keep_their_kind() -> None:
    whole, double, zero = strict_loads("[1, 1.0, -0.0]")
    assert isinstance(whole, int)
    assert isinstance(double, float)
    assert math.copysign(1, zero) == -1


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_takes_any_bytes(wrap: Any) -> None:
    assert strict_loads(wrap(b'{"a":1}')) == {"a": 1}
