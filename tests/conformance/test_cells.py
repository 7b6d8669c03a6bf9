"""State and transport apart: a cell for each combination, each with a check that runs there, shown in the reports."""

from __future__ import annotations

from dataclasses import replace

import pytest
from segue_conformance.cells import CELLS, results_of
from segue_conformance.registry import Catalogue
from segue_conformance.reports import html, markdown
from segue_conformance.results import Target, WireTarget
from segue_conformance.verdicts import Verdict
from test_html_report import report, result

CATALOGUE = Catalogue.load()
#: What OpenAI's WebSocket has no place for: an answer that comes whole.
NO_PLACE = {("stored", "whole", "openai-ws"), ("not stored", "whole", "openai-ws")}


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http", "openai-ws", "openai-http"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.state}-{cell.delivery}")
def test_each_combination_has_a_check_on_each_wire_that_can_carry_it(cell, wire) -> None:
    runs = wire in CATALOGUE[cell.check(wire)].wires
    assert runs is ((cell.state, cell.delivery, wire) not in NO_PLACE)


def told():
    wires = ("segue-ws", "openai-http")
    target = Target(url="http://x.test/v1", wires=tuple(WireTarget(wire=wire, url="u") for wire in wires))
    results = (
        replace(result("pass", check="continuation.users_words_one_hop"), wire="segue-ws"),
        replace(result("fail", check="continuation.users_words_one_hop"), wire="openai-http"),
        replace(result("inconclusive", check="full_resend.users_words"), wire="openai-http"),
    )
    return replace(report(*results), target=target)


def test_a_row_holds_the_same_promise_on_every_wire() -> None:
    rows = {(cell.state, cell.delivery): row for cell, row in results_of(told()).items()}
    assert {place: {wire: r.verdict for wire, r in row.items()} for place, row in rows.items()} == {
        ("stored", "streamed"): {"segue-ws": Verdict.PASS, "openai-http": Verdict.FAIL},
        ("not stored", "streamed"): {"openai-http": Verdict.INCONCLUSIVE},
    }


def test_the_reports_show_it() -> None:
    text = markdown.render(told())
    assert "| history | answer | segue-ws | openai-http |" in text
    assert "| stored | streamed | pass | fail |" in text
    assert "| not stored | streamed |  | inconclusive |" in text
    page = html.render(told())
    assert '<section id="cells">' in page
    assert "State and transport apart" in page


def test_where_none_of_it_was_asked_nothing_is_shown() -> None:
    plain = report(result("pass", check="a.b"))
    assert results_of(plain) == {}
    assert 'id="cells"' not in html.render(plain)
    assert "| history |" not in markdown.render(plain)
