"""The digest vectors, checked three ways: hashes of the written canonical texts, a second small
implementation that shares nothing with the package, and the package itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from segue_schemas import EMPTY_HISTORY, chain, context_digest, extend, history_digest, item_digest

VECTOR_DIR = Path(__file__).resolve().parents[2] / "schemas" / "1.0" / "vectors"
VECTORS = json.loads((VECTOR_DIR / "digest.json").read_text(encoding="utf-8"))
ITEMS, CONTEXTS, HISTORIES = VECTORS["items"], VECTORS["contexts"], VECTORS["histories"]
BOTH = [("item", v) for v in ITEMS] + [("context", v) for v in CONTEXTS]
NAMES = [f"{what}-{v['name']}" for what, v in BOTH]
PREFIX = "segue1-sha256:"

# --- the second implementation: lists written by hand, no rfc8785, no schema ----------------------

PARTS = {
    "input_text": "type text", "output_text": "type text", "refusal": "type refusal",
    "input_image": "type image_url file_id detail", "input_file": "type file_id filename file_data file_url",
}  # fmt: skip
KNOWN = {
    "message": "type role content", "function_call": "type call_id name arguments namespace",
    "function_call_output": "type call_id output", "custom_tool_call": "type call_id name input namespace",
    "custom_tool_call_output": "type call_id output", "reasoning": "type summary content", "compaction": "type",
}  # fmt: skip
CONTEXT = [
    "model", "instructions", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p",
    "max_output_tokens", "text", "reasoning", "truncation",
]  # fmt: skip


def pick(value: dict[str, Any], names: str) -> dict[str, Any]:
    return {n: value[n] for n in names.split() if value.get(n) is not None}


def second_item(item: dict[str, Any]) -> dict[str, Any]:
    kind = item["type"]
    if kind not in KNOWN:
        return {n: v for n, v in item.items() if n not in ("id", "status", "encrypted_content")}
    form = pick(item, KNOWN[kind])
    if kind == "message" and isinstance(form["content"], str):
        part = {"user": "input_text", "assistant": "output_text"}.get(form["role"], "input_text")
        form["content"] = [{"type": part, "text": form["content"]}]
    for name in ("content", "output", "summary"):
        if isinstance(form.get(name), list):
            open_parts = PARTS if kind != "reasoning" else dict.fromkeys([p["type"] for p in form[name]], "type text")
            form[name] = [pick(p, open_parts[p["type"]]) if p["type"] in open_parts else p for p in form[name]]
    return form


def second_context(context: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in context.items() if not (v is None and n in CONTEXT)}


def second_jcs(value: Any) -> str:
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda name: [unit for unit in name.encode("utf-16-be").hex("-", 2).split("-")])
        return "{" + ",".join(f"{second_jcs(name)}:{second_jcs(value[name])}" for name in ordered) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(second_jcs, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return second_number(float(value))
    return json.dumps(value, ensure_ascii=False)


def second_number(value: float) -> str:
    """ECMA-262, Number::toString, from the shortest digits that Python's repr gives."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)  # digits before the decimal point, in ECMA-262 called n
    point -= len(whole + fraction) - len(digits) if whole.strip("0") == "" else 0
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        text = digits + "0" * (point - count)
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if count > 1 else "") + f"e{point - 1:+d}"
    return sign + text


def written(raw: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(digest: str) -> bytes:
    return base64.urlsafe_b64decode(digest.removeprefix(PREFIX) + "=")


# --- items and contexts -------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "vector"), BOTH, ids=NAMES)
def test_digest_is_the_hash_of_the_canonical_text(what: str, vector: dict[str, str]) -> None:
    assert vector["digest"] == written(hashlib.sha256(vector["canonical"].encode()).digest())


@pytest.mark.parametrize(("what", "vector"), BOTH, ids=NAMES)
def test_second_implementation_writes_the_canonical_text(what: str, vector: dict[str, str]) -> None:
    value = json.loads(vector["text"])
    assert second_jcs(second_item(value) if what == "item" else second_context(value)) == vector["canonical"]


@pytest.mark.parametrize(("what", "vector"), BOTH, ids=NAMES)
def test_package_reaches_the_digest(what: str, vector: dict[str, str]) -> None:
    digest = item_digest if what == "item" else context_digest
    data = vector["text"].encode()
    assert digest(data) == vector["digest"]
    assert digest(msgspec.Raw(data)) == vector["digest"]
    assert digest(json.loads(data)) == vector["digest"]


@pytest.mark.parametrize("vectors", [ITEMS, CONTEXTS, HISTORIES], ids=["items", "contexts", "histories"])
def test_alike_where_said_and_nowhere_else(vectors: list[dict[str, Any]]) -> None:
    digests = {v["name"]: v["digest"] for v in vectors}
    assert len(digests) == len(vectors)
    assert all(digests[v["same_as"]] == v["digest"] for v in vectors if "same_as" in v)
    different = [v["digest"] for v in vectors if "same_as" not in v]
    assert len(set(different)) == len(different)


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_refused(vector: dict[str, str]) -> None:
    digest = item_digest if vector["what"] == "item" else context_digest
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own message, the vector says which fault
        digest(vector["text"].encode())


# --- histories ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", HISTORIES, ids=lambda v: v["name"])
def test_history(vector: dict[str, Any]) -> None:
    items = [text.encode() for text in vector["items"]]
    base, length = vector.get("base", EMPTY_HISTORY), vector.get("base_length", 0)
    assert chain(items, base, length) == (vector["digest"], vector["length"])
    assert history_digest(items, base) == vector["digest"]
    assert [history_digest(items[: n + 1], base) for n in range(len(items))] == vector["steps"]


@pytest.mark.parametrize("vector", HISTORIES, ids=lambda v: v["name"])
def test_history_by_hand(vector: dict[str, Any]) -> None:
    previous, length = raw(vector.get("base", EMPTY_HISTORY)), vector.get("base_length", 0)
    for text, step in zip(vector["items"], vector["steps"], strict=True):
        item = json.loads(text)
        if length == 0 and "covers" in item and item["type"] == "compaction":
            previous, length = raw(item["covers"]["digest"]), item["covers"]["length"]
        link = hashlib.sha256(second_jcs(second_item(item)).encode()).digest()
        previous, length = hashlib.sha256(previous + link).digest(), length + 1
        assert written(previous) == step
    assert (written(previous), length) == (vector["digest"], vector["length"])


def generated(n: int) -> dict[str, Any]:
    """Item n of the long history, by the rule that stands in the vectors."""
    return [
        {"type": "message", "role": "user", "content": f"question {n}"},
        {"type": "function_call", "call_id": f"call_{n}", "name": "f", "arguments": f'{{"n":{n}}}'},
        {"type": "function_call_output", "call_id": f"call_{n - 1}", "output": f"{n * n}"},
        {"type": "message", "role": "assistant", "content": f"answer {n}"},
    ][n % 4]


def test_long_history() -> None:
    rule = VECTORS["generated"]
    items = [generated(n) for n in range(rule["count"])]
    assert chain(items) == (rule["digest"], rule["length"])
    previous = bytes(32)
    for n, item in enumerate(items, 1):
        link = hashlib.sha256(second_jcs(second_item(item)).encode()).digest()
        previous = hashlib.sha256(previous + link).digest()
        if str(n) in rule["checkpoints"]:
            assert written(previous) == rule["checkpoints"][str(n)] == history_digest(items[:n])
    assert written(previous) == rule["digest"]


def test_worked_example() -> None:
    example = json.loads((VECTOR_DIR / "worked_example.json").read_text(encoding="utf-8"))
    history, previous = example["start_digest"], example["start_hex"]
    assert history == EMPTY_HISTORY
    assert len(example["steps"]) == 3
    for step in example["steps"]:
        assert step["canonical_utf8_hex"] == step["canonical"].encode().hex()
        assert step["item_sha256_hex"] == hashlib.sha256(bytes.fromhex(step["canonical_utf8_hex"])).hexdigest()
        assert step["previous_hex"] == previous
        assert step["hashed_hex"] == previous + step["item_sha256_hex"]
        previous = hashlib.sha256(bytes.fromhex(step["hashed_hex"])).hexdigest()
        assert step["history_sha256_hex"] == previous
        assert step["history_digest"] == written(bytes.fromhex(previous))
        assert step["item_digest"] == item_digest(step["text"].encode())
        history = extend(history, step["item_digest"])
        assert history == step["history_digest"]


def test_texts_hold_what_they_are_for() -> None:
    """The vectors must not be softened by an editor or a formatter that 'repairs' their texts."""
    texts = {v["name"]: v["text"] for v in ITEMS + CONTEXTS}
    assert re.search(r"1\.0,-0,-0\.0,0\.5,1e21,1e-7", texts["open_numbers"])
    assert r"\ud83d\ude00" in texts["astral_escaped"]
    assert texts["combining"] != texts["precomposed"]
    assert texts["open_key_order"].index("\ufb33") < texts["open_key_order"].index("\U0001f600")
