"""Digests members that are null as if they said something."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import extend, models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.canonical_forms",))


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if any(b'"id":null' in item.raw.replace(b" ", b"") for item in self.plan.inputs):
            assert isinstance(event.digest, str)
            event.digest = extend(event.digest, event.digest)
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for null members."""

    turn_type = _Turn
