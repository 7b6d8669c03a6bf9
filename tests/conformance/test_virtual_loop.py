"""The loop in memory: time that jumps, pipes that behave as TCP does, and an end to what would wait for ever."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import segue_conformance
from segue_conformance.virtual.loop import Deadlock, Livelock, VirtualLoop


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner


class Ear(asyncio.Protocol):
    """Notes what it hears; `keep` keeps its own direction open behind the end of the other's."""

    def __init__(self, *, keep: bool = False) -> None:
        self.heard = b""
        self.notes: list[str] = []
        self.keep = keep
        self.lost: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.notes.append("made")

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool:
        self.notes.append("eof")
        return self.keep

    def connection_lost(self, error: BaseException | None) -> None:
        self.notes.append("lost")
        self.lost.set_result(error)

    def pause_writing(self) -> None:
        self.notes.append("pause")

    def resume_writing(self) -> None:
        self.notes.append("resume")


async def pair(*, keep: bool = False) -> tuple[Ear, Ear]:
    """Return the protocols of both ends of a connection."""
    loop = asyncio.get_running_loop()
    ears: list[Ear] = []

    def make() -> Ear:
        ears.append(Ear(keep=keep))
        return ears[-1]

    server = await loop.create_server(make, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, client = await loop.create_connection(make, "127.0.0.1", port)
    other = next(ear for ear in ears if ear is not client)
    return client, other


async def rounds(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_an_hour_passes_at_once(runner: asyncio.Runner) -> None:
    began = time.monotonic()
    runner.run(asyncio.sleep(3_600))
    assert runner.get_loop().time() == pytest.approx(3_600)
    assert time.monotonic() - began < 5


def test_timers_end_in_order_and_on_time(runner: asyncio.Runner) -> None:
    loop, told = runner.get_loop(), []

    async def work() -> None:
        async def tell(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            told.append((name, round(loop.time(), 3)))

        await asyncio.gather(tell("c", 0.3), tell("a", 0.1), tell("b", 0.2), tell("at once", 0))

    runner.run(work())
    assert told == [("at once", 0.0), ("a", 0.1), ("b", 0.2), ("c", 0.3)]


def test_a_timeout_is_virtual_and_cancels(runner: asyncio.Runner) -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(30):
                await asyncio.sleep(60)
        except TimeoutError:
            return "cancelled"
        return "slept"

    assert runner.run(work()) == "cancelled"
    assert runner.get_loop().time() == pytest.approx(30)


def test_bytes_go_both_ways_in_order(runner: asyncio.Runner) -> None:
    async def work() -> tuple[bytes, bytes]:
        one, other = await pair()
        one.transport.write(b"a")
        one.transport.writelines([b"b", b"c"])
        other.transport.write(b"x" * 1_000_000)
        await rounds(12)
        return other.heard, one.heard

    to, back = runner.run(work())
    assert (to, len(back)) == (b"abc", 1_000_000)


def test_a_reader_that_pauses_makes_the_writer_pause(runner: asyncio.Runner) -> None:
    async def work() -> tuple[list[str], list[str], int]:
        one, other = await pair()
        other.transport.pause_reading()
        one.transport.write(b"x" * 1_000_000)
        await rounds()
        before, waits = list(one.notes), one.transport.get_write_buffer_size()
        other.transport.resume_reading()
        await rounds(12)
        assert len(other.heard) == 1_000_000
        return before, one.notes, waits

    before, after, waits = runner.run(work())
    assert before == ["made", "pause"]
    assert after == ["made", "pause", "resume"]
    assert waits > 500_000


def test_one_direction_can_end_alone(runner: asyncio.Runner) -> None:
    async def work() -> tuple[Ear, Ear]:
        one, other = await pair(keep=True)
        one.transport.write(b"the last")
        one.transport.write_eof()
        await rounds()
        other.transport.write(b"an answer")
        await rounds()
        return one, other

    one, other = runner.run(work())
    assert (other.heard, other.notes) == (b"the last", ["made", "eof"])
    assert (one.heard, one.notes) == (b"an answer", ["made"])


def test_an_end_that_is_not_kept_closes_both(runner: asyncio.Runner) -> None:
    async def work() -> tuple[Ear, Ear]:
        one, other = await pair()
        one.transport.write(b"all of it")
        one.transport.close()
        await rounds(8)
        return one, other

    one, other = runner.run(work())
    assert (other.heard, other.notes) == (b"all of it", ["made", "eof", "lost"])
    assert (one.lost.result(), other.lost.result()) == (None, None)


def test_writing_to_a_closed_end_resets(runner: asyncio.Runner) -> None:
    async def work() -> Ear:
        one, other = await pair(keep=True)
        one.transport.close()
        await rounds()
        other.transport.write(b"too late")
        await rounds()
        return other

    other = runner.run(work())
    assert isinstance(other.lost.result(), ConnectionResetError)


def test_an_abort_throws_away_what_waits(runner: asyncio.Runner) -> None:
    async def work() -> tuple[Ear, Ear]:
        one, other = await pair()
        other.transport.pause_reading()
        one.transport.write(b"x" * 1_000_000)
        one.transport.abort()
        other.transport.resume_reading()
        await rounds(12)
        return one, other

    one, other = runner.run(work())
    assert one.notes[-1] == "lost"
    assert 0 < len(other.heard) < 1_000_000


def test_nobody_listens_and_no_such_host(runner: asyncio.Runner) -> None:
    loop = runner.get_loop()
    with pytest.raises(ConnectionRefusedError):
        runner.run(loop.create_connection(asyncio.Protocol, "127.0.0.1", 9))  # type: ignore[arg-type]
    with pytest.raises(socket.gaierror):
        runner.run(_call(loop.getaddrinfo("elsewhere.example", 80)))


async def _call(work: Coroutine[Any, Any, Any]) -> Any:
    return await work


def test_a_port_is_free_again_behind_its_server(runner: asyncio.Runner) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        first = await loop.create_server(asyncio.Protocol, "127.0.0.1", 50_000)
        with pytest.raises(OSError, match="in use"):
            await loop.create_server(asyncio.Protocol, "127.0.0.1", 50_000)
        first.close()
        await loop.create_server(asyncio.Protocol, "127.0.0.1", 50_000)

    runner.run(work())


def test_what_would_wait_for_ever_is_told_with_who_waits(runner: asyncio.Runner) -> None:
    async def forgotten() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match=r"no timer runs; 1 tasks wait: .*forgotten at test_virtual_loop\.py:\d+"):
        runner.run(forgotten())


def test_what_never_waits_is_told_too(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue_conformance.virtual.loop._ROUNDS", 500)

    async def busy() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Livelock, match=r"500 rounds and no moment passed; 1 tasks wait: .*busy"):
        runner.run(busy())


def test_work_for_a_thread_is_done_in_place(runner: asyncio.Runner) -> None:
    async def work() -> tuple[int, str]:
        good = await asyncio.to_thread(lambda: 7)
        try:
            await asyncio.get_running_loop().run_in_executor(None, int, "seven")
        except ValueError as error:
            return good, str(error)
        return good, ""

    good, told = runner.run(work())
    assert good == 7
    assert "seven" in told


def test_no_check_reads_the_clock_on_the_wall() -> None:
    """A check that does would wait for real, or judge by a time that does not pass."""
    folder = Path(segue_conformance.__file__).parent
    files = [*folder.glob("checks/*.py"), *folder.glob("*_wire.py"), *folder.glob("mutants/**/*.py")]
    assert len(files) > 40
    reading = [path.name for path in files if "import time" in path.read_text() or "from time" in path.read_text()]
    assert reading == []


def test_context_variables_stay_on_their_side(runner: asyncio.Runner) -> None:
    """A seed of the suite's must not reach the endpoint: it would draw the same names again."""

    class Server(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            seen.append(whose.get())
            asyncio.get_running_loop().create_task(later())

    async def later() -> None:
        seen.append(whose.get())

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        whose.set("the server's")
        server = await loop.create_server(Server, "127.0.0.1", 0)
        whose.set("the client's")
        transport, _ = await loop.create_connection(Ear, "127.0.0.1", server.sockets[0].getsockname()[1])
        transport.write(b"ask")
        await rounds()
        assert whose.get() == "the client's"

    seen: list[str] = []
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    runner.run(ask())
    assert seen == ["the server's", "the server's"]
