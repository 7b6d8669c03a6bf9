"""Takes a key from the query of a URL."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from starlette.requests import HTTPConnection

KILLED_BY = {"segue-http": ("admission.credential_in_the_query",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for keys in queries."""

    def credential(self, caller: HTTPConnection) -> str | None:
        """Return the key from the header, or from the query."""
        asked = caller.query_params.get("access_token")
        return super().credential(caller) or (f"Bearer {asked}" if asked else None)
