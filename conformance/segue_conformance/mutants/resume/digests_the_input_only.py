"""Leaves its own output out of the digest of a history."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import grow
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.digests_agree",))
ALSO = {
    "bundles.export_is_whole": "the bundle has the digest of all items",
    "resume.expectation": "the parent is held under the digest of all items",
    "retention.get_says_what_was_issued": "it is held under the digest of all items",
    "failures.empty_input": "the digest of a turn that adds nothing is compared with that of its parent",
    "steers.enters_between_items": "the digest behind a steer is compared as well",
}


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        event.digest = grow(self.plan.parent, self.plan.inputs).digest
        if isinstance(event.continuation, models.Continuation):
            event.continuation.digest = event.digest
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the digest of a history."""

    turn_type = _Turn
