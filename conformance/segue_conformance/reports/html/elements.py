"""Elements, not templates: a page is built as a tree, so no text of a target's can become markup.

Whatever goes into an element is cleaned on the way (`wording.clean`) and escaped when the tree is written; there is no
third way in. Of the templates that could do the same, each wants to be told what to escape, and each is one more thing
to install for people who only want to check.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree as ET

from ..evidence import Span
from ..wording import clean

__all__ = ["Child", "asset", "code", "document", "el", "marked", "prose"]

Child: TypeAlias = "ET.Element | str | None"

_HERE = Path(__file__).resolve().parent
_CODE = re.compile(r"`([^`]+)`")


def el(tag: str, *children: Child, **attributes: str | bool | None) -> ET.Element:
    """Return an element. `class_` is `class`, `_` in a name is `-`; True is an attribute without a value, None none."""
    element = ET.Element(tag)
    for name, value in attributes.items():
        if value is not None and value is not False:
            element.set(name.rstrip("_").replace("_", "-"), "" if value is True else clean(value))
    last: ET.Element | None = None
    for child in children:
        if child is None:
            continue
        if isinstance(child, ET.Element):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + clean(child)
        else:
            last.tail = (last.tail or "") + clean(child)
    return element


def code(text: str) -> ET.Element:
    """Return text as code."""
    return el("code", text)


def prose(text: str, tag: str = "p", **attributes: str | None) -> ET.Element:
    """Return a sentence of the specification: what it writes between backticks is code."""
    parts = _CODE.split(text)
    return el(tag, *(code(part) if place % 2 else part for place, part in enumerate(parts)), **attributes)


def marked(spans: Iterable[Span], tag: str = "span", **attributes: str | None) -> ET.Element:
    """Return marked text."""
    children: list[Child] = [el("mark", text, class_=mark) if mark else text for text, mark in spans]
    return el(tag, *children, **attributes)


def asset(name: str) -> str:
    """Return a file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")


def document(title: str, body: ET.Element, *, style: str, script: str, data: str = "") -> str:
    """Return a page that asks nobody for anything: a policy that forbids it, and what may run named by its digest."""
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("link", rel="icon", href="data:,"),
        _raw("style", style),
    )
    if data:
        body.append(_raw("script", data, type="text/plain", id="frames"))
    body.append(_raw("script", script))
    page = el("html", head, body, lang="en")
    return "<!doctype html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _raw(tag: str, text: str, **attributes: str) -> ET.Element:
    """Return a style or script of our own, which is written as it stands."""
    if re.search(r"</\s*(?:script|style)|<!--", text, re.IGNORECASE):
        raise ValueError(f"this would end its <{tag}>")
    element = ET.Element(tag, attributes)
    element.text = text
    return element


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
