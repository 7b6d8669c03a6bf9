"""Accepts an upgrade that offers no subprotocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("recommended.no_subprotocol_is_denied",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for upgrades without a subprotocol."""

    def took_upgrade(self, wire: str, scope: Mapping[str, Any]) -> None:
        """Take for offered what was not."""
        super().took_upgrade(wire, scope)
        if wire == "segue-ws" and not scope.get("subprotocols") and isinstance(scope, dict):
            scope["subprotocols"] = ["segue.v1"]

    def gives_subprotocol(self, wire: str, subprotocol: str | None, offered: Sequence[str]) -> str | None:
        """Name the subprotocol only to who offered it."""
        return subprotocol
