"""What `stores.base.Store` promises, asked of each store: one contract, many stores."""

from __future__ import annotations

import asyncio
import gc
import itertools
import weakref
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pytest
from gateway_lab import PATIENCE, Clock, bounds, context, handle, history, message
from segue_gateway.contexts import Context
from segue_gateway.history import History
from segue_gateway.stores.base import Claim, Event, Known, RetentionLost, StaleEpoch, StoreFull
from segue_gateway.stores.memory import MemoryStore
from segue_gateway.stores.sqlite import SQLiteStore
from segue_gateway.stores.valkey import ValkeyStore
from segue_schemas import models
from valkey_lab import PROGRAM, Served, serving

T = TypeVar("T")

_runner = asyncio.Runner()  # one loop for all steps: connections to a server belong to one

AnyStore: TypeAlias = MemoryStore | SQLiteStore | ValkeyStore


def run(work: Coroutine[Any, Any, T]) -> T:
    return _runner.run(asyncio.wait_for(work, PATIENCE))


def accepted(turn: str = "t1") -> models.TurnAccepted:
    return models.TurnAccepted(turn=turn, seq=0)


def delta(seq: int, text: str = "x", turn: str = "t1") -> models.ItemDelta:
    return models.ItemDelta(turn=turn, seq=seq, index=0, at="/content/0/text", append=text)


def terminal(seq: int = 1, turn: str = "t1") -> models.TurnCompleted:
    return models.TurnCompleted(turn=turn, seq=seq, status="completed")


class Short:
    """A store whose every step is one call."""

    def __init__(self, clock: Clock, store: AnyStore) -> None:
        self.clock = clock
        self.store = store
        self.epochs: dict[tuple[str, str], int] = {}

    def claim(self, turn: str = "t1", content: str = "c", principal: str = "alice", *contexts: Context) -> Claim:
        claim = run(self.store.claim(principal, turn, content, accepted(turn), contexts))
        if claim.outcome == "claimed":
            self.epochs[principal, turn] = claim.epoch
        return claim

    def append(self, *events: Event, turn: str = "t1", principal: str = "alice", more: int = 0) -> None:
        run(self.store.append(principal, turn, self.epochs[principal, turn] + more, events))

    def finish(self, turn: str = "t1", keep: Any = None, principal: str = "alice", more: int = 0) -> float | None:
        epoch = self.epochs.get((principal, turn), 1) + more
        return run(self.store.finish(principal, turn, epoch, terminal(turn=turn), keep))

    def hold(self, identifier: str, principal: str = "alice", **members: Any) -> float | None:
        """Hold a whole turn that ends in a handle."""
        self.claim(turn := "turn-of-" + identifier, principal=principal)
        return self.finish(turn, handle(identifier, turn=turn, **members), principal)

    def resolves(self, identifier: str, principal: str = "alice", scope: str | None = None) -> bool:
        return run(self.store.resolve(principal, identifier, scope)) is not None

    def events(self, turn: str = "t1", after: int | None = None, principal: str = "alice") -> list[Event]:
        record = run(self.store.read(principal, turn, after))
        assert record is not None
        return list(record.events)

    def held(self, principal: str = "alice") -> dict[str, int]:
        if isinstance(self.store, ValkeyStore):
            return run(self.store.held(principal))
        return self.store.held(principal)


NOTHING = {"turns": 0, "continuations": 0, "contexts": 0, "bytes": 0}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if PROGRAM is None:
        pytest.skip("neither valkey-server nor redis-server is on the PATH")
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


_prefixes = itertools.count()


@pytest.fixture(params=["memory", "sqlite", "valkey"])
def opened(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Short]]:
    """Return what opens a store of one kind, with numbers of its own."""
    made: list[AnyStore] = []

    def open_one(**numbers: int) -> Short:
        if request.param == "memory":
            made.append(MemoryStore(bounds(**numbers), clock))
        elif request.param == "sqlite":
            made.append(SQLiteStore(tmp_path / f"{len(made)}.db", bounds(**numbers), clock))
        else:
            server = request.getfixturevalue("served")
            made.append(server.store(bounds(**numbers), clock, prefix=f"test{next(_prefixes)}:"))
        return Short(clock, made[-1])

    yield open_one
    for store in made:
        run(store.close())


@pytest.fixture
def short(opened: Callable[..., Short]) -> Short:
    return opened()


# -- names and records


def test_a_name_is_claimed_once(short: Short) -> None:
    assert short.claim(content="a").outcome == "claimed"
    assert short.claim(content="a").outcome == "existing"
    assert short.claim(content="b").outcome == "conflict"


def test_a_name_belongs_to_its_principal(short: Short) -> None:
    short.claim(content="a")
    assert short.claim(content="b", principal="bob").outcome == "claimed"
    assert run(short.store.known("alice", "t1")) == Known("a", gone=False)
    assert run(short.store.known("carol", "t1")) is None
    assert run(short.store.read("carol", "t1")) is None


def test_a_record_begins_with_its_acceptance_and_is_read_behind_any_number(short: Short) -> None:
    short.claim()
    short.append(delta(1), delta(2))
    short.finish()
    assert [event.seq for event in short.events()] == [0, 1, 2, 1]
    assert [event.seq for event in short.events(after=0)] == [1, 2, 1]
    assert short.events(after=3) == []


def test_a_record_says_whether_it_is_finished(short: Short) -> None:
    short.claim()
    before = run(short.store.read("alice", "t1"))
    short.finish()
    behind = run(short.store.read("alice", "t1"))
    assert before is not None
    assert behind is not None
    assert (before.finished, behind.finished) == (False, True)


def test_a_reader_gets_a_list_of_its_own(short: Short) -> None:
    short.claim()
    short.events().clear()
    assert len(short.events()) == 1


@pytest.mark.parametrize("more", [-1, 1])
def test_nothing_is_written_under_another_epoch(short: Short, more: int) -> None:
    short.claim()
    with pytest.raises(StaleEpoch):
        short.append(delta(1), more=more)
    with pytest.raises(StaleEpoch):
        short.finish(keep=handle(), more=more)
    assert len(short.events()) == 1
    assert not short.resolves("h1")


def test_nothing_is_written_behind_the_end(short: Short) -> None:
    short.claim()
    short.finish()
    with pytest.raises(StaleEpoch):
        short.finish()
    with pytest.raises(StaleEpoch):
        short.append(delta(2))
    assert len(short.events()) == 2


def test_a_record_goes_and_its_name_stays_for_a_while(short: Short, clock: Clock) -> None:
    short.claim(content="a")
    short.finish()
    clock.advance(999)
    assert len(short.events()) == 2
    clock.advance(2)
    record = run(short.store.read("alice", "t1"))
    assert record is not None
    assert record.gone
    assert short.claim(content="a").outcome == "gone"
    assert short.claim(content="b").outcome == "conflict"
    clock.advance(2_000)
    assert run(short.store.read("alice", "t1")) is None
    assert short.claim(content="b").outcome == "claimed"


def test_a_name_claimed_again_is_not_forgotten_by_the_old_ones_time(short: Short, clock: Clock) -> None:
    short.hold("h1")
    run(short.store.delete("alice", "h1", None))  # the record goes now, its name two seconds later
    clock.advance(2_001)
    assert short.claim("turn-of-h1").outcome == "claimed"
    clock.advance(1_500)  # what the first record still had to come is over too
    assert short.claim("turn-of-h1").outcome == "existing"


def test_a_turn_that_runs_keeps_its_record(short: Short, clock: Clock) -> None:
    short.claim()
    clock.advance(60_000)
    assert len(short.events()) == 1


# -- continuations


def test_a_handle_resolves_to_the_history_that_it_was_given(short: Short) -> None:
    told = history(message("hello"), message("there", "assistant"))
    short.hold("h1", of=told)
    found = run(short.store.resolve("alice", "h1", None))
    assert found is not None
    assert found.handle.history.whole() == told.whole()


def test_a_foreign_and_an_unknown_id_are_looked_up_alike(short: Short) -> None:
    short.hold("h1")
    short.hold("b1", principal="bob")
    looked: list[Any] = []

    class Spy(dict[Any, Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            looked.append(key)
            return super().get(key, default)

    if isinstance(short.store, MemoryStore):
        short.store._handles = Spy(short.store._handles)
    elif isinstance(short.store, ValkeyStore):
        asking = short.store.server.run

        async def spy(name: str, base: str, *arguments: Any) -> list[Any]:
            looked.append((name, base, *arguments[2:]))
            return await asking(name, base, *arguments)

        short.store.server.run = spy  # type: ignore[method-assign]
    else:
        short.store._database.connection.set_trace_callback(looked.append)

    def asked(identifier: str) -> list[str]:
        looked.clear()
        assert not short.resolves(identifier, "bob")
        return [str(one).replace(identifier, "ID") for one in looked]

    foreign, unknown = asked("h1"), asked("unknown")
    assert foreign == unknown
    assert any("ID" in one for one in foreign)
    assert short.resolves("h1")


def test_a_handle_ends_at_its_time_and_frees_what_it_held(short: Short, clock: Clock) -> None:
    assert short.hold("h1", life_ms=3_000) == pytest.approx(3_000)
    clock.advance(2_000)
    found = run(short.store.resolve("alice", "h1", None))
    assert found is not None
    assert found.left_ms == pytest.approx(1_000)
    clock.advance(1_001)
    assert not short.resolves("h1")
    clock.advance(2_000)
    run(short.store.sweep())
    assert short.held() == NOTHING
    if isinstance(short.store, MemoryStore):
        assert short.held() == NOTHING
        assert short.store._handles == {}


def test_a_handle_without_a_time_stays(short: Short, clock: Clock) -> None:
    assert short.hold("h1", life_ms=None) is None
    clock.advance(10**9)
    assert short.resolves("h1")


def test_what_was_deleted_is_not_kept_alive_until_its_time(short: Short) -> None:
    told = history(message("secret"))
    dead = weakref.ref(told)
    short.hold("h1", of=told, life_ms=10**9)
    run(short.store.delete("alice", "h1", None))
    del told
    gc.collect()
    assert dead() is None


def test_a_connections_handle_is_for_that_connection_and_dies_with_it(short: Short) -> None:
    short.hold("h1", retention="connection", scope="one", life_ms=None)
    short.hold("h2", retention="connection", scope="two", life_ms=None)
    assert short.resolves("h1", scope="one")
    assert not short.resolves("h1", scope="two")
    assert not short.resolves("h1")
    run(short.store.close_scope("alice", "one"))
    assert not short.resolves("h1", scope="one")
    assert short.resolves("h2", scope="two")


def test_a_history_is_held_whatever_becomes_of_its_parents(short: Short, clock: Clock) -> None:
    parent = history(message("first"))
    child = history(message("second"), parent=parent)
    short.hold("h1", of=parent, life_ms=1_000)
    short.hold("h2", of=child, life_ms=9_000)
    clock.advance(2_000)
    assert not short.resolves("h1")
    found = run(short.store.resolve("alice", "h2", None))
    assert found is not None
    assert len(found.handle.history.whole()) == 2


def test_appending_costs_the_turn_and_not_the_history(short: Short) -> None:
    long = history(message("x" * 10_000))
    short.hold("h0", of=long)
    first = short.held()["bytes"]
    for number in range(1, 6):
        long = history(message("y"), parent=long)
        short.hold(f"h{number}", of=long)
    assert short.held()["bytes"] - first < 5 * 1_000


def test_a_fork_costs_its_own_turns_only_and_frees_only_these(short: Short) -> None:
    base = history(message("x" * 10_000))
    short.hold("h0", of=base)
    short.hold("h1", of=history(message("left"), parent=base))
    short.hold("h2", of=history(message("right"), parent=base))
    both = short.held()["bytes"]
    assert both < 15_000
    run(short.store.delete("alice", "h0", None))
    run(short.store.delete("alice", "h1", None))
    assert short.held()["bytes"] > 10_000
    run(short.store.delete("alice", "h2", None))
    assert short.held()["bytes"] < 1_000


# -- bounds


def test_the_least_recently_used_of_the_same_principal_goes_first(opened: Callable[..., Short]) -> None:
    short = opened(continuations=3)
    told: list[tuple[str, list[str]]] = []
    short.store.on_evicted = lambda principal, ids: told.append((principal, ids))
    short.hold("b1", principal="bob")
    for identifier in ("h1", "h2", "h3"):
        short.hold(identifier)
    assert short.resolves("h1")  # now h2 is the one not used for longest
    short.hold("h4")
    assert told == [("alice", ["h2"])]
    assert [short.resolves(i) for i in ("h1", "h2", "h3", "h4")] == [True, False, True, True]
    assert short.resolves("b1", "bob")


def test_a_store_full_of_handles_that_may_not_go_keeps_no_more(opened: Callable[..., Short]) -> None:
    short = opened(continuations=2)
    for identifier in ("h1", "h2"):
        short.hold(identifier, retention="connection", scope="one", life_ms=None)
    short.claim("t3")
    with pytest.raises(RetentionLost):
        short.finish("t3", handle("h3", turn="t3"))
    assert len(short.events("t3")) == 1  # nothing was written
    short.finish("t3")
    assert short.resolves("h1", scope="one")


def test_bytes_are_bounded_and_only_the_storing_principal_pays(opened: Callable[..., Short]) -> None:
    short = opened(state_bytes=12_000)
    short.hold("b1", of=history(message("x" * 5_000)), principal="bob")
    short.hold("h1", of=history(message("x" * 5_000)))
    short.hold("h2", of=history(message("y" * 5_000)))
    short.hold("h3", of=history(message("z" * 5_000)))
    assert not short.resolves("h1")
    assert short.resolves("h3")
    assert short.resolves("b1", "bob")
    assert short.held()["bytes"] <= 12_000


def test_evicting_the_parent_counts_what_the_child_then_holds_alone(opened: Callable[..., Short]) -> None:
    short = opened(state_bytes=8_000)
    parent = history(message("x" * 5_000))
    short.hold("h1", of=parent)
    short.hold("h2", of=history(message("y" * 1_500), parent=parent))
    short.hold("h3", of=history(message("z" * 500)))
    assert short.held()["bytes"] <= 8_000


def test_names_are_refused_and_never_evicted(opened: Callable[..., Short]) -> None:
    short = opened(turns=2)
    short.claim("t1")
    short.claim("t2")
    with pytest.raises(StoreFull, match="turns"):
        short.claim("t3")
    assert short.claim("t1").outcome == "existing"
    assert short.claim("t3", principal="bob").outcome == "claimed"


def test_a_claim_that_finds_no_room_leaves_nothing_behind(opened: Callable[..., Short]) -> None:
    short = opened(state_bytes=100)
    with pytest.raises(StoreFull, match="state"):
        short.claim()
    assert short.held() == NOTHING


# -- deleting


def test_deleting_takes_the_record_and_leaves_the_name_and_the_descendants(short: Short) -> None:
    parent = history(message("first"))
    short.hold("h1", of=parent)
    short.hold("h2", of=history(message("second"), parent=parent))
    assert run(short.store.delete("alice", "h1", None)) == ["h1"]
    assert not short.resolves("h1")
    assert short.resolves("h2")
    record = run(short.store.read("alice", "turn-of-h1"))
    assert record is not None
    assert record.gone
    assert len(short.events("turn-of-h2")) == 2


def test_deleting_with_descendants_takes_all_that_goes_on_from_it(short: Short) -> None:
    root = history(message("0"))
    middle = history(message("1"), parent=root)
    leaf = history(message("2"), parent=middle)
    for identifier, told in (("h0", root), ("h1", middle), ("h2", leaf)):
        short.hold(identifier, of=told)
    short.hold("fork", of=history(message("3"), parent=root))
    short.hold(
        "in-connection", of=history(message("4"), parent=middle), retention="connection", scope="s", life_ms=None
    )
    run(short.store.delete("alice", "h1", None))  # its place in the tree stays
    gone = run(short.store.delete("alice", "h0", None, descendants=True))
    assert gone is not None
    assert sorted(gone) == ["fork", "h0", "h2", "in-connection"]
    assert short.held()["continuations"] == 0


def test_descendants_of_one_branch_only(short: Short) -> None:
    root = history(message("0"))
    left, right = history(message("l"), parent=root), history(message("r"), parent=root)
    for identifier, told in (("root", root), ("left", left), ("right", right)):
        short.hold(identifier, of=told)
    assert run(short.store.delete("alice", "left", None, descendants=True)) == ["left"]
    assert short.resolves("root")
    assert short.resolves("right")


def test_a_turn_that_runs_from_a_deleted_ancestry_loses_its_retention(short: Short) -> None:
    parent = history(message("first"))
    short.hold("h1", of=parent)
    short.claim("t2")
    child = handle("h2", history(message("second"), parent=parent), turn="t2")
    run(short.store.delete("alice", "h1", None, descendants=True))
    with pytest.raises(RetentionLost):
        short.finish("t2", child)
    assert not short.resolves("h2")


def test_a_turn_that_runs_survives_its_parents_plain_deletion(short: Short) -> None:
    parent = history(message("first"))
    short.hold("h1", of=parent)
    short.claim("t2")
    run(short.store.delete("alice", "h1", None))
    short.finish("t2", handle("h2", history(message("second"), parent=parent), turn="t2"))
    assert short.resolves("h2")


@pytest.mark.parametrize(("principal", "identifier"), [("bob", "h1"), ("alice", "unknown")])
def test_what_is_not_yours_is_not_deleted(short: Short, principal: str, identifier: str) -> None:
    short.hold("h1")
    assert run(short.store.delete(principal, identifier, None, descendants=True)) is None
    assert short.resolves("h1")


def test_a_deep_history_is_held_and_freed(opened: Callable[..., Short]) -> None:
    short = opened(continuations=10_000, turns=10_000, state_bytes=10**8)
    told: History = history(message("0"))
    for _ in range(3_000):
        told = history(message("x"), parent=told)
    short.hold("h", of=told)
    assert run(short.store.delete("alice", "h", None, descendants=True)) == ["h"]
    assert short.held()["continuations"] == 0


def test_deleting_a_continuation_leaves_the_record_of_another_turn_of_the_same_name(short: Short, clock: Clock) -> None:
    short.hold("h1", life_ms=10_000)
    for _ in range(2):  # the record goes, then the name
        clock.advance(2_001)
        run(short.store.sweep())
    assert short.claim("turn-of-h1").outcome == "claimed"
    assert run(short.store.delete("alice", "h1", None)) == ["h1"]
    assert len(short.events("turn-of-h1")) == 1


# -- contexts


def test_a_context_is_held_as_long_as_something_needs_it(short: Short, clock: Clock) -> None:
    under = context(model="m", temperature=0.5)
    short.claim("t1", "c", "alice", under)
    assert run(short.store.context("alice", under.digest)) == under
    assert run(short.store.context("bob", under.digest)) is None
    short.finish("t1", handle("h1", turn="t1", life_ms=3_000, under=under))
    clock.advance(2_000)  # the record is gone, the handle needs it still
    assert run(short.store.context("alice", under.digest)) == under
    clock.advance(2_000)
    assert run(short.store.context("alice", under.digest)) is None


def test_a_context_can_be_held_without_a_handle(short: Short, clock: Clock) -> None:
    under = context(model="m")
    run(short.store.put_context("alice", under))
    run(short.store.put_context("alice", under))
    clock.advance(4_999)
    assert run(short.store.context("alice", under.digest)) == under
    clock.advance(2)
    assert run(short.store.context("alice", under.digest)) is None
    assert short.held() == NOTHING


def test_contexts_count_among_the_bytes(opened: Callable[..., Short]) -> None:
    short = opened(state_bytes=1_000)
    with pytest.raises(StoreFull, match="contexts"):
        run(short.store.put_context("alice", context(instructions="x" * 2_000)))
    assert short.held()["bytes"] == 0
