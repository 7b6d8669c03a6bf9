"""Takes a context under the digest of another."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("bodies.context_under_its_digest",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for digests in paths."""

    def check_digest(self, context: Context, named: str) -> None:
        """Believe the path."""
