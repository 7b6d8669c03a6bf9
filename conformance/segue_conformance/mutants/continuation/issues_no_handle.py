"""Issues no continuation, whatever retention was granted."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Handle
from segue_gateway.turns import Turn

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.handle_is_issued",))
ALSO = {
    "*": "there is nothing to go on from; OpenAI wires name an id all the same",
}


class _Turn(Turn):
    def handle(self) -> Handle | None:
        return None


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for handles."""

    turn_type = _Turn
