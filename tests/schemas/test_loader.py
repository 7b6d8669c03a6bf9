"""The loader finds the schemas, validates as JSON Schema means it, and fetches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import segue_schemas
from referencing.exceptions import Unresolvable
from segue_schemas import VERSION, load, loader, registry, validator


def test_public_names() -> None:
    """What others import is a promise: a name more or less is a decision."""
    assert segue_schemas.__all__ == [
        "EMPTY_HISTORY", "VERSION", "StrictJSONError", "canonical_context", "canonical_item", "chain",
        "context_digest", "extend", "extend_all", "history_digest", "item_digest", "load", "models", "registry",
        "strict_loads", "validator",
    ]  # fmt: skip
    assert all(hasattr(segue_schemas, name) for name in segue_schemas.__all__)


def test_load_gives_a_file_of_this_version() -> None:
    assert load("items.json")["$id"] == f"https://segue.example/schemas/{VERSION}/items.json"
    assert load("items.json") is load("items.json")


@pytest.mark.parametrize(
    "name", ["nothing.json", "../1.0/items.json", "items", "examples/index.json", "..\\items.json"]
)
def test_load_refuses_other_names(name: str) -> None:
    with pytest.raises(ValueError, match="schema file"):
        load(name)


def test_without_schemas_it_says_where_it_looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loader, "__file__", str(tmp_path / "segue_schemas" / "loader.py"))
    with pytest.raises(FileNotFoundError, match="install the package again"):
        loader._folder.__wrapped__()


def test_in_a_wheel_the_schemas_lie_beside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    beside = tmp_path / "segue_schemas" / VERSION
    beside.mkdir(parents=True)
    (beside / "items.json").write_text("{}")
    monkeypatch.setattr(loader, "__file__", str(tmp_path / "segue_schemas" / "loader.py"))
    assert loader._folder.__wrapped__() == beside.resolve()


def test_validator_is_made_once() -> None:
    assert validator("items.json#/$defs/Item") is validator("items.json#/$defs/Item")


@pytest.mark.parametrize("ref", ["items.json#/$defs/Nothing", "nothing.json#/$defs/Item"])
def test_wrong_reference_is_told_at_once(ref: str) -> None:
    with pytest.raises(Unresolvable):
        validator(ref)


def test_registry_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the loader opened a socket")

    monkeypatch.setattr("socket.socket.connect", fail)
    monkeypatch.setattr("socket.getaddrinfo", fail)
    with pytest.raises(Unresolvable):
        registry().resolver("https://segue.example/schemas/1.0/").lookup("https://segue.example/other.json")


def test_dollar_is_the_end_of_the_text() -> None:
    check = validator("common.json#/$defs/TurnName")
    assert check.is_valid("t_1")
    assert not check.is_valid("t_1\n")


def test_pattern_error_says_what_was_expected() -> None:
    (error,) = validator("common.json#/$defs/TurnName").iter_errors("a b")
    assert error.validator == "pattern"
    assert "'a b'" in error.message


def test_integer_may_be_written_as_a_double() -> None:
    """JSON Schema's own rule; JavaScript writes 1.0 as 1 anyway."""
    assert validator("common.json#/$defs/Seq").is_valid(1.0)
    assert not validator("common.json#/$defs/Seq").is_valid(1.5)
