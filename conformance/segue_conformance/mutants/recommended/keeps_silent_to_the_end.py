"""Keeps a request silent for as long as its turn takes."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("recommended.no_long_silence",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for its patience."""

    def patience_ms(self) -> float:
        """Wait for a minute."""
        return 60_000.0
