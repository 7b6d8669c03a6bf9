"""What the two WebSocket surfaces share: the upgrade, the loop over frames, sizes, refusals, the end.

A session is one connection on its wire. It turns frames into messages for the `Connection` and back; what the
messages mean is not its business.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from segue_adapters.wires.base import Answer, Refuse
from segue_schemas import models
from starlette.websockets import WebSocket, WebSocketDisconnect

from .. import refusals
from ..endpoint import Endpoint
from ..faults import report
from ..outlet import Outlet, taken
from ..stores.base import Unwritable
from .admission import admit, to_response

__all__ = ["Session", "WebSocketSurface"]


class WebSocketSurface:
    """One WebSocket wire: subclasses name it, its session, and how a denied upgrade looks."""

    session_type: type[Session]

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one upgrade to its end."""
        try:
            self.endpoint.took_upgrade(self.session_type.name, websocket.scope)
            principal = admit(self.endpoint, websocket)
            self.check(websocket)
        except Refuse as refused:
            self.endpoint.observer.refused(self.session_type.name, None, refused.message)
            await self.deny(websocket, refused)
            return
        await self.session_of(websocket)(self.endpoint, websocket, principal).run()

    def session_of(self, websocket: WebSocket) -> type[Session]:
        """Return the session that an upgrade asks for."""
        return self.session_type

    def check(self, websocket: WebSocket) -> None:
        """Refuse an upgrade that the wire does not take."""

    async def deny(self, websocket: WebSocket, refused: Refuse) -> None:
        """Answer an upgrade by a status and a body, without accepting it."""
        if "websocket.http.response" in websocket.scope.get("extensions", {}):
            response = to_response(self.denial(refused))
            name = self.session_type.name
            await websocket.send_denial_response(self.endpoint.gives_response(name, None, response))
        else:
            await websocket.close()

    def denial(self, refused: Refuse) -> Answer:
        """Return the body of a denied upgrade."""
        raise NotImplementedError


class Session:
    """One connection: frames in, messages out, until either side ends it."""

    name: str
    subprotocol: str | None = None
    #: The close code behind `slow_reader`, and that behind a fault that no message is to blame for; None: it stays.
    slow_code = 4408
    fault_code: int | None = None

    def __init__(self, endpoint: Endpoint, websocket: WebSocket, principal: str) -> None:
        self.endpoint = endpoint
        self.websocket = websocket
        self.over = False
        outlet = Outlet.of(websocket.scope)
        self._put = None if outlet is None else outlet.put
        self.connection = endpoint.connection_type(endpoint, principal, self.name, self.deliver, self.close)
        self.connection.deliver_many = self.deliver_many

    async def run(self) -> None:
        """Serve the connection to its end."""
        offered = self.websocket.scope.get("subprotocols", [])
        subprotocol = self.endpoint.gives_subprotocol(self.name, self.subprotocol, offered)
        await self.websocket.accept(subprotocol, headers=self.endpoint.gives_headers(self.name, self.headers()))
        connection = self.connection
        self.endpoint.connections.add(connection)
        self.endpoint.observer.opened(connection)
        begun = self.endpoint.clock()
        life = self.endpoint.spawn(connection.live())
        try:
            await self.greet()
            while (frame := await self.frame()) is not None:
                await self.receive(frame)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            report("a connection failed", error)
        finally:
            self.over = True
            life.cancel()
            self.endpoint.connections.discard(connection)
            self.endpoint.observer.closed(connection, self.endpoint.clock() - begun)
            await connection.lost()
            self.lost()

    async def frame(self) -> str | bytes | None:
        """Return the next frame, None at the end of the connection."""
        message = await self.websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        return text if text is not None else message["bytes"]

    async def receive(self, frame: str | bytes) -> None:
        """Act on one frame; what can't be acted on is refused, and the connection stays where it can."""
        try:
            self.check_size(frame)
            await self.act(self.endpoint.took_frame(self.name, frame))
        except Refuse as refused:
            await self.refuse(refused)
        except WebSocketDisconnect:
            raise
        except Unwritable as error:
            report("a message found no state", error)
            await self.refuse(refusals.out_of_reach())
        except Exception as error:
            report("a message failed", error)
            await self.refuse(refusals.internal_error(close=self.fault_code))

    def check_size(self, frame: str | bytes) -> None:
        """Refuse a message above the declared size (SEG-MSG-030), measured in bytes of UTF-8."""
        limit = self.endpoint.settings.message_bytes
        size = len(frame)
        if isinstance(frame, str) and limit // 4 < size <= limit and not frame.isascii():
            size = len(frame.encode())
        if size > limit:
            raise refusals.message_too_large(limit)

    async def act(self, frame: str | bytes) -> None:
        """Act on one frame of legal size."""
        raise NotImplementedError

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer to the upgrade."""
        return []

    async def greet(self) -> None:
        """Say what the wire says first."""

    def frames(self, message: models.ServerMessage) -> list[str]:
        """Return the frames that say a message on this wire."""
        raise NotImplementedError

    def refusal_frames(self, refused: Refuse) -> list[str]:
        """Return the frames that say a refusal on this wire."""
        raise NotImplementedError

    async def deliver(self, message: models.ServerMessage) -> None:
        """Send a message; nothing is sent behind the end."""
        await self.send(self.frames(message))

    async def deliver_many(self, messages: Sequence[models.ServerMessage]) -> None:
        """Send messages that are there at the same time."""
        if messages:
            await self.send([frame for message in messages for frame in self.frames(message)])

    async def refuse(self, refused: Refuse) -> None:
        """Send a refusal, and close where its code says so."""
        self.endpoint.observer.refused(self.connection.wire, self.connection.principal, refused.message)
        await self.send(self.refusal_frames(refused))
        if refused.close is not None:
            await self.close(refused.close)

    async def send(self, frames: list[str]) -> None:
        """Send text frames; each waits until the client takes it."""
        given = [one for frame in frames for one in self.endpoint.gives_frame(self.name, frame, self)]
        if self._put is not None and not self.over:
            count = self._put(given)
            if self.endpoint.observer.counts_bytes:
                self.endpoint.observer.moved(self.name.partition("+")[0], 0, sum(map(_size, given[:count])))
            del given[:count]
        for one in given:  # what the client does not take at once, one by one, as it takes it
            if self.over:
                return
            if not await taken(self._write(one), self.endpoint.settings.reader_ms / 1000):
                await self._end_early()

    async def _write(self, frame: str | bytes) -> None:
        try:
            await (self.websocket.send_text(frame) if isinstance(frame, str) else self.websocket.send_bytes(frame))
        except (WebSocketDisconnect, RuntimeError):
            self.over = True

    async def _end_early(self) -> None:
        """End a connection whose client takes nothing: say why, past what it did not take (SEG-LIVE-027)."""
        if self.over:
            return
        self.over = True
        outlet = Outlet.of(self.websocket.scope)
        if outlet is not None:
            outlet.free()
            for frame in self.refusal_frames(refusals.slow_reader()):
                await self._write(frame)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.websocket.close(self.endpoint.gives_close(self.name, self.slow_code))
        if outlet is not None:
            outlet.give_up(self.endpoint.settings.reader_ms / 1000)

    async def close(self, code: int) -> None:
        """Close the connection of our own accord; the loop over frames sees its end."""
        if not self.over:
            await self.farewell()
            self.over = True
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the other side may have been first
                await self.websocket.close(self.endpoint.gives_close(self.name, code))

    async def farewell(self) -> None:
        """Say what the wire says last."""

    def lost(self) -> None:
        """Take note that the connection is gone, beside what `Connection.lost` does."""


def _size(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
