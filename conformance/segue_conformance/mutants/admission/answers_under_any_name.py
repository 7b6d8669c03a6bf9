"""Answers under any name, though nobody needs a key."""

from __future__ import annotations

from ..references import Keyless

KILLED_BY = {"segue-http": ("admission.other_host",)}


class MutantEndpoint(Keyless):
    """The reference endpoint without keys, but for names of hosts."""

    def check_host(self, host: str) -> None:
        """Let everybody in."""
