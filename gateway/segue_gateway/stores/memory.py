"""The store in memory: names, records, continuations and contexts that end with the process.

Bounded for each principal: `cached` continuations are evicted, least recently used first and only from the principal
that stores (SEG-ISO-009); names and records are promises and are refused instead. Time is a monotonic clock that is
handed in. Every method runs without an await in it, so each is one atomic step among the tasks of a loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from segue_schemas import models

from ..contexts import Context
from .account import Account, HandleKept, TurnKept
from .alone import Alone
from .base import Bounds, Claim, Event, Handle, Held, Known, Record, RetentionLost, StaleEpoch, StoreFull, interrupted
from .expiry import Expiry
from .tree import Tree
from .weights import event_weight

__all__ = ["MemoryStore"]


class MemoryStore(Alone):
    """Keeps everything in this process; `clock` gives monotonic seconds."""

    tiers: Sequence[models.Retention] = ("connection", "cached")
    names_survive: models.NamesSurvive = "process"

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self.clock = clock
        self.on_evicted: Callable[[str, list[str]], None] | None = None
        self._principals: dict[str, Account] = {}
        self._handles: dict[tuple[str, str], HandleKept] = {}
        self._scopes: dict[tuple[str, str], set[str]] = {}
        self._tree = Tree()
        self._expiry = Expiry(clock)
        self._serial = count()

    # -- names and records

    async def known(self, principal: str, turn: str) -> Known | None:
        """Return what is known of a name."""
        self._sweep()
        found = self._turn(principal, turn)
        return None if found is None else Known(found.content, found.events is None)

    async def claim(
        self, principal: str, turn: str, content: str, accepted: models.TurnAccepted, contexts: Sequence[Context]
    ) -> Claim:
        """Claim a name for a content and write `turn.accepted`, or say who has it."""
        self._sweep()
        found = self._turn(principal, turn)
        if found is not None:
            if found.content != content:
                return Claim("conflict")
            return Claim("gone" if found.events is None else "existing")
        owner = self._principals.setdefault(principal, Account())
        if len(owner.turns) >= self.bounds.turns:
            self._forget_empty(principal)
            raise StoreFull("turns")
        weight = sum(context.size for context in contexts) + event_weight(accepted)
        if not self._make_room(principal, lambda: weight):
            self._forget_empty(principal)
            raise StoreFull("state")
        held = [owner.pin(context) for context in contexts]
        made = owner.turns[turn] = TurnKept(content, self.first_epoch(), next(self._serial), [accepted], held)
        self._charge(owner, made, [accepted])
        return Claim("claimed", made.epoch)

    def first_epoch(self) -> int:
        """Return the epoch of a name's first owner."""
        return 1

    async def append(self, principal: str, turn: str, epoch: int, events: Sequence[Event]) -> None:
        """Write events behind the record's last."""
        found = self._owned(principal, turn, epoch)
        if found.events is not None:  # deleted while it ran: it runs on, and nothing of it is kept
            found.events.extend(events)
            self._charge(self._principals[principal], found, events)

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
        self._sweep()
        found = self._owned(principal, turn, epoch)
        left = None
        if handle is not None:
            left = self._keep(principal, handle)  # raises before anything is written
            found.handle = handle.id
        found.finished = True
        if found.events is None:
            self._expiry.add(self.bounds.name_ms, self._drop_name, principal, turn, found.serial)
            return left
        found.events += (*before, terminal)
        self._charge(self._principals[principal], found, [*before, terminal])
        self._expiry.add(self.bounds.replay_ms, self._drop_record, principal, turn, found.serial)
        return left

    async def interrupt(self, principal: str, turn: str) -> bool:
        """Close a record whose owner is gone; here that is a turn which could not be written any more."""
        found = self._turn(principal, turn)
        if found is None or found.finished:
            return False
        accepted = found.events[0] if found.events else None
        if isinstance(accepted, models.TurnAccepted) and accepted.retention == "none":  # SEG-TURN-134
            found.finished = True
            self._drop_record(principal, turn, found.serial)
        else:
            end = interrupted(turn, len(found.events or ()))
            await self.finish(principal, turn, found.epoch, end, None)
        return True

    async def read(self, principal: str, turn: str, after: int | None = None) -> Record | None:
        """Return a turn's events above a number."""
        self._sweep()
        found = self._turn(principal, turn)
        if found is None:
            return None
        if found.events is None:
            return Record(gone=True, finished=found.finished)
        kept = self._handles.get((principal, found.handle)) if found.handle else None
        left = 0.0 if kept is None else self._left(kept)
        return Record(self._behind(found.events, after), found.finished, left_ms=left)

    def _behind(self, events: list[Event], after: int | None) -> list[Event]:
        return events[:] if after is None else events[after + 1 :]  # seqs have no gaps in a record

    def _turn(self, principal: str, turn: str) -> TurnKept | None:
        owner = self._principals.get(principal)
        return None if owner is None else owner.turns.get(turn)

    def _owned(self, principal: str, turn: str, epoch: int) -> TurnKept:
        found = self._turn(principal, turn)
        if found is None or found.finished or found.epoch != epoch:
            raise StaleEpoch(turn)
        return found

    def _drop_record(self, principal: str, turn: str, serial: int) -> None:
        """Free a record; its name stays for `name_ms`."""
        found = self._turn(principal, turn)
        if found is None or found.serial != serial or found.events is None:
            return
        owner = self._principals[principal]
        owner.size -= found.size
        found.events, found.size = None, 0
        for context in found.contexts:
            owner.unpin(context)
        found.contexts = []
        if found.finished:
            self._expiry.add(self.bounds.name_ms, self._drop_name, principal, turn, found.serial)

    def _drop_name(self, principal: str, turn: str, serial: int) -> None:
        found = self._turn(principal, turn)
        if found is not None and found.serial == serial:
            del self._principals[principal].turns[turn]
            self._forget_empty(principal)

    def _charge(self, owner: Account, turn: TurnKept, events: Sequence[Event]) -> None:
        weight = sum(map(event_weight, events))
        turn.size += weight
        owner.size += weight

    # -- continuations

    async def resolve(self, principal: str, identifier: str, scope: str | None) -> Held | None:
        """Return a continuation by one lookup of principal and id."""
        self._sweep()
        kept = self._lookup(principal, identifier, scope)
        if kept is None:
            return None
        self._principals[principal].used.move_to_end(identifier)
        return Held(kept.handle, self._left(kept))

    def _lookup(self, principal: str, identifier: str, scope: str | None) -> HandleKept | None:
        kept = self._handles.get((principal, identifier))
        if kept is None or kept.handle.scope not in (None, scope):
            return None
        return kept

    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        """Delete a continuation and the records that hold its output."""
        self._sweep()
        kept = self._lookup(principal, identifier, scope)
        if kept is None:
            return None
        gone = [identifier]
        if descendants:
            # Condemned first: a turn that runs from one of them finds out when it ends (SEG-CONT-075).
            below = self._tree.condemn(kept.handle.history)
            gone += [name for name in below if (principal, name) in self._handles and name != identifier]
        for name in gone:
            handle = self._handles[principal, name].handle
            self._remove(principal, name)
            record = self._turn(principal, handle.turn)
            if record is not None and record.handle == name:  # the name may be another turn's by now
                self._drop_record(principal, handle.turn, record.serial)
        return gone

    async def close_scope(self, principal: str, scope: str) -> None:
        """Delete the handles of a connection that ended."""
        for identifier in self._scopes.pop((principal, scope), ()):
            self._remove(principal, identifier)
        self._sweep()

    def _keep(self, principal: str, handle: Handle) -> float | None:
        owner = self._principals[principal]
        if self._tree.condemned(handle.history):
            raise RetentionLost
        # What it costs is reckoned anew after each eviction: that may have freed a part that this history needs.
        if not self._make_room(principal, lambda: self._tree.cost(handle.history), continuations=1):
            raise RetentionLost
        ends = None if handle.life_ms is None else self.clock() + handle.life_ms / 1000
        handle = replace(handle, context=owner.pin(handle.context))
        kept = self._handles[principal, handle.id] = HandleKept(handle, ends)
        owner.used[handle.id] = None
        owner.size += self._tree.hold(handle.history, handle.id)
        if handle.scope is not None:
            self._scopes.setdefault((principal, handle.scope), set()).add(handle.id)
        if handle.life_ms is not None:
            # By its id alone: the heap must not keep alive what was deleted before its time.
            self._expiry.add(handle.life_ms, self._remove, principal, handle.id)
        return self._left(kept)

    def _left(self, kept: HandleKept) -> float | None:
        return None if kept.ends is None else max(0.0, (kept.ends - self.clock()) * 1000)

    def _remove(self, principal: str, identifier: str) -> None:
        kept = self._handles.pop((principal, identifier), None)
        if kept is None:
            return
        owner = self._principals[principal]
        owner.used.pop(identifier, None)
        owner.size -= self._tree.release(kept.handle.history)
        owner.unpin(kept.handle.context)
        if kept.handle.scope is not None:
            self._scopes.get((principal, kept.handle.scope), set()).discard(identifier)
        self._forget_empty(principal)

    def _make_room(self, principal: str, weight: Callable[[], int], *, continuations: int = 0) -> bool:
        """Evict `cached` continuations of this principal until there is room; return whether there is."""
        owner = self._principals[principal]
        evicted: list[str] = []

        def full() -> bool:
            return (
                owner.size + weight() > self.bounds.state_bytes
                or len(owner.used) + continuations > self.bounds.continuations
            )

        while full():
            victim = self._victim(principal, owner)
            if victim is None:
                break
            self._remove(principal, victim)
            self._principals.setdefault(principal, owner)
            evicted.append(victim)
        if evicted and self.on_evicted is not None:
            self.on_evicted(principal, evicted)
        return not full()

    def _victim(self, principal: str, owner: Account) -> str | None:
        """Return the least recently used continuation that may be given up: `cached` is best effort, others are not."""
        return next((i for i in owner.used if self._handles[principal, i].handle.retention == "cached"), None)

    # -- contexts

    async def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that is held for the principal."""
        self._sweep()
        owner = self._principals.get(principal)
        held = None if owner is None else owner.contexts.get(digest)
        return None if held is None else held[0]

    async def put_context(self, principal: str, context: Context) -> None:
        """Hold a context without a handle, for as long as a `cached` one lives."""
        self._sweep()
        owner = self._principals.setdefault(principal, Account())
        if not self._make_room(principal, lambda: context.size):
            self._forget_empty(principal)
            raise StoreFull("contexts")
        again = context.digest in owner.parked
        owner.parked[context.digest] = self.clock() + self.bounds.cached_ms / 1000
        if not again:  # one that is sent again lives longer, and is held and waited for once
            held = owner.pin(context)
            self._expiry.add(self.bounds.cached_ms, self._drop_context, principal, held)

    def _drop_context(self, principal: str, context: Context) -> None:
        owner = self._principals.get(principal)
        if owner is None:
            return
        left = owner.parked[context.digest] - self.clock()
        if left > 0:
            self._expiry.add(left * 1000, self._drop_context, principal, context)
            return
        del owner.parked[context.digest]
        owner.unpin(context)
        self._forget_empty(principal)

    # -- time and room

    async def sweep(self) -> None:
        """Free what has expired."""
        self._sweep()

    async def close(self) -> None:
        """End: everything here ends with the process."""

    def _sweep(self) -> None:
        self._expiry.run()

    def _forget_empty(self, principal: str) -> None:
        owner = self._principals.get(principal)
        if owner is not None and owner.empty:
            del self._principals[principal]

    def held(self, principal: str) -> dict[str, int]:
        """Return what is held for a principal, counted: turns, continuations, contexts, bytes."""
        owner = self._principals.get(principal, Account())
        return {
            "turns": len(owner.turns),
            "continuations": len(owner.used),
            "contexts": len(owner.contexts),
            "bytes": owner.size,
        }
