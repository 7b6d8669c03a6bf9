"""Keeps a turn that was not to be kept, and issues its handle."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Plan, Turn

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-http"), ("retention.unkept_turn_has_no_handle",))
ALSO = {
    "both_wires.unstored_of_http_over_socket": "what HTTP was not to store is kept as well",
    "retention.each_tier_is_granted": "another tier is named than was asked for",
    "responses_members.what_was_asked_is_told": "`store` is echoed as what was done",
    "stored_responses.unstored_is_not_read": "it can be read as well",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns of no retention."""

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return a turn that is kept all the same."""
        kept = replace(plan, retention="cached") if plan.retention == "none" else plan
        return super().make_turn(kept, caller)
