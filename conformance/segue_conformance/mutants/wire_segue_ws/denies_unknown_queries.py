"""Denies an upgrade whose URL has a query that it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import invalid_request

KILLED_BY = {"segue-ws": ("wire_segue_ws.unknown_query",)} | {"openai-ws": ("wire_openai_ws.unknown_query",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for queries."""

    def took_upgrade(self, wire: str, scope: Mapping[str, Any]) -> None:
        """Refuse any."""
        if scope.get("query_string"):
            raise invalid_request("Nothing can be asked in a query here.")
