"""Loses what a client sends before welcome has gone out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol

KILLED_BY = {"segue-ws": ("liveness.sent_before_welcome",)}
ALSO = {
    "messages.*": "it sends at once on a bare connection",
    "wire_segue_ws.fragments": "it sends at once on a bare connection",
    "failures.failed_turn_has_no_handle": "it sends at once on a bare connection",
    "readings.resume_where_the_turn_is_read": "it sends before welcome",
    "steers.*": "they send before welcome",
}


class _Protocol(SegueWebSocketProtocol):
    """Takes a moment to say the first thing, and drops what comes before."""

    said = False

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send" and not self.said:
            await asyncio.sleep(0.05)
            self.said = True
        await super().send(message)

    def put(self, messages: Sequence[str | bytes]) -> int:
        """Let the first thing be said in `send`."""
        return super().put(messages) if self.said else 0

    def send_receive_event_to_app(self) -> None:
        if self.said or self.scope["path"] != "/segue/v1":
            super().send_receive_event_to_app()


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for impatient clients."""

    websocket_protocol = _Protocol
