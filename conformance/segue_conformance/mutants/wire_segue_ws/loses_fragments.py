"""Takes the first fragment of a message for the whole."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol
from websockets.frames import Frame

KILLED_BY = {"segue-ws": ("wire_segue_ws.fragments",), "openai-ws": ("wire_openai_ws.fragments",)}


class _Protocol(SegueWebSocketProtocol):
    def handle_cont(self, event: Frame) -> None:
        if event.fin:
            self.send_receive_event_to_app()


class MutantEndpoint(Endpoint):
    """The reference endpoint on another WebSocket library."""

    websocket_protocol = _Protocol
