"""Gives continuations up and tells nobody."""

from __future__ import annotations

from ..references import Small

KILLED_BY = {"segue-ws": ("limits.eviction_is_told",)}
ALSO = {
    "history.long_chain": "a store this small gives the beginning of the chain up",
}


class MutantEndpoint(Small):
    """The reference endpoint, but for notices."""

    def evicted(self, principal: str, identifiers: list[str]) -> None:
        """Tell nobody."""
