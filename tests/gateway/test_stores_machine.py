"""Each store against a plain model of it: whatever is done in whatever order, both say the same."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
from gateway_lab import Clock, bounds, context, handle, history, message
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from segue_gateway.contexts import Context
from segue_gateway.history import EMPTY, History
from segue_gateway.stores.base import RetentionLost, StaleEpoch, StoreFull
from segue_gateway.stores.memory import MemoryStore
from segue_gateway.stores.sqlite import SQLiteStore
from segue_gateway.stores.valkey import ValkeyStore
from segue_schemas import models
from valkey_lab import Served, needs_server, serving

run = asyncio.Runner().run  # one loop for all steps: there are many

LIMIT, TURNS = 2, 12
REPLAY, NAME, CACHED = 1_000, 2_000, 5_000
PEOPLE = st.sampled_from(["alice", "bob"])
SCOPES = st.sampled_from([None, "one", "two"])
CONTEXTS = [context(model="m"), context(model="n")]


@dataclass
class Name:
    """A turn's name as the model has it: its content, how many events it has, and when what of it goes."""

    content: str
    epoch: int
    events: int = 1
    finished: bool = False
    record_ends: float | None = None
    name_ends: float | None = None
    contexts: list[str] = field(default_factory=list)
    handle: str | None = None


@dataclass
class Known:
    """A continuation as the model has it."""

    items: list[bytes]
    path: tuple[int, ...]
    scope: str | None
    ends: float | None
    turn: str
    context: str


@dataclass(frozen=True)
class Running:
    principal: str
    turn: str
    parent: History
    path: tuple[int, ...]
    epoch: int


class StoreMachine(RuleBasedStateMachine):
    """What is done to a store, and what a plain model says of it."""

    running = Bundle("running")
    handles = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.bounds = bounds(continuations=LIMIT, turns=TURNS, replay_ms=REPLAY, name_ms=NAME, cached_ms=CACHED)
        self.store: MemoryStore | SQLiteStore | ValkeyStore = self.open()
        self.names: dict[tuple[str, str], Name] = {}
        self.known: dict[str, dict[str, Known]] = {"alice": {}, "bob": {}}  # least recently used first
        self.condemned: set[tuple[int, ...]] = set()
        self.count = 0

    def open(self) -> MemoryStore | SQLiteStore | ValkeyStore:
        return MemoryStore(self.bounds, self.clock)

    def ids(self, principal: str) -> set[str]:
        assert isinstance(self.store, MemoryStore)
        return {identifier for owner, identifier in self.store._handles if owner == principal}

    def held(self, principal: str) -> dict[str, int]:
        assert not isinstance(self.store, ValkeyStore)
        return self.store.held(principal)

    # -- the model's time

    def pass_time(self) -> None:
        now = self.clock.now
        for key, name in list(self.names.items()):
            if name.record_ends is not None and name.record_ends <= now:
                name.name_ends = name.record_ends + NAME / 1000 if name.name_ends is None else name.name_ends
                name.record_ends, name.events, name.contexts = None, 0, []
            if name.name_ends is not None and name.name_ends <= now:
                del self.names[key]
        for held in self.known.values():
            for identifier in [i for i, one in held.items() if one.ends is not None and one.ends <= now]:
                del held[identifier]

    def drop_record(self, principal: str, turn: str, identifier: str) -> None:
        name = self.names.get((principal, turn))
        if name is not None and name.events and name.handle == identifier:
            name.record_ends, name.events, name.contexts = None, 0, []
            if name.finished:
                name.name_ends = self.clock.now + NAME / 1000

    @rule(ms=st.sampled_from([1, 300, 1_100, 2_500]))
    def wait(self, ms: int) -> None:
        # One step at a time, as a sweep in between would do it: what goes later is reckoned from what went before.
        for _ in range(ms // 100 or 1):
            self.clock.advance(min(ms, 100))
            run(self.store.sweep())
            self.pass_time()

    # -- turns

    def begin(self, principal: str, turn: str, content: str, under: Context) -> tuple[str, int]:
        try:
            claim = run(self.store.claim(principal, turn, content, models.TurnAccepted(turn=turn, seq=0), [under]))
        except StoreFull:
            return "full", 0
        return claim.outcome, claim.epoch

    def expected(self, principal: str, turn: str, content: str) -> str:
        name = self.names.get((principal, turn))
        if name is not None:
            if name.content != content:
                return "conflict"
            return "existing" if name.events else "gone"
        return "full" if sum(owner == principal for owner, _ in self.names) >= TURNS else "claimed"

    @rule(
        target=running, principal=PEOPLE, turn=st.sampled_from("abcde"), content=st.sampled_from("xy"),
        under=st.sampled_from(CONTEXTS),
    )  # fmt: skip
    def claim(self, principal: str, turn: str, content: str, under: Context) -> Any:
        outcome, epoch = self.begin(principal, turn, content, under)
        assert outcome == self.expected(principal, turn, content)
        if outcome != "claimed":
            return multiple()
        self.names[principal, turn] = Name(content, epoch, contexts=[under.digest])
        self.count += 1
        return Running(principal, turn, EMPTY, (self.count,), epoch)

    @rule(target=running, parent=handles, turn=st.sampled_from("abcde"), scope=SCOPES)
    def go_on(self, parent: tuple[str, str], turn: str, scope: str | None) -> Any:
        principal, identifier = parent
        found = run(self.store.resolve(principal, identifier, scope))
        model = self.known[principal].get(identifier)
        if model is None or model.scope not in (None, scope):
            assert found is None
            return multiple()
        assert found is not None
        assert found.handle.history.whole() == model.items
        assert found.handle.context.digest == model.context
        self.known[principal][identifier] = self.known[principal].pop(identifier)
        outcome, epoch = self.begin(principal, turn, "x", found.handle.context)
        assert outcome == self.expected(principal, turn, "x")
        if outcome != "claimed":
            return multiple()
        self.names[principal, turn] = Name("x", epoch, contexts=[model.context])
        self.count += 1
        return Running(principal, turn, found.handle.history, (*model.path, self.count), epoch)

    @rule(one=running, more=st.sampled_from([0, 0, 0, 1]))
    def append(self, one: Running, more: int) -> None:
        epoch = one.epoch + more
        name = self.names.get((one.principal, one.turn))
        event = models.ItemDelta(turn=one.turn, seq=name.events if name else 0, index=0, at="/x", append="y")
        if name is None or name.finished or epoch != name.epoch:
            with pytest.raises(StaleEpoch):
                run(self.store.append(one.principal, one.turn, epoch, [event]))
        else:
            run(self.store.append(one.principal, one.turn, epoch, [event]))
            name.events += 1

    @rule(target=handles, one=consumes(running), tier=st.sampled_from(["none", "connection", "cached"]), scope=SCOPES)
    def finish(self, one: Running, tier: str, scope: str | None) -> Any:
        name = self.names.get((one.principal, one.turn))
        held = self.known[one.principal]
        identifier = f"h{self.count}-{one.turn}"
        scope = scope or "one" if tier == "connection" else None
        told = history(message(f"{one.turn}{self.count}"), parent=one.parent)
        under = CONTEXTS[self.count % 2]
        kept = None
        if tier != "none":
            life = CACHED if tier == "cached" else None
            retention: Any = tier
            kept = handle(identifier, told, turn=one.turn, retention=retention, scope=scope, life_ms=life, under=under)
        terminal = models.TurnCompleted(turn=one.turn, status="completed")
        if name is None or name.finished or one.epoch != name.epoch:
            with pytest.raises(StaleEpoch):
                run(self.store.finish(one.principal, one.turn, one.epoch, terminal, kept))
            return multiple()
        if kept is not None:
            evictable = [i for i, model in held.items() if model.scope is None]
            full = len(held) >= LIMIT
            if one.path[:-1] in self.condemned or (full and not evictable):
                with pytest.raises(RetentionLost):
                    run(self.store.finish(one.principal, one.turn, one.epoch, terminal, kept))
                kept = None
            elif full:
                del held[evictable[0]]
        run(self.store.finish(one.principal, one.turn, one.epoch, terminal, kept))
        name.finished = True
        name.events += 1
        name.record_ends = self.clock.now + REPLAY / 1000
        if kept is None:
            return multiple()
        name.handle = identifier
        ends = self.clock.now + CACHED / 1000 if scope is None else None
        held[identifier] = Known(told.whole(), one.path, scope, ends, one.turn, under.digest)
        return (one.principal, identifier)

    @rule(target=handles, principal=PEOPLE, scope=SCOPES)
    def whole_turn(self, principal: str, scope: str | None) -> Any:
        """Claim and finish in one, so that handles are many and the bound is reached."""
        turn = f"w{self.count}"
        one = self.claim(principal, turn, "x", CONTEXTS[0])
        return self.finish(one, "connection" if scope else "cached", scope) if isinstance(one, Running) else multiple()

    # -- reading and deleting

    @rule(one=handles)
    def read_its_record(self, one: tuple[str, str]) -> None:
        model = self.known[one[0]].get(one[1])
        self.read(one[0], model.turn if model is not None else one[1].partition("-")[2], None)

    @rule(principal=PEOPLE, turn=st.sampled_from("abcde"), after=st.none() | st.integers(0, 4))
    def read(self, principal: str, turn: str, after: int | None) -> None:
        record = run(self.store.read(principal, turn, after))
        name = self.names.get((principal, turn))
        if name is None:
            assert record is None
            return
        assert record is not None
        assert record.gone == (name.events == 0)
        assert record.finished == name.finished
        assert len(record.events) == max(0, name.events - (0 if after is None else after + 1))

    @rule(target_handle=handles, scope=SCOPES, other=st.booleans())
    def resolve(self, target_handle: tuple[str, str], scope: str | None, other: bool) -> None:
        principal, identifier = target_handle
        asking = {"alice": "bob", "bob": "alice"}[principal] if other else principal
        model = self.known[asking].get(identifier)
        found = run(self.store.resolve(asking, identifier, scope))
        assert (found is not None) == (model is not None and model.scope in (None, scope))
        if found is not None and model is not None:
            assert found.handle.history.whole() == model.items
            self.known[asking][identifier] = self.known[asking].pop(identifier)

    @rule(target_handle=handles, scope=SCOPES, descendants=st.booleans())
    def delete(self, target_handle: tuple[str, str], scope: str | None, descendants: bool) -> None:
        principal, identifier = target_handle
        held = self.known[principal]
        model = held.get(identifier)
        gone = run(self.store.delete(principal, identifier, scope, descendants=descendants))
        if model is None or model.scope not in (None, scope):
            assert gone is None
            return
        wanted = [identifier]
        if descendants:
            wanted += [i for i, one in held.items() if i != identifier and one.path[: len(model.path)] == model.path]
            self.condemn(model.path)
        assert gone is not None
        assert sorted(gone) == sorted(wanted)
        for one in wanted:
            self.drop_record(principal, held.pop(one).turn, one)

    def condemn(self, path: tuple[int, ...]) -> None:
        # A turn is lost where its parent is condemned: the deleted one, or any that goes on from it.
        paths = {path, *(p for p in self.paths() if p[: len(path)] == path)}
        self.condemned |= paths

    def paths(self) -> set[tuple[int, ...]]:
        held = {one.path for people in self.known.values() for one in people.values()}
        return held | self.ancestors

    @property
    def ancestors(self) -> set[tuple[int, ...]]:
        return {path[:length] for path in self.running_paths for length in range(1, len(path))}

    @property
    def running_paths(self) -> list[tuple[int, ...]]:
        return [one.path for one in self.bundle_values("running")]

    def bundle_values(self, name: str) -> list[Any]:
        return [self.names_to_values[variable.name] for variable in self.bundles.get(name, [])]

    @rule(principal=PEOPLE, scope=st.sampled_from(["one", "two"]))
    def close(self, principal: str, scope: str) -> None:
        run(self.store.close_scope(principal, scope))
        held = self.known[principal]
        for identifier in [i for i, one in held.items() if one.scope == scope]:
            del held[identifier]

    # -- always

    @invariant()
    def both_count_the_same(self) -> None:
        for principal, held in self.known.items():
            counts = self.held(principal)
            assert counts["continuations"] == len(held) <= LIMIT
            assert self.ids(principal) == set(held)
            assert counts["turns"] == sum(owner == principal for owner, _ in self.names) <= TURNS
            needed = {one.context for one in held.values()}
            needed |= {c for (owner, _), name in self.names.items() if owner == principal for c in name.contexts}
            assert counts["contexts"] == len(needed)
            assert counts["bytes"] >= 0
            if not held and not counts["turns"]:
                assert counts["bytes"] == 0


class SQLiteMachine(StoreMachine):
    """The same, with a process that ends now and then."""

    def open(self) -> SQLiteStore:
        if not hasattr(self, "folder"):
            self.folder = tempfile.TemporaryDirectory()
        return SQLiteStore(f"{self.folder.name}/store.db", self.bounds, self.clock, wall=self.clock)

    def ids(self, principal: str) -> set[str]:
        assert isinstance(self.store, SQLiteStore)
        owner = self.store._steps.ledger.known(principal)
        rows = self.store._database.execute("SELECT id FROM handles WHERE principal = ?", owner)
        return {identifier for (identifier,) in rows}

    @rule()
    def restart(self) -> None:
        """Turns that ran are interrupted, connections are gone, and nobody holds an old history in memory."""
        run(self.store.close())
        self.store = self.open()
        for name in self.names.values():
            if not name.finished:
                name.finished = True
                if name.events:
                    name.events += 1
                    name.record_ends = self.clock.now + REPLAY / 1000
                else:
                    name.name_ends = self.clock.now + NAME / 1000
        for held in self.known.values():
            for identifier in [i for i, one in held.items() if one.scope is not None]:
                del held[identifier]

    def teardown(self) -> None:
        run(self.store.close())
        self.folder.cleanup()


class ValkeyMachine(StoreMachine):
    """The same, with another node that goes on now and then: it has read nothing yet, and nothing is lost with one."""

    served: Served
    numbers = itertools.count()

    def open(self) -> ValkeyStore:
        if not hasattr(self, "prefix"):
            self.prefix = f"machine{next(self.numbers)}:"
        return self.served.store(self.bounds, self.clock, prefix=self.prefix)

    def held(self, principal: str) -> dict[str, int]:
        assert isinstance(self.store, ValkeyStore)
        return run(self.store.held(principal))

    def ids(self, principal: str) -> set[str]:
        assert isinstance(self.store, ValkeyStore)
        listed = run(self.store.server.client.execute_command("HKEYS", f"{self.prefix}{{{principal}}}:h"))
        return {identifier.decode() for identifier in listed}

    @rule()
    def another_node(self) -> None:
        run(self.store.close())
        self.store = self.open()

    def teardown(self) -> None:
        run(self.store.close())


TestMemory = StoreMachine.TestCase
TestMemory.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestSQLite = SQLiteMachine.TestCase
TestSQLite.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)


@needs_server
class TestValkey(ValkeyMachine.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=20, stateful_step_count=50, deadline=None)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with serving(tmp_path_factory.mktemp("server")) as ValkeyMachine.served:
            yield
