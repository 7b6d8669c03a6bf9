"""Says `segue.accepted` with the name of another turn."""

from __future__ import annotations

from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.first_event_accepts",))
ALSO = {"*": "nothing that is read as governed can be"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the name."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Name another one."""
        if "accepted" in event.get("segue", {}):
            event["segue"]["accepted"]["turn"] = "t_of_somebody_else"
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave whole answers as they are: one of both is enough."""
        return answer
