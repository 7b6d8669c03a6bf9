"""Does not say where the time went."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("observability.timing_says_what_happened",))
ALSO = {"observability.timing_*": "None of them has anything to judge."}


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        event.timing = msgspec.UNSET
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `timing`."""

    turn_type = _Turn
