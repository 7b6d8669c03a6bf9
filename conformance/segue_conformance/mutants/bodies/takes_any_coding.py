"""Reads a body in a coding that it does not know as if it had none."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("bodies.unknown_coding",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for unknown codings."""

    def took_coding(self, wire: str, coding: str) -> str:
        """Take what is not known for none."""
        return coding if coding in ("gzip", "zstd") else ""
