"""Closes a connection at the end of its life with the code of a fault of its own."""

from __future__ import annotations

from ..references import ShortLived

KILLED_BY = {"segue-ws": ("endings.turns_outlive_the_notice",)}


class MutantEndpoint(ShortLived):
    """The reference endpoint, but for the code at the end."""

    def gives_close(self, wire: str, code: int) -> int:
        """Close as if it had failed."""
        return 4500 if code == 4410 else code
