"""Offers to take a history in parts, and no turns that do not generate."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("readings.parts_do_not_generate",))
ALSO = {"*": "what is not listed is refused, or not listed and done"}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for one feature."""

    def features(self, wire: str | None = None) -> list[str]:
        """Return all but `warm_up`."""
        return [feature for feature in super().features(wire) if feature != "warm_up"]
