"""Discovery, health and readiness: what can be asked without a credential (spec: capabilities)."""

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
        """Answer 200 for as long as the process serves at all, also while it comes to its end in order."""
        return _status("draining" if self.endpoint.closing else "ok", 200)

    async def ready(self, request: Request) -> Response:
        """Answer 200 where new turns are taken, 503 once the endpoint drains, or while its store is out of reach."""
        told = await self.endpoint.readiness()
        return _status(told, 200 if told == "ready" else 503)


def _status(told: str, status: int) -> Response:
    return Response(
        msgspec.json.encode({"status": told}), status, {"cache-control": "no-store"}, media_type="application/json"
    )
