"""Reads bodies in gzip, and none in zstd."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("bodies.compressed_bodies",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for zstd."""

    def took_coding(self, wire: str, coding: str) -> str:
        """Know no zstd."""
        return "none-of-ours" if coding == "zstd" else coding
