from __future__ import annotations

import logging

import pytest
from segue_gateway.faults import report


def test_a_fault_is_told_by_its_type_and_place_and_never_by_its_words(caplog: pytest.LogCaptureFixture) -> None:
    def inner() -> None:
        raise ValueError("a secret of the user")

    with caplog.at_level(logging.ERROR, "segue.gateway"):
        try:
            inner()
        except ValueError as error:
            report("a turn failed", error)
    assert "a turn failed: ValueError at test_faults.py" in caplog.text
    assert "inner" in caplog.text
    assert "secret" not in caplog.text
