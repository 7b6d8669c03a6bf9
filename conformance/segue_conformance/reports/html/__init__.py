"""One HTML page that holds all of a run: a manager reads its head, an engineer works from the rest.

It asks nobody for anything, so it opens from a disk, an artefact store or a mail. It can be read without its script:
that filters, copies, and unpacks the transcripts.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ...results import Report
from ..dialect import two_lines
from ..outcome import asides
from ..wording import cut
from .cells import cells
from .elements import Child, asset, code, document, el
from .failures import articles, baseline, flaky, not_judged, shown
from .matrix import table
from .rules import rules
from .summary import header, legend, profiles
from .transcripts import packed

__all__ = ["render"]


def render(report: Report) -> str:
    """Return the report as one HTML page."""
    with_frames = shown(report)
    data, longest = packed(with_frames)
    places = {id(result): place for place, result in enumerate(with_frames)}
    main: list[Child] = []
    if report.results:
        main = [
            profiles(report),
            cells(report),
            *articles(report, places),
            baseline(report),
            _besides(report),
            flaky(report),
            table(report),
            legend(report.judged),
            not_judged(report, places),
            rules(report),
        ]
    body = el(
        "body",
        el("a", "To the results", href="#main", class_="skip"),
        header(report),
        _contents(main),
        el("main", *main, id="main"),
        _footer(report, longest),
    )
    title = cut(f"Segue: {report.target.endpoint or report.target.url}", 120)
    return document(title, body, style=asset("page.css"), script=asset("page.js"), data=data if with_frames else "")


def _contents(main: list[Child]) -> ET.Element | None:
    """Return links to the sections that there are."""
    found: list[Child] = []
    for section in main:
        title = section.find("h2") if isinstance(section, ET.Element) else None
        if isinstance(section, ET.Element) and title is not None and (id := section.get("id")):
            found.append(el("li", el("a", title.text or "", href=f"#{id}")))
    return el("nav", el("ul", *found), aria_label="On this page") if found else None


def _besides(report: Report) -> ET.Element | None:
    """Return what a vendor's documents make of the run, and what else is worth knowing."""
    rows = [*(line.plain for line in two_lines(report)), *asides(report)]
    title = f"The specification, and {report.dialect.title}" if report.dialect is not None else "Worth knowing"
    return el("section", el("h2", title), el("ul", *(el("li", row) for row in rows)), id="besides") if rows else None


def _footer(report: Report, longest: int) -> ET.Element:
    notes: list[Child] = [f"Made by segue check, suite {report.suite}. Secrets are blanked. "]
    if longest:
        notes.append(f"Texts in transcripts are cut at {longest} characters here; the JSON report has more of them. ")
    notes += ["The same as data: ", code("segue check --json FILE"), "."]
    return el("footer", el("p", *notes))
