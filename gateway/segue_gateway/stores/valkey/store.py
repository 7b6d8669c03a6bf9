"""The store in a server, as the endpoint sees it: every method is a script, which the server runs whole or not at all.

Names and records, and who owns them, are here; continuations and contexts in `continuations`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from segue_schemas import models

from ...contexts import Context
from ..base import Asked, Bounds, Claim, Event, Handle, Known, Record, StaleEpoch, StoreFull, Unwritable
from ..encoding import decode_events
from ..weights import context_weight, event_weight
from .address import Address
from .continuations import Continuations
from .leases import Leases
from .listener import Listener
from .loaded import Loaded
from .private import Private, PrivateRecord
from .promises import Promises
from .server import AGAIN, Server
from .steps import Steps

__all__ = ["ValkeyStore"]


class ValkeyStore(Continuations):
    """Keeps names, records, continuations and contexts in a server that other nodes may share.

    A turn belongs to the node that claimed it, by a lease of `bounds.lease_ms` that is renewed while it runs; whoever
    finds that it has run out closes the record. What can be promised is the server's own to say (`promises`), and is
    read whenever it is reached anew. `patience` is for how many seconds a server that does not answer is asked again.
    Records of retention `none` lie in this process alone. `clock`, in seconds, stands in for the server's time.
    """

    shared = True

    def __init__(
        self,
        address: Address,
        bounds: Bounds,
        clock: Callable[[], float] | None = None,
        *,
        promises: Promises | None = None,
        patience: float = 5.0,
        slack_ms: int = 60_000,
    ) -> None:
        self.bounds = bounds
        self.promises = promises or Promises()
        self.on_evicted: Callable[[str, list[str]], None] | None = None
        self.on_deleted: Callable[[str, list[str]], None] | None = None
        self.on_asked: Callable[[str, Asked], None] | None = None
        self.server = Server(address, patience=patience, reached=self._reached)
        self._loaded = Loaded()
        self._steps = Steps(self.server, bounds, self._loaded, clock, self._tell_evicted, slack_ms=slack_ms)
        self._leases = Leases(self._steps.run, bounds.lease_ms, self._tell_asked)
        self._clock = clock or time.monotonic
        self._private = Private(self._clock)
        self._scopes = {}
        self._scopes_due = 0.0
        self._gone, self._mine = f"{address.prefix}gone", f"{address.prefix}node:{self._steps.node}"
        self._listener = Listener(self.server, (self._gone, self._mine), self._heard)
        self._later: set[asyncio.Task[object]] = set()

    @property
    def tiers(self) -> Sequence[models.Retention]:
        """The retention that the server can keep."""
        return self.promises.tiers

    @property
    def names_survive(self) -> models.NamesSurvive:
        """What names and records outlive."""
        return self.promises.names_survive

    def _reached(self, promises: Promises) -> None:
        self.promises = promises

    # -- names and records

    async def known(self, principal: str, turn: str) -> Known | None:
        """Return what is known of a name."""
        told = await self._steps.run("known", principal, turn)
        if not told:
            return None
        content, gone, retention, epoch = told
        elsewhere = retention == b"none" and self._private.get(principal, turn, int(epoch)) is None
        return Known(content.decode(), bool(gone) or elsewhere)

    async def claim(
        self, principal: str, turn: str, content: str, accepted: models.TurnAccepted, contexts: Sequence[Context]
    ) -> Claim:
        """Claim a name for a content and write `turn.accepted`, or say who has it."""
        self._listener.listen()
        token = secrets.token_hex(8)
        try:
            return await self._claim(principal, turn, content, token, accepted, contexts)
        except (asyncio.CancelledError, Unwritable):
            # Who asked will not run it. Where the claim came through all the same, its lease would end it as well.
            task = asyncio.get_running_loop().create_task(self._give_up(principal, turn, token))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
            raise

    async def _claim(
        self,
        principal: str,
        turn: str,
        content: str,
        token: str,
        accepted: models.TurnAccepted,
        contexts: Sequence[Context],
    ) -> Claim:
        retention = accepted.retention if isinstance(accepted.retention, str) else "cached"
        private = retention == "none"
        weight = event_weight(accepted) + (sum(map(context_weight, contexts)) if private else 0)
        event = b"" if private else msgspec.json.encode(accepted)
        uses = self._steps.uses(principal)
        for raw in (False, True):
            sent = [] if private else [part for one in contexts for part in self.sent_context(principal, one, raw=raw)]
            asked_at = self._leases.now()
            told = await self._steps.run(
                "claim", principal, turn, content, token, retention, event, weight, uses, *sent
            )
            if told[0] != b"need":
                break
        outcome = told[0].decode()
        if outcome == "full":
            raise StoreFull(told[1].decode())
        if outcome != "claimed":
            return Claim(outcome)
        epoch = int(told[1])
        self._leases.take(principal, turn, epoch, asked_at)
        if private:
            self._private.add(principal, turn, PrivateRecord(epoch, [accepted], contexts))
        for context in () if private else contexts:
            self._loaded.keep_context(principal, context)
        return Claim("claimed", epoch)

    async def _give_up(self, principal: str, turn: str, token: str) -> None:
        try:
            await self._steps.run("interrupt", principal, turn, token)
        except Unwritable:
            return  # its lease runs out

    async def append(self, principal: str, turn: str, epoch: int, events: Sequence[Event]) -> None:
        """Write events behind the record's last."""
        owned = self._leases.get(principal, turn, epoch)
        first = "" if owned is None else owned.next
        private = self._private.get(principal, turn, epoch)
        bodies = [] if private is not None else [msgspec.json.encode(event) for event in events]
        weight = sum(map(event_weight, events))
        asked_at = self._leases.now()
        await self._write("append", principal, turn, epoch, first, AGAIN, weight, len(events), *bodies)
        if owned is not None:
            self._leases.wrote(owned, len(events), asked_at)
        if private is not None:
            private.events.extend(events)

    async def finish(
        self,
        principal: str,
        turn: str,
        epoch: int,
        terminal: models.TurnCompleted | models.TurnFailed,
        handle: Handle | None,
        before: Sequence[Event] = (),
    ) -> float | None:
        """Write the terminal event and its continuation in one step."""
        assert not before, "a step of its own wrote them"
        owned = self._leases.get(principal, turn, epoch)
        first = "" if owned is None else owned.next
        private = self._private.get(principal, turn, epoch)
        event = b"" if private is not None else msgspec.json.encode(terminal)
        head = (turn, epoch, first, AGAIN, event, event_weight(terminal))
        left = await self.write_end(principal, head, handle)
        self._leases.drop(principal, turn, epoch)
        if private is not None:
            private.events.append(terminal)
            self._private.end(private, self.bounds.replay_ms)
        return left

    async def _write(self, step: str, principal: str, turn: str, epoch: int, *arguments: Any) -> list[Any]:
        """Run a step that only the owner may take; StaleEpoch, Unwritable."""
        try:
            told = await self._steps.run(step, principal, turn, epoch, *arguments)
        except Unwritable:
            owned = self._leases.get(principal, turn, epoch)
            if owned is not None:
                owned.lost = True  # who can't write lets others take the turn for ended
            raise
        if told[0] == b"stale":
            self._leases.drop(principal, turn, epoch)
            self._private.drop(principal, turn)
            raise StaleEpoch(turn)
        return told

    async def interrupt(self, principal: str, turn: str) -> bool:
        """Close a record whose owner is gone: whose lease has run out, or who is this node and runs it no more."""
        mine = self._leases.epoch(principal, turn)
        (closed,) = await self._steps.run("interrupt", principal, turn, "" if mine is None else mine)
        if mine is not None and closed:
            self._leases.drop(principal, turn, mine)
            self._private.drop(principal, turn)
        return bool(closed)

    async def read(self, principal: str, turn: str, after: int | None = None) -> Record | None:
        """Return a turn's events above a number."""
        self._listener.listen()  # it may be deleted while it is read
        start = 0 if after is None else after + 1
        told = await self._steps.run("read", principal, turn, start)
        if not told:
            return None
        finished, gone, retention, epoch, left, bodies = told
        left_ms = float(left) if left else None
        if retention == b"none" and not gone:
            private = self._private.get(principal, turn, int(epoch))
            if private is not None:
                return Record(private.events[start:], bool(finished), left_ms=left_ms)
            gone = 1  # it lies on another node, or has gone with it
        if gone:
            return Record(gone=True, finished=bool(finished))
        return Record(decode_events(b"[" + b",".join(bodies) + b"]"), bool(finished), left_ms=left_ms)

    # -- other nodes

    async def renew(self, principal: str, turn: str, epoch: int) -> None:
        """Make sure that the epoch is current."""
        await self._leases.renew(principal, turn, epoch)

    def watch(self, principal: str, turn: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """Give an event that is set whenever a record may have grown."""
        return self._listener.watch(f"{self._steps.base(principal)}n:{turn}")

    async def ask(self, principal: str, message: Asked) -> bool:
        """Put a message to the owner of a turn."""
        (asked,) = await self._steps.run("ask", principal, message.turn, msgspec.json.encode(message))
        return bool(asked)

    def _heard(self, channel: str, data: bytes) -> None:
        if channel == self._mine:
            self._leases.poke()
            return
        node, principal, evicted, deleted, freed = msgspec.msgpack.decode(data)
        if node == self._steps.node:
            return
        self._loaded.forget(freed)
        if evicted:
            self._tell_evicted(principal, list(evicted))
        if deleted and self.on_deleted is not None:
            self.on_deleted(principal, list(deleted))

    def _tell_evicted(self, principal: str, identifiers: list[str]) -> None:
        if self.on_evicted is not None:
            self.on_evicted(principal, identifiers)

    def _tell_asked(self, principal: str, message: Asked) -> None:
        if self.on_asked is not None:
            self.on_asked(principal, message)

    # -- time

    async def sweep(self) -> None:
        """Free what has expired, and close the records whose owners are gone."""
        self._private.sweep()
        self._listener.listen()
        try:
            if self._clock() >= self._scopes_due:
                self._scopes_due = self._clock() + self._steps.scope_ms / 3_000
                await self.renew_scopes()
            for principal in {*await self._steps.due(), *self._steps.used()}:
                await self._steps.run("sweep", principal, self._steps.uses(principal))
        except Unwritable:
            return  # the next time

    async def held(self, principal: str) -> dict[str, int]:
        """Return what is held for a principal, counted."""
        return await self._steps.held(principal)

    async def close(self) -> None:
        """End all work and every connection."""
        await self._leases.close()
        await self._listener.close()
        await asyncio.gather(*self._later, return_exceptions=True)
        await self.server.close()
