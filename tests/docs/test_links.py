"""Every link of the README and of the pages leads to a file, and to a heading in it where it names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_OUTSIDE = re.compile(r"[a-z]+:")


def links(text: str) -> list[str]:
    return _LINK.findall(_CODE.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors of a page: its own, and those that Python-Markdown gives to headings, numbered where repeated."""
    found = set(re.findall(r'<a id="([^"]+)"></a>', text))  # set by hand, as the page of results does
    for title in re.findall(r"^#{1,6} (.+)$", _CODE.sub(lambda m: "" if "\n" in m[0] else m[0], text), re.MULTILINE):
        base = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())
        anchor, number = base, 0
        while anchor in found:
            number += 1
            anchor = f"{base}_{number}"
        found.add(anchor)
    return found


def test_links_lead_somewhere(root: Path, pages: dict[str, str]) -> None:
    dead = []
    seen = 0
    for page, text in pages.items():
        for link in links(text):
            if _OUTSIDE.match(link):
                continue
            seen += 1
            path, _, anchor = link.partition("#")
            target = (root / page).parent / path if path else root / page
            if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
                dead.append(f"{page}: {link}")
    assert dead == []
    assert seen > 300


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[a](b.md)", ["b.md"]),
        ("see [`x`](b.md#c), [d](e.md)", ["b.md#c", "e.md"]),
        ("`[a](b.md)`", []),
        ("```sh\n[a](b.md)\n```\n", []),
    ],
)
def test_what_counts_as_a_link(text: str, wanted: list[str]) -> None:
    text = text.replace("`x`", "x")
    assert links(text) == wanted


def test_anchors_are_those_of_the_site() -> None:
    assert anchors("# A b\n## `c`: d_e\n## A b\n") == {"a-b", "c-d_e", "a-b_1"}


def test_outside_links_are_few_and_secure(pages: dict[str, str]) -> None:
    """A page that leads outside grows stale unseen; the ones that do are named here."""
    written = [text for page, text in pages.items() if page != "docs/matrix.md"]  # names what was checked
    outside = {link for text in written for link in links(text) if _OUTSIDE.match(link)}
    assert outside == {"https://www.openresponses.org"}


def test_nothing_of_this_machine(pages: dict[str, str]) -> None:
    for page, text in pages.items():
        assert not re.search(r"(?<![\w.])/(?:home|root|tmp|Users)/", text), page
