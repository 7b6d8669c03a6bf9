from __future__ import annotations

import logging

import pytest
from segue_gateway.faults import report
from segue_gateway.stores.base import Unwritable


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


def test_what_a_store_says_for_its_operator_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "segue.gateway"):
        report("a turn could not be claimed", Unwritable("database or disk is full"))
    assert "a turn could not be claimed: Unwritable (database or disk is full) at an unknown place" in caplog.text
