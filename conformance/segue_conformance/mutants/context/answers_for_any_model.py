"""Answers under whatever model's name it is asked for."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("context.unknown_model_refused",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for names of models."""

    def check_context(self, context: Context) -> tuple[str, ...]:
        """Look at the other settings alone."""
        members = {name: value for name, value in context.members.items() if name != "model"}
        return super().check_context(Context(context.raw, context.digest, members))
