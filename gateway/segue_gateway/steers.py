"""Steers: input that enters a turn while it runs, at the next item boundary behind which no call is open.

A steer is settled once, by the `turn.steered` that was written or by a refusal, and whoever repeats it gets the same.
Refusals are no part of the record: they are kept beside it, as long as it may be asked for (spec: lanes, Steers).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from segue_adapters.wires.base import Refuse
from segue_schemas import models

from . import refusals
from .following import Following
from .items import Item, read_item

if TYPE_CHECKING:
    from .acceptance import Caller
    from .history import History
    from .readings import Source
    from .settings import Settings
    from .turns import Turn

__all__ = ["Steer", "Steering", "Steers"]

#: Steers that one turn takes in its life.
_MOST = 64
_RETRY_MS = 1_000

Content = tuple[tuple[str, str | None, str | None, dict[str, Any] | None], ...]


def content_of(items: Sequence[Item]) -> Content:
    """Return what makes two inputs of a steer the same."""
    return tuple(item.content for item in items)


@dataclass(eq=False, slots=True)
class Steer:
    """One steer of one turn; `settled` is its `turn.steered`, or the refusal that it gets."""

    turn: str
    name: str
    content: Content
    items: Sequence[Item] = ()
    settled: asyncio.Future[models.TurnSteered | Refuse] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def settle(self, answer: models.TurnSteered | Refuse) -> Steer:
        """Answer it, unless it was answered."""
        if not self.settled.done():
            self.settled.set_result(answer)
        return self


class Steers:
    """The steers of a turn that runs."""

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self.known: dict[str, Steer] = {}
        self.waiting: deque[Steer] = deque()
        self.closed = False

    def take(self, name: str, items: Sequence[Item]) -> Steer:
        """Return a new steer: one that waits for its boundary, or is too late."""
        if len(self.known) >= _MOST:
            raise refusals.quota_exceeded(f"A turn takes {_MOST} steers; start another turn.", _RETRY_MS)
        steer = self.known[name] = Steer(self.turn, name, content_of(items), items)
        if self.closed:
            return steer.settle(refusals.too_late(self.turn))
        self.waiting.append(steer)
        return steer

    def close(self, answer: Callable[[], Refuse] | None = None) -> None:
        """Settle what waits: nothing enters any more."""
        self.closed = True
        while self.waiting:
            self.waiting.popleft().settle(refusals.too_late(self.turn) if answer is None else answer())

    def late(self) -> dict[str, Content]:
        """Return those that did not enter, by name."""
        return {
            name: steer.content
            for name, steer in self.known.items()
            if steer.settled.done() and isinstance(steer.settled.result(), Refuse)
        }


class Steering:
    """The part of an endpoint that takes steers."""

    settings: Settings
    clock: Callable[[], float]
    _late: dict[tuple[str, str], tuple[float, Mapping[str, Content]]]

    if TYPE_CHECKING:  # another part of an endpoint

        async def steer_elsewhere(self, source: Following, message: models.TurnSteer, items: Sequence[Item]) -> Steer:
            """Hand a steer to the node that runs its turn."""

    async def steer(self, caller: Caller, message: models.TurnSteer) -> Steer:
        """Return a steer, settled or waiting; a repeat is the one that was there (SEG-TURN-123). Raises Refuse."""
        if "steer" not in self.features(caller.wire):
            raise self.unoffered(message)
        items = await self.read_all(message.input, "input")
        source = await self.find(caller.principal, message.turn)
        if source is None:
            raise refusals.turn_not_found(message.turn, resend=False)
        known = self.known_steer(caller.principal, source, message.steer)
        if known is not None:
            if known.content != content_of(items):
                raise refusals.steer_conflict(message.steer)
            return known
        running: Turn | None = getattr(source, "taking", lambda: None)()
        self.check_steer(items, running.history() if running is not None else None)
        if isinstance(source, Following):
            return await self.steer_elsewhere(source, message, items)
        if running is None:
            raise refusals.too_late(message.turn)
        return running.steers.take(message.steer, items)

    def known_steer(self, principal: str, source: Source, name: str) -> Steer | None:
        """Return a steer that is known in its turn: of one that runs, in the record, or too late for it."""
        running: Turn | None = getattr(source, "taking", lambda: None)()
        if running is not None:
            return running.steers.known.get(name)
        for event in source.events:
            if isinstance(event, models.TurnSteered) and event.steer == name:
                items = [read_item(bytes(item)) for item in event.items]
                return Steer(source.name, name, content_of(items)).settle(event)
        _, late = self._late.get((principal, source.name), (0.0, {}))
        return Steer(source.name, name, late[name]).settle(refusals.too_late(source.name)) if name in late else None

    def check_steer(self, items: Sequence[Item], history: History | None) -> None:
        """Refuse items that would leave a call open, that answer none, or that the model can't be given."""
        opened: set[object] = set()
        borne = history.borne() if history is not None else set()
        for place, item in enumerate(items):
            if item.call is None:
                continue
            if item.role == "opens":
                opened.add(item.call)
            elif item.call in opened:
                opened.discard(item.call)
            elif history is not None and item.call not in borne:
                text = f"No call with id '{item.call.id[:80]}' stands before this output."
                raise refusals.invalid_request(text, f"/input/{place}/call_id")
        if opened:
            raise refusals.invalid_request("A steer may leave no call open: nothing could answer it.", "/input")
        if history is not None:
            self.check_readable(items, history)

    def keep_late(self, turn: Turn) -> None:
        """Keep the refusals of a turn that ended beside its record."""
        late = turn.steers.late()
        if late:
            until = self.clock() + self.settings.replay_ms / 1000
            self._late[turn.plan.principal, turn.name] = (until, late)

    def forget_late(self) -> None:
        """Free the refusals whose records may be gone."""
        now = self.clock()
        for key in [key for key, (until, _) in self._late.items() if until <= now]:
            del self._late[key]

    # -- what the rest of an endpoint does

    def features(self, wire: str | None = None) -> list[str]:
        """Return the features that a wire carries."""
        raise NotImplementedError

    def unoffered(self, message: models.ClientMessage) -> Refuse:
        """Return the refusal of a message whose feature is not offered."""
        raise NotImplementedError

    async def read_all(self, raws: Sequence[msgspec.Raw], member: str) -> list[Item]:
        """Return items, each checked."""
        raise NotImplementedError

    async def find(self, principal: str, name: str) -> Source | None:
        """Return a turn that runs here or its record."""
        raise NotImplementedError

    def check_readable(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse items that the model can't be given."""
        raise NotImplementedError
