"""Several reports side by side on one page: what `segue matrix --html` writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol
from xml.etree import ElementTree as ET

from ...registry import PROFILES
from ...results import CheckResult, Report, State
from ...verdicts import Verdict
from ..wording import STATES, cut
from .elements import Child, asset, code, document, el, prose
from .summary import SIGNS, legend

__all__ = ["ColumnLike", "render"]

_TOLD = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)
_LONG = 300


class ColumnLike(Protocol):
    """One wire of one report, under the name of its target."""

    @property
    def name(self) -> str:
        """The name of the target."""
        ...

    @property
    def wire(self) -> str:
        """The wire."""
        ...

    @property
    def report(self) -> Report:
        """The report."""
        ...

    def result(self, check: str) -> CheckResult | None:
        """Return what came of a check."""
        ...


def render(columns: Sequence[ColumnLike], *, title: str, unreached: Sequence[tuple[str, Report]] = ()) -> str:
    """Return the page. `unreached`: reports of runs that found nobody, with their names."""
    body = el(
        "body",
        el("a", "To the table", href="#matrix", class_="skip"),
        el("header", el("p", "Segue conformance", class_="kind"), el("h1", title), _about(columns, unreached)),
        el("main", *_sections(columns), legend(), id="main"),
        el(
            "footer",
            el("p", "Made by ", code("segue matrix --html"), " from JSON reports of ", code("segue check"), "."),
        ),
    )
    return document(cut(title, 120), body, style=asset("page.css"), script=asset("page.js"))


def _about(columns: Sequence[ColumnLike], unreached: Sequence[tuple[str, Report]]) -> ET.Element:
    reports = {id(column.report): column for column in columns}
    rows = [
        el(
            "li",
            el("strong", cut(column.name, 200)),
            f": {column.report.started_at[:10]}, suite {column.report.suite}, specification {column.report.spec}",
            f", model {cut(column.report.target.model, 200)}" if column.report.target.model else None,
        )
        for column in reports.values()
    ]
    for name, report in unreached:
        why = "; ".join(fault.what for fault in report.contact) or "no wire was found"
        rows.append(el("li", el("strong", cut(name, 200)), f": nothing was checked: {cut(why, _LONG)}"))
    return el("ul", *rows, class_="words")


def _sections(columns: Sequence[ColumnLike]) -> Iterator[Child]:
    if not columns:
        return
    found: dict[str, CheckResult] = {}
    for column in columns:
        for result in column.report.results:
            found.setdefault(result.check, result)
    yield _table(columns, found)
    parts = [part for check in found if (part := _seen(columns, check)) is not None]
    if parts:
        yield el("section", el("h2", f"What was seen ({len(parts)})"), *parts, id="seen", class_="findings")


def _table(columns: Sequence[ColumnLike], found: dict[str, CheckResult]) -> ET.Element:
    heads = [el("th", cut(column.name, 60), el("span", column.wire, class_="quiet"), scope="col") for column in columns]
    states = [
        el("tr", el("th", el("strong", profile), scope="row"), *(_state(column, profile) for column in columns))
        for profile in PROFILES
    ]
    bodies = [el("tbody", _group("Profiles", columns), *states)]
    for profile in PROFILES:
        checks = [result for result in found.values() if result.profile == profile]
        rows = [
            el(
                "tr",
                el("th", code(first.check), prose(first.title, "span", class_="quiet"), scope="row"),
                *(_cell(column, first.check) for column in columns),
            )
            for first in checks
        ]
        if rows:
            bodies.append(el("tbody", _group(f"{profile} ({len(rows)})", columns), *rows))
    table = el("table", el("thead", el("tr", el("th", "", scope="col"), *heads)), *bodies, class_="matrix")
    scroll = el("div", table, class_="scroll", tabindex="0", role="region", aria_label="Checks by endpoint and wire")
    return el("section", scroll, id="matrix")


def _group(title: str, columns: Sequence[ColumnLike]) -> ET.Element:
    return el("tr", el("th", title, colspan=str(len(columns) + 1), scope="rowgroup"), class_="group")


def _state(column: ColumnLike, profile: str) -> ET.Element:
    state = column.report.state(profile, column.wire)
    if state is None:
        return el("td")
    word = "no place" if state.state is State.NOT_REACHABLE else STATES[state.state]
    return el("td", word, class_=f"state {state.state}", title=state.reason or None)


def _cell(column: ColumnLike, check: str) -> ET.Element:
    result = column.result(check)
    if result is None:
        return el("td")
    sign, label = SIGNS[result.verdict], result.verdict.value
    if result.verdict in _TOLD:
        return el("td", el("a", sign, href=f"#seen.{check}", aria_label=label), class_=result.verdict.value)
    return el("td", el("span", sign, role="img", aria_label=label), class_=result.verdict.value)


def _seen(columns: Sequence[ColumnLike], check: str) -> ET.Element | None:
    results = [(column, r) for column in columns if (r := column.result(check)) is not None and r.verdict in _TOLD]
    if not results:
        return None
    first = results[0][1]
    rows: list[Child] = []
    for column, result in results:
        rows.append(el("dt", f"{cut(column.name, 60)}, {column.wire}", class_=result.verdict.value))
        told = [f"{result.verdict.value}: {cut(result.message, _LONG)}"]
        if result.expected or result.actual:
            told += [f"expected: {cut(result.expected, _LONG)}", f"actual: {cut(result.actual, _LONG)}"]
        if result.control:
            told.append(f"control arm: {cut(result.control, _LONG)}")
        rows.append(el("dd", "\n".join(told)))
    return el(
        "article",
        el("h3", code(check), id=f"seen.{check}"),
        prose(f"{first.title}.", class_="title"),
        el("blockquote", el("p", first.requirement, class_="id"), prose(first.sentence)),
        el("dl", *rows),
        data_verdict=first.verdict.value,
    )
