"""The endpoint: who may call, what runs, and what can be read. Surfaces call it, tests break it.

Small methods with plain names are on purpose: a mutant of the conformance suite overrides one and is that endpoint
which gets one thing wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from weakref import WeakSet

from segue_adapters.wires.base import Refuse
from segue_schemas import models

from . import refusals
from .acceptance import Acceptance, Caller
from .admission import Admission
from .boundary import Boundary
from .bundles import Bundles
from .capabilities import Declaration
from .connection import Connection
from .contexts import Context
from .elsewhere import Elsewhere
from .engines.base import Engine
from .engines.scripted import ScriptedEngine
from .faults import report
from .following import Following
from .life import Life
from .observing.base import SILENT, Observer
from .observing.stores import watched
from .readings import Reading, Recorded, Source
from .settings import Settings
from .steers import Steering
from .stores.base import Bounds, Held, Store, StoreFull, Unwritable
from .stores.memory import MemoryStore
from .turns import Plan, Turn

__all__ = ["Endpoint", "Once"]


@dataclass(slots=True)
class Once:
    """A caller without a connection: one HTTP request."""

    principal: str
    wire: str
    scope: str | None = None
    trace: models.Trace | None = None

    def left_ms(self) -> int | None:
        """Return None: there is no connection that could end."""
        return None

    def turn_alive(self) -> bool:
        """Return whether handles of this connection can still be used: it has none."""
        return False

    def check_end(self, start: models.TurnStart) -> None:
        """Refuse nothing: there is no connection that could end."""

    def check_lane(self, start: models.TurnStart) -> None:
        """Refuse nothing: over HTTP each request stands alone (SEG-TURN-109)."""


class Endpoint(Admission, Declaration, Acceptance, Bundles, Steering, Elsewhere, Life, Boundary):
    """One endpoint: an engine, a store, and who may use them.

    `keys` are secrets by the name of their principal; without any there is one principal, for the loopback interface
    only. `clock` gives monotonic seconds, `wall` seconds since the epoch. `observer` is told what happens.
    """

    connection_type: type[Connection] = Connection
    reading_type: type[Reading] = Reading

    def __init__(
        self,
        engine: Engine | None = None,
        store: Store | None = None,
        *,
        settings: Settings | None = None,
        keys: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        observer: Observer = SILENT,
    ) -> None:
        self.observer = observer
        self.settings = settings or Settings()
        self.engine: Engine = engine or self.make_engine()
        self.clock = clock
        self.wall = wall
        self.store: Store = store or self.make_store()
        if observer.watches_store:
            self.store = watched(self.store, observer)
        self.store.on_evicted = self.evicted
        self.join()
        self.running: dict[tuple[str, str], Turn] = {}
        self.connections: set[Connection] = set()
        self.readings: WeakSet[Reading] = WeakSet()
        self.closing = False
        self._keys = {hashlib.sha256(secret.encode()).digest(): name for name, secret in (keys or {}).items()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._late = {}

    def make_engine(self) -> Engine:
        """Return the scripted engine under the model's name."""
        return ScriptedEngine(offered=(self.settings.model,), slow_seconds=self.settings.slow_ms / 1000)

    def make_store(self) -> Store:
        """Return the store in memory."""
        return MemoryStore(self.bounds(), self.clock)

    def bounds(self) -> Bounds:
        """Return what the settings let a store hold for one principal."""
        return Bounds.of(self.settings)

    # -- who calls

    @property
    def principal_kind(self) -> models.PrincipalKind:
        """What a credential stands for here."""
        return "key" if self._keys else "single"

    # -- turns

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return the turn, not yet claimed."""
        return self.turn_type(
            plan,
            self.engine,
            self.store,
            spawn=self.spawn,
            ended=self.ended,
            scope_alive=caller.turn_alive,
            flush_ms=self.settings.flush_ms,
            clock=self.clock,
            observer=self.observer,
        )

    def begin(self, turn: Turn) -> None:
        """Take note of a turn that runs here."""
        self.running[turn.plan.principal, turn.name] = turn

    def ended(self, turn: Turn) -> None:
        """Take note that it runs no more; its record stays with the store."""
        self.running.pop((turn.plan.principal, turn.name), None)
        self.keep_late(turn)

    def runs(self, principal: str, name: str) -> bool:
        """Return whether a turn of that name runs here."""
        return (principal, name) in self.running

    def running_of(self, principal: str) -> int:
        """Return how many turns of a principal run here."""
        return sum(1 for owner, _ in self.running if owner == principal)

    async def find(self, principal: str, name: str) -> Source | None:
        """Return a turn that runs here or its record; None for a name that is not held. Refuse `events_gone`."""
        running = self.running.get((principal, name))
        if running is not None:
            return running
        record = await self.store.read(principal, name)
        if record is not None and not record.finished and await self.interrupted(principal, name):
            record = await self.store.read(principal, name)
        if record is None:
            return None
        if record.gone:
            raise refusals.events_gone(name)
        if not record.finished and self.store.shared:
            return self.follow(principal, name, record)
        return Recorded(name, record.events, record.left_ms, self.clock)

    async def interrupted(self, principal: str, name: str) -> bool:
        """Close the record of a turn that nobody runs any more, and say whether it could be (SEG-TURN-131)."""
        try:
            return await self.store.interrupt(principal, name)
        except Unwritable as error:
            report("a record could not be closed", error)
            return False

    async def attach(self, principal: str, name: str) -> Source:
        """Return what can be read of a turn that exists."""
        source = await self.find(principal, name)
        if source is None:
            raise refusals.turn_not_found(name, resend=True)
        return source

    def patience_ms(self) -> float:
        """Return how long a whole answer is waited for: less than silence is allowed (SEG-HTTP-043)."""
        return self.settings.heartbeat_ms * 0.8

    def may_ask_again(self, source: Source) -> bool:
        """Return whether the end can be read later: of retention `none` it may go with the turn (SEG-HTTP-044)."""
        accepted = source.events[0]
        return not (isinstance(accepted, models.TurnAccepted) and accepted.retention == "none")

    def reading(
        self,
        source: Source,
        *,
        after: int | None = None,
        replayed: bool = False,
        start: models.TurnStart | None = None,
    ) -> Reading:
        """Return a reading of a turn, as the start that asks for it wants it delivered."""
        delivery = start.delivery if start is not None and isinstance(start.delivery, models.Delivery) else None
        made = self.reading_type(
            source, after=after, replayed=replayed, delivery=delivery, heartbeat_ms=self.settings.heartbeat_ms
        )
        self.readings.add(made)
        return made

    def deleted(self, identifiers: Collection[str]) -> None:
        """End the readings of the turns that issued these continuations (SEG-TURN-084)."""
        for reading in list(self.readings):
            last = reading.source.events[-1] if reading.source.events else None
            told = last.continuation if isinstance(last, models.TurnCompleted) else None
            if isinstance(told, models.Continuation) and told.id in identifiers:
                reading.end()

    async def resume(self, caller: Caller, message: models.TurnResume) -> Reading:
        """Return a reading from where the client asks; a number that was never written is a mistake (SEG-TURN-082)."""
        source = await self.attach(caller.principal, message.turn)
        after = message.after if isinstance(message.after, int) else None
        if after is not None and after >= len(source.events):
            raise refusals.invalid_request(f"The record has no number {after} yet.", "/after")
        return self.reading(source, after=after, replayed=True)

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Ask a turn to stop; return where its end can be read. A finished turn is not touched."""
        source = await self.find(caller.principal, message.turn)
        if source is None:
            raise refusals.turn_not_found(message.turn, resend=False)
        if isinstance(source, Turn):
            source.cancel()
        elif isinstance(source, Following):
            await self.cancel_elsewhere(source, message)
        return source

    # -- continuations and contexts

    async def held(self, caller: Caller, identifier: str) -> Held:
        """Return a continuation of the caller's; Refuse the same way for whatever reason it is not there."""
        held = await self.store.resolve(caller.principal, identifier, caller.scope)
        if held is None:
            raise refusals.continuation_not_found(identifier, "/id")
        return held

    async def get(self, caller: Caller, message: models.ContinuationGet) -> models.ContinuationInfo:
        """Return what a continuation holds."""
        return models.ContinuationInfo(ref=message.ref, continuation=self.told_of(await self.held(caller, message.id)))

    async def delete(self, caller: Caller, message: models.ContinuationDelete) -> models.ContinuationDeleted:
        """Delete a continuation, and with `descendants` all that go on from it."""
        gone = await self.store.delete(
            caller.principal, message.id, caller.scope, descendants=message.descendants is True
        )
        if gone is None:
            raise refusals.continuation_not_found(message.id, "/id")
        self.deleted(gone)
        return models.ContinuationDeleted(ref=message.ref, id=message.id, count=len(gone))

    def check_digest(self, context: Context, named: str) -> None:
        """Refuse a context that was sent under the digest of another (SEG-HTTP-011)."""
        if context.digest != named:
            raise refusals.invalid_request(f"The body's digest is {context.digest}, the path says another.", "/digest")

    async def put_context(self, caller: Caller, context: Context) -> None:
        """Hold a context, so that turns may name it by its digest."""
        try:
            await self.store.put_context(caller.principal, context)
        except StoreFull:
            raise refusals.quota_exceeded("No room for more contexts of yours.", 60_000) from None

    def unoffered(self, message: models.ClientMessage) -> Refuse:
        """Return the refusal of a message whose feature is not offered (SEG-CAP-011)."""
        return refusals.not_offered(f"`{type(message).__struct_config__.tag}`")

    def evicted(self, principal: str, identifiers: list[str]) -> None:
        """Tell the principal's open connections what was given up before its expiry (SEG-LIVE-026)."""
        self.observer.evicted(principal, len(identifiers))
        for connection in list(self.connections):
            if connection.principal == principal and connection.told:
                for identifier in identifiers:
                    notice = models.ContinuationEvicted(id=identifier, reason="capacity")
                    self.spawn(connection.deliver(notice))
