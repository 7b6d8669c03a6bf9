"""What the specification says about the rules that were broken, so that the page needs nothing beside it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ... import requirements
from ...chapters import decisions_of, reason_of, section_of
from ...requirements import IndexMissing, Requirement
from ...results import Report
from ...verdicts import Verdict
from ..expected import unexcused
from ..wording import prose as without_links
from .elements import Child, code, el, prose

__all__ = ["rules"]

#: Where the specification is published; a link that leads nowhere would be worse than none.
SITE = ""


def rules(report: Report) -> ET.Element | None:
    """Return the broken rules with their chapter, why they are there, and what was decided."""
    told = unexcused(report).of(Verdict.FAIL, Verdict.WARN, Verdict.ERROR)
    broken = {result.requirement: result.sentence for result in told}
    if not broken:
        return None
    try:
        index = requirements.load()
    except IndexMissing:
        return None
    parts = [_rule(id, sentence, index.get(id)) for id, sentence in sorted(broken.items())]
    head = el("p", "In the words of the specification; ", code("segue explain ID"), " tells more.", class_="quiet")
    return el("section", el("h2", "The rules that were broken"), head, *parts, id="rules")


def _rule(id: str, sentence: str, known: Requirement | None) -> ET.Element:
    parts: list[Child] = [el("h3", id, id=id), prose(without_links(sentence))]
    section = section_of(known) if known is not None else None
    if known is None or section is None:
        return el("article", *parts, class_="rule")
    where = f"{section.chapter_title}, {section.title}"
    place = f"spec/1.0/{known.chapter}#{known.anchor}"
    link: Child = el("a", where, href=f"{SITE}{_page(known)}", rel="noreferrer") if SITE else where
    parts.append(el("p", "Chapter ", link, " (", code(place), ")", class_="quiet"))
    reason = reason_of(known)
    parts += [prose(text) for text in (*reason.beside[:2], *reason.why)]
    for decision in decisions_of(known):
        parts.append(el("p", el("strong", f"Decision {decision.number}: {decision.title}. "), decision.decided))
    return el("article", *parts, class_="rule")


def _page(known: Requirement) -> str:
    return f"spec/1.0/{known.chapter.removesuffix('.md')}/#{known.id.lower()}"
