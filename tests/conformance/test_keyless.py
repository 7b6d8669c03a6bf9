"""Checks of endpoints that ask nobody for a key: the reference endpoint passes them where it has none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from endpoints import Judge, served
from segue_conformance.mutants import Mutant
from segue_conformance.mutants.references import Keyless
from segue_conformance.verdicts import Verdict


@pytest.fixture(scope="module")
def keyless() -> Iterator[Judge]:
    with served(Mutant("keyless", "Nothing is wrong; nobody needs a key.", {}, Keyless)) as url:
        judge = Judge(url)
        yield judge
        judge.close()


@pytest.mark.parametrize("name", ["foreign_origin_of_a_request", "other_host"])
def test_the_reference_without_keys_keeps_strangers_out(keyless: Judge, name: str) -> None:
    result = keyless.perform(f"admission.{name}", "segue-http")
    assert (result.verdict, result.message) == (Verdict.PASS, "")
