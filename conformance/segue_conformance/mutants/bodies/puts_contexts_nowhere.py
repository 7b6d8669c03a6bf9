"""Answers that a context is held, and holds none."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-http": ("bodies.context_under_its_digest",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for contexts that are put."""

    async def put_context(self, caller: Caller, context: Context) -> None:
        """Hold nothing."""
