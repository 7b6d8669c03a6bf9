"""Tells as a context's digest one of the bytes that came, not of what they say."""

from __future__ import annotations

from hashlib import sha256

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import context_digest, models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.context_digest",))
ALSO = {
    "continuation.context_as_patch": "the digest in turn.accepted names no context that is held",
    "names.no_context_is_the_empty_one": "the empty context has a digest, too",
}


class _Turn(Turn):
    def accepted(self) -> models.TurnAccepted:
        event = super().accepted()
        event.context = context_digest({"bytes": sha256(self.plan.context.raw).hexdigest()})
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the digest of a context."""

    turn_type = _Turn
