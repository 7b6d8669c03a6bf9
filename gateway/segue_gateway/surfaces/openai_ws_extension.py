"""OpenAI Responses over WebSocket for a client that has declared the extension.

What it means is done by the same `Connection` as for a Segue WebSocket: a create is accepted on receipt, and a turn
that its client has named outlives the connection. Only the frames are OpenAI's, and in one lane the responses that
creates began are told one after the other (spec: binding-responses-extension).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from segue_adapters.wires.base import TERMINAL, Refuse
from segue_adapters.wires.extension import EXTENDED, declaration
from segue_adapters.wires.openai_ws_extension import ExtendedWSServer
from segue_adapters.wires.responses import Create
from segue_schemas import models
from starlette.websockets import WebSocket

from ..endpoint import Endpoint
from ..readings import EARLY, Source
from ..refusals import draining, named
from ..turns import Turn
from .extension import facts_of
from .websocket import Session

__all__ = ["ExtendedSession"]


class ExtendedSession(Session):
    """Creates and prefixed messages in, events and prefixed messages out."""

    name = EXTENDED["openai-ws"]
    slow_code = 1008

    def __init__(self, endpoint: Endpoint, websocket: WebSocket, principal: str) -> None:
        self.wire = ExtendedWSServer()
        #: By lane, the turns whose creates are still to be told, in order.
        self.lanes: dict[str | None, deque[str]] = {}
        #: By turn, the `stream_id` that a request of it named here last.
        self.places: dict[str, str | None] = {}
        self.unnamed: set[str] = set()
        self._moved = asyncio.Event()
        self._refused: set[tuple[str, str]] = set()
        super().__init__(endpoint, websocket, principal)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the declaration."""
        return [(name.encode(), value.encode()) for name, value in declaration().items()]

    async def greet(self) -> None:
        """Send the welcome, prefixed."""
        await self.deliver(self.endpoint.welcome(self.connection.left_ms(), self.name))

    # -- what the client says

    async def act(self, frame: str | bytes) -> None:
        """Act on a create, or on a prefixed message."""
        asked = self.wire.receive(frame)
        if isinstance(asked, Create):
            await self.create(asked)
        elif isinstance(asked, models.TurnResume):
            if await self.done(asked):
                self._leave(asked.turn)  # its new reading names the turn, and stands in no lane
        else:
            await self.connection.handle(asked)

    async def create(self, asked: Create) -> None:
        """Accept a turn and put it behind those of its lane that are still told; a repeat is read anew."""
        start = asked.start
        lane = start.lane if isinstance(start.lane, str) else None
        try:
            await self.endpoint.check_model(self.connection.principal, start, asked.model)
        except Refuse as refused:
            refused.lane = lane
            await self.refuse(named(refused, start))
            return
        told = start.turn in self.places
        before = self.places.get(start.turn)
        self.places[start.turn] = lane
        self.lanes.setdefault(lane, deque()).append(start.turn)
        if not await self.done(start):
            self.lanes[lane].pop()
            self._tidy(lane)
            if told:
                self.places[start.turn] = before
            else:
                del self.places[start.turn]
            return
        queue = self.lanes.get(before, deque()) if told else deque()
        if queue.count(start.turn) > (before == lane):
            queue.remove(start.turn)  # the older reading, which this one replaces
            self._tidy(before)
        if not asked.named:
            self.unnamed.add(start.turn)

    async def done(self, message: models.TurnStart | models.TurnResume) -> bool:
        """Let the connection act on a message; return whether it was not refused."""
        key = (str(type(message).__struct_config__.tag), message.turn)
        self._refused.discard(key)
        await self.connection.handle(message)
        return key not in self._refused

    # -- what it is told

    async def deliver(self, message: models.ServerMessage) -> None:
        """Send a message; what a create began waits until its lane has come to it."""
        turn = getattr(message, "turn", None)
        if isinstance(message, models.ErrorMessage) and isinstance(message.refused, str):
            if isinstance(turn, str):
                self._refused.add((message.refused, turn))
            await super().deliver(message)
            return
        if not isinstance(turn, str):
            await super().deliver(message)
            return
        await self._turn_comes(turn)
        if self.wire.awaits(message):
            await self._begin(turn, message)
        await super().deliver(message)
        if isinstance(message, (*TERMINAL, models.ErrorMessage)):
            self._leave(turn)
            self.unnamed.discard(turn)

    async def deliver_many(self, messages: Sequence[models.ServerMessage]) -> None:
        """Send messages one by one: each looks whose turn it is in its lane."""
        for message in messages:
            await self.deliver(message)

    async def _turn_comes(self, turn: str) -> None:
        """Wait until those in front in its lane are told, and give signs of life meanwhile (SEG-LIVE-010)."""
        while (queue := self._queue_of(turn)) is not None and queue[0] != turn and not self.over:
            try:
                async with asyncio.timeout(self.endpoint.settings.heartbeat_ms / 1000 * EARLY):
                    await self._moved.wait()
            except TimeoutError:
                await super().deliver(models.TurnProgress(turn=turn, phase="queued"))

    async def _begin(self, turn: str, message: models.ServerMessage) -> None:
        """Open the events of a turn, past those that the client has by now."""
        source = await self._source(turn)
        encoder = self.wire.begin(
            await facts_of(self.endpoint, self.connection.principal, source), behind=self._queue_of(turn) is None
        )
        seq = getattr(message, "from_", None)
        seq = seq if isinstance(seq, int) else getattr(message, "seq", None)
        encoder.skip(source.events[: seq if isinstance(seq, int) else 0])

    async def _source(self, turn: str) -> Source:
        """Return what is read here: of what only ends here, nothing is."""
        reading = self.connection.reading_of(turn)
        if reading is not None:
            return reading.source
        return await self.endpoint.attach(self.connection.principal, turn)

    def _queue_of(self, turn: str) -> deque[str] | None:
        return next((queue for queue in self.lanes.values() if turn in queue), None)

    def _leave(self, turn: str) -> None:
        """Take a turn out of its lane, so that the next one is told."""
        for lane, queue in list(self.lanes.items()):
            if turn in queue:
                queue.remove(turn)
                self._tidy(lane)

    def _tidy(self, lane: str | None) -> None:
        if not self.lanes[lane]:
            del self.lanes[lane]
        self._move()

    def _move(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def frames(self, message: models.ServerMessage) -> list[str]:
        """Return the events of a message, or the message prefixed."""
        turn = getattr(message, "turn", None)
        return self.wire.send(message, self.places.get(turn) if isinstance(turn, str) else None)

    def refusal_frames(self, refused: Refuse) -> list[str]:
        """Return the frame of a refusal."""
        return self.wire.refuse(refused.message, refused.lane)

    # -- the end

    async def close(self, code: int) -> None:
        """Close with a code that this wire's clients take as a reason to connect again."""
        await super().close(1001)

    async def farewell(self) -> None:
        """Say that the connection's time is over, as the plain wire says it (facts 1.6)."""
        if self.connection.draining:
            await self.send(self.wire.refuse(draining().message))

    def lost(self) -> None:
        """Cancel the turns whose names were drawn here: nobody may know them."""
        self._move()
        for name in self.unnamed:
            running = self.endpoint.running.get((self.connection.principal, name))
            if isinstance(running, Turn):
                running.cancel(keep=False)
