"""Reads a turn again from its beginning, whatever the client has seen."""

from __future__ import annotations

from segue_adapters.wires.base import Request
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("wire_segue_http.last_event_id",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for Last-Event-ID."""

    def took_request(self, wire: str, request: Request) -> Request:
        """Drop the header."""
        headers = {name: value for name, value in request.headers.items() if name != "last-event-id"}
        return Request(request.method, request.path, headers, request.body, request.query)
