"""Accepts any parent: one that it does not hold is taken as none."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

from ...registry import WIRES

_REFUSALS = ("continuation.unknown_parent_refused", "continuation.impossible_parent_refused")
KILLED_BY = dict.fromkeys(WIRES, _REFUSALS) | {"openai-http": (*_REFUSALS, "wire_openai_http.lost_parent_status")}
ALSO = {
    "messages.error_members": "it looks at the refusal of a lost parent",
    "resume.refusal_claims_no_name": "its refusal is that of a lost parent",
    "retention.*": "what is gone is told by a refusal",
    "warm_up.*": "what is gone is told by a refusal",
    "both_wires.*": "what is gone is told by a refusal",
    "wire_segue_http.problems": "it looks at the refusal of a lost parent",
    "responses_requests.long_parent_refused": "an id that is too long is unknown as well",
    "refusals.first_fault_first": "one of its faults is a lost parent",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for unknown parents."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent, or none where there is none."""
        try:
            return await super().resolve_parent(caller, start)
        except Refuse:
            return None
