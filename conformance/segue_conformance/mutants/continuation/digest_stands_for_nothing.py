"""Takes the digest of a context that is held, and runs the turn under none."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.contexts import Context, Patch
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.context_by_digest",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for contexts by digest."""

    async def context_of(self, principal: str, form: Context | Patch | str | None) -> Context | None:
        """Return no members for a digest."""
        found = await super().context_of(principal, form)
        return replace(found, members={}) if found is not None and isinstance(form, str) else found
