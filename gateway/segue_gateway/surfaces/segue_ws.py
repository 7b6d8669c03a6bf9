"""Segue over WebSocket, served (spec: binding-segue-ws)."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Refuse
from segue_adapters.wires.segue_http import SegueHTTPServer
from segue_adapters.wires.segue_ws import SUBPROTOCOL, SegueWSServer
from segue_schemas import models
from starlette.websockets import WebSocket

from ..endpoint import Endpoint
from ..refusals import no_subprotocol
from .websocket import Session, WebSocketSurface

__all__ = ["SegueSession", "SegueWS"]


class SegueSession(Session):
    """Messages as they stand, one a frame."""

    name = "segue-ws"
    subprotocol = SUBPROTOCOL
    fault_code = 4500

    def __init__(self, endpoint: Endpoint, websocket: WebSocket, principal: str) -> None:
        self.wire = SegueWSServer()
        super().__init__(endpoint, websocket, principal)

    async def greet(self) -> None:
        """Send `welcome`, unasked (SEG-LIVE-001)."""
        await self.deliver(self.endpoint.welcome(self.connection.left_ms()))

    async def act(self, frame: str | bytes) -> None:
        """Act on the message of a frame."""
        await self.connection.handle(self.wire.receive(frame))

    def frames(self, message: models.ServerMessage) -> list[str]:
        """Return the frame of a message."""
        return self.wire.send(message)

    def refusal_frames(self, refused: Refuse) -> list[str]:
        """Return the frame of a refusal."""
        return self.wire.send(refused.message)


class SegueWS(WebSocketSurface):
    """The upgrade to `segue.v1`."""

    session_type = SegueSession

    def check(self, websocket: WebSocket) -> None:
        """Refuse an upgrade that does not offer the subprotocol (SEG-WS-002)."""
        if SUBPROTOCOL not in websocket.scope.get("subprotocols", []):
            raise no_subprotocol(SUBPROTOCOL)

    def denial(self, refused: Refuse) -> Answer:
        """Return the problem body of a denied upgrade."""
        return SegueHTTPServer().refuse(refused)
