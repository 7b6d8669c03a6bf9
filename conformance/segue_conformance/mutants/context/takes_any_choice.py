"""Takes a choice of tools that are not there."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("context.choice_without_its_tool",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `tool_choice`."""

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Look at the other settings alone."""
        members = {name: value for name, value in context.members.items() if name != "tool_choice"}
        return super().check_context(Context(context.raw, context.digest, members))
