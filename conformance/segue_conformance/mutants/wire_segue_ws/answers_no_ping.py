"""Answers no ping."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol

KILLED_BY = {"segue-ws": ("wire_segue_ws.ping",)} | {"openai-ws": ("wire_openai_ws.ping",)}


class _Protocol(SegueWebSocketProtocol):
    def handle_ping(self) -> None:
        self.conn.data_to_send()  # what would have been the pong


class MutantEndpoint(Endpoint):
    """The reference endpoint on another WebSocket library."""

    websocket_protocol = _Protocol
