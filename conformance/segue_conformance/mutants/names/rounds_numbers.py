"""Rounds a number that has no digest instead of refusing it."""

from __future__ import annotations

import re

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("names.number_without_digest_refused",))


_LARGE = re.compile(r"(?<=: )(\d{14,16})\d{2}\b|(?<=:)(\d{14,16})\d{2}\b")


class MutantEndpoint(WireFault):
    """The reference endpoint, but for large numbers."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Make the last digits zeros."""
        return _LARGE.sub(r"\g<1>00", text)
