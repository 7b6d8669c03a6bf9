"""Keeps a turn that was not to be kept, and issues its handle."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Plan, Turn

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-http"), ("retention.unkept_turn_has_no_handle",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns of no retention."""

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return a turn that is kept all the same."""
        kept = replace(plan, retention="cached") if plan.retention == "none" else plan
        return super().make_turn(kept, caller)
