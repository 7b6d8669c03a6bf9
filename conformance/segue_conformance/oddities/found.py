"""Oddities in discovery: where the document lies, and how it names the wires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urljoin

import msgspec
from segue_adapters.wires.base import Answer, Request

from ..extended import SEGUE_WIRES
from ..mutants.wire_fault import WireFault

__all__ = [
    "AbsoluteAddresses",
    "BelowTheBaseOnly",
    "KeyForTheDocument",
    "ListsAllItCarries",
    "ManyBindings",
    "RelativeAddresses",
]

Document = dict[str, Any]


class _Found(WireFault):
    """The reference endpoint with another discovery document."""

    wires = (*SEGUE_WIRES, "discovery")

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Write the document otherwise."""
        if wire != "discovery" or request is None or answer.status != 200:
            return answer
        told = self.documented(msgspec.json.decode(answer.body), request)
        return Answer(answer.status, answer.headers, msgspec.json.encode(told))

    def documented(self, told: Document, request: Request) -> Document:
        """Return the document as it is told."""
        return told


def _origin(request: Request) -> str:
    return f"http://{request.headers['host']}"


class AbsoluteAddresses(_Found):
    """The document names absolute URLs, those of a WebSocket by `ws`.

    Legal: capabilities, Discovery: "URLs in `bindings` are absolute, or relative".
    """

    def documented(self, told: Document, request: Request) -> Document:
        """Name whole URLs."""
        for binding in told["bindings"]:
            url = urljoin(_origin(request), binding["url"])
            binding["url"] = url.replace("http", "ws", 1) if binding["wire"].endswith("-ws") else url
        return told


class RelativeAddresses(_Found):
    """The document names URLs that are relative to its own place, with steps up.

    Legal: capabilities, Discovery: "relative to the URL that the document came from (RFC 3986)".
    """

    def documented(self, told: Document, request: Request) -> Document:
        """Name URLs from the document's own place on."""
        up = "../" * (request.path.count("/") - 1)
        for binding in told["bindings"]:
            binding["url"] = up + binding["url"].lstrip("/")
        return told


class ManyBindings(_Found):
    """A wire is listed at two URLs, beside one that nobody knows.

    Legal: capabilities, Discovery: "A wire that is served at several URLs has several entries"; a wire's name is any.
    """

    def documented(self, told: Document, request: Request) -> Document:
        """List every wire twice, and another first."""
        unknown = {"wire": "carrier-pigeon", "url": "pigeon://roof", "features": []}
        again = [{**one, "url": urljoin(_origin(request), one["url"])} for one in told["bindings"]]
        told["bindings"] = [unknown, *told["bindings"], *again]
        return told


class ListsAllItCarries(_Found):
    """Each binding lists its tiers and its features, also where it carries all of them.

    Legal: capabilities: "Where a `binding` lists `retention` or `features`, these are what that wire carries".
    """

    def documented(self, told: Document, request: Request) -> Document:
        """List them for each."""
        for binding in told["bindings"]:
            binding.setdefault("features", told["capabilities"]["features"])
            binding.setdefault("retention", told["capabilities"]["retention"])
        return told


class BelowTheBaseOnly(_Found):
    """The document lies below the base URL, and not at the origin.

    Legal: SEG-CAP-001 asks for it at the base; SEG-CAP-002 is a recommendation.
    """

    WARNS: ClassVar[Mapping[str, str]] = {"discovery.*": "SEG-CAP-002 is left aside"}

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Have nothing at the origin."""
        if wire == "discovery" and request is not None and request.path == "/.well-known/segue":
            return Answer(404, {"content-type": "text/plain"}, b"nothing")
        return answer


class KeyForTheDocument(_Found):
    """The document is for those who have a key.

    Legal: SEG-CAP-006 is a recommendation.
    """

    WARNS: ClassVar[Mapping[str, str]] = {"recommended.discovery_asks_for_no_key": "SEG-CAP-006 is left aside"}

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Refuse who brings none."""
        if wire == "discovery" and request is not None and "authorization" not in request.headers:
            return Answer(401, {"www-authenticate": "Bearer"}, b"")
        return answer
