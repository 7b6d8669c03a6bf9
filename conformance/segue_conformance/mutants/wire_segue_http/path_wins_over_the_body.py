"""Takes no notice of a body that contradicts its path."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.path_and_body",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for bodies that say otherwise."""

    wires = ("segue-http",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Forget which turn the body names."""
        message.pop("turn", None)
        return message
