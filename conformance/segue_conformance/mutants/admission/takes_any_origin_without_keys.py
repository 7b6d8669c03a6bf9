"""Lets a page of any site ask over HTTP, though nobody needs a key."""

from __future__ import annotations

from ..references import Keyless

KILLED_BY = {"segue-http": ("admission.foreign_origin_of_a_request",)}


class MutantEndpoint(Keyless):
    """The reference endpoint without keys, but for origins."""

    def check_origin(self, origin: str | None) -> None:
        """Let everybody in."""
