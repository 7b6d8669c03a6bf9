"""The store in a server: what only it has to do. What every store promises is in `test_stores`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import redis.exceptions
from gateway_lab import PATIENCE, Clock, bounds, context, handle, history, message
from segue_gateway.history import History
from segue_gateway.stores.base import Bounds, StaleEpoch, Unusable, Unwritable
from segue_gateway.stores.opening import open_store
from segue_gateway.stores.valkey import Address, ValkeyStore, first_look
from segue_gateway.stores.valkey.promises import check_version, promises
from segue_gateway.stores.valkey.scripts import script
from segue_schemas import models
from valkey_lab import ALWAYS, Served, needs_server, serving

T = TypeVar("T")

_runner = asyncio.Runner()


def run(work: Coroutine[Any, Any, T]) -> T:
    return _runner.run(asyncio.wait_for(work, PATIENCE))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("server"), *ALWAYS) as served:
        yield served


_numbers = itertools.count()


@pytest.fixture
def nodes(server: Served, clock: Clock) -> Iterator[Callable[..., ValkeyStore]]:
    """Return what opens one more node on the same state; `real` leaves the time to the server."""
    made: list[ValkeyStore] = []
    prefix = f"one{next(_numbers)}:"

    def open_one(real: bool = False, patience: float = 2.0, slack_ms: int = 60_000, **numbers: int) -> ValkeyStore:
        given = bounds(**{"lease_ms": 1_000, **numbers})
        made.append(server.store(given, None if real else clock, prefix=prefix, patience=patience, slack_ms=slack_ms))
        return made[-1]

    yield open_one
    for store in made:
        run(store.close())


def accepted(turn: str = "t1", **members: Any) -> models.TurnAccepted:
    return models.TurnAccepted(turn=turn, seq=0, **members)


def delta(seq: int) -> models.ItemDelta:
    return models.ItemDelta(turn="t1", seq=seq, index=0, at="/content/0/text", append="x")


def completed(turn: str = "t1") -> models.TurnCompleted:
    return models.TurnCompleted(turn=turn, seq=1, status="completed")


async def whole_turn(store: ValkeyStore, name: str, kept: History, **members: Any) -> None:
    claim = await store.claim("alice", name, "c", accepted(name), [])
    await store.finish("alice", name, claim.epoch, completed(name), handle(f"h-{name}", kept, turn=name, **members))


async def command(store: ValkeyStore, *words: object) -> Any:
    return await store.server.client.execute_command(*words)


# -- where it is


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("valkey://state.example", Address("state.example")),
        ("redis://state.example:1234/5", Address("state.example", 1234, 5)),
        ("rediss://u:p%40w@h/0?prefix=other:", Address("h", 6379, 0, "other:", True, "u", "p@w")),
        ("valkeys://:pw@[::1]:7/", Address("::1", 7, 0, tls=True, password="pw")),
    ],
)
def test_an_address_says_where_the_state_lies(url: str, address: Address) -> None:
    assert Address.of(url) == address
    assert "pw" not in repr(address)
    assert "p@w" not in f"{address}{address!r}"


def test_a_password_can_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_PASSWORD", "hidden")
    assert Address.of("valkey://h?password-env=STATE_PASSWORD").password == "hidden"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("valkey://u:secret@h/x", "the database is a number"),
        ("redis://u:secret@h/0?other=1", r"only \?prefix="),
        ("valkey://u:secret@h/0?prefix=a b", "a prefix is"),
        ("valkey://u:secret@h/0?password-env=NO_SUCH_VARIABLE", "is not set"),
        ("valkey://u:secret@h:99999/0", "out of range"),
        ("valkey://u:secret@127.0.0.1:1/0", "can't be reached"),
        ("valky://u:secret@h/0", "is no store"),
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(Unusable, match=told) as caught:
        open_store(url, bounds())
    assert "secret" not in str(caught.value)


# -- what it promises

_ALONE = {"role": "master", "connected_slaves": "0", "cluster_enabled": "0", "redis_version": "7.2.4"}
_BEST = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


@pytest.mark.parametrize(
    ("settings", "info", "durable", "survive"),
    [
        ({}, {}, True, "node_loss"),
        ({"appendfsync": "everysec"}, {}, False, "restart"),
        ({"appendonly": "no"}, {}, False, "process"),
        ({"maxmemory-policy": "allkeys-lru"}, {}, False, "process"),
        ({"maxmemory-policy": "volatile-ttl"}, {}, False, "process"),
        ({}, {"connected_slaves": "1"}, False, "restart"),
        ({}, {"role": "slave"}, False, "restart"),
    ],
)
def test_durable_is_said_only_where_nothing_can_be_lost(
    settings: dict[str, str], info: dict[str, str], durable: bool, survive: str
) -> None:
    told = promises({**_BEST, **settings}, {**_ALONE, **info})
    assert ("durable" in told.tiers) == durable
    assert told.names_survive == survive
    assert bool(told.why) != durable


def test_a_server_that_does_not_tell_its_settings_gets_the_least() -> None:
    told = promises({}, _ALONE)
    assert told.tiers == ("connection", "cached")
    assert told.names_survive == "process"


@pytest.mark.parametrize(
    ("info", "told"), [({"redis_version": "6.2.1"}, "version 6.2.1"), ({"cluster_enabled": "1"}, "a cluster")]
)
def test_a_server_that_can_not_do_it_is_refused(info: dict[str, str], told: str) -> None:
    with pytest.raises(Unusable, match=told):
        check_version({**_ALONE, **info}, "there")


@needs_server
def test_what_is_promised_is_read_when_it_is_opened_and_reached_anew(
    server: Served, nodes: Callable[..., ValkeyStore]
) -> None:
    assert first_look(server.address()).names_survive == "node_loss"
    store, other = nodes(), nodes()
    run(store.known("alice", "t1"))
    assert "durable" in store.tiers
    run(command(store, "CONFIG", "SET", "appendfsync", "everysec"))
    try:
        run(command(other, "CLIENT", "KILL", "TYPE", "normal"))
        run(store.known("alice", "t1"))
        assert "durable" not in store.tiers
        assert store.names_survive == "restart"
    finally:
        run(command(store, "CONFIG", "SET", "appendfsync", "always"))


# -- leases


@needs_server
def test_a_lease_that_ran_out_is_closed_by_another_node_and_its_owner_writes_no_more(
    nodes: Callable[..., ValkeyStore], clock: Clock
) -> None:
    one, two = nodes(), nodes()
    claim = run(one.claim("alice", "t1", "c", accepted(), []))
    run(one.append("alice", "t1", claim.epoch, [delta(1), delta(2)]))
    assert not run(two.interrupt("alice", "t1"))
    clock.advance(1_001)
    assert run(two.interrupt("alice", "t1"))
    assert not run(two.interrupt("alice", "t1"))  # once
    for work in (
        one.append("alice", "t1", claim.epoch, [delta(3)]),
        one.finish("alice", "t1", claim.epoch, completed(), handle()),
        one.renew("alice", "t1", claim.epoch),
    ):
        with pytest.raises(StaleEpoch):
            run(work)
    record = run(one.read("alice", "t1"))
    assert record is not None
    assert [event.seq for event in record.events] == [0, 1, 2, 3]
    last = record.events[-1]
    assert isinstance(last, models.TurnFailed)
    assert (last.error.code, last.error.effect) == ("interrupted", "unknown")
    assert run(one.resolve("alice", "h1", None)) is None


@needs_server
def test_whoever_sweeps_closes_what_ran_out_but_not_at_once_his_own(
    nodes: Callable[..., ValkeyStore], clock: Clock
) -> None:
    one, two = nodes(), nodes()
    for name in ("t1", "t2"):
        run(one.claim("alice", name, "c", accepted(name), []))
    clock.advance(1_500)
    run(one.sweep())
    finished = [run(one.read("alice", name)) for name in ("t1", "t2")]
    assert [record is not None and record.finished for record in finished] == [False, False]
    clock.advance(10)
    run(two.sweep())
    finished = [run(one.read("alice", name)) for name in ("t1", "t2")]
    assert [record is not None and record.finished for record in finished] == [True, True]


@needs_server
def test_a_stall_that_nobody_noticed_ends_no_turn(nodes: Callable[..., ValkeyStore], clock: Clock) -> None:
    store = nodes()
    claim = run(store.claim("alice", "t1", "c", accepted(), []))
    clock.advance(3_000)
    run(store.renew("alice", "t1", claim.epoch))
    run(store.append("alice", "t1", claim.epoch, [delta(1)]))
    assert run(store.finish("alice", "t1", claim.epoch, completed(), handle())) == 1_000


@needs_server
def test_leases_are_renewed_as_long_as_a_turn_runs(nodes: Callable[..., ValkeyStore]) -> None:
    one, two = nodes(real=True, lease_ms=150), nodes(real=True, lease_ms=150)

    async def work() -> None:
        claim = await one.claim("alice", "t1", "c", accepted(), [])
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert not await two.interrupt("alice", "t1")
        await one.finish("alice", "t1", claim.epoch, completed(), None)

    run(work())


@needs_server
def test_an_epoch_never_comes_again(nodes: Callable[..., ValkeyStore], clock: Clock) -> None:
    store = nodes()
    epochs = []
    for _ in range(3):
        claim = run(store.claim("alice", "t1", "c", accepted(), []))
        epochs.append(claim.epoch)
        run(store.finish("alice", "t1", claim.epoch, completed(), None))
        for _ in range(2):  # the record, then the name
            clock.advance(5_000)
            run(store.sweep())
        assert run(store.held("alice"))["turns"] == 0
        run(command(store, "DEL", f"{store.server.address.prefix}{{alice}}:a"))
    assert sorted(set(epochs)) == epochs


@needs_server
def test_handles_of_connections_go_with_their_node(nodes: Callable[..., ValkeyStore], clock: Clock) -> None:
    one, two = nodes(), nodes()
    kept = {"retention": "connection", "scope": "socket", "life_ms": 10**7}
    run(whole_turn(one, "a", history(message("first")), **kept))
    for _ in range(5):
        clock.advance(20_001)
        run(one.sweep())
        run(two.sweep())
    assert run(one.resolve("alice", "h-a", "socket")) is not None
    clock.advance(60_001)  # nobody hears of it any more
    run(two.sweep())
    assert run(two.resolve("alice", "h-a", "socket")) is None
    assert run(two.held("alice"))["continuations"] == 0


# -- what another node asks and hears


@needs_server
def test_a_message_reaches_the_owner_and_a_record_its_watchers(nodes: Callable[..., ValkeyStore]) -> None:
    one, two = nodes(real=True, lease_ms=5_000), nodes(real=True, lease_ms=5_000)
    heard: list[tuple[str, Any]] = []

    async def work() -> None:
        arrived = asyncio.Event()

        def asked(principal: str, message: Any) -> None:
            heard.append((principal, message))
            arrived.set()

        one.on_asked = asked
        assert not await two.ask("alice", models.TurnCancel(turn="t1"))
        claim = await one.claim("alice", "t1", "c", accepted(), [])
        async with two.watch("alice", "t1") as news:
            assert await two.ask("alice", models.TurnCancel(turn="t1"))
            await asyncio.wait_for(arrived.wait(), 5)
            news.clear()
            await one.append("alice", "t1", claim.epoch, [delta(1)])
            await asyncio.wait_for(news.wait(), 5)
        assert heard == [("alice", models.TurnCancel(turn="t1"))]

    run(work())


@needs_server
def test_what_one_node_deletes_or_gives_up_the_others_hear_of(nodes: Callable[..., ValkeyStore]) -> None:
    one, two = nodes(real=True, continuations=1), nodes(real=True, continuations=1)
    told: list[tuple[str, str, list[str]]] = []

    async def work() -> None:
        twice = asyncio.Event()

        def note(kind: str, principal: str, identifiers: list[str]) -> None:
            told.append((kind, principal, identifiers))
            if len(told) == 2:
                twice.set()

        two.on_evicted = lambda principal, ids: note("evicted", principal, ids)
        two.on_deleted = lambda principal, ids: note("deleted", principal, ids)
        async with two.watch("alice", "any") as news:
            await asyncio.wait_for(news.wait(), 5)  # it listens
            await whole_turn(one, "a", history(message("first")))
            await whole_turn(one, "b", history(message("second")))
            await one.delete("alice", "h-b", None)
            await asyncio.wait_for(twice.wait(), 5)

    run(work())
    assert told == [("evicted", "alice", ["h-a"]), ("deleted", "alice", ["h-b"])]


# -- an answer that is lost, a server that is full


class Deaf:
    """Loses the answer to the next step of a name; the step is done all the same."""

    def __init__(self, store: ValkeyStore, name: str) -> None:
        self.asking = store.server._once
        self.name = name
        self.lost = 0
        store.server._once = self.once  # type: ignore[method-assign]

    async def once(self, step: Any, base: str, arguments: list[Any]) -> list[Any]:
        answer = await self.asking(step, base, arguments)
        if step.name == self.name and not self.lost:
            self.lost += 1
            raise redis.exceptions.ConnectionError("lost")
        return answer


@needs_server
@pytest.mark.parametrize("step", ["claim", "append", "finish"])
def test_a_step_whose_answer_was_lost_is_done_once(nodes: Callable[..., ValkeyStore], step: str) -> None:
    store = nodes()
    deaf = Deaf(store, step)
    claim = run(store.claim("alice", "t1", "c", accepted(), []))
    run(store.append("alice", "t1", claim.epoch, [delta(1), delta(2)]))
    run(store.append("alice", "t1", claim.epoch, [delta(3)]))
    assert run(store.finish("alice", "t1", claim.epoch, completed(), handle())) == 1_000
    record = run(store.read("alice", "t1"))
    assert record is not None
    assert len(record.events) == 5
    assert run(store.held("alice"))["continuations"] == 1
    assert deaf.lost == 1
    with pytest.raises(StaleEpoch):
        run(store.finish("alice", "t1", claim.epoch, completed(), handle()))


@needs_server
def test_a_server_that_takes_nothing_more_is_read_and_freed_and_nothing_is_half_written(
    nodes: Callable[..., ValkeyStore],
) -> None:
    store = nodes()
    run(whole_turn(store, "a", history(message("first"))))
    claim = run(store.claim("alice", "t1", "c", accepted(), []))
    before = run(store.held("alice"))
    run(command(store, "CONFIG", "SET", "maxmemory", "1"))
    try:
        for work in (
            store.claim("alice", "t2", "c", accepted("t2"), [context(model="m")]),
            store.append("alice", "t1", claim.epoch, [delta(1)]),
            store.finish("alice", "t1", claim.epoch, completed(), handle("h1", history(message("more")))),
            store.put_context("alice", context(model="n")),
        ):
            with pytest.raises(Unwritable):
                run(work)
        assert run(store.held("alice")) == before
        assert run(store.resolve("alice", "h-a", None)) is not None
        assert run(store.delete("alice", "h-a", None)) == ["h-a"]
        assert run(store.interrupt("alice", "t1"))
    finally:
        run(command(store, "CONFIG", "SET", "maxmemory", "0"))


# -- what it costs


@needs_server
def test_a_turn_costs_the_turn_and_a_long_chain_few_round_trips(nodes: Callable[..., ValkeyStore]) -> None:
    numbers = {"continuations": 2_000, "turns": 2_000, "state_bytes": 10**9, "lease_ms": 10**9}
    store, other = nodes(**numbers), nodes(**numbers)

    async def cost(name: str, parent: str) -> tuple[int, int]:
        """Hold one more turn; return the round trips, and the bytes that the server was sent."""
        trips, sent = store.server.round_trips, await volume()
        held = await store.resolve("alice", parent, None)
        assert held is not None
        await whole_turn(store, name, history(message("x"), parent=held.handle.history), life_ms=None)
        return store.server.round_trips - trips, await volume() - sent

    async def volume() -> int:
        return int((await command(store, "INFO", "stats"))["total_net_input_bytes"])

    async def work() -> None:
        told = history(message("x"))
        await whole_turn(store, "0", told, life_ms=None)
        await cost("1", "h-0")  # its scripts are loaded now
        early = await cost("2", "h-1")
        for _ in range(999):
            told = history(message("x"), parent=told)
        await whole_turn(store, "long", told, life_ms=None)
        late = await cost("late", "h-long")
        assert early[0] == late[0] == 3  # resolve, claim, finish
        assert late[1] < early[1] * 1.1

        before = other.server.round_trips
        held = await other.resolve("alice", "h-long", None)
        assert held is not None
        assert held.handle.history.whole() == told.whole()
        assert other.server.round_trips - before <= 10
        before = other.server.round_trips
        assert await other.resolve("alice", "h-late", None) is not None
        assert other.server.round_trips - before == 2  # what it knows it does not read again

    run(work())


@needs_server
def test_a_context_that_is_held_is_not_sent_again(nodes: Callable[..., ValkeyStore]) -> None:
    store, other = nodes(), nodes()
    long = context(instructions="y" * 50_000)

    async def sent(node: ValkeyStore, name: str) -> int:
        before = int((await command(node, "INFO", "stats"))["total_net_input_bytes"])
        await node.claim("alice", name, "c", accepted(name), [long])
        return int((await command(node, "INFO", "stats"))["total_net_input_bytes"]) - before

    async def work() -> None:
        assert await sent(store, "t1") > 50_000
        assert await sent(store, "t2") < 10_000
        assert await other.context("alice", long.digest) == long
        assert await sent(other, "t3") < 10_000
        assert await store.context("bob", long.digest) is None

    for name in ("claim", "append"):
        run(store.server.client.execute_command("SCRIPT", "LOAD", script(name).text))
    run(work())


@needs_server
def test_keys_bear_their_principal_and_go_by_themselves(nodes: Callable[..., ValkeyStore]) -> None:
    quick = {"replay_ms": 200, "name_ms": 200, "cached_ms": 400, "lease_ms": 200}
    store = nodes(real=True, slack_ms=50, **quick)
    prefix = store.server.address.prefix
    names = ["alice", "bob}:a", "ünïcode {x}"]

    async def work() -> None:
        for name in names:
            claim = await store.claim(name, "t1", "c", accepted(), [context(model="m")])
            kept = handle(life_ms=400, under=context(model="m"))
            await store.finish(name, "t1", claim.epoch, completed(), kept)
            await store.claim(name, "t2", "c", accepted("t2"), [])
            await store.put_context(name, context(model="n"))
            assert await store.resolve(name, "h1", None) is not None
        keys = [key.decode() for key in await command(store, "KEYS", f"{prefix}*")]
        assert all(key == f"{prefix}due" or key.startswith(f"{prefix}{{") for key in keys)
        assert len({key.partition("}:")[0] for key in keys if key != f"{prefix}due"}) == len(names)
        assert [key for key in keys if await command(store, "PTTL", key) < 0] == []
        await store.close()  # nobody sweeps, nobody renews
        until = asyncio.get_running_loop().time() + 10
        other = nodes(real=True)
        while await command(other, "KEYS", f"{prefix}*"):
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.05)

    run(work())


def test_the_bounds_of_an_endpoint_bear_its_lease() -> None:
    from segue_gateway.settings import Settings

    assert Bounds.of(Settings(heartbeat_ms=700)).lease_ms == 700
