"""`segue explain PATH`: what a store holds, turn by turn, also while a gateway has it open."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from gateway_lab import StepEngine, answer, bounds, message, run, start, turn
from process_lab import gateway
from segue_conformance.explain.cli import explain
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Ended, ItemEnded
from segue_gateway.explaining import conversations, effective
from segue_gateway.stores.base import Unusable
from segue_gateway.stores.sqlite import SQLiteStore
from segue_gateway.stores.sqlite.looking import look

WORD = "lantern"
CONTEXT = {"model": "m", "instructions": f"Say {WORD}."}


def explained(*arguments: str) -> Result:
    return CliRunner().invoke(explain, [*arguments], catch_exceptions=False)


@pytest.fixture
def held(tmp_path: Path) -> tuple[Path, StepEngine, dict[str, str]]:
    """A store with a conversation of three turns and a fork of its second; who was asked what; ids by turn."""
    path, engine = tmp_path / "state.db", StepEngine(*answer(f"The word is {WORD}."))
    ids: dict[str, str] = {}

    async def main() -> None:
        store = SQLiteStore(path, bounds())
        endpoint = Endpoint(engine, store)
        ids["one"] = (await turn(endpoint, start("one", "Hello", context=CONTEXT))).id
        ids["two"] = (await turn(endpoint, start("two", "And?", parent=ids["one"]))).id
        other = {**CONTEXT, "temperature": 0.5}
        ids["three"] = (await turn(endpoint, start("three", "More", parent=ids["two"], context=other))).id
        ids["fork"] = (await turn(endpoint, start("fork", "Else", parent=ids["one"]))).id
        await store.close()

    run(main())
    return path, engine, ids


def test_what_was_sent_and_saved_turn_by_turn(held) -> None:
    path, _, ids = held
    found = conversations(look(path))
    assert [[step.kept.turn for step in one.steps if step.kept] for one in found] == [
        ["one", "two", "three"],
        ["one", "fork"],
    ]
    assert [one.last.id for one in found] == [ids["three"], ids["fork"]]
    one, two, three = found[0].steps
    context = len(json.dumps(CONTEXT))
    assert (one.sent, one.saved) == (context + len(json.dumps(message("Hello"))), 0)
    assert two.sent == len(json.dumps(message("And?")))
    assert two.saved == one.sent + one.written
    assert three.sent == len(json.dumps({**CONTEXT, "temperature": 0.5})) + len(json.dumps(message("More")))
    assert three.saved == two.history.total  # the context is another one, so it was no part of what was spared
    assert [step.given for step in (one, two, three)] == [1, 3, 5]


def test_the_effective_history_is_what_the_engine_was_asked(held) -> None:
    path, engine, ids = held
    kept = look(path)
    for place, name in enumerate(("one", "two", "three", "fork")):
        lines = [json.loads(line) for line in effective(kept, name) or ()]
        assert lines == [json.loads(line) for line in effective(kept, ids[name]) or ()]
        assert lines[0]["context"] == dict(engine.asked[place].context)
        assert [line["item"] for line in lines[1:]] == [json.loads(item) for item in engine.asked[place].items]
    assert effective(kept, "none") is None


def test_what_was_left_out_is_not_told_as_seen(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    said = answer("Fine.")
    engine = StepEngine(*[step for step in said if not isinstance(step, Ended)], Ended(omitted=(0,)))
    assert any(isinstance(step, ItemEnded) for step in said)

    async def main() -> None:
        store = SQLiteStore(path, bounds())
        await turn(Endpoint(engine, store), start("t", "first", "second"))
        await store.close()

    run(main())
    lines = [json.loads(line) for line in effective(look(path), "t") or ()]
    assert [line["place"] for line in lines[1:]] == [1]
    assert conversations(look(path))[0].steps[0].given == 1
    assert "1 omitted" in explained(str(path)).output


def test_the_command_tells_numbers_and_no_content(held) -> None:
    path, _, ids = held
    for named in (str(path), f"sqlite:{path}"):
        result = explained(named)
        assert result.exit_code == 0
        assert WORD not in result.output
        assert ids["three"] in result.output
        assert result.output.splitlines()[-1].startswith("conversations: 2, turns: 4, sent: ")
        assert "% less than" in result.output
    assert WORD in explained(str(path), "--history", "two").output


def test_a_store_is_read_while_a_gateway_owns_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with gateway(tmp_path / "log", "--store", f"sqlite:{path}") as served, httpx.Client(base_url=served.url) as http:
        parent: dict[str, Any] = {}
        for number in range(5):
            body = {"model": "scripted", "input": f"Say hello {number} times", **parent}
            parent = {"previous_response_id": http.post("/v1/responses", json=body).json()["id"]}
            result = explained(str(path))
            assert result.exit_code == 0, result.output
            assert f"{parent['previous_response_id']}  turns: {number + 1}," in result.output
        assert served.stop() == 0
    assert "conversations: 1, turns: 5, " in explained(str(path)).output


def test_what_is_no_store_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to look like one" * 20)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.close()
    for name, says in (("none.db", "can't be read"), ("text.db", "is no store"), ("other.db", "is no store")):
        with pytest.raises(Unusable, match=says):
            look(tmp_path / name)
        result = explained(str(tmp_path / name))
        assert (result.exit_code, says in result.output) == (2, True)


@pytest.mark.parametrize("arguments", [("./x.db", "SEG-CONT-012"), ("SEG-CONT-012", "--history", "t")])
def test_ids_and_stores_are_not_mixed(arguments: tuple[str, ...]) -> None:
    assert explained(*arguments).exit_code == 2


def test_a_name_that_is_not_held_is_told(held) -> None:
    result = explained(str(held[0]), "--history", "nobody")
    assert result.exit_code == 2
    assert "holds no turn and no continuation 'nobody'" in result.output
