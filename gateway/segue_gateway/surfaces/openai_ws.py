"""OpenAI Responses over WebSocket, served (spec: binding-openai-ws).

A create waits in its lane and is accepted when it comes to the front: only then is its parent resolved, so that it may
name a response that the lane had still to end (facts 1.7). A lost connection cancels what runs and drops what waits.
"""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Refuse
from segue_adapters.wires.extension import declaration
from segue_adapters.wires.openai_http import OpenAIHTTPServer
from segue_adapters.wires.openai_ws import OpenAIWSServer
from segue_schemas import models
from starlette.websockets import WebSocket

from ..endpoint import Endpoint
from ..readings import TOGETHER
from ..refusals import draining
from ..turns import Turn
from .openai_ws_extension import ExtendedSession
from .unnamed import heard
from .websocket import Session, WebSocketSurface

__all__ = ["OpenAISession", "OpenAIWS"]


class OpenAISession(Session):
    """Creates in, events out; `stream_id` is the lane."""

    name = "openai-ws"

    def __init__(self, endpoint: Endpoint, websocket: WebSocket, principal: str) -> None:
        self.wire = OpenAIWSServer()
        self.turns: set[Turn] = set()
        super().__init__(endpoint, websocket, principal)

    async def act(self, frame: str | bytes) -> None:
        """Put the create of a frame into its lane."""
        start = self.wire.receive(frame)
        lane = start.lane if isinstance(start.lane, str) else None
        try:
            self.connection.refuse_draining()
            place = self.connection.place(start)
        except Refuse as refused:
            refused.lane = lane
            raise
        place.fill(lambda: self.respond(start, lane))

    async def respond(self, start: models.TurnStart, lane: str | None) -> None:
        """Accept a turn, run it, and deliver it to its end."""
        try:
            _, turn = await self.endpoint.accept(self.connection, start)
        except Refuse as refused:
            refused.lane = lane
            await self.refuse(refused)
            return
        assert turn is not None, "a name drawn by the wire is never a repeat"
        self.turns.add(turn)
        try:
            self.endpoint.spawn(turn.run())
            reading = self.endpoint.reading(turn)
            together: list[models.ServerMessage] = []
            async for message in heard(reading):
                if isinstance(message, models.TurnAccepted):
                    self.wire.begin(turn.facts())
                together.append(message)
                if not reading.more or len(together) >= TOGETHER:
                    await self.deliver_many(together)
                    together = []
            await self.deliver_many(together)
        except Refuse as refused:
            refused.lane = lane
            await self.refuse(refused)
        finally:
            self.turns.discard(turn)

    def frames(self, message: models.ServerMessage) -> list[str]:
        """Return the events of a message; what the wire has none for is not said."""
        return self.wire.send(message)

    def refusal_frames(self, refused: Refuse) -> list[str]:
        """Return the error frame of a refusal, in the lane of its create."""
        return self.wire.refuse(refused.message, refused.lane)

    slow_code = 1008

    async def close(self, code: int) -> None:
        """Close with a code that this wire's clients take as a reason to connect again."""
        await super().close(1001)

    async def farewell(self) -> None:
        """Say that the connection's time is over, as this wire says it (facts 1.6)."""
        if self.connection.draining:
            await self.send(self.wire.refuse(draining().message))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the extension's declaration, where it is served."""
        return _declaration() if self.endpoint.extends("openai-ws") else []

    def lost(self) -> None:
        """Cancel what runs and drop what waits: nobody can ask for it any more (facts 6, d)."""
        self.connection.lanes.drop()
        for turn in list(self.turns):
            turn.cancel(keep=False)


class OpenAIWS(WebSocketSurface):
    """The upgrade of `/v1/responses`; it needs no subprotocol."""

    session_type = OpenAISession

    def session_of(self, websocket: WebSocket) -> type[Session]:
        """Return the session of a declared client, or of a plain one."""
        return ExtendedSession if self.endpoint.governs("openai-ws", websocket.headers) else OpenAISession

    def denial(self, refused: Refuse) -> Answer:
        """Return the error envelope of a denied upgrade."""
        return OpenAIHTTPServer().error(refused.error, status=refused.status)


def _declaration() -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in declaration().items()]
