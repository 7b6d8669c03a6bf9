"""Says of no setting that it has no effect."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("context.no_setting_is_dropped_in_silence",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what it ignores."""

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Refuse what is to be refused, and tell nothing."""
        super().check_context(context)
        return ()
