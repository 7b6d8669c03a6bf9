"""Reads a body that says of itself that it is plain text."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("bodies.other_content_type",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for types of bodies."""

    def reads_type(self, kind: str) -> bool:
        """Read everything."""
        return True
