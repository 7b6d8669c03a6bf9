"""Takes a patch of a context for a whole one: what its base had besides is gone."""

from __future__ import annotations

import msgspec
from segue_gateway.contexts import Context, Patch, merge_patch, read_context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.context_as_patch",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a patch leaves alone."""

    async def context_of(self, principal: str, form: Context | Patch | str | None) -> Context | None:
        """Return the patch's own members, its base aside."""
        if not isinstance(form, Patch):
            return await super().context_of(principal, form)
        await self.held_context(principal, form.base, "context/base")
        members = merge_patch({}, form.patch)
        return read_context(members, msgspec.json.encode(members))
