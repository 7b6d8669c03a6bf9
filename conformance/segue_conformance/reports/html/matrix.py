"""The table of checks by wire, and the filters above it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ...registry import PROFILES
from ...results import CheckResult, Report
from ...verdicts import Verdict
from ..wording import VERDICTS, one_line
from .elements import code, el, prose
from .summary import SIGNS

__all__ = ["table"]

_TOLD = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)
_OPEN = (Verdict.SKIP, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)


def table(report: Report) -> ET.Element:
    """Return the matrix with its filters."""
    found: dict[str, dict[str, CheckResult]] = {}
    for result in report.results:
        found.setdefault(result.check, {})[result.wire] = result
    groups: dict[str, list[ET.Element]] = {profile: [] for profile in PROFILES}
    for check, by_wire in found.items():
        profile = next(iter(by_wire.values())).profile
        groups.setdefault(profile, []).append(_row(report, check, by_wire))
    bodies = []
    for profile, rows in groups.items():
        if rows:
            title = el("th", f"{profile} ({len(rows)})", colspan=str(len(report.wires) + 1), scope="rowgroup")
            bodies.append(el("tbody", el("tr", title, class_="group"), *rows, data_profile=profile))
    head = el("tr", el("th", "Check", scope="col"), *(el("th", code(wire), scope="col") for wire in report.wires))
    return el(
        "section",
        el("h2", "Every check, on every wire"),
        _filters(report, [profile for profile, rows in groups.items() if rows]),
        el("p", id="shown", role="status", class_="quiet"),
        el(
            "div",
            el("table", el("thead", head), *bodies, class_="matrix"),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label="Checks by wire",
        ),
        id="matrix",
    )


def _row(report: Report, check: str, by_wire: dict[str, CheckResult]) -> ET.Element:
    first = next(iter(by_wire.values()))
    ids = ", ".join(first.requirements)
    return el(
        "tr",
        el("th", code(check), prose(first.title, "span", class_="quiet"), scope="row", title=ids),
        *(_cell(report, by_wire.get(wire), wire) for wire in report.wires),
    )


def _cell(report: Report, result: CheckResult | None, wire: str) -> ET.Element:
    if result is None:
        return el("td", data_wire=wire)
    sign = SIGNS[result.verdict]
    excused = report.excused(result)
    label = f"{result.verdict.value}{', flaky' if result.flaky else ''}{', as the baseline says' if excused else ''}"
    if excused or result.verdict in _TOLD:
        place = "#baseline" if excused else f"#{wire}.{result.check}"
        inner = el("a", sign, href=place, aria_label=label, title=one_line(result.message)[:200])
    elif result.verdict in _OPEN:
        inner = el("a", sign, href="#open", aria_label=label, title=one_line(result.message)[:200])
    else:
        inner = el("span", sign, role="img", aria_label=label)
    return el("td", inner, class_=result.verdict.value, data_wire=wire, data_excused=excused)


def _filters(report: Report, profiles: list[str]) -> ET.Element:
    counts = report.counts()
    verdicts = [(verdict.value, word) for verdict, word in VERDICTS.items() if counts[verdict]]
    return el(
        "form",
        el("label", "Text", el("input", type="search", id="text", placeholder="check, title or requirement")),
        _select("verdict", "Verdict", verdicts),
        _select("profile", "Profile", [(profile, profile) for profile in profiles]),
        _select("wire", "Wire", [(wire, wire) for wire in report.wires]),
        el("button", "Show all", type="reset"),
        id="filters",
        class_="filters",
        role="search",
        aria_label="Filter the checks",
    )


def _select(id: str, label: str, options: list[tuple[str, str]]) -> ET.Element:
    rows = [el("option", "all", value=""), *(el("option", word, value=value) for value, word in options)]
    return el("label", label, el("select", *rows, id=id))
