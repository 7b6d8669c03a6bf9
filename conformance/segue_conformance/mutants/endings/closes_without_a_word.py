"""Closes the connection on text that is no JSON, and says nothing."""

from __future__ import annotations

import json

from segue_gateway.endpoint import Endpoint
from starlette.websockets import WebSocketDisconnect

KILLED_BY = {"segue-ws": ("endings.closed_with_a_reason",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for text that is no JSON."""

    def took_frame(self, wire: str, frame: str | bytes) -> str | bytes:
        """Give up what can't be read."""
        if wire == "segue-ws" and isinstance(frame, str):
            try:
                json.loads(frame)
            except ValueError:
                raise WebSocketDisconnect(1006) from None
        return frame
