"""Gives continuations up and tells nobody."""

from __future__ import annotations

from ..references import Small

KILLED_BY = {"segue-ws": ("limits.eviction_is_told",)}


class MutantEndpoint(Small):
    """The reference endpoint, but for notices."""

    def evicted(self, principal: str, identifiers: list[str]) -> None:
        """Tell nobody."""
