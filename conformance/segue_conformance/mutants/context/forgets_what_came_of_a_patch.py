"""Holds the contexts that it was sent, and not those that came of a patch."""

from __future__ import annotations

from typing import Any

from segue_gateway.contexts import Context, Patch
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import context_not_found

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("context.result_of_a_patch_is_held",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for contexts that nobody sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patched: set[str] = set()

    async def context_of(self, principal: str, form: Context | Patch | str | None) -> Context | None:
        """Take note of what comes of a patch, and know nothing of it when it is named."""
        if isinstance(form, str) and form in self._patched:
            raise context_not_found(form)
        context = await super().context_of(principal, form)
        if isinstance(form, Patch) and context is not None:
            self._patched.add(context.digest)
        return context
