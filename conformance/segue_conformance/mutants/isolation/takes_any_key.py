"""Takes any key for that of the first principal."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.endpoint import Endpoint

KILLED_BY = {
    "segue-ws": ("wire_segue_ws.wrong_key_denied",),
    "segue-http": ("wire_segue_http.wrong_key_refused",),
    "openai-ws": ("wire_openai_ws.wrong_key_refused",),
    "openai-http": ("wire_openai_http.wrong_key_refused",),
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for wrong keys."""

    def authenticate(self, authorization: str | None) -> str:
        """Return the principal, or the first."""
        try:
            return super().authenticate(authorization)
        except Refuse:
            return "first"
