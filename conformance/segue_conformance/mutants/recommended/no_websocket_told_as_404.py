"""Denies an upgrade where no WebSocket is served with 404."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-ws": ("recommended.no_websocket_is_426",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for upgrades elsewhere."""

    wires = ("segue-ws",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Say that nothing is there."""
        return Answer(404, answer.headers, answer.body) if answer.status == 426 else answer
