"""Replaces half of a surrogate pair by a mark instead of refusing it."""

from __future__ import annotations

import re

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.lone_surrogate",))


_LONE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")


class MutantEndpoint(WireFault):
    """The reference endpoint, but for lone surrogates."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Put U+FFFD in its place."""
        return _LONE.sub(r"\\ufffd", text)
