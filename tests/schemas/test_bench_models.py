"""The measurement measures what it says: valid events of about 1 KB, and it can fail."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from segue_schemas import strict_loads, validator


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "bench"))
    import segue_bench.models as module

    return module


def test_events_are_valid_and_about_1_kb(bench: ModuleType) -> None:
    for name, data in bench.events().items():
        message = strict_loads(data)
        assert message["type"] == name
        assert validator("native.json#/$defs/ServerMessage").is_valid(message)
        assert 900 < len(data) < 1200


def test_models_are_fast_enough(bench: ModuleType) -> None:
    cost = bench.measure("item.delta", bench.events()["item.delta"], "ItemDelta", rounds=3, calls=5)
    assert cost.ratio >= bench.WANTED


def test_says_when_they_are_not(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "measure", lambda name, data, _: bench.Cost(name, len(data), 2.0, 18.0, 90.0))
    assert bench.main() == 1
    assert "ratio: 9 (wanted: at least 10)" in capsys.readouterr().out
    monkeypatch.setattr(bench, "measure", lambda name, data, _: bench.Cost(name, len(data), 2.0, 20.0, 90.0))
    assert bench.main() == 0
