"""Turns that run on other nodes of the endpoint: they are followed, cancelled and steered from here."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from segue_adapters.wires.base import Refuse
from segue_schemas import models

from . import refusals
from .faults import report
from .following import Following, follow
from .items import Item, read_items
from .steers import Steer, content_of
from .stores.base import Asked, Record, Store

if TYPE_CHECKING:
    from .history import History
    from .settings import Settings
    from .turns import Turn

__all__ = ["Elsewhere"]

# Between two looks at a record of another node: a part of the time for which its owner may be silent.
_LOOKS = 3


class Elsewhere:
    """The part of an endpoint that knows of other nodes. With a store of its own there are none."""

    store: Store
    settings: Settings
    clock: Callable[[], float]
    running: dict[tuple[str, str], Turn]
    followed: weakref.WeakValueDictionary[tuple[str, str], Following]
    _late: dict[tuple[str, str], tuple[float, Any]]

    if TYPE_CHECKING:  # the other parts of an endpoint

        def deleted(self, identifiers: Collection[str]) -> None:
            """End the readings of the turns that issued these continuations."""

        def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            """Run work beside everything else."""

        def check_steer(self, items: Sequence[Item], history: History | None) -> None:
            """Refuse items that may not enter."""

    def join(self) -> None:
        """Listen to what other nodes do to the store."""
        self.followed = weakref.WeakValueDictionary()
        self.store.on_deleted = lambda principal, identifiers: self.deleted(identifiers)
        self.store.on_asked = self.asked

    def follow(self, principal: str, name: str, record: Record) -> Following:
        """Return what is read of a turn that runs on another node, as far as its record is now."""
        found = self.followed.get((principal, name))
        if found is not None and not found.finished:
            found.take(record, 0)
            return found
        made = self.followed[principal, name] = Following(principal, name, record, self.clock)
        every = self.settings.heartbeat_ms / 1000 / _LOOKS
        self.spawn(follow(weakref.ref(made), self.store, every))
        return made

    async def cancel_elsewhere(self, source: Following, message: models.TurnCancel) -> None:
        """Ask the owner of a turn to stop it; its end is read like any other."""
        if not source.finished:
            await self.store.ask(source.principal, message)

    async def steer_elsewhere(self, source: Following, message: models.TurnSteer, items: Sequence[Item]) -> Steer:
        """Hand a steer to the owner of a turn; it is settled by what its record says."""
        known = source.steers.get(message.steer)
        if known is not None:
            if known.content != content_of(items):
                raise refusals.steer_conflict(message.steer)
            return known
        steer = source.steers[message.steer] = Steer(source.name, message.steer, content_of(items), items)
        if not source.finished and await self.store.ask(source.principal, message):
            self.spawn(self._await_steer(source, steer))
        else:
            self._too_late(source, steer)
        return steer

    async def _await_steer(self, source: Following, steer: Steer) -> None:
        place = 0
        while not steer.settled.done():
            news = source.news
            for event in source.events[place:]:
                if isinstance(event, models.TurnSteered) and event.steer == steer.name:
                    same = content_of(read_items(event.items, "input")) == steer.content
                    steer.settle(event if same else refusals.steer_conflict(steer.name))
            place = len(source.events)
            if not source.finished:
                await news.wait()
            elif place == len(source.events):
                self._too_late(source, steer)

    def _too_late(self, source: Following, steer: Steer) -> None:
        if steer.settled.done():
            return
        steer.settle(refusals.events_gone(source.name) if source.gone else refusals.too_late(source.name))
        until = self.clock() + self.settings.replay_ms / 1000
        _, late = self._late.get((source.principal, source.name), (0.0, {}))
        self._late[source.principal, source.name] = (until, {**late, steer.name: steer.content})

    def asked(self, principal: str, message: Asked) -> None:
        """Do what another node asks for a turn that runs here; one that has ended meanwhile needs nothing."""
        turn = self.running.get((principal, message.turn))
        if turn is None:
            return
        if isinstance(message, models.TurnCancel):
            turn.cancel()
            return
        try:
            if message.steer not in turn.steers.known:
                items = read_items(message.input, "input")
                self.check_steer(items, turn.history())
                turn.steers.take(message.steer, items)
        except Refuse as error:  # the node that asked finds it not in the record, and says so at the end
            report("a steer from another node was refused", error)
