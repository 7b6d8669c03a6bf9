"""Over real sockets the reference endpoint passes every check, and what mutants name exists.

That each mutant is caught by the checks that it names, in memory and over sockets, is the matter of
`segue selftest --full`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from endpoints import Judge, served
from segue_conformance.mutants import REFERENCE, load, settings
from segue_conformance.registry import EVERY_WIRE, STATELESS, Catalogue
from segue_conformance.verdicts import Verdict
from segue_gateway.endpoint import Endpoint

MUTANTS = load()
GOOD = (Verdict.PASS, Verdict.SKIP)


@pytest.fixture(scope="module")
def reference() -> Iterator[Judge]:
    with served(REFERENCE) as url:
        judge = Judge(url)
        yield judge
        judge.close()


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_the_reference_passes_every_check(reference: Judge, wire: str) -> None:
    results = [reference.perform(check.id, wire) for check in Catalogue.load() if wire in check.wires]
    bad = [f"{r.check}: {r.verdict}: {r.message} (expected {r.expected}, got {r.actual})" for r in results
           if r.verdict not in GOOD]  # fmt: skip
    assert bad == []
    assert sum(r.verdict is Verdict.PASS for r in results) >= (25 if wire in STATELESS else 30)


def test_the_reference_announces_the_end_of_a_connection() -> None:
    """Its connections live an hour, which no run waits for: here they live a second."""
    short = replace(settings(), connection_ms=1_200, draining_ms=400)
    with served(replace(REFERENCE, make=lambda **more: Endpoint(**{**more, "settings": short}))) as url:
        judge = Judge(url, timeout=3.0)
        result = judge.perform("liveness.draining_is_announced", "segue-ws")
        judge.close()
    assert (result.verdict, result.message) == (Verdict.PASS, "")


def test_mutants_name_checks_that_exist() -> None:
    catalogue = Catalogue.load()
    assert len(MUTANTS) >= 10
    for mutant in MUTANTS:
        assert mutant.killed_by, f"{mutant.name} names no check"
        for wire, checks in mutant.killed_by.items():
            for check in checks:
                assert check in catalogue, f"{mutant.name}: no such check: {check}"
                assert wire in catalogue[check].wires, f"{mutant.name}: {check} does not run on {wire}"
