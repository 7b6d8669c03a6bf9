"""The sessions are what third parties build on: valid messages, true digests, and an order that the model allows."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import segue_schemas
from segue_adapters.assembly import ItemAssembler
from segue_model import ALL, replay
from segue_model.sessions import turns

Lines = list[dict[str, Any]]

NAMES = [
    "cancel",
    "cancel-in-a-text",
    "conflict",
    "cut-and-resume",
    "deleted-while-read",
    "draining-and-moving",
    "first-turn-and-continuation",
    "fork-on-two-lanes",
    "full-resend-in-parts",
    "lost-parent-and-full-resend",
    "repeat-attaches",
    "repeat-in-mid-reading",
    "steer",
    "steer-with-two-readers",
    "store-nothing",
    "whole-items",
]


def context_name(form: Any) -> str:
    return form if isinstance(form, str) else segue_schemas.context_digest(form)


def unseen(lines: Lines) -> list[str]:
    """The turns of a session whose messages the model cannot show in their order."""
    found = []
    for seen in turns(lines, context_name):
        reached = replay(seen.scenario, ALL, seen.observed)
        if reached != len(seen.observed):
            found.append(f"{seen.turn}: {seen.observed[reached]} behind {seen.observed[:reached]}")
    return found


def test_there_is_one_for_each_story(sessions: dict[str, Lines]) -> None:
    assert sorted(sessions) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_lines_have_their_form(sessions: dict[str, Lines], name: str) -> None:
    story, *lines = sessions[name]
    assert list(story) == ["story"]
    assert "\n" not in story["story"]
    live: set[str] = set()
    for line in lines:
        if "end" in line:
            assert set(line) == {"connection", "end"}
            assert line["end"] == "cut" or 1000 <= line["end"] < 5000
            live.remove(line["connection"])
        else:
            assert list(line) == ["from", "connection", "message"]
            if line["message"]["type"] == "welcome":
                live.add(line["connection"])
            assert line["connection"] in live, "the server speaks first, and nothing comes behind the end"


@pytest.mark.parametrize("name", NAMES)
def test_every_message_is_valid(sessions: dict[str, Lines], name: str) -> None:
    refs = {"client": "client.json#/$defs/ClientMessage", "server": "native.json#/$defs/ServerMessage"}
    for line in sessions[name]:
        if "message" in line:
            segue_schemas.validator(refs[line["from"]]).validate(line["message"])


class Knows:
    """What somebody who only reads the lines knows of the turns: content, items by index, and histories by handle."""

    def __init__(self) -> None:
        self.starts: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[int, dict[str, Any]]] = {}
        self.histories: dict[str, list[Any]] = {}
        self.contexts: dict[str, str] = {}

    def output(self, turn: str, discarded: list[int]) -> list[Any]:
        """The whole items of a turn, built from its events by the client's assembler, steers where they stand."""
        assembler = ItemAssembler()
        for _, event in sorted(self.events[turn].items()):
            assembler.apply(msgspec.json.decode(json.dumps(event), type=segue_schemas.models.ServerMessage))
        items = [json.loads(item) for item in assembler.items]
        assert all(index >= len(items) for index in discarded), "what is discarded is not whole"
        return items


def check_digests(lines: Lines) -> int:
    """Reckon every digest of a session from what was seen before it; return how many turns ended."""
    knows = Knows()
    ended = 0
    for line in lines:
        message = line.get("message", {})
        turn = message.get("turn")
        kind = message.get("type")
        if kind == "turn.start":
            if "expect" in message and message["parent"] in knows.histories:
                history = knows.histories[message["parent"]]
                expected = {"digest": segue_schemas.history_digest(history), "length": len(history)}
                assert message["expect"] == expected
            if turn not in knows.events:
                knows.starts[turn] = message
        elif kind == "turn.accepted":
            start = knows.starts[turn]
            own = start.get("context")
            assert message["context"] == (context_name(own) if own else knows.contexts[start["parent"]])
        if line.get("from") == "server" and "seq" in message:
            first = message.get("from", message["seq"])
            events = knows.events.setdefault(turn, {})
            if first not in events:
                events[message["seq"]] = message
        if kind == "item.completed":
            index = message["index"]
            assert message["digest"] == segue_schemas.item_digest(knows.output(turn, [])[index])
        if kind == "turn.completed":
            ended += 1
            start = knows.starts[turn]
            base = knows.histories[start["parent"]] if "parent" in start else []
            history = [*base, *start["input"], *knows.output(turn, message.get("discarded", []))]
            facts = {"digest": segue_schemas.history_digest(history), "length": len(history)}
            assert {key: message[key] for key in facts} == facts
            context = knows.events[turn][0]["context"]
            if "continuation" in message:
                handle = message["continuation"]
                assert {key: handle[key] for key in facts} == facts
                assert handle["context"] == context
                knows.histories[handle["id"]] = history
                knows.contexts[handle["id"]] = context
    return ended


@pytest.mark.parametrize("name", NAMES)
def test_digests_are_true(sessions: dict[str, Lines], name: str) -> None:
    assert check_digests(sessions[name]) > 0


@pytest.mark.parametrize("name", NAMES)
def test_numbers_rise_in_each_reading(sessions: dict[str, Lines], name: str) -> None:
    last: dict[tuple[str, str], int] = {}
    before: dict[tuple[str, str], int] = {}
    final: set[tuple[str, str]] = set()
    ended: set[tuple[str, str]] = set()
    for line in sessions[name]:
        message = line.get("message", {})
        key = (line.get("connection", ""), message.get("turn", ""))
        if message.get("type") == "turn.start" and message.get("delivery", {}).get("mode") == "final":
            final.add(key)
        elif message.get("type") == "turn.resume":
            before[key], last[key] = last.get(key, -1), message.get("after", -1)
        elif message.get("refused") == "turn.resume":
            last[key] = before[key]
        elif message.get("type") == "turn.cancel" and key in ended:
            last[key] -= 1  # it is answered by the end once more, alone
            ended.remove(key)
        elif line.get("from") == "server" and "seq" in message:
            first = message.get("from", message["seq"])
            assert key not in ended
            if key in final and message["type"] == "item.completed":
                assert first > last[key] + 1, "deltas are left out"
                assert "item" in message
            else:
                assert first == (0 if message["type"] == "turn.accepted" else last[key] + 1)
            last[key] = message["seq"]
            if message["type"] in ("turn.completed", "turn.failed"):
                ended.add(key)
    assert ended


@pytest.mark.parametrize("name", NAMES)
def test_the_model_allows_what_was_seen(sessions: dict[str, Lines], name: str) -> None:
    assert unseen(sessions[name]) == []


def _drop(kind: str, nth: int = 0) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        at = [i for i, line in enumerate(lines) if line.get("message", {}).get("type") == kind]
        del lines[at[nth]]

    return change


def _twice(kind: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        at = next(i for i, line in enumerate(lines) if line.get("message", {}).get("type") == kind)
        lines.insert(at, lines[at])

    return change


def _at_once(lines: Lines) -> None:
    """Both ends: the turn fails behind its completion."""
    done = next(line for line in lines if line.get("message", {}).get("type") == "turn.completed")
    failed = copy.deepcopy(done)
    failed["message"] = {"type": "turn.failed", "turn": done["message"]["turn"], "seq": done["message"]["seq"] + 1}
    failed["message"]["error"] = {"code": "interrupted", "advice": "retry", "effect": "unknown", "message": "Gone."}
    lines.insert(lines.index(done) + 1, failed)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("first-turn-and-continuation", _drop("item.delta")),
        ("first-turn-and-continuation", _twice("item.completed")),
        ("first-turn-and-continuation", _at_once),
        ("cut-and-resume", _drop("item.delta", 1)),
        ("repeat-attaches", _drop("turn.accepted", 1)),
        ("repeat-attaches", _twice("turn.accepted")),
        ("conflict", _drop("error")),
        ("cancel", _drop("turn.cancel", 1)),
        ("steer", _drop("error")),
        ("steer", _drop("turn.steer")),
        ("steer-with-two-readers", _drop("turn.steered", 1)),
        ("deleted-while-read", _drop("error")),
        ("repeat-in-mid-reading", _drop("error")),
        ("repeat-in-mid-reading", _drop("turn.accepted", 1)),
        ("whole-items", _drop("turn.resume")),
        ("cancel-in-a-text", _drop("turn.cancel")),
    ],
)
def test_the_model_refuses_what_breaks_a_rule(
    sessions: dict[str, Lines], name: str, change: Callable[[Lines], None]
) -> None:
    lines = copy.deepcopy(sessions[name])
    change(lines)
    assert unseen(lines) != []


def test_a_wrong_digest_is_found(sessions: dict[str, Lines]) -> None:
    lines = copy.deepcopy(sessions["steer"])
    completed = next(line["message"] for line in lines if line.get("message", {}).get("type") == "turn.completed")
    completed["digest"] = segue_schemas.EMPTY_HISTORY
    with pytest.raises(AssertionError):
        check_digests(lines)
