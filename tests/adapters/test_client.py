"""Sessions and turns against small scripted servers: two at once, limits, cuts, resume, and whose answer it is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import segue
from segue_adapters.client import Session, message_items
from segue_adapters.errors import (
    ConnectionCut,
    LocalProtocolError,
    NotCarried,
    RemoteProtocolError,
    SegueError,
    TimedOut,
    TurnBroken,
    TurnRefused,
)
from segue_adapters.links import WebSocketLink, open_link
from segue_adapters.transports.base import Options
from segue_adapters.turn import Channel, Turn
from segue_schemas import models
from websockets.asyncio.server import ServerConnection

CAPABILITIES = {"model_input": "exact", "names_survive": "process", "principal": "credential", "retention": ["cached"],
                "features": []}  # fmt: skip
LIMITS = {"heartbeat_ms": 1, "message_bytes": 1, "replay_ms": 1, "name_ms": 1}
WELCOME = {"type": "welcome", "protocol": "1.0", "endpoint": "e", "capabilities": CAPABILITIES, "limits": LIMITS}
OPTIONS = Options(connect_timeout=2.0, silence_timeout=3.0)
ERROR = {"code": "continuation_not_found", "advice": "resend_full", "effect": "none", "message": "gone"}

Script = Callable[["Peer", dict[str, Any]], Awaitable[None]]


class Peer:
    """The server's end of a connection, with the words of a script."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.received: list[dict[str, Any]] = []

    async def send(self, kind: str, **members: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **members}))

    async def begin(self, turn: str, seq: int = 0) -> None:
        await self.send("turn.accepted", turn=turn, seq=seq, retention="cached")
        skeleton = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]}
        await self.send("item.started", turn=turn, seq=seq + 1, index=0, item=skeleton)

    async def say(self, turn: str, seq: int, text: str) -> None:
        await self.send("item.delta", turn=turn, seq=seq, index=0, at="/content/0/text", append=text)

    async def end(self, turn: str, seq: int) -> None:
        await self.send("item.completed", turn=turn, seq=seq, index=0)
        handle = {"id": f"c_{turn}", "retention": "cached"}
        usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
        await self.send("turn.completed", turn=turn, seq=seq + 1, status="completed", continuation=handle, usage=usage)

    async def whole(self, turn: str, text: str = "Hello") -> None:
        await self.begin(turn)
        await self.say(turn, 2, text)
        await self.end(turn, 3)


@pytest.fixture
def session(websocket_server: Any) -> Any:
    """Give a session with a server that answers each message by the script."""

    @asynccontextmanager
    async def opened(script: Script, *, limit: float = 2.0, context: Any = None) -> AsyncIterator[Session]:
        async def talk(connection: ServerConnection) -> None:
            peer = Peer(connection)
            await connection.send(json.dumps(WELCOME))
            async for frame in connection:
                message = json.loads(frame)
                peer.received.append(message)
                await script(peer, message)

        async with websocket_server(talk, subprotocols=["segue.v1"]) as url:
            link = await open_link("segue-ws", url, OPTIONS)
            mine = Session(link, "segue-ws", context=context, limit=limit)
            try:
                yield mine
            finally:
                await mine.close()

    return opened


async def answer(peer: Peer, message: dict[str, Any]) -> None:
    await peer.whole(message["turn"])


def test_a_turn(run: Any, session: Any) -> None:
    async def main() -> None:
        async with session(answer) as mine:
            assert mine.welcome.endpoint == "e"
            turn = await mine.turn("Hi")
            kinds = [str(type(event).__struct_config__.tag) async for event in turn]
            assert kinds == ["turn.accepted", "item.started", "item.delta", "item.completed", "turn.completed"]
            outcome = await turn.outcome()
            assert (outcome.text, outcome.ended, outcome.error, outcome.calls) == ("Hello", True, None, [])
            assert (turn.continuation.id, outcome.usage.total_tokens) == (f"c_{turn.name}", 3)
            assert await turn.text() == "Hello"
            assert turn.last_seq == 4

    run(main())


def test_what_a_turn_says(run: Any, session: Any) -> None:
    received: list[dict[str, Any]] = []

    async def note(peer: Peer, message: dict[str, Any]) -> None:
        received.append(message)
        await peer.whole(message["turn"])

    async def main() -> None:
        async with session(note, context={"model": "m"}) as mine:
            first = await (await mine.turn("Hi")).outcome()
            digest = "segue1-sha256:" + "A" * 43
            await (
                await mine.turn(
                    ["a", {"type": "x"}, b'{"type":"y"}', msgspec.Raw(b'{"type":"z"}')], parent=first.continuation,
                    context=digest, retention="durable", generate=False, lane="l", final=True, name="t_mine",
                    expect=models.Expectation(digest=digest, length=0), require=["replay"], deadline_ms=5,
                )
            ).outcome()  # fmt: skip
            await (await mine.turn({"type": "x"}, parent="c_1")).outcome()
            await (await mine.turn(b"{}", parent="c_1", context={})).outcome()

    run(main())
    hi = {"type": "message", "role": "user", "content": "Hi"}
    assert len(received[0].pop("turn")) == 24
    assert received[0] == {"type": "turn.start", "input": [hi], "context": {"model": "m"}}
    digest = "segue1-sha256:" + "A" * 43
    assert received[1] == {
        "type": "turn.start", "turn": "t_mine", "lane": "l", "retention": "durable", "generate": False,
        "input": [{**hi, "content": "a"}, {"type": "x"}, {"type": "y"}, {"type": "z"}], "context": digest,
        "expect": {"digest": digest, "length": 0}, "delivery": {"mode": "final"}, "require": ["replay"],
        "deadline_ms": 5, "parent": received[1]["parent"],
    }  # fmt: skip
    assert received[1]["parent"].startswith("c_t_")
    assert "context" not in received[2]  # it goes on with the parent's
    assert received[3]["context"] == {}
    assert [bytes(item) for item in message_items(b"{}")] == [b"{}"]


def test_two_turns_at_once(run: Any, session: Any) -> None:
    started: list[str] = []

    async def interleave(peer: Peer, message: dict[str, Any]) -> None:
        started.append(message["turn"])
        if len(started) == 2:
            one, two = started
            await peer.begin(two)
            await peer.begin(one)
            for seq, text in enumerate("abcdef", start=2):
                await peer.say(one, seq, text)
                await peer.say(two, seq, text.upper())
            await peer.end(two, 8)
            await peer.end(one, 8)

    async def main() -> list[str]:
        async with session(interleave) as mine:
            turns = [await mine.turn("one"), await mine.turn("two")]
            return await asyncio.gather(*(turn.text() for turn in turns))

    assert run(main()) == ["abcdef", "ABCDEF"]


def test_refusals_and_failures_are_outcomes(run: Any, session: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        name = message["turn"]
        if "parent" in message:
            await peer.send("error", error=ERROR, refused="turn.start", turn=name)
        else:
            await peer.begin(name)
            await peer.send("turn.failed", turn=name, seq=2, error={**ERROR, "effect": "partial"})

    async def main() -> None:
        async with session(script) as mine:
            refused = await mine.turn("Hi", parent="c_1")
            outcome = await refused.outcome()
            assert (outcome.refused.code, outcome.accepted, outcome.continuation) == (ERROR["code"], None, None)
            with pytest.raises(TurnRefused, match="advice: resend_full"):
                await refused.text()
            failed = await mine.turn("Hi")
            with pytest.raises(TurnBroken, match="effect: partial"):
                await failed.text()
            assert failed.result.error.code == ERROR["code"]
            assert (failed.result.usage, failed.result.items, failed.continuation) == (None, [], None)

    run(main())


@pytest.mark.parametrize("refused", ["turn.cancel", "turn.steer"])
def test_a_refused_cancel_does_not_touch_the_turn(run: Any, session: Any, refused: str) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if message["type"] == "turn.start":
            await peer.begin(message["turn"])
        else:
            error = {**ERROR, "code": "not_offered", "advice": "give_up"}
            await peer.send("error", error=error, refused=refused, turn=message["turn"])
            await peer.say(message["turn"], 2, "still here")
            await peer.end(message["turn"], 3)

    async def main() -> None:
        async with session(script) as mine:
            turn = await mine.turn("Hi")
            await turn.next()
            await mine.cancel(turn)
            outcome = await turn.outcome()
            assert (outcome.refused, outcome.text) == (None, "still here")
            assert any(isinstance(event, models.ErrorMessage) for event in outcome.events)

    run(main())


def test_silence_ends_at_the_limit_and_tells_what_came_last(run: Any, session: Any) -> None:
    async def stall(peer: Peer, message: dict[str, Any]) -> None:
        if message["input"]:
            await peer.begin(message["turn"])

    async def main() -> None:
        async with session(stall) as mine:
            turn = await mine.turn("Hi", limit=0.2)
            with pytest.raises(TimedOut, match=r"no terminal event within 0\.2 s; the last event was item\.started"):
                await turn.outcome()
            with pytest.raises(TimedOut, match="no event came"):
                await (await mine.turn([], limit=0.1)).text()

    run(main())


def test_a_server_that_drips_for_ever_does_not_outlast_the_limit(run: Any, session: Any) -> None:
    async def drip(peer: Peer, message: dict[str, Any]) -> None:
        await peer.begin(message["turn"])
        while True:
            await peer.send("turn.progress", turn=message["turn"], phase="thinking")
            await asyncio.sleep(0.01)

    async def main() -> float:
        async with session(drip) as mine:
            began = time.monotonic()
            with pytest.raises(TimedOut, match=r"the last event was turn\.progress"):
                await (await mine.turn("Hi", limit=0.3)).outcome()
            return time.monotonic() - began

    assert 0.2 < run(main()) < 1.5


def test_a_cut_reaches_every_turn_and_resume_goes_on_where_it_was(run: Any, session: Any) -> None:
    resumed: list[dict[str, Any]] = []

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        name = message["turn"]
        if message["type"] == "turn.start" and message["input"]:
            await peer.begin(name)
            await peer.say(name, 2, "Hel")
        elif message["type"] == "turn.start":
            peer.connection.transport.abort()
        else:
            resumed.append(message)
            if "after" not in message:
                await peer.begin(name)
                await peer.say(name, 2, "Hel")
            await peer.say(name, 3, "lo")
            await peer.end(name, 4)

    async def main() -> None:
        async with session(script) as mine:
            turn, other = await mine.turn("Hi"), await mine.turn("Hi")
            while turn.last_seq != 2:
                await turn.next()
            await mine.turn([])
            for cut in (turn, other, turn):
                with pytest.raises(ConnectionCut, match="without a close frame"):
                    await cut.outcome()
            with pytest.raises(ConnectionCut):
                await (await mine.turn("too late")).outcome()
        async with session(script) as again:
            on = await again.resume(turn)
            outcome = await on.outcome()
            assert (outcome.text, on.last_seq, outcome.accepted.retention) == ("Hello", 5, "cached")
            assert [e.seq for e in outcome.events] == [0, 1, 2, 3, 4, 5]
            assert await (await again.resume(turn.name)).text() == "Hello"
            middle = await (await again.resume(turn.name, after=2)).outcome()
            assert (middle.completed.status, middle.items) == ("completed", [])
            untouched = Turn(models.TurnResume(turn=turn.name), Channel(), limit=1, where="x")
            assert await (await again.resume(untouched)).text() == "Hello"

    run(main())
    assert [message.get("after") for message in resumed] == [2, None, 2, None]


def test_a_turn_that_this_connection_reads_is_resumed_from_its_beginning(run: Any, session: Any) -> None:
    resumed: list[dict[str, Any]] = []

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        name = message["turn"]
        if message["type"] == "turn.resume":
            resumed.append(message)
        await peer.begin(name)
        await peer.say(name, 2, "Hel")
        if message["type"] == "turn.resume":
            await peer.say(name, 3, "lo")
            await peer.end(name, 4)

    async def main() -> None:
        async with session(script) as mine:
            turn = await mine.turn("Hi")
            while turn.last_seq != 2:
                await turn.next()
            with pytest.raises(LocalProtocolError, match="from the beginning"):
                await mine.resume(turn, after=1)
            again = await mine.resume(turn)
            assert (await again.outcome()).text == "Hello"
            assert [event.seq for event in again.result.events] == [0, 1, 2, 3, 4, 5]
            await (await mine.resume(turn, after=2)).outcome()  # the reading has ended

    run(main())
    assert [message.get("after") for message in resumed] == [None, 2]


def test_messages_about_the_connection_are_notices(run: Any, session: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.send("turn.later", turn=message["turn"])
        await peer.send("connection.draining", reason="lifetime", close_in_ms=5)
        await peer.send("turn.progress", turn="somebody_elses", phase="x")
        await peer.whole(message["turn"])

    async def main() -> None:
        async with session(script) as mine:
            assert await (await mine.turn("Hi")).text() == "Hello"
            assert isinstance(await mine.notice(1), models.ConnectionDraining)
            assert isinstance(await mine.notice(1), models.TurnProgress)
            with pytest.raises(TimeoutError):
                await mine.notice(0.05)

    run(main())


@pytest.mark.parametrize("frame", ["{", '{"type":"turn.progress"}', b"\x00", '{"no":"type"}'])
def test_a_breach_is_told_to_all_who_wait(run: Any, session: Any, frame: str | bytes) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.begin(message["turn"])
        await peer.connection.send(frame)

    async def main() -> None:
        async with session(script) as mine:
            turn = await mine.turn("Hi")
            with pytest.raises(RemoteProtocolError):
                await turn.outcome()
            assert len(turn.result.events) == 2
            with pytest.raises(RemoteProtocolError):
                await mine.notice(1)
            with pytest.raises(RemoteProtocolError):
                await (await mine.turn("again")).outcome()

    run(main())


def test_a_fault_of_this_library_is_told_and_not_waited_for(
    run: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with session(answer) as mine:
            monkeypatch.setattr(mine.link._wire, "receive", lambda frame: 1 // 0)
            with pytest.raises(SegueError, match="a fault of this library") as caught:
                await (await mine.turn("Hi")).outcome()
            assert isinstance(caught.value.__cause__, ZeroDivisionError)

    run(main())


def test_what_is_asked_about_a_continuation(run: Any, session: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        ref = message["ref"]
        if message["id"] == "gone":
            await peer.send("error", error=ERROR, refused=message["type"], ref=ref)
        elif message["id"] == "odd":
            await peer.send("continuation.deleted", ref=ref, id="odd")
        elif message["type"] == "continuation.get":
            await peer.send("continuation.info", ref=ref, continuation={"id": message["id"], "retention": "cached"})
        else:
            await peer.send("continuation.deleted", ref=ref, id=message["id"], count=int(message["descendants"]))

    async def main() -> None:
        async with session(script) as mine:
            info = await mine.get("c_1")
            assert isinstance(info, models.ContinuationInfo)
            assert info.continuation.id == "c_1"
            deleted = await mine.delete("c_1", descendants=True)
            assert isinstance(deleted, models.ContinuationDeleted)
            assert deleted.count == 1
            for refused in (await mine.get("gone"), await mine.delete("gone")):
                assert isinstance(refused, models.ErrorMessage)
            with pytest.raises(RemoteProtocolError, match=r"a continuation\.deleted answers a continuation\.get"):
                await mine.get("odd")

    run(main())


# ---- how a connection begins and ends


@pytest.mark.parametrize(
    ("frames", "kind", "words"),
    [
        ([], TimedOut, "no welcome came within 0.3 s"),
        ([{"type": "turn.progress", "turn": "t", "phase": "x"}], RemoteProtocolError, "first message was no welcome"),
        ([{"type": "error", "error": ERROR}], RemoteProtocolError, "first message was no welcome"),
        ([{"type": "welcome"}], RemoteProtocolError, "none of the protocol's"),
        ("close", ConnectionCut, "code 4401"),
    ],
)
def test_beginnings(run: Any, websocket_server: Any, frames: Any, kind: Any, words: str) -> None:
    async def talk(connection: ServerConnection) -> None:
        if frames == "close":
            await connection.close(4401, "who are you")
            return
        for frame in frames:
            await connection.send(json.dumps(frame))
        await connection.wait_closed()

    async def main() -> None:
        async with websocket_server(talk, subprotocols=["segue.v1"]) as url:
            with pytest.raises(kind, match=words):
                await open_link("segue-ws", url, Options(connect_timeout=0.3))

    run(main())


def test_a_subprotocol_has_to_be_chosen(run: Any, websocket_server: Any) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def main() -> None:
        async with websocket_server(talk) as url:
            with pytest.raises(RemoteProtocolError, match="the endpoint chose None") as caught:
                await open_link("segue-ws", url, OPTIONS)
            assert caught.value.requirement == "SEG-WS-001"

    run(main())


def test_who_gives_up_while_it_opens_leaves_nothing_open(run: Any, websocket_server: Any) -> None:
    async def main() -> None:
        ended = asyncio.Event()

        async def talk(connection: ServerConnection) -> None:
            await connection.wait_closed()
            ended.set()

        async with websocket_server(talk, subprotocols=["segue.v1"]) as url:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await open_link("segue-ws", url, OPTIONS)
            async with asyncio.timeout(2):
                await ended.wait()

    run(main())


def test_closing_ends_what_waits(run: Any, session: Any) -> None:
    async def silent(peer: Peer, message: dict[str, Any]) -> None:
        """Answer nothing."""

    async def main() -> None:
        async with session(silent) as mine:
            turn = await mine.turn("Hi")
        with pytest.raises(ConnectionCut, match="from this side"):
            await turn.outcome()
        async with session(silent) as mine:
            turn = await mine.turn("Hi")
            mine.link.cut()
            with pytest.raises(ConnectionCut):
                await turn.outcome()
            with pytest.raises(ConnectionCut):
                await (await mine.turn("Hi")).outcome()

    run(main())


def test_connect_finds_the_wire_and_closes(run: Any, websocket_server: Any) -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def talk(connection: ServerConnection) -> None:
            await connection.send(json.dumps(WELCOME))
            async for frame in connection:
                await Peer(connection).whole(json.loads(frame)["turn"])
                gone.set()

        async with websocket_server(talk, subprotocols=["segue.v1"]) as url:
            async with segue.connect("segue+" + url, context={"model": "m"}, limit=2) as mine:
                assert (mine.wire, mine.inherits) == ("segue-ws", True)
                assert await (await mine.turn("Hi")).text() == "Hello"
            assert gone.is_set()
            with pytest.raises(LocalProtocolError):
                async with segue.connect("segue+" + url, wire="openai-http"):
                    pass

    run(main())


def test_an_item_that_is_no_message_has_no_text() -> None:
    items = [
        {"type": "message", "role": "assistant", "content": "one"},
        {"type": "message", "role": "assistant", "content": [{"text": "two"}, {"text": 5}, "x", {"refusal": "no"}]},
        {"type": "message", "role": "assistant", "content": None},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "reasoning", "summary": []},
    ]

    async def main() -> Any:
        turn = Turn(models.TurnStart(turn="t", input=[]), Channel(), limit=1, where="x")
        for index, item in enumerate(items):
            raw = msgspec.Raw(msgspec.json.encode(item))
            turn.result.take(models.ItemStarted(turn="t", index=index, item=raw))
            turn.result.take(models.ItemCompleted(turn="t", index=index))
        return turn.result

    outcome = asyncio.run(main())
    assert outcome.text == "onetwo"
    assert outcome.calls == [items[3]]
    assert outcome.objects == items


def test_what_waits_in_a_channel_can_be_taken_out() -> None:
    async def main() -> None:
        channel = Channel()
        progress = models.TurnProgress(turn="t", phase="x")
        channel.put(progress)
        assert channel.waiting() == [progress]
        channel.put(progress)
        channel.put(ConnectionCut("cut", "x"))
        assert channel.waiting() == [progress]
        assert channel.waiting() == []
        for _ in range(2):
            with pytest.raises(ConnectionCut):
                await channel.get()

    asyncio.run(main())


def test_a_wire_may_refuse_before_anything_is_sent(run: Any, websocket_server: Any) -> None:
    received: list[Any] = []

    async def talk(connection: ServerConnection) -> None:
        async for frame in connection:
            received.append(frame)

    async def main() -> None:
        async with websocket_server(talk) as url:
            link = await open_link("openai-ws", url, OPTIONS)
            assert isinstance(link, WebSocketLink)
            mine = Session(link, "openai-ws", context={"model": "m"}, limit=1)
            with pytest.raises(NotCarried):
                await mine.turn("Hi", deadline_ms=5)
            with pytest.raises(NotCarried):
                await mine.resume("t")
            assert (mine.welcome, mine.inherits) == (None, False)
            await mine.close()

    run(main())
    assert received == []
