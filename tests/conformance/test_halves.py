"""The reference endpoint is checked by two processes: who takes which wires, and when one does it alone."""

from __future__ import annotations

import os
import pickle

import pytest
from segue_conformance.arguments import Arguments
from segue_conformance.checking import _is_whole
from segue_conformance.halves import parts_of
from segue_conformance.registry import WIRES, Catalogue, Check
from segue_conformance.runner import plan
from segue_conformance.settings import Settings

WORK = plan(list(Catalogue.load()), WIRES, Catalogue.load())


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_every_wire_is_taken_once_and_the_halves_are_alike() -> None:
    halves = parts_of(WORK)
    assert halves is not None
    assert sorted([*halves[0], *halves[1]]) == sorted(WIRES)
    counts = [sum(wire in half for _, wire in WORK) for half in halves]
    assert max(counts) < 1.3 * min(counts)


def test_one_process_does_what_two_would_not_do_better(monkeypatch: pytest.MonkeyPatch) -> None:
    one = [(check, wire) for check, wire in WORK if wire == "segue-ws"]
    assert parts_of(one) is None
    assert parts_of([]) is None
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert parts_of(WORK) is None


def test_checks_of_others_stay_in_this_process() -> None:
    async def test_own(subject: object) -> None: ...

    first = WORK[0][0]
    own = Check(**{name: getattr(first, name) for name in Check.__slots__} | {"function": test_own})
    assert parts_of([(own, wire) for wire in WIRES]) is None


@pytest.mark.parametrize(
    ("members", "whole"),
    [
        ({}, True),
        ({"json_path": "r.json", "wires": ("segue-ws", "segue-http"), "timeout": 9.0}, True),
        ({"url": "http://127.0.0.1:1"}, False),
        ({"only": ("turns.*",)}, False),
        ({"profiles": ("live",)}, False),
        ({"quick": True}, False),
        ({"max_requests": 5}, False),
        ({"rate": 1.0}, False),
        ({"concurrency": 1}, False),
        ({"transcript": "t.ndjson"}, False),
        ({"baseline": "b.toml"}, False),
    ],
)
def test_what_is_counted_or_chosen_is_done_by_one(members: dict[str, object], whole: bool) -> None:
    assert _is_whole(Arguments(**members)) is whole  # type: ignore[arg-type]


def test_what_goes_between_them_can() -> None:
    settings = Settings(url="http://127.0.0.1:1", wires=("segue-ws",), api_key="k")
    assert pickle.loads(pickle.dumps(settings)) == settings
