"""Connections of a session: opened, shared, watched, and replaced before they end.

A line is a link with what is known of it. A WebSocket that is about to end (a notice, or its declared life) gets a
successor at once, so that the next turn finds a connection that is open; turns that run stay where they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from segue_schemas import models

from ..capabilities import Capabilities, capabilities_of, useful_life
from ..discovery import Found, Offer, reach
from ..errors import SegueError
from ..links import HTTPLink, WebSocketLink, open_link
from ..transports.base import Options
from ..wires.extension import EXTENDED
from .commands import Connect
from .events import Recovery, log
from .plan import Facts
from .roads import Place, Road, Roads

__all__ = ["Endpoint", "Line", "Lines"]

#: A connection that ends within so many seconds, or while a turn waits for its first answer, ended early.
_EARLY = 5.0
_MOST = 8
#: So many ids of continuations that were given up are remembered.
_GONE = 10_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a conversation can be held: a URL, and what is said there instead of what `connect` was given."""

    url: str
    wire: str | None = None
    api_key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Line:
    """One connection, or the pool of an HTTP wire. `said` is what the endpoint said of it before it ended."""

    number: int
    road: Road
    link: WebSocketLink | HTTPLink
    can: Capabilities
    opened: float
    busy: int = 0
    served: bool = False
    draining: bool = False
    fault: SegueError | None = None
    said: models.Error | None = None
    lanes: set[str] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        """Whether a new turn may go over it."""
        ended = isinstance(self.link, WebSocketLink) and not self.link.socket.open
        return self.fault is None and not self.draining and not ended

    @property
    def shared(self) -> bool:
        """Whether turns may run side by side on it."""
        return isinstance(self.link, HTTPLink) or (self.can.told and self.can.offers("lanes"))


async def _caught_up() -> None:
    """Let what lies here unread be read: that a connection ends is often said while its owner does something else.

    One round of the loop reads a socket, the others hand on what came. Sent into a connection that the other side has
    left, a turn of a wire without names could not be asked for any more.
    """
    for _ in range(4):
        await asyncio.sleep(0)


Finder = Callable[[Endpoint, Options], Awaitable[Found]]


class Lines:
    """All connections of a session. `gone` are ids of continuations that an endpoint said it gave up."""

    def __init__(self, endpoints: list[tuple[Endpoint, Options]], find: Finder, *, declare: bool = False) -> None:
        self.roads = Roads([Place(endpoint.url) for endpoint, _ in endpoints])
        self.gone: dict[str, None] = {}
        self._endpoints = endpoints
        self._find = find
        self._declare = declare
        self._documents: dict[int, models.Discovery | None] = {}
        self._contexts: dict[int, set[str]] = {}
        self._lines: list[Line] = []
        self._count = 0
        self._opening = asyncio.Lock()
        self._freed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._notes: list[tuple[Road, str]] = []

    async def first(self) -> Line:
        """Open the connection that a session begins with; raises what says why there is none."""
        async with self._opening:
            line = await self._choose(Connect(), None)
        assert line is not None
        self._notes.clear()
        return line

    # -- for a turn

    async def take(self, turn: str, asked: Connect, prefer: int | None = None) -> tuple[Line, list[Recovery]]:
        """Return a connection for a turn, and what it took to have it; raises what says why there is none."""
        if asked.elsewhere and asked.leaving in (None, self.roads.at):  # else another turn has gone there before
            self.roads.move()
        await _caught_up()
        while True:
            async with self._opening:
                line = await self._choose(asked, prefer)
            if line is not None:
                line.busy += 1
                return line, self._taken_notes(turn)
            self._freed.clear()
            await self._freed.wait()

    def _taken_notes(self, turn: str) -> list[Recovery]:
        notes, self._notes = self._notes, []
        return [Recovery(turn, "fallback", f"{road.wire} is not used any more: {why}") for road, why in notes]

    def other_wire(self, line: Line, why: str) -> bool:
        """Use another wire than that of a line from now on; False where there is none."""
        return self._rule_out(line.road, why)

    def facts(self, line: Line, lane: str | None) -> Facts:
        """Return what is known of a line; where turns run side by side, with a lane of its own."""
        if line.link.wire != line.can.wire:  # over HTTP the extension is declared by the first answer
            document = self._documents.get(line.road.place)
            line.can = capabilities_of(line.link.wire, document=document, welcome=line.link.welcome)
        if lane is None and line.busy > 1 and line.shared and line.can.offers("lanes"):
            most = line.can.limits.lanes if line.can.limits is not None else None
            names = (f"l{number}" for number in range(1, most + 1 if isinstance(most, int) else 9))
            lane = next((name for name in names if name not in line.lanes), None)
        if lane is not None:
            line.lanes.add(lane)
        contexts = self._contexts.setdefault(line.road.place, set())
        return Facts(line.road.place, line.number, line.can, contexts, lane)

    def release(self, line: Line, lane: str | None) -> None:
        """Give a connection back behind a turn."""
        line.busy -= 1
        if lane is not None:
            line.lanes.discard(lane)
        self._freed.set()

    def answered(self, line: Line) -> None:
        """Note that something came over a line."""
        if not line.served:
            line.served = True
            self.roads.served(line.road)

    def suspect(self, line: Line, fault: SegueError) -> None:
        """Take a connection that says nothing for dead."""
        if isinstance(line.link, WebSocketLink) and line.fault is None:
            line.link.cut()
            self._ended(line, fault)

    async def close(self) -> None:
        """Close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines:
            self._forget_timer(line)
            await line.link.close()
        self._lines.clear()

    @property
    def known(self) -> bool:
        """Whether it is known what the endpoint speaks to which the next turn goes."""
        return bool(self.roads.places[self.roads.at].roads)

    @property
    def can(self) -> Capabilities:
        """What can be asked for where the next turn goes; what the last one could, where that was not asked yet."""
        if not self.known:
            return self._lines[-1].can
        road = self.roads.choose()
        if line := next((line for line in reversed(self._lines) if line.road == road and line.usable), None):
            return line.can
        return capabilities_of(self.roads.choose().wire, document=self._documents.get(self.roads.at))

    # -- choosing and opening

    async def _choose(self, asked: Connect, prefer: int | None) -> Line | None:
        """Return a line to use, opened if need be; None where all are busy and there may be no more."""
        while True:
            road = await self._road()
            open_lines = [line for line in self._lines if line.road == road and line.usable]
            # A pool has no connection to avoid: the next exchange finds one that works.
            open_lines = [x for x in open_lines if x.number != asked.avoid or isinstance(x.link, HTTPLink)]
            free = [line for line in open_lines if line.busy == 0 or line.shared]
            if free:
                return next((line for line in free if line.number == prefer), free[-1])
            if len(open_lines) >= _MOST:
                return None
            try:
                return await self._open(road)
            except SegueError as fault:
                if not self.roads.failed(road, fault):
                    raise
                self._note(road, str(fault))

    async def _road(self) -> Road:
        at = self.roads.at
        place = self.roads.places[at]
        if not place.roads:
            endpoint, options = self._endpoints[at]
            found = await self._find(endpoint, options)
            self._documents[at] = found.document
            place.roads = [Road(at, offer.wire, offer.url, offer.routes) for offer in found.offers]
        return self.roads.choose()

    async def _open(self, road: Road) -> Line:
        options = self._endpoints[road.place][1]
        number = self._count + 1
        if not self._lines and road.wire == "segue-http":
            # A pool opens nothing: is anybody there, and is the key good? Other wires could be asked only by a request
            # that a provider counts.
            await reach(Offer(road.wire, road.url, road.routes), options)
        declare = self._declare and road.wire in EXTENDED
        label = f"ws{number}"
        link = await open_link(road.wire, road.url, options, label=label, routes=road.routes, declare=declare)
        self._count = number
        can = capabilities_of(link.wire, document=self._documents.get(road.place), welcome=link.welcome)
        line = Line(number, road, link, can, self._now())
        self._lines = [other for other in self._lines if other.fault is None or other.busy]
        self._lines.append(line)
        if isinstance(link, WebSocketLink):
            link.listen = lambda message: self._heard(line, message)
            for message in link.notices.waiting():  # what came between the welcome and now
                self._heard(line, message)
            if link.fault is not None:
                self._ended(line, link.fault)
            self._watch(line)
        return line

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # -- watching

    def _watch(self, line: Line) -> None:
        """Replace a connection before its declared life ends."""
        life = useful_life(line.link.welcome)
        if life is not None:
            loop = asyncio.get_running_loop()
            line.timer = loop.call_later(life, self._rotate, line, "its declared life is about to end")

    def _heard(self, line: Line, message: models.ServerMessage | SegueError) -> None:
        if isinstance(message, SegueError):
            self._ended(line, message)
        elif isinstance(message, models.ConnectionDraining):
            self._rotate(line, message.reason)
        elif isinstance(message, models.ContinuationEvicted):
            self.gone[message.id] = None
            while len(self.gone) > _GONE:
                del self.gone[next(iter(self.gone))]
        elif isinstance(message, models.ErrorMessage) and not isinstance(message.refused, str):
            line.said = message.error

    def _rotate(self, line: Line, why: str) -> None:
        """Let no new turn go over a line, and have another one open for it."""
        self._forget_timer(line)
        if not line.usable:
            return
        line.draining = True
        log.info("connection %d is replaced: %s", line.number, why)
        task = asyncio.get_running_loop().create_task(self._replace(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, line: Line) -> None:
        async with self._opening:
            if any(other.road == line.road and other.usable for other in self._lines):
                return
            try:
                await self._open(line.road)
            except SegueError as fault:
                log.info("no connection took the place of %d yet: %s", line.number, fault)

    def _ended(self, line: Line, fault: SegueError) -> None:
        if line.fault is not None:
            return
        line.fault = fault
        self._forget_timer(line)
        early = not line.served and not line.draining and (line.busy or self._now() - line.opened < _EARLY)
        if early and self.roads.ended_early(line.road, fault):
            self._note(line.road, self.roads.ruled_out[line.road])

    def _rule_out(self, road: Road, why: str) -> bool:
        if not self.roads.rule_out(road, why):
            return False
        self._note(road, why)
        return True

    def _note(self, road: Road, why: str) -> None:
        log.warning("%s at %s is not used any more: %s", road.wire, road.url, why)
        self._notes.append((road, why))

    @staticmethod
    def _forget_timer(line: Line) -> None:
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
