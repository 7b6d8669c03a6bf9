"""Discovery and health: what can be asked without a credential (spec: capabilities)."""

from __future__ import annotations

import msgspec
from segue_adapters.wires.base import Request as Asked
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Endpoint

__all__ = ["Discovery"]


class Discovery:
    """The discovery document and the health of the endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def document(self, request: Request) -> Response:
        """Answer by the discovery document, its URLs below the path at which the app is mounted."""
        told = self.endpoint.discovery(request.scope.get("root_path", "").rstrip("/"))
        response = Response(
            msgspec.json.encode(told), media_type="application/json", headers={"cache-control": "no-cache"}
        )
        asked = Asked("GET", request.url.path, dict(request.headers))
        return self.endpoint.gives_response("discovery", asked, response)

    async def health(self, request: Request) -> Response:
        """Answer 200, or 503 once the endpoint is about to end."""
        body = {"status": "draining" if self.endpoint.closing else "ok"}
        status = 503 if self.endpoint.closing else 200
        return Response(msgspec.json.encode(body), status, media_type="application/json")
