"""Lets a page of any site connect."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("admission.foreign_origin_of_an_upgrade",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for origins."""

    def check_origin(self, origin: str | None) -> None:
        """Let everybody in."""
