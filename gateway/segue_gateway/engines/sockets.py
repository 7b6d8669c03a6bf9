"""Over WebSocket: one turn at a time on a connection, and connections that are kept for the next.

A provider is asked once (SEG-TURN-041). What is sent again, over a fresh connection, is what it said that it did not
take (`draining`, the end of a connection's life); a connection that was found to be gone is one on which nothing was
sent yet. Nobody reads a kept connection but to hear of its end, so the next turn seldom meets one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import msgspec
from segue_adapters.capabilities import useful_life
from segue_adapters.errors import NotCarried, SegueError, WrongKind
from segue_adapters.links import STREAM_WIRES
from segue_adapters.transports.base import Options
from segue_adapters.transports.websocket import Socket, open_socket
from segue_adapters.turn import is_end
from segue_adapters.wires.base import StreamClient
from segue_schemas import models

from .ways import LAST_WORDS, Answer, Chores, Unsent

__all__ = ["Sockets"]

#: Seconds for which a connection takes new turns where it said nothing of its end: OpenAI ends them at 60 minutes.
_LIFE = 55 * 60.0
#: Seconds without use behind which a connection may be dead and nobody was told, so that it is asked first; and for how
#: long it may think about it.
_DOUBT, _PONG = 20.0, 2.0
#: So many connections are kept for turns to come.
_KEPT = 64


class _Line:
    """One connection: the turn that runs on it, and what was said of itself."""

    def __init__(self, socket: Socket, wire: StreamClient, clock: Callable[[], float]) -> None:
        self.socket = socket
        self.turn: str | None = None
        self.ending = False
        self.watch: asyncio.Task[None] | None = None
        self.left = 0.0
        self._heard = False
        self._wire = wire
        self._clock = clock
        self._until = clock() + _LIFE

    @property
    def usable(self) -> bool:
        """Whether a new turn may go over it."""
        return self.socket.open and not self.ending and self._clock() < self._until

    @property
    def busy(self) -> bool:
        """Whether a turn runs on it."""
        return self.turn is not None

    async def ask(self, start: models.TurnStart, limit: float) -> Answer:
        """Send a turn and yield what answers it; `limit` is the longest silence in seconds."""
        try:
            frames = self._wire.send(start)
        except NotCarried as fault:
            raise Unsent(fault) from None
        self.turn, self._heard = start.turn, False
        for frame in frames:
            await self.socket.send(frame)
        while self.busy:
            if messages := await self.read(limit):
                yield messages

    async def stop(self, turn: str) -> bool:
        """Have the provider stop a turn, by the wire's word for it; return whether it came to its end by that."""
        try:
            frames = self._wire.send(models.TurnCancel(turn=turn))
        except NotCarried:
            return False
        self.turn, self._heard = turn, True
        for frame in frames:
            await self.socket.send(frame)
        while self.busy:
            if any(isinstance(message, models.ErrorMessage) for message in await self.read(None)):
                return False
        return True

    async def read(self, limit: float | None) -> list[models.ServerMessage]:
        """Return what the next frame says of the turn that runs; what it says of the connection is noted."""
        mine: list[models.ServerMessage] = []
        for message in self._wire.receive(await self.socket.receive(limit)):
            named = getattr(message, "turn", None)
            if not isinstance(named, str):
                mine += self._noted(message)
            elif named == self.turn:
                mine.append(message)
                self._heard = self._heard or isinstance(message, models.TurnAccepted)
                if is_end(message):
                    self.turn = None
                    # Behind a failure nobody knows what else is on its way; a refusal leaves a connection as it is.
                    self.ending = self.ending or isinstance(message, models.TurnFailed) or sent_away(message)
        return mine

    def _noted(self, message: models.ServerMessage) -> list[models.ServerMessage]:
        """Note what a connection says of itself; return what may be said of the turn, where it names none."""
        if isinstance(message, models.Welcome):
            life = useful_life(message)
            self._until = self._until if life is None else self._clock() + life
        elif isinstance(message, models.ConnectionDraining | models.ErrorMessage):
            self.ending = True
        if not isinstance(message, models.ErrorMessage) or not self.busy or self._heard:
            return []
        # A message that can't be read has no name to be refused by, and no other was sent; any other error is about
        # the connection, and whether the turn began nobody knows.
        self.turn = None
        about_it = message.error.code in ("malformed_message", "message_too_large", "unsupported_message")
        error = msgspec.structs.replace(message.error, effect=message.error.effect if about_it else "unknown")
        return [models.ErrorMessage(error=error, refused="turn.start")]


class Sockets:
    """Connections to one URL: as many as turns run at once, and those that are kept for the next."""

    def __init__(self, url: str, wire: str, options: Options, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._new = STREAM_WIRES[wire]
        self._options = options
        self._clock = clock
        self._kept: list[_Line] = []
        self._room = asyncio.Semaphore(options.connections)
        self._chores = Chores()
        self._closed = False

    def ignored(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return nothing: these wires carry a context as it is."""
        return ()

    async def ask(self, start: models.TurnStart) -> Answer:
        """Send a turn and yield what answers it; one that a connection does not take any more goes over a fresh one."""
        limit = self._options.silence_timeout
        for fresh in (False, True):
            async with self._line(fresh=fresh) as line, aclosing(line.ask(start, limit)) as answer:
                async for messages in answer:
                    if not fresh and any(map(sent_away, messages)):
                        break
                    yield messages
                else:
                    return

    @asynccontextmanager
    async def _line(self, *, fresh: bool) -> AsyncIterator[_Line]:
        """Give a connection for one turn; what is left of it goes back, or is stopped."""
        async with self._room:
            line = (None if fresh else await self._free()) or await self._open()
            try:
                yield line
            finally:
                self._back(line)

    async def _free(self) -> _Line | None:
        """Return a connection that was kept and still stands, the one used last; those that do not are closed."""
        while self._kept:
            line, lives = self._kept.pop(), False
            try:
                await _unwatched(line)
                lives = line.usable and (self._clock() - line.left < _DOUBT or await line.socket.ping(_PONG))
                lives = lives and line.usable
            finally:
                if not lives:  # also where whoever asked gave up meanwhile
                    self._chores.add(line.socket.close())
            if lives:
                return line
        return None

    async def _open(self) -> _Line:
        """Return a fresh connection; Unsent with what says why there is none."""
        wire = self._new()
        try:
            socket = await open_socket(self._url, self._options, subprotocols=wire.subprotocols, label="upstream")
            if wire.subprotocols and socket.subprotocol not in wire.subprotocols:
                self._chores.add(socket.close())
                raise WrongKind(f"the subprotocol {wire.subprotocols[0]} was not chosen", self._url)
        except SegueError as fault:
            raise Unsent(fault) from None
        return _Line(socket, wire, self._clock)

    def _back(self, line: _Line) -> None:
        """Keep a connection behind its turn; where the turn has not ended, end it first."""
        if line.turn is not None:
            self._chores.add(self._stop(line, line.turn))
        elif self._closed or not line.usable or len(self._kept) >= _KEPT:
            self._chores.add(line.socket.close())
        else:
            line.left = self._clock()
            line.watch = self._chores.add(self._watch(line))
            self._kept.append(line)

    async def _stop(self, line: _Line, turn: str) -> None:
        """Have the provider stop a turn: by the wire's word for it, or by the end of its connection."""
        stopped = False
        with suppress(SegueError, TimeoutError, Unsent):
            async with asyncio.timeout(LAST_WORDS):
                stopped = await line.stop(turn) if line.socket.open else await self._stop_elsewhere(turn)
        if stopped and not line.busy:
            self._back(line)
        else:
            line.socket.abort()

    async def _stop_elsewhere(self, turn: str) -> bool:
        """Cancel, over another connection, a turn that goes on without its own: where the wire names it."""
        try:
            self._new().send(models.TurnCancel(turn=turn))
        except NotCarried:
            return False
        other = await self._open()
        try:
            return await other.stop(turn)
        finally:
            self._chores.add(other.socket.close())

    async def _watch(self, line: _Line) -> None:
        """Listen to a connection that is kept, and close it as soon as it is of no use."""
        with suppress(SegueError):
            while line.usable:
                await line.read(None)
        self._kept.remove(line)
        await line.socket.close()

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        while self._kept:
            line = self._kept.pop()
            await _unwatched(line)
            self._chores.add(line.socket.close())
        await self._chores.close()


async def _unwatched(line: _Line) -> None:
    """Hear of a connection no more."""
    if line.watch is not None:
        line.watch.cancel()
        await asyncio.gather(line.watch, return_exceptions=True)


def sent_away(message: models.ServerMessage) -> bool:
    """Whether this refuses a turn since the connection takes no more of them: nothing ran (SEG-LIVE-022)."""
    if not isinstance(message, models.ErrorMessage):
        return False
    return message.error.code == "draining" and message.error.effect == "none"
