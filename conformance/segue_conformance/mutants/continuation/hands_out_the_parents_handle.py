"""Gives a turn that goes on from a parent the handle of that parent, once more."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Plan, Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.handles_differ",))
ALSO = {
    "continuation.*": "a handle that stands for the newest turn has moved",
    "retention.*": "parent and child are deleted as one",
    "deletion.*": "parent and child are deleted as one",
    "stored_responses.*": "parent and child are deleted as one",
    "failures.empty_input": "parent and child bear one handle",
    "resend.history_outlives_its_parent": "parent and child are deleted as one",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for new handles."""

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return a turn whose handle is its parent's."""
        return super().make_turn(replace(plan, continuation=plan.parent_id or plan.continuation), caller)
