"""The synchronous face: the names of the asynchronous one, and one implementation behind both."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import segue
from segue_adapters import client, sync, turn
from segue_adapters.conversation import answer, conversation
from segue_gateway.endpoint import Endpoint
from segue_gateway.server import serving
from segue_gateway.settings import Settings
from segue_schemas import models

PAIRS = [
    (sync.Session, client.Session),
    (sync.Turn, turn.Turn),
    (sync.Conversation, conversation.Conversation),
    (sync.Answer, answer.Answer),
]
#: What only the inside of the library calls.
INSIDE = {"link", "driver", "begin", "exported", "give_up", "patience", "may_repeat", "retention"}


@pytest.fixture
def url() -> Iterator[str]:
    """A gateway in a thread of its own."""
    ready: Any = threading.Event()
    ended: list[Any] = []

    async def serve() -> None:
        stop = asyncio.Event()
        ended.append((asyncio.get_running_loop(), stop))
        async with serving(Endpoint(settings=Settings(slow_ms=200))) as address:
            ended.append(address)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield f"{ended[1]}/v1"
    loop, stop = ended[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(("face", "behind"), PAIRS)
def test_the_names_are_the_same(face: type[Any], behind: type[Any]) -> None:
    theirs = {name for name in vars(behind) if not name.startswith("_")} - INSIDE
    mine = {name for name in vars(face) if not name.startswith("_")}
    assert theirs <= mine
    for name in theirs:
        there = getattr(behind, name)
        if inspect.isfunction(there):
            assert (
                inspect.signature(getattr(face, name)).parameters.keys() == inspect.signature(there).parameters.keys()
            )


def test_connect_takes_the_same_arguments() -> None:
    assert inspect.signature(segue.sync.connect) == inspect.signature(segue.connect)


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http", "openai-http"])
def test_a_conversation(url: str, wire: str) -> None:
    before = threading.active_count()
    with segue.sync.connect(url, wire=wire, context={"model": "scripted"}) as session:
        assert session.wire.startswith(wire)
        chat = session.conversation()
        assert chat.turn("Remember this word: lantern.").text() == "OK"
        asked = chat.turn("Which word was it?")
        kinds = [type(event) for event in asked]
        assert kinds[0] is models.TurnAccepted
        assert kinds[-1] is models.TurnCompleted
        assert asked.outcome().text == "lantern"
        assert asked.result.sent.kind == "delta"
        fork = chat.fork()
        assert fork.turn("Say plum.").text() == "plum"
        assert (chat.length, fork.length) == (4, 6)
        chat.context = {"model": "scripted", "instructions": "Be terse."}
        assert chat.context["instructions"]
        assert chat.turn("Say fig.").outcome().sent.kind == "full"
        other = session.conversation()
        other.import_(chat.export())
        assert other.digest == chat.digest
    assert threading.active_count() == before


def test_turns_of_a_session(url: str) -> None:
    with segue.sync.connect(url, wire="segue-ws", context={"model": "scripted"}) as session:
        first = session.turn("Remember this word: lantern.")
        assert [type(event) for event in first][-1] is models.TurnCompleted
        again = session.resume(first.name)
        assert again.text() == "OK"
        assert session.get(first.continuation.id).continuation.id == first.continuation.id
        slow = session.turn("Write a long text slowly.")
        slow.next()
        session.cancel(slow)
        assert slow.outcome().completed.status == "cancelled"
        with pytest.raises(segue.TurnRefused):
            session.turn("Say plum.", parent="c_unknown").text()
        late = session.steer(slow, "Say fig.")
        assert late.error.code == "too_late"


def test_a_wait_that_is_broken_off_gives_the_work_up(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = sync.Loop()
    given_up = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            given_up.set()
            raise

    class Broken:
        def __init__(self, future: Any) -> None:
            self.cancel = future.cancel

        def result(self) -> None:
            raise KeyboardInterrupt

    real = asyncio.run_coroutine_threadsafe

    def broken(coroutine: Any, on: Any) -> Any:
        future = real(coroutine, on)
        real(asyncio.sleep(0.01), on).result()
        return Broken(future)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", broken)
    with pytest.raises(KeyboardInterrupt):
        loop.run(work())
    assert given_up.wait(5)
    monkeypatch.undo()
    loop.close()


def test_what_still_runs_is_given_up_at_the_end() -> None:
    loop = sync.Loop()
    given_up = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            given_up.set()

    async def begin() -> Any:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        return task

    loop.run(begin())
    loop.close()
    assert given_up.is_set()


def test_where_nobody_answers_no_thread_is_left() -> None:
    before = threading.active_count()
    with pytest.raises(segue.SegueError, match="refused"), segue.sync.connect("http://127.0.0.1:9/v1"):
        pass
    assert threading.active_count() == before
