"""Takes the first output of a tool, and leaves the others out."""

from __future__ import annotations

from typing import Any

from ...registry import WIRES
from ..wire_fault import WireFault

KILLED_BY = dict.fromkeys(WIRES, ("history.two_outputs",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for outputs of several tools."""

    wires = WIRES

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Take one."""
        given = message.get("input")
        if isinstance(given, list):
            outputs = [i for i in given if isinstance(i, dict) and i.get("type") == "function_call_output"]
            message["input"] = [item for item in given if item not in outputs[1:]]
        return message
