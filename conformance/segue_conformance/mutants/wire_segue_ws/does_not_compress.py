"""Compresses nothing."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol

KILLED_BY = {"segue-ws": ("wire_segue_ws.compression",)}


class _Protocol(SegueWebSocketProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn.available_extensions = None


class MutantEndpoint(Endpoint):
    """The reference endpoint on another WebSocket library."""

    websocket_protocol = _Protocol
