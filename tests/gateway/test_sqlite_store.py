"""The store in a file: what outlives the process, what does not, and what happens when the file gives trouble."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_lab import Clock, bounds, context, handle, history, message, run
from segue_gateway.history import EMPTY, History
from segue_gateway.stores.base import Claim, Known, RetentionLost, StaleEpoch, Unwritable
from segue_gateway.stores.sqlite import SQLiteStore, Unusable, worker
from segue_gateway.stores.sqlite.continuations import UNREAD
from segue_schemas import models

SECRET = "nutmeg-and-vanilla"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def opened(file: Path, clock: Clock) -> Iterator[Callable[..., SQLiteStore]]:
    """Return what opens the file; one that is open already is closed first, as by a process that ends."""
    last: list[SQLiteStore] = []

    def open_it(*, full: bool = False, **numbers: int) -> SQLiteStore:
        if last:
            run(last.pop().close())
        last.append(SQLiteStore(file, bounds(**numbers), clock, wall=clock, full=full))
        return last[-1]

    yield open_it
    if last:
        run(last.pop().close())


def accepted(turn: str = "t1", retention: models.Retention = "cached") -> models.TurnAccepted:
    return models.TurnAccepted(turn=turn, seq=0, retention=retention)


def delta(seq: int, text: str, turn: str = "t1") -> models.ItemDelta:
    return models.ItemDelta(turn=turn, seq=seq, index=0, at="/content/0/text", append=text)


def terminal(seq: int, turn: str = "t1") -> models.TurnCompleted:
    return models.TurnCompleted(turn=turn, seq=seq, status="completed")


def claim(store: SQLiteStore, turn: str = "t1", retention: models.Retention = "cached", **members: Any) -> Claim:
    contexts = [context(**members)] if members else []
    return run(store.claim("alice", turn, "c", accepted(turn, retention), contexts))


def hold(store: SQLiteStore, identifier: str, of: History, **members: Any) -> None:
    turn = "turn-of-" + identifier
    epoch = claim(store, turn).epoch
    run(store.finish("alice", turn, epoch, terminal(1, turn), handle(identifier, of, turn=turn, **members)))


def bytes_of(file: Path) -> bytes:
    return b"".join(one.read_bytes() for one in file.parent.iterdir() if one.name.startswith(file.name))


# -- what outlives the process


def test_records_names_continuations_and_contexts_outlive_the_process(opened: Callable[..., SQLiteStore]) -> None:
    store = opened()
    parent = history(message("first"), message("answer", "assistant"))
    hold(store, "h1", parent)
    hold(store, "h2", history(message("second"), parent=parent), life_ms=None)
    run(store.put_context("alice", context(model="parked")))

    store = opened()
    found = run(store.resolve("alice", "h2", None))
    assert found is not None
    assert [b"first" in item or b"answer" in item or b"second" in item for item in found.handle.history.whole()] == [
        True, True, True,
    ]  # fmt: skip
    assert found.handle.history.digest == history(message("second"), parent=parent).digest
    assert found.handle.context.members == {"model": "m"}
    record = run(store.read("alice", "turn-of-h1"))
    assert record is not None
    assert [event.seq for event in record.events] == [0, 1]
    assert run(store.known("alice", "turn-of-h1")) == Known("c", gone=False)
    assert run(store.context("alice", context(model="parked").digest)) == context(model="parked")


def test_a_turn_that_ran_is_interrupted_once_and_its_old_owner_writes_no_more(
    opened: Callable[..., SQLiteStore],
) -> None:
    store = opened()
    epoch = claim(store).epoch
    run(store.append("alice", "t1", epoch, [delta(1, "so far")]))
    for _ in range(2):
        store = opened()
        record = run(store.read("alice", "t1"))
        assert record is not None
        assert record.finished
        assert [event.seq for event in record.events] == [0, 1, 2]
        end = record.events[-1]
        assert isinstance(end, models.TurnFailed)
        assert (end.error.code, end.error.effect) == ("interrupted", "unknown")
    with pytest.raises(StaleEpoch):
        run(store.append("alice", "t1", epoch, [delta(3, "too late")]))
    assert run(store.interrupt("alice", "t1")) is False


def test_an_epoch_never_comes_twice(opened: Callable[..., SQLiteStore], clock: Clock) -> None:
    seen = set()
    for _ in range(3):
        store = opened()
        seen.add(claim(store).epoch)
        clock.advance(10)
        run(store.interrupt("alice", "t1"))
        clock.advance(60_000)
        run(store.sweep())
        clock.advance(60_000)
    assert len(seen) == 3


def test_a_connections_handles_end_with_the_process(opened: Callable[..., SQLiteStore]) -> None:
    store = opened()
    parent = history(message("first"))
    hold(store, "of-a-connection", parent, retention="connection", scope="one", life_ms=None)
    hold(store, "child", history(message("second"), parent=parent))
    store = opened()
    assert run(store.resolve("alice", "of-a-connection", "one")) is None
    found = run(store.resolve("alice", "child", None))
    assert found is not None
    assert len(found.handle.history.whole()) == 2  # retention covers the ancestry


def test_time_goes_on_while_nobody_is_there(opened: Callable[..., SQLiteStore], clock: Clock) -> None:
    hold(opened(), "h1", history(message("x")), life_ms=3_000)
    clock.advance(2_000)
    found = run(opened().resolve("alice", "h1", None))
    assert found is not None
    assert found.left_ms == pytest.approx(1_000)
    clock.advance(1_001)
    store = opened()
    assert run(store.resolve("alice", "h1", None)) is None
    clock.advance(60_000)
    run(store.sweep())
    run(store.sweep())
    assert store.held("alice") == {"turns": 0, "continuations": 0, "contexts": 0, "bytes": 0}


def test_a_clock_that_was_put_back_revives_nothing(file: Path, clock: Clock) -> None:
    wall = [1_700_000_000.0]
    store = SQLiteStore(file, bounds(), clock, wall=lambda: wall[0])
    hold(store, "h1", history(message("x")), life_ms=3_000)
    clock.advance(5_000)
    run(store.sweep())
    assert run(store.resolve("alice", "h1", None)) is None
    hold(store, "h2", history(message("x")), life_ms=3_000)
    run(store.close())
    wall[0] -= 86_400
    store = SQLiteStore(file, bounds(), clock, wall=lambda: wall[0])
    clock.advance(3_001)
    assert run(store.resolve("alice", "h2", None)) is None
    run(store.close())


KILLED = """
import asyncio, sys
sys.path.insert(0, {lab!r})
from gateway_lab import bounds, handle, history, message
from segue_gateway.stores.sqlite import SQLiteStore
from segue_schemas import models

async def main():
    store = SQLiteStore(sys.argv[1], bounds(), full=sys.argv[2] == "full")
    number = 0
    while True:
        number += 1
        turn = f"t{{number}}"
        epoch = (await store.claim("alice", turn, "c", models.TurnAccepted(turn=turn, seq=0), [])).epoch
        end = models.TurnCompleted(turn=turn, seq=1, status="completed")
        told = handle(f"h{{number}}", history(message(turn)), turn=turn, life_ms=None)
        await store.finish("alice", turn, epoch, end, told)
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_what_was_answered_survives_kill_9(file: Path, synchronous: str) -> None:
    lab = str(Path(__file__).parent)
    command = [sys.executable, "-c", KILLED.format(lab=lab), str(file), synchronous]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = 0
        for line in process.stdout:
            last = int(line)
            if last >= 40:
                break
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            last = int(line)
        process.wait()
    store = SQLiteStore(file, bounds())
    try:
        for number in range(1, last + 1):
            found = run(store.resolve("alice", f"h{number}", None))
            assert found is not None, number
            assert f"t{number}".encode() in found.handle.history.whole()[0]
            record = run(store.read("alice", f"t{number}"))
            assert record is None or [event.seq for event in record.events] == [0, 1]
    finally:
        run(store.close())


# -- what must not lie in the file


def test_a_record_of_retention_none_lies_in_memory_alone(opened: Callable[..., SQLiteStore], file: Path) -> None:
    store = opened()
    epoch = claim(store, retention="none", model="m", instructions=SECRET + "-context").epoch
    run(store.append("alice", "t1", epoch, [delta(1, SECRET)]))
    record = run(store.read("alice", "t1", 0))
    assert record is not None
    assert [getattr(event, "append", None) for event in record.events] == [SECRET]
    assert run(store.context("alice", context(model="m", instructions=SECRET + "-context").digest)) is not None
    assert SECRET.encode() not in bytes_of(file)

    store = opened()
    record = run(store.read("alice", "t1"))
    assert record is not None
    assert record.gone
    assert claim(store, retention="none").outcome == "gone"
    assert store.held("alice")["contexts"] == 0


def test_a_context_comes_into_the_file_when_something_there_needs_it(
    opened: Callable[..., SQLiteStore],
) -> None:
    under = context(model="m", instructions="stay")
    store = opened()
    claim(store, "t1", "none", model="m", instructions="stay")
    epoch = claim(store, "t2").epoch
    run(store.finish("alice", "t2", epoch, terminal(1, "t2"), handle("h2", turn="t2", under=under, life_ms=None)))
    found = run(opened().resolve("alice", "h2", None))
    assert found is not None
    assert found.handle.context == under


def test_what_was_deleted_is_not_found_in_the_file(opened: Callable[..., SQLiteStore], file: Path) -> None:
    store = opened()
    hold(store, "h1", history(message(SECRET)), life_ms=None)
    assert SECRET.encode() in bytes_of(file)
    run(store.delete("alice", "h1", None))
    opened()  # what closes it brings the log into the file
    assert SECRET.encode() not in bytes_of(file)


# -- cost


def test_a_long_history_is_written_turn_by_turn_and_read_in_few_round_trips(
    opened: Callable[..., SQLiteStore],
) -> None:
    numbers = {"continuations": 20_000, "turns": 20_000, "state_bytes": 10**8}
    store = opened(**numbers)
    told = EMPTY
    for number in range(1_000):
        told = history(message(f"number {number}"), parent=told)
        if number % 100 == 99:
            hold(store, f"h{number}", told, life_ms=None)
    (rows,) = store._database.execute("SELECT count(*) FROM nodes").fetchone()
    assert rows == 1_000
    store = opened(**numbers)
    asked: list[str] = []
    store._database.connection.set_trace_callback(asked.append)
    found = run(store.resolve("alice", "h999", None))
    assert found is not None
    assert len(found.handle.history.whole()) == 1_000
    assert len([one for one in asked if "FROM nodes" in one]) <= 8
    asked.clear()
    again = run(store.resolve("alice", "h899", None))
    assert again is not None
    assert again.handle.history is list(found.handle.history.nodes())[100]  # loaded once, shared
    assert not any("RECURSIVE up" in one for one in asked)


def test_expiry_gives_the_disk_its_room_back(opened: Callable[..., SQLiteStore], clock: Clock, file: Path) -> None:
    store = opened(state_bytes=10**8)
    for number in range(20):
        hold(store, f"h{number}", history(message("x" * 100_000)))
    run(store.close())
    full = file.stat().st_size
    assert full > 2_000_000
    store = SQLiteStore(file, bounds(), clock, wall=clock)
    clock.advance(60_000)
    for _ in range(20):
        run(store.sweep())
    run(store.close())
    assert file.stat().st_size < full / 10


def test_an_eviction_is_told_on_the_loop_that_caused_it(opened: Callable[..., SQLiteStore]) -> None:
    store = opened(continuations=1)
    told: list[tuple[str, list[str], asyncio.AbstractEventLoop]] = []
    store.on_evicted = lambda principal, ids: told.append((principal, ids, asyncio.get_running_loop()))

    async def both() -> asyncio.AbstractEventLoop:
        for turn in ("t1", "t2"):
            epoch = (await store.claim("alice", turn, "c", accepted(turn), [])).epoch
            await store.finish("alice", turn, epoch, terminal(1, turn), handle("of-" + turn, turn=turn))
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    loop = run(both())
    assert told == [("alice", ["of-t1"], loop)]


def test_a_claim_whose_caller_went_away_does_not_run_for_ever(opened: Callable[..., SQLiteStore]) -> None:
    store = opened()

    async def leave() -> None:
        with store._worker._at_work:  # one that is done at once can't be left
            task = asyncio.ensure_future(store.claim("alice", "t1", "c", accepted(), []))
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(leave())
    record = run(store.read("alice", "t1"))
    assert record is None or isinstance(record.events[-1], models.TurnFailed)


# -- trouble


def squeeze(store: SQLiteStore, pages: int) -> None:
    """Let the file grow by so many pages and no further, as on a full disk."""
    (now,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {now + pages}").fetchone()


def test_a_full_disk_loses_nothing_that_was_told(opened: Callable[..., SQLiteStore]) -> None:
    store = opened(state_bytes=10**8)
    hold(store, "h1", history(message("before")), life_ms=None)
    epoch = claim(store).epoch
    before = store.held("alice")
    squeeze(store, 2)
    with pytest.raises(Unwritable, match="full"):
        run(store.append("alice", "t1", epoch, [delta(1, "x" * 200_000)]))
    assert store.held("alice") == before
    large = handle("h2", history(message("x" * 200_000)), turn="t1", life_ms=None)
    with pytest.raises(Unwritable):
        run(store.finish("alice", "t1", epoch, terminal(1), large))
    assert large.history.node is None
    assert store.held("alice") == before
    assert run(store.resolve("alice", "h1", None)) is not None
    squeeze(store, 1_000)
    run(store.finish("alice", "t1", epoch, terminal(1), large))
    found = run(opened(state_bytes=10**8).resolve("alice", "h2", None))
    assert found is not None
    assert found.handle.history.digest == large.history.digest


def test_of_steps_that_came_together_only_the_one_that_does_not_fit_fails(
    opened: Callable[..., SQLiteStore],
) -> None:
    store = opened(state_bytes=10**8)
    epochs = {turn: claim(store, turn).epoch for turn in ("t1", "t2", "t3")}
    squeeze(store, 3)

    async def together() -> list[Any]:
        sizes = {"t1": 10, "t2": 400_000, "t3": 10}
        return await asyncio.gather(
            *(store.append("alice", turn, epochs[turn], [delta(1, "x" * size, turn)]) for turn, size in sizes.items()),
            return_exceptions=True,
        )

    first, second, third = run(together())
    assert first is None
    assert isinstance(second, Unwritable)
    assert third is None
    for turn, count in (("t1", 2), ("t2", 1), ("t3", 2)):
        record = run(store.read("alice", turn))
        assert record is not None
        assert len(record.events) == count


def test_a_step_that_is_refused_does_not_take_its_neighbours_along(opened: Callable[..., SQLiteStore]) -> None:
    store = opened(continuations=1)
    hold(store, "h1", history(message("x")), retention="connection", scope="one", life_ms=None)
    epochs = {turn: claim(store, turn).epoch for turn in ("t1", "t2")}

    async def together() -> list[Any]:
        refused = store.finish("alice", "t1", epochs["t1"], terminal(1), handle("h2", turn="t1"))
        fine = store.finish("alice", "t2", epochs["t2"], terminal(1, "t2"), None)
        return await asyncio.gather(refused, fine, return_exceptions=True)

    refused, fine = run(together())
    assert isinstance(refused, RetentionLost)
    assert fine is None


def test_two_processes_do_not_share_a_file(opened: Callable[..., SQLiteStore], file: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("segue_gateway.stores.sqlite.database._PATIENCE", 0.05)
    opened()
    with pytest.raises(Unusable, match="in use by another process"):
        SQLiteStore(file, bounds())


def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, but long enough to be looked at " * 20)
    with pytest.raises(Unusable, match="no SQLite database"):
        SQLiteStore(text, bounds())
    assert text.read_text().startswith("not a database")

    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(Unusable, match="something else"):
        SQLiteStore(other, bounds())

    with pytest.raises(Unusable, match="no folder"):
        SQLiteStore(tmp_path / "nowhere" / "x.db", bounds())


def test_a_file_of_a_later_version_is_left_alone(opened: Callable[..., SQLiteStore], file: Path) -> None:
    run(opened().close())
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Unusable, match="another version"):
        SQLiteStore(file, bounds())


def test_durable_is_offered_only_where_each_commit_waits_for_the_disk(opened: Callable[..., SQLiteStore]) -> None:
    store = opened()
    assert "durable" not in store.tiers
    store = opened(full=True)
    assert "durable" in store.tiers
    (level,) = store._database.execute("PRAGMA synchronous").fetchone()
    assert level == 2


# -- what is done at once


def test_what_is_in_memory_is_found_at_once_and_what_is_not_is_read(opened: Callable[..., SQLiteStore]) -> None:
    hold(opened(), "h1", history(message("first")))
    store = opened()  # nothing of it is in memory now
    assert store._steps.resolve_loaded("alice", "h1", None) is UNREAD
    held = run(store.resolve("alice", "h1", None))
    assert held is not None
    assert store._steps.resolve_loaded("alice", "h1", None) == held
    assert store._steps.resolve_loaded("alice", "h2", None) is None


def test_a_step_that_is_done_at_once_is_whole_or_not_at_all(opened: Callable[..., SQLiteStore]) -> None:
    store = opened()
    claim(store)
    before = store.held("alice")

    def half() -> None:
        store._steps.ledger.add(store._steps.ledger.known("alice"), size=999)
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="of ours"):
        run(store._worker.do(half, short=True))
    assert store.held("alice") == before


def test_the_log_is_moved_into_the_file_now_and_then(
    opened: Callable[..., SQLiteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_MOVE_AFTER", 3)
    store, moved = opened(), threading.Event()
    monkeypatch.setattr(store._database, "move_log", moved.set)
    for turn in ("a", "b", "c"):
        claim(store, turn)
    assert moved.wait(5)


def test_where_each_commit_waits_for_the_disk_the_loop_does_not(opened: Callable[..., SQLiteStore]) -> None:
    store, threads = opened(full=True), list[str]()
    run(store._worker.do(lambda: threads.append(threading.current_thread().name), short=True))
    assert threads == ["segue-sqlite"]
