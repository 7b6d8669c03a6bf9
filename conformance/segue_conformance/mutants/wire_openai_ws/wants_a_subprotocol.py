"""Denies upgrades that offer extensions and no subprotocol, though the wire has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import invalid_request

KILLED_BY = {
    "openai-ws": ("wire_openai_ws.no_subprotocol",),
    "openai-http": ("wire_openai_http.upgrade_refusal",),
}
ALSO = {
    "lost_connections.vanished_is_no_history": "its client offers none",
    "discovery.bindings_answer": "it opens what the document names",
    "both_wires.*": "it opens a bare socket",
    "wire_openai_ws.unknown_query": "it opens a bare socket",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for upgrades without a subprotocol."""

    def took_upgrade(self, wire: str, scope: Mapping[str, Any]) -> None:
        """Want one of clients that offer extensions, as those do that speak something else as a rule."""
        headers = dict(scope["headers"])
        if wire == "openai-ws" and not scope.get("subprotocols") and b"sec-websocket-extensions" in headers:
            raise invalid_request("Offer a subprotocol.")
