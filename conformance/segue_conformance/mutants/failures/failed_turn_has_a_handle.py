"""Names a continuation in `turn.failed`."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.failed_turn_has_no_handle",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for handles of failed turns."""

    wires = ("segue-ws", "segue-http")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Give a failed turn what only a whole one has."""
        if event["type"] == "turn.failed":
            return {**event, "continuation": {"id": "resp_" + "7" * 32, "retention": "cached"}}
        return event
