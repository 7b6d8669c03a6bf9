"""Takes `generate` as false, whatever it says."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"openai-ws": ("warm_up.generate_true_is_none",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for `generate: true`."""

    wires = ("openai-ws",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Warm up."""
        if "generate" in message:
            message["generate"] = False
        return message
