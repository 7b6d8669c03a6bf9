"""Takes no notice of what a turn requires."""

from __future__ import annotations

import msgspec
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("messages.unknown_requirement",))
ALSO = {
    "refusals.first_fault_first": "one of its faults is a requirement",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `require`."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Look at anything but what is required."""
        super().check_offered(caller, msgspec.structs.replace(start, require=msgspec.UNSET))
