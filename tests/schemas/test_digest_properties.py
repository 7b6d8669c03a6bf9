"""What must not change a digest doesn't, and whatever is visible does."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from segue_schemas import (
    EMPTY_HISTORY,
    canonical_context,
    canonical_item,
    chain,
    context_digest,
    digest,
    extend,
    history_digest,
    item_digest,
    load,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text("abc", min_size=1, max_size=4)
SAFE = 2**53 - 1
DOUBLES = st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: abs(f) <= SAFE or abs(f) >= 1e21)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | DOUBLES | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PARTS = st.one_of(
    st.builds(lambda t: {"type": "input_text", "text": t}, TEXT),
    st.builds(lambda t: {"type": "output_text", "text": t}, TEXT),
    st.builds(lambda t: {"type": "refusal", "refusal": t}, TEXT),
    st.builds(lambda t, v: {"type": "vendor:part", "text": t, "v": v}, TEXT, JSON),
)
CONTENT = TEXT | st.lists(PARTS, max_size=3)
ITEMS = st.one_of(
    st.builds(
        lambda r, c: {"type": "message", "role": r, "content": c}, st.sampled_from(["user", "assistant"]), CONTENT
    ),
    st.builds(lambda i, a: {"type": "function_call", "call_id": i, "name": "f", "arguments": a}, NAME, TEXT),
    st.builds(lambda i, c: {"type": "function_call_output", "call_id": i, "output": c}, NAME, CONTENT),
    st.builds(lambda i, a: {"type": "custom_tool_call", "call_id": i, "name": "f", "input": a}, NAME, TEXT),
    st.builds(
        lambda t: {"type": "reasoning", "summary": [{"type": "summary_text", "text": x} for x in t]}, st.lists(TEXT)
    ),
    st.builds(lambda v: {"type": "vendor:item", "v": v}, JSON),
)


def shuffled(value: Any, seed: int) -> Any:
    """Return an equal value whose members stand in another order, at every level."""
    if isinstance(value, dict):
        pairs = [(name, shuffled(inner, seed)) for name, inner in value.items()]
        random.Random(seed).shuffle(pairs)
        return dict(pairs)
    return [shuffled(inner, seed) for inner in value] if isinstance(value, list) else value


def texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all strings that a reader of the history sees, but for types and roles."""
    if isinstance(value, str):
        return [path] if path and path[-1] not in ("type", "role") else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in pairs for found in texts(inner, (*path, key))]


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    copy = json.loads(json.dumps(value))
    node = copy
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] += "!"
    return copy


@given(ITEMS, st.integers(0, 2**16), st.booleans())
def test_order_of_members_and_writing_do_not_count(item: dict[str, Any], seed: int, ascii_only: bool) -> None:
    other = json.dumps(shuffled(item, seed), ensure_ascii=ascii_only, indent=1)
    assert item_digest(other.encode()) == item_digest(item)


@given(ITEMS, TEXT, st.none() | st.sampled_from(["completed", "incomplete"]), TEXT)
def test_ids_statuses_and_seals_do_not_count(item: dict[str, Any], id_: str, status: str | None, seal: str) -> None:
    assert item_digest({**item, "id": id_, "status": status, "encrypted_content": seal}) == item_digest(item)


@given(ITEMS.filter(lambda i: i["type"] != "vendor:item"), NAME, JSON)
def test_unknown_members_of_known_items_do_not_count(item: dict[str, Any], name: str, value: Any) -> None:
    assert item_digest({**item, "x_" + name: value, "issuer": "a"}) == item_digest(item)


@given(JSON, NAME, JSON)
def test_every_member_of_an_open_item_counts(value: Any, name: str, more: Any) -> None:
    item = {"type": "vendor:item", "v": value}
    assert item_digest({**item, "x_" + name: more}) != item_digest(item)


@given(ITEMS, st.data())
def test_any_visible_text_counts(item: dict[str, Any], data: st.DataObject) -> None:
    paths = texts(item)
    if paths:
        path = data.draw(st.sampled_from(paths))
        assert item_digest(changed(item, path)) != item_digest(item)


@given(ITEMS)
def test_canonical_form_is_its_own(item: dict[str, Any]) -> None:
    form = canonical_item(item)
    assert canonical_item(json.loads(rfc8785.dumps(form))) == form
    assert item_digest(form) == item_digest(item)


@given(ITEMS)
def test_the_item_is_left_alone(item: dict[str, Any]) -> None:
    before = json.dumps(item)
    canonical_item(item)
    assert json.dumps(item) == before


@given(st.lists(ITEMS, max_size=6), st.integers(0, 6))
def test_a_history_may_be_chained_in_parts(items: list[dict[str, Any]], cut: int) -> None:
    half, length = chain(items[:cut])
    assert chain(items[cut:], half, length) == chain(items)
    step = EMPTY_HISTORY
    for item in items:
        step = extend(step, item_digest(item))
    assert step == history_digest(items)


@given(st.lists(ITEMS, min_size=1, max_size=4), st.lists(ITEMS, max_size=3))
def test_a_resend_from_the_compaction_agrees(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    covered, length = chain(before)
    compaction = {"type": "compaction", "encrypted_content": "x", "covers": {"digest": covered, "length": length}}
    assert chain([compaction, *after]) == chain([*before, compaction, *after])


@given(st.dictionaries(NAME, JSON, max_size=4), st.integers(0, 2**16))
def test_context_takes_every_member(context: dict[str, Any], seed: int) -> None:
    assert context_digest(json.dumps(shuffled(context, seed)).encode()) == context_digest(context)
    assert context_digest({**context, "x": None}) != context_digest(context)
    named = dict.fromkeys(load("context.json")["$defs"]["TurnContext"]["properties"])
    assert context_digest({**named, **context}) == context_digest(context)
    assert canonical_context(canonical_context(context)) == canonical_context(context)


@given(st.integers(SAFE + 1, 10**21 - 1), st.sampled_from([1, -1]))
def test_integers_on_which_readers_disagree_are_refused(number: int, sign: int) -> None:
    if float(number) >= 1e21:
        return  # rounds up to a number that has an exponent
    for value in (sign * number, sign * float(number)):
        with pytest.raises(ValueError, match="beyond 2\\^53"):
            context_digest({"vendor": [value]})
    assert item_digest({"type": "message", "role": "user", "content": "", "n": number})


def test_numbers_of_any_writing_from_1e21_agree() -> None:
    assert context_digest({"n": 10**21}) == context_digest({"n": 1e21}) == context_digest(b'{"n":1E+21}')


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -(10**400), 10**9999, {1: 2}, {"\ud800": 1}, "\ud800", {1, 2}],
    ids=["nan", "infinity", "401_digits", "9999_digits", "number_as_name", "surrogate_name", "surrogate", "set"],
)
def test_what_is_no_json_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the faults have different messages
        context_digest({"vendor": value})


PLAIN = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), PLAIN, max_size=4))
def test_what_is_written_the_short_way_is_written_alike(value: dict[str, Any]) -> None:
    whole = {**value, "type": "vendor:x"}
    for left_out in ("id", "status", "encrypted_content"):
        whole.pop(left_out, None)
    written = hashlib.sha256(rfc8785.dumps(whole)).digest()
    assert item_digest(whole) == "segue1-sha256:" + base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def test_endless_nesting_is_a_value_error() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    with pytest.raises(ValueError, match="nested deeper"):
        context_digest(loop)


@pytest.mark.parametrize("digest_of", [item_digest, context_digest])
def test_depth_is_the_same_for_objects_and_for_bytes(digest_of: Callable[[Any], str]) -> None:
    """An item that a client holds as an object has a digest exactly where an endpoint can read its bytes."""
    deepest = {"type": "x", "v": json.loads("[" * 99 + "]" * 99)}
    assert digest_of(deepest) == digest_of(json.dumps(deepest).encode())
    deeper = {"type": "x", "v": [deepest["v"]]}
    for source in (deeper, json.dumps(deeper).encode()):
        with pytest.raises(ValueError, match="nested deeper"):
            digest_of(source)


def test_depth_of_an_unknown_part_is_counted_from_the_item() -> None:
    part = {"type": "x", "v": json.loads("[" * 97 + "]" * 97)}
    item = {"type": "message", "role": "user", "content": [part]}
    assert item_digest(item) == item_digest(json.dumps(item).encode())
    item["content"] = [{**part, "v": [part["v"]]}]
    for source in (item, json.dumps(item).encode()):
        with pytest.raises(ValueError, match="nested deeper"):
            item_digest(source)


@pytest.mark.parametrize(
    "bad",
    [
        "", "segue1-sha256:", EMPTY_HISTORY + "A", EMPTY_HISTORY[:-1], EMPTY_HISTORY[:-1] + "B", EMPTY_HISTORY + "=",
        EMPTY_HISTORY.replace("segue1", "segue2"), EMPTY_HISTORY[:-2] + "+A", EMPTY_HISTORY[:-2] + "\n\n", "A" * 57,
        EMPTY_HISTORY[:-2] + "é" + "A", None, b"segue1-sha256:" + b"A" * 43,
    ],
)  # fmt: skip
def test_extend_takes_digests_only(bad: Any) -> None:
    good = item_digest({"type": "x"})
    with pytest.raises(ValueError, match="not a digest"):
        extend(bad, good)
    with pytest.raises(ValueError, match="not a digest"):
        extend(EMPTY_HISTORY, bad)


@pytest.mark.parametrize(
    "covers",
    ["x", {}, {"digest": EMPTY_HISTORY}, {"digest": EMPTY_HISTORY, "length": -1}, {"digest": "x", "length": 1},
     {"digest": EMPTY_HISTORY, "length": True}, {"digest": EMPTY_HISTORY, "length": "1"}, []],
)  # fmt: skip
def test_covers_that_says_nothing_is_a_value_error(covers: Any) -> None:
    with pytest.raises(ValueError, match=r"covers|not a digest"):
        chain([{"type": "compaction", "covers": covers}])


def test_any_mapping_is_an_item() -> None:
    item: Mapping[str, Any] = MappingProxyType({"type": "message", "role": "user", "content": ({"type": "x"},)})
    assert item_digest(item) == item_digest({"type": "message", "role": "user", "content": [{"type": "x"}]})


def test_a_digested_member_without_a_rule_is_told_not_guessed() -> None:
    """A schema that asks for what the code can't do must not lead to a digest nobody else reaches."""
    with pytest.raises(TypeError, match="has no rule"):
        digest._rule("MessageItem", "weight", {"type": "number", "x-digest": True}, required=False)
