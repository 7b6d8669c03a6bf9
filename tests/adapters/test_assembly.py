"""Items rebuilt from deltas, by the tables of spec/1.0/items.md."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segue_adapters.assembly import ItemAssembler, apply_append, apply_put
from segue_adapters.errors import RemoteProtocolError
from segue_schemas import models

MESSAGE = {"type": "message", "role": "assistant", "content": []}


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def started(item: Any, index: int = 0) -> models.ItemStarted:
    return models.ItemStarted(turn="t", index=index, item=item if isinstance(item, msgspec.Raw) else raw(item))


def append(at: str, text: str, index: int = 0) -> models.ItemDelta:
    return models.ItemDelta(turn="t", index=index, at=at, append=text)


def put(at: str, value: Any, index: int = 0) -> models.ItemDelta:
    return models.ItemDelta(turn="t", index=index, at=at, put=raw(value))


def completed(item: Any = None, index: int = 0) -> models.ItemCompleted:
    return models.ItemCompleted(turn="t", index=index, item=msgspec.UNSET if item is None else raw(item))


def build(skeleton: Any, *deltas: models.ItemDelta) -> Any:
    assembler = ItemAssembler()
    assembler.apply(started(skeleton))
    for delta in deltas:
        assembler.apply(delta)
    assembler.apply(completed())
    return json.loads(assembler.whole(0))


def test_the_example_of_the_chapter() -> None:
    deltas = [put("/content/-", {"type": "output_text", "text": ""}), append("/content/0/text", "Hel"),
              append("/content/0/text", "lo"), put("/content/0/annotations", [])]  # fmt: skip
    part = {"type": "output_text", "text": "Hello", "annotations": []}
    assert build(MESSAGE, *deltas) == {**MESSAGE, "content": [part]}
    call = {"type": "function_call", "call_id": "call_1", "name": "f"}
    assert build(call, append("/arguments", '{"a"'), append("/arguments", ":1}")) == {**call, "arguments": '{"a":1}'}


@pytest.mark.parametrize(
    ("before", "delta", "after"),
    [
        ({"a": 1}, put("/a", 2), {"a": 2}),
        ({}, put("/a", 2), {"a": 2}),
        ({}, put("/-", 2), {"-": 2}),
        ({"a": [1, 2]}, put("/a/0", 9), {"a": [9, 2]}),
        ({"a": [1]}, put("/a/1", 9), {"a": [1, 9]}),
        ({"a": [1]}, put("/a/-", None), {"a": [1, None]}),
        ({"a/b": {"c~d": 1}}, put("/a~1b/c~0d", 2), {"a/b": {"c~d": 2}}),
        ({"~1": 1}, put("/~01", 2), {"~1": 2}),
        ({"": {"": 1}}, put("//", 2), {"": {"": 2}}),
        ({"a": "x"}, append("/a", "y"), {"a": "xy"}),
        ({}, append("/a", "y"), {"a": "y"}),
        ({"a": None}, append("/a", ""), {"a": ""}),
        ({"a": []}, append("/a/-", "y"), {"a": ["y"]}),
        ({"a": ["x"]}, append("/a/0", "y"), {"a": ["xy"]}),
        ({"a": ["x"]}, append("/a/1", "y"), {"a": ["x", "y"]}),
    ],
)
def test_places(before: dict[str, Any], delta: models.ItemDelta, after: dict[str, Any]) -> None:
    assert build({"type": "x", **before}, delta) == {"type": "x", **after}


@pytest.mark.parametrize(
    "delta",
    [
        put("", 1),
        put("/no/0", 1),
        put("/list/2", 1),
        put("/list/-1", 1),
        put("/list/-1/x", 1),
        put("/list/-/x", 1),
        put("/list/00", 1),
        put("/list/٠", 1),
        put("/list/1_0/x", 1),
        put("/list/ 0/x", 1),
        put("/list/name", 1),
        put("/text/0", 1),
        put("/text/x/y", 1),
        put("/null/x", 1),
        append("", "x"),
        append("/number", "x"),
        append("/list", "x"),
        append("/list/0", "x"),
        append("/nulls/0", "x"),
        append("/list/3", "x"),
    ],
    ids=lambda delta: f"{delta.at or 'root'}-{'append' if isinstance(delta.append, str) else 'put'}",
)
def test_a_delta_without_a_place_is_told_at_once(delta: models.ItemDelta) -> None:
    assembler = ItemAssembler()
    item = {"type": "x", "list": [{}], "text": "abc", "null": None, "number": 1, "nulls": [None]}
    assembler.apply(started(item))
    with pytest.raises(RemoteProtocolError, match="has no place") as caught:
        assembler.apply(delta)
    assert caught.value.requirement == "SEG-ITEM-005"
    assert caught.value.got == delta.at
    assert assembler.partial(0) == item


def test_appending_at_the_end_adds_an_element_each_time() -> None:
    assert build({"type": "x", "a": []}, append("/a/-", "x"), append("/a/-", "y"))["a"] == ["x", "y"]


def test_a_put_between_appends_keeps_their_order() -> None:
    deltas = [append("/a", "x"), append("/a", "y"), put("/a", "z"), append("/a", "!")]
    assert build({"type": "x"}, *deltas)["a"] == "z!"


SKELETON = {"type": "x", "s": "", "list": ["a"], "o": {"t": None}}
DELTAS = st.lists(
    st.one_of(
        st.builds(
            append, st.sampled_from(["/s", "/list/0", "/list/-", "/o/t", "/new", "/list/1"]), st.text(max_size=3)
        ),
        st.builds(put, st.sampled_from(["/s", "/list/0", "/list/-", "/o/t", "/list"]), st.sampled_from(["", "p"])),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(DELTAS)
def test_buffered_is_the_same_as_one_by_one(deltas: list[models.ItemDelta]) -> None:
    item = json.loads(json.dumps(SKELETON))
    assembler = ItemAssembler()
    assembler.apply(started(SKELETON))
    for delta in deltas:
        try:
            if isinstance(delta.append, str):
                apply_append(item, delta.at, delta.append)
            else:
                apply_put(item, delta.at, msgspec.json.decode(delta.put))
        except RemoteProtocolError as misplaced:
            with pytest.raises(RemoteProtocolError, match=re.escape(str(misplaced))):
                assembler.apply(delta)
        else:
            assembler.apply(delta)
    assert assembler.partial(0) == item


@settings(max_examples=40)
@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=12), st.data())
def test_merged_deltas_build_the_same(texts: list[str], data: st.DataObject) -> None:
    cuts = sorted({0, len(texts), *data.draw(st.sets(st.integers(0, len(texts))))})
    merged = ["".join(texts[a:b]) for a, b in pairwise(cuts)]
    one = build({"type": "x"}, *(append("/a", text) for text in texts))
    assert build({"type": "x"}, *(append("/a", text) for text in merged)) == one == {"type": "x", "a": "".join(texts)}


def test_the_item_of_item_completed_holds_byte_for_byte() -> None:
    assembler = ItemAssembler()
    assembler.apply(started(MESSAGE))
    assembler.apply(append("/extra", "built"))
    whole = b'{ "type":"message", "n":1.0 }'
    assembler.apply(models.ItemCompleted(turn="t", index=0, item=msgspec.Raw(whole)))
    assert assembler.items == [whole]
    assert assembler.partial(0) == {**MESSAGE, "extra": "built"}


def test_items_come_in_order_of_their_index() -> None:
    assembler = ItemAssembler()
    for index in (1, 0, 2):
        assembler.apply(started({"type": "x", "n": index}, index))
    for index in (2, 0):
        assembler.apply(completed(index=index))
    assembler.apply(models.TurnProgress(turn="t", phase="thinking"))
    assert [json.loads(item)["n"] for item in assembler.items] == [0, 2]
    assert (assembler.started, assembler.completed) == ([1, 0, 2], [0, 2])
    with pytest.raises(KeyError):
        assembler.whole(1)


@pytest.mark.parametrize(
    ("before", "message", "told"),
    [
        ([], append("/a", "x"), "never started"),
        ([], put("/a", "x"), "never started"),
        ([], completed(), "never started"),
        ([started(MESSAGE)], started(MESSAGE), "started twice"),
        ([started(MESSAGE), completed()], started(MESSAGE), "started twice"),
        ([completed(MESSAGE)], started(MESSAGE), "started twice"),
        ([started(MESSAGE), completed()], append("/a", "x"), "already completed"),
        ([started(MESSAGE), completed()], put("/a", "x"), "already completed"),
        ([started(MESSAGE), completed()], completed(), "completed twice"),
        ([started(MESSAGE), completed()], completed(MESSAGE), "completed twice"),
    ],
)
def test_indexes_are_started_once_and_completed_once(before: list[Any], message: Any, told: str) -> None:
    assembler = ItemAssembler()
    for earlier in before:
        assembler.apply(earlier)
    with pytest.raises(RemoteProtocolError, match=told) as caught:
        assembler.apply(message)
    assert caught.value.requirement == "SEG-ITEM-003"


@pytest.mark.parametrize("skeleton", [[], "text", None, {}, {"type": 5}, {"type": None}])
def test_a_skeleton_is_an_object_with_a_type(skeleton: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="an object with a type"):
        ItemAssembler().apply(started(skeleton))


DEEP = b'{"type":' + b"[" * 5000 + b"]" * 5000 + b"}"


@pytest.mark.parametrize(
    "broken", [b'{"type":"x","t":"\\ud800"}', b'{"type":"\xff"}', DEEP], ids=["half", "byte", "deep"]
)
def test_broken_text_in_what_a_message_carries_is_the_peers_fault(broken: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not I-JSON"):
        ItemAssembler().apply(started(msgspec.Raw(broken)))
    assembler = ItemAssembler()
    assembler.apply(started(MESSAGE))
    with pytest.raises(RemoteProtocolError, match="not I-JSON"):
        assembler.apply(models.ItemDelta(turn="t", index=0, at="/a", put=msgspec.Raw(broken)))


@pytest.mark.parametrize("more", [{}, {"append": "x", "put": raw(1)}])
def test_a_delta_either_appends_or_puts(more: dict[str, Any]) -> None:
    assembler = ItemAssembler()
    assembler.apply(started(MESSAGE))
    with pytest.raises(RemoteProtocolError, match="of append and put"):
        assembler.apply(models.ItemDelta(turn="t", index=0, at="/a", **more))


def test_a_reading_that_began_in_the_middle_takes_what_comes_whole() -> None:
    assembler = ItemAssembler(continued=True)
    for message in (append("/a", "x"), put("/a", 1), completed(), completed(MESSAGE, index=1), started(MESSAGE, 2)):
        assembler.apply(message)
    assembler.apply(append("/a", "x", index=2))
    assembler.apply(completed(index=2))
    assert [json.loads(item) for item in assembler.items] == [MESSAGE, {**MESSAGE, "a": "x"}]
    with pytest.raises(RemoteProtocolError, match="already completed"):
        assembler.apply(append("/a", "x", index=1))


def test_long_texts_cost_their_length() -> None:
    assembler = ItemAssembler()
    assembler.apply(started({"type": "x"}))
    piece = append("/a", "x" * 1000)
    for _ in range(20_000):
        assembler.apply(piece)
    assert len(assembler.partial(0)["a"]) == 20_000_000


def steered(index: int, *items: Any) -> models.TurnSteered:
    return models.TurnSteered(turn="t", steer="s", index=index, items=[raw(item) for item in items])


def test_items_of_a_steer_stand_at_their_indexes() -> None:
    """A reader that did not steer builds the same history."""
    assembler = ItemAssembler()
    told = [{"type": "message", "role": "user", "content": text} for text in ("No.", "Later.")]
    for message in (started(MESSAGE), completed(), steered(1, *told), started(MESSAGE, 3), completed(index=3)):
        assembler.apply(message)
    assert [json.loads(item) for item in assembler.items] == [MESSAGE, *told, MESSAGE]


@pytest.mark.parametrize("first", [[started(MESSAGE, 1)], [started(MESSAGE, 1), completed(index=1)]])
def test_a_steer_takes_free_indexes(first: list[models.ServerMessage]) -> None:
    assembler = ItemAssembler()
    for message in first:
        assembler.apply(message)
    with pytest.raises(RemoteProtocolError, match="item 1 was used twice"):
        assembler.apply(steered(0, MESSAGE, MESSAGE))
