"""Takes over HTTP a response that a WebSocket was not to store."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = {"openai-ws": ("both_wires.unstored_of_socket_over_http",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what HTTP takes."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unstored: set[str] = set()

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take down what is not stored."""
        response = event.get("response") or {}
        if wire == "openai-ws" and response.get("store") is False:
            self.unstored.add(response["id"])
        return event

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Run without it."""
        if wire == "openai-http" and message.get("previous_response_id") in self.unstored:
            del message["previous_response_id"]
        return message
