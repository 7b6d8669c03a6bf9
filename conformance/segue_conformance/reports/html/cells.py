"""The table that keeps state and transport apart: what was said earlier, known in each combination of them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ...cells import results_of
from ...results import CheckResult, Report
from .elements import code, el
from .summary import SIGNS

__all__ = ["cells"]


def cells(report: Report) -> ET.Element | None:
    """Return the section; None where none of its checks was asked for."""
    rows = results_of(report)
    if not rows:
        return None
    head = el(
        "tr", el("th", "History", scope="col"), el("th", "Answer", scope="col"),
        *(el("th", code(wire), scope="col") for wire in report.wires),
    )  # fmt: skip
    body = [
        el(
            "tr", el("th", cell.state, scope="row"), el("th", cell.delivery, scope="row"),
            *(_result(row.get(wire)) for wire in report.wires),
        )
        for cell, row in rows.items()
    ]  # fmt: skip
    return el(
        "section",
        el("h2", "State and transport apart"),
        el(
            "p",
            "The same promise, that what was said is known later, in each combination of them. What is stored is asked "
            "for by its handle; what is not is held by a WebSocket connection, or sent again over HTTP.",
            class_="quiet",
        ),
        el(
            "div",
            el("table", el("thead", head), el("tbody", *body), class_="profiles"),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label="Histories by state, delivery and wire",
        ),
        id="cells",
    )


def _result(result: CheckResult | None) -> ET.Element:
    if result is None:
        return el("td")
    return el(
        "td",
        el("span", SIGNS[result.verdict], class_="sign", aria_hidden="true"),
        el("strong", result.verdict.value),
        el("span", code(result.check), class_="quiet"),
        class_=f"state {result.verdict}",
    )
