"""Selects the first subprotocol that a client offers, known or not."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("wire_segue_ws.subprotocol",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for which subprotocol it selects."""

    def gives_subprotocol(self, wire: str, subprotocol: str | None, offered: Sequence[str]) -> str | None:
        """Return the first."""
        return offered[0] if wire == "segue-ws" else subprotocol
