"""Shows its discovery document only to who has a key."""

from __future__ import annotations

from segue_adapters.wires.base import Request
from segue_gateway.endpoint import Endpoint
from starlette.responses import Response

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("recommended.discovery_asks_for_no_key",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for discovery without a key."""

    def gives_response(self, wire: str, request: Request | None, response: Response) -> Response:
        """Hide the document."""
        if wire == "discovery" and request is not None and "authorization" not in request.headers:
            return Response(status_code=401)
        return response
