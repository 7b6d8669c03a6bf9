"""Loses what the tools said in earlier turns, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.tools_words",))
ALSO = {
    "history.outputs_as_parts": "an output in parts is lost as well",
    "resend.history_in_parts": "the last part asks for a word of a tool",
}


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        kept = [item for place, item in enumerate(whole.items) if place >= earlier or not _is_output(item)]
        return replace(whole, items=kept)


def _is_output(item: bytes) -> bool:
    return bool(msgspec.json.decode(item).get("type") == "function_call_output")


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the outputs of tools."""

    turn_type = _Turn
