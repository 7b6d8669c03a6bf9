"""What belongs to one connection: its lanes, its readings, the handles that die with it, and its own end.

It knows no socket: `deliver` sends a message, `close` ends the transport. Turns do not belong to it (spec: turns).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from segue_adapters.wires.base import TERMINAL, Refuse
from segue_schemas import models

from .faults import report
from .lanes import Lanes, Place
from .readings import TOGETHER, Reading, Source
from .refusals import draining, internal_error, invalid_request, named, out_of_reach
from .stores.base import Unwritable

if TYPE_CHECKING:
    from .endpoint import Endpoint
    from .steers import Steer

__all__ = ["Connection"]

Deliver = Callable[[models.ServerMessage], Coroutine[Any, Any, None]]
Close = Callable[[int], Coroutine[Any, Any, None]]


class Connection:
    """One connection of a principal over a WebSocket."""

    def __init__(self, endpoint: Endpoint, principal: str, wire: str, deliver: Deliver, close: Close) -> None:
        settings = endpoint.settings
        self.endpoint = endpoint
        self.principal = principal
        self.wire = wire
        self.scope: str | None = secrets.token_hex(16)
        self.trace: models.Trace | None = None  # the headers of an upgrade trace the upgrade, and no turn
        self.deliver = deliver
        #: Sends messages that are there at the same time, in their order; whoever can sends them in one piece.
        self.deliver_many: Callable[[Sequence[models.ServerMessage]], Coroutine[Any, Any, None]] = self._deliver_each
        self.draining = False
        self.closed = False
        self.lanes = Lanes(
            named=settings.lanes,
            queue=settings.lane_queue,
            in_flight=settings.turns_in_flight,
            spawn=endpoint.spawn,
        )
        self._close = close
        self._placed: set[str] = set()
        self._ending: set[str] = set()
        self._readings: dict[str, asyncio.Task[None]] = {}
        self._places: dict[str, Reading] = {}
        self._owed: dict[str, list[Steer]] = {}
        self._ends = endpoint.clock() + settings.connection_ms / 1000
        self._life: asyncio.Task[None] | None = None

    @property
    def told(self) -> bool:
        """Whether its client understands notices that nobody asked for."""
        return self.wire != "openai-ws"

    def left_ms(self) -> int:
        """Return what is left of the connection's declared life."""
        return max(0, int((self._ends - self.endpoint.clock()) * 1000))

    # -- messages

    async def handle(self, message: models.ClientMessage) -> None:
        """Act on a client's message; a refusal goes back under its name, and the connection stays."""
        try:
            await self.act(message)
        except Refuse as refused:
            told = named(refused, message).message
            self.endpoint.observer.refused(self.wire, self.principal, told)
            await self.deliver(told)
        except Unwritable as error:
            report("a message found no state", error)
            await self.deliver(named(out_of_reach(), message).message)
        except Exception as error:
            report("a message failed", error)
            await self.deliver(named(internal_error(), message).message)  # it, and not the connection (SEG-WS-023)

    async def act(self, message: models.ClientMessage) -> None:
        """Act on a client's message; Refuse where it will not be done."""
        if isinstance(message, models.TurnStart):
            await self.start(message)
        elif isinstance(message, models.TurnResume):
            await self.resume(message)
        elif isinstance(message, models.TurnCancel):
            await self.cancel(message)
        elif isinstance(message, models.TurnSteer):
            await self.steer(message)
        elif isinstance(message, models.ContinuationGet):
            await self.deliver(await self.endpoint.get(self, message))
        elif isinstance(message, models.ContinuationDelete):
            await self.deliver(await self.endpoint.delete(self, message))
        elif isinstance(message, models.ContinuationExport):
            await self.deliver(await self.endpoint.export(self, message))
        elif isinstance(message, models.ContinuationImport):
            await self.deliver(await self.endpoint.import_bundle(self, message))
        else:
            raise self.endpoint.unoffered(message)

    async def start(self, message: models.TurnStart) -> None:
        """Accept a turn, put it into its lane and read it; a repeat only reads."""
        source, fresh = await self.endpoint.accept(self, message)
        if fresh is not None:
            self.place(message).fill(fresh.run)
        self.read(self.endpoint.reading(source, replayed=fresh is None, start=message))

    async def resume(self, message: models.TurnResume) -> None:
        """Read a turn again. Behind a number only where no reading is under way: nothing would mark the new one."""
        reading = await self.endpoint.resume(self, message)
        if message.after is not msgspec.UNSET and message.turn in self._readings:
            text = "This connection reads the turn already; resume without `after`, or over another connection."
            raise invalid_request(text, "/after")  # SEG-TURN-086
        self.read(reading)

    def place(self, start: models.TurnStart) -> Place:
        """Return a place in the turn's lane; Refuse where there is none."""
        place = self.lanes.reserve(_lane(start))
        self._placed.add(start.turn)
        return place

    def check_lane(self, start: models.TurnStart) -> None:
        """Refuse a new turn that has no place in its lane and finds none there."""
        if start.turn not in self._placed:
            self.lanes.check(_lane(start))

    def check_end(self, start: models.TurnStart) -> None:
        """Refuse a new turn that arrives after the notice of the end, and not one that waits here since before."""
        if start.turn not in self._placed:
            self.refuse_draining()

    def refuse_draining(self) -> None:
        """Refuse what arrives after the notice of the end (SEG-LIVE-022)."""
        if self.draining:
            raise draining()

    def reading_of(self, turn: str) -> Reading | None:
        """Return the reading of a turn that goes on here."""
        return self._places.get(turn)

    def read(self, reading: Reading) -> None:
        """Deliver a reading; one from the beginning replaces the older one of the turn here (SEG-TURN-078)."""
        name = reading.source.name
        older = self._readings.pop(name, None)
        if older is not None:
            older.cancel()
        self._places[name] = reading
        self._readings[name] = task = self.endpoint.spawn(self._deliver_all(reading))
        task.add_done_callback(lambda done: self._forget(name, reading))
        for steer in list(self._owed.get(name, ())):  # an answer that the older reading would have brought
            if steer.settled.done():
                self.endpoint.spawn(self._answer(steer))

    def _forget(self, name: str, reading: Reading) -> None:
        if self._places.get(name) is reading:
            del self._readings[name], self._places[name]

    async def _deliver_all(self, reading: Reading) -> None:
        together: list[models.ServerMessage] = []  # what is there at the same time is sent in one piece
        async for message in reading:
            if isinstance(message, models.TurnSteered):
                self._paid(message.turn, message.steer)
            together.append(message)
            if reading.more and len(together) < TOGETHER:
                continue
            if isinstance(message, TERMINAL):
                await self.deliver_many(together[:-1])
                await self._deliver_in_order(message)
            else:
                await self.deliver_many(together)
            together = []
        await self.deliver_many(together)
        self._forget(reading.source.name, reading)

    async def _deliver_each(self, messages: Sequence[models.ServerMessage]) -> None:
        for message in messages:
            await self.deliver(message)

    async def _deliver_in_order(self, message: models.ServerMessage) -> None:
        """Deliver an event; in front of the end come the answers to steers that are still owed (SEG-TURN-121)."""
        if isinstance(message, TERMINAL):
            for steer in list(self._owed.get(message.turn, ())):
                await self._answer(steer, ending=True)
        await self.deliver(message)

    # -- steers

    async def steer(self, message: models.TurnSteer) -> None:
        """Take a steer; its answer comes when it is settled, in the reading or alone."""
        steer = await self.endpoint.steer(self, message)
        owed = self._owed.setdefault(message.turn, [])
        if steer in owed:
            return
        owed.append(steer)
        if steer.settled.done():
            await self._answer(steer)
        else:
            steer.settled.add_done_callback(lambda done: self.endpoint.spawn(self._answer(steer)))

    async def _answer(self, steer: Steer, *, ending: bool = False) -> None:
        """Answer a steer, once; not where the reading will bring its event (SEG-TURN-126)."""
        if self.closed or steer not in self._owed.get(steer.turn, ()):
            return
        answer = steer.settled.result()
        if isinstance(answer, Refuse):
            self._paid(steer.turn, steer.name)
            asked = models.TurnSteer(turn=steer.turn, steer=steer.name, input=[])
            await self.deliver(named(answer, asked).message)
        elif ending or not self._brings(answer):
            self._paid(steer.turn, steer.name)
            await self.deliver(answer)

    def _brings(self, event: models.TurnSteered) -> bool:
        """Return whether the reading of a turn here has not passed an event of it yet."""
        reading = self._places.get(event.turn)
        return reading is not None and isinstance(event.seq, int) and reading.place <= event.seq

    def _paid(self, turn: str, name: str) -> None:
        left = [steer for steer in self._owed.get(turn, ()) if steer.name != name]
        if left:
            self._owed[turn] = left
        else:
            self._owed.pop(turn, None)

    async def cancel(self, message: models.TurnCancel) -> None:
        """Ask that a turn stop; who reads it here sees the end in the reading, else it is told alone, once."""
        source = await self.endpoint.cancel(self, message)
        if message.turn in self._readings:
            return
        if source.finished:
            await self._deliver_end(source)  # waited for: who does not read its answers is not read either
        elif message.turn not in self._ending:
            self._ending.add(message.turn)
            task = self.endpoint.spawn(self._deliver_end(source))
            task.add_done_callback(lambda done: self._ending.discard(message.turn))

    async def _deliver_end(self, source: Source) -> None:
        async for event in self.endpoint.reading(source, after=len(source.events) - 2):
            if isinstance(event, TERMINAL):
                await self._deliver_in_order(event)

    # -- the end

    async def live(self) -> None:
        """Let the connection live its declared time: the notice, the rest, the end."""
        settings = self.endpoint.settings
        await asyncio.sleep((settings.connection_ms - settings.draining_ms) / 1000)
        await self.drain("connection_lifetime", settings.draining_ms, elsewhere=True)
        await asyncio.sleep(settings.draining_ms / 1000)
        await self._close(4410)

    async def drain(self, reason: str, close_in_ms: int, *, elsewhere: bool) -> None:
        """Tell that the end is near; turns that come later are refused."""
        if not self.draining:
            self.draining = True
            notice = models.ConnectionDraining(reason=reason, close_in_ms=close_in_ms, resumable_elsewhere=elsewhere)
            await self.deliver(notice)

    async def hang_up(self, code: int = 4410) -> None:
        """Close the transport."""
        await self._close(code)

    async def lost(self) -> None:
        """Take note that the transport is gone: readings and handles end, turns go on (SEG-TURN-080)."""
        self.closed = True
        self._owed.clear()
        for task in list(self._readings.values()):
            task.cancel()
        if self.scope is not None:
            await self.endpoint.store.close_scope(self.principal, self.scope)

    def turn_alive(self) -> bool:
        """Return whether handles of this connection can still be used."""
        return not self.closed


def _lane(start: models.TurnStart) -> str | None:
    return start.lane if isinstance(start.lane, str) else None
