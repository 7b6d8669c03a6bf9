"""Conversations with an endpoint that follows a script: silence, closes, notices, lies, steers that come too late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import segue
from faulty_shop import FEATURES
from segue_adapters.capabilities import capabilities_of
from segue_adapters.client import Session
from segue_adapters.conversation import answer as answers
from segue_adapters.conversation import lines as lining
from segue_adapters.errors import (
    ConnectionCut,
    HistoryDiffers,
    LocalProtocolError,
    NotCarried,
    TimedOut,
    TurnUnknown,
    Unreachable,
    Unsettled,
)
from segue_adapters.links import HTTPLink, open_link
from segue_adapters.transports.base import Options
from segue_adapters.turn import BOUND, Channel, Turn
from segue_schemas import EMPTY_HISTORY, extend, history_digest, item_digest, models
from websockets.asyncio.server import ServerConnection

WRONG = "segue1-sha256:" + "B" * 42 + "A"
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}


def welcome(*, features: Any = FEATURES, expires_in_ms: int | None = None, **limits: int) -> dict[str, Any]:
    capabilities = {"model_input": "exact", "names_survive": "restart", "principal": "single",
                    "retention": ["none", "connection", "cached"], "default_retention": "cached",
                    "features": list(features)}  # fmt: skip
    numbers = {"heartbeat_ms": 1, "message_bytes": 100_000, "replay_ms": 1, "name_ms": 1, **limits}
    told = {"type": "welcome", "protocol": "1.0", "endpoint": "e", "capabilities": capabilities, "limits": numbers}
    return told if expires_in_ms is None else {**told, "expires_in_ms": expires_in_ms}


class Peer:
    """The endpoint's end of one connection; it reckons digests as an honest one does."""

    def __init__(self, connection: ServerConnection, number: int, heard: list[dict[str, Any]]) -> None:
        self.connection = connection
        self.number = number
        self.heard = heard

    async def say(self, kind: str, **members: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **members}))

    async def accept(self, turn: str) -> None:
        await self.say("turn.accepted", turn=turn, seq=0, retention="cached")

    async def answer(self, start: dict[str, Any], digest: str | None = None, **end: Any) -> None:
        """Say the rest of a turn: one whole item, and the end."""
        turn = start["turn"]
        expect = start.get("expect", {"digest": EMPTY_HISTORY, "length": 0})
        chain = expect["digest"]
        for item in [*start.get("input", []), SAID]:
            chain = extend(chain, item_digest(item))
        chain = digest or chain
        length = expect["length"] + len(start.get("input", [])) + 1
        await self.say("item.started", turn=turn, seq=1, index=0, item=SAID)
        await self.say("item.completed", turn=turn, seq=2, index=0, item=SAID)
        handle = {"id": f"c_{turn}", "retention": "cached", "digest": chain, "length": length, "expires_in_ms": 60_000}
        members = {"status": "completed", "digest": chain, "length": length, "continuation": handle, **end}
        await self.say("turn.completed", turn=turn, seq=3, **members)

    async def whole(self, start: dict[str, Any], **end: Any) -> None:
        await self.accept(start["turn"])
        await self.answer(start, **end)

    async def refuse(self, message: dict[str, Any], code: str, advice: str, **members: Any) -> None:
        error = {"code": code, "advice": advice, "effect": "none", "message": f"{code}, as scripted", **members}
        named = {name: message[name] for name in ("turn", "steer", "ref") if name in message}
        await self.say("error", error=error, refused=message["type"], **named)


Script = Callable[[Peer, dict[str, Any]], Awaitable[None]]


@pytest.fixture
def scripted(websocket_server: Any) -> Any:
    """Give a session with an endpoint that answers each message by the script, and what it heard."""

    @asynccontextmanager
    async def opened(script: Script, **said: Any) -> AsyncIterator[tuple[Session, list[dict[str, Any]]]]:
        heard: list[dict[str, Any]] = []
        count = 0

        async def talk(connection: ServerConnection) -> None:
            nonlocal count
            count += 1
            peer = Peer(connection, count - 1, heard)  # the first one is that of discovery
            await connection.send(json.dumps(welcome(**said)))
            async for frame in connection:
                message = json.loads(frame)
                heard.append(message)
                await script(peer, message)

        async with websocket_server(talk, subprotocols=["segue.v1"]) as url:
            context = {"model": "m"}
            async with segue.connect(url.replace("ws://", "segue+ws://"), context=context, limit=5.0) as session:
                yield session, heard

    return opened


async def honest(peer: Peer, message: dict[str, Any]) -> None:
    await peer.whole(message)


def test_a_turn(run: Any, scripted: Any) -> None:
    async def main() -> None:
        async with scripted(honest) as (session, heard):
            chat = session.conversation()
            answer = await chat.turn("Hi")
            assert (await answer.text(), answer.ended, answer.result.proved) == ("Hello", True, True)
            assert (answer.continuation.id, answer.name) == (f"c_{answer.name}", heard[0]["turn"])
            assert chat.digest == history_digest([{"type": "message", "role": "user", "content": "Hi"}, SAID])
            with pytest.raises(LocalProtocolError, match="knows the way back"):
                Session(session.link, "segue-ws", context=None, limit=1.0).conversation()
            assert Session(session.link, "segue-ws", context=None, limit=1.0).capabilities.offers("resume")

    run(main())


def test_silence_is_death_only_where_signs_of_life_are_promised(
    run: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_PATIENT", 0.1)

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if message["type"] == "turn.resume":
            assert message["after"] == 0
            await peer.answer({**peer.heard[0], "turn": message["turn"]})
        else:
            await peer.accept(message["turn"])

    async def main() -> None:
        async with scripted(script) as (session, heard):
            answer = await session.conversation().turn("Hi")
            assert await answer.text() == "Hello"
            assert [message["type"] for message in heard] == ["turn.start", "turn.resume"]
            assert "twice the heartbeat" in answer.result.recoveries[0].why

    run(main())


def test_a_turn_that_is_open_is_asked_for_again_and_nothing_goes_beside_it(run: Any, scripted: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if peer.number == 1:
            await peer.accept(message["turn"])
            await peer.connection.close(1008, "policy")
        elif message["type"] == "turn.resume":
            await peer.answer({**peer.heard[0], "turn": message["turn"]})
        else:
            await peer.whole(message)

    async def main() -> None:
        async with scripted(script) as (session, heard):
            chat = session.conversation()
            answer = await chat.turn("Hi")
            with pytest.raises(ConnectionCut, match="1008"):
                await answer.text()
            with pytest.raises(Unsettled, match="has not ended"):
                await chat.turn("Something else")
            assert await chat.turn("Hi") is answer
            assert await answer.text() == "Hello"
            assert await (await chat.turn("Something else")).text() == "Hello"
            assert [message["type"] for message in heard] == ["turn.start", "turn.resume", "turn.start"]

    run(main())


@pytest.mark.parametrize("told", ["bundle", "shorter", "refused", "silent", "not offered"])
def test_where_both_sides_differ_the_first_item_is_named(
    run: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setattr(answers, "_PATIENT", 0.1)
    other = {"type": "message", "role": "user", "content": "Ho"}
    items = {"bundle": [other, SAID], "shorter": [{**other, "content": "Hi"}]}

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if message["type"] == "turn.start":
            await peer.whole(message, digest=WRONG)
        elif told in items:
            bundle = {"segue": "1.0", "digest": WRONG, "length": 2, "items": items[told], "context": {}}
            await peer.say("continuation.bundle", ref=message["ref"], bundle=bundle)
        elif told == "refused":
            await peer.refuse(message, "continuation_not_found", "resend_full")

    async def main() -> None:
        features = [f for f in FEATURES if told != "not offered" or f != "export"]
        async with scripted(script, features=features) as (session, heard):
            chat = session.conversation()
            answer = await chat.turn("Hi")
            with pytest.raises(HistoryDiffers) as caught:
                await answer.text()
            assert caught.value.theirs == WRONG
            assert caught.value.mine == chat.digest
            assert caught.value.index == {"bundle": 0, "shorter": 1}.get(told)
            assert answer.result.text == "Hello"  # what was read is not lost
            assert len(chat.items) == 2
            assert chat.continuation is None
            with pytest.raises(HistoryDiffers):
                await (await chat.turn("And now?")).outcome()
            assert "parent" not in heard[-1 if told == "not offered" else -2]

    run(main())


def test_what_an_endpoint_gave_up_is_not_asked_for(run: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.whole(message)
        await peer.say("continuation.evicted", id=f"c_{message['turn']}", reason="room")
        await peer.say("limits.updated", limits=[{"name": "requests", "remaining": 1}])

    async def main() -> None:
        async with scripted(script) as (session, heard):
            chat = session.conversation()
            await (await chat.turn("Hi")).text()
            await asyncio.sleep(0.05)
            answer = await chat.turn("And now?")
            await answer.text()
            assert "parent" not in heard[1]
            assert answer.result.recoveries == []
            monkeypatch.setattr(lining, "_GONE", 0)
            await asyncio.sleep(0.05)
            await (await chat.turn("And then?")).text()
            await asyncio.sleep(0.05)
            assert len(session._lines.gone) <= 2

    run(main())


def test_what_is_said_of_a_connection_before_it_closes_is_heard(run: Any, scripted: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if peer.number == 1:
            error = {"code": "overloaded", "advice": "wait", "effect": "none", "message": "full", "retry_after_ms": 200}
            await peer.say("error", error=error)
            await peer.connection.close(4503)
        elif message["type"] == "turn.start":
            await peer.whole(message)

    async def main() -> None:
        async with scripted(script) as (session, heard):
            loop = asyncio.get_running_loop()
            began = loop.time()
            answer = await session.conversation().turn("Hi")
            assert await answer.text() == "Hello"
            assert loop.time() - began >= 0.2
            assert answer.result.recoveries[0].pause >= 0.2
            assert [message["type"] for message in heard] == ["turn.start"] * 2
            assert heard[0]["turn"] == heard[1]["turn"]

    run(main())


@pytest.mark.parametrize("how", ["refused in the reading", "alone behind the end", "never"])
def test_what_comes_too_late_is_told_and_not_lost(
    run: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(answers, "_PATIENT", 0.2)

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if message["type"] == "turn.start":
            await peer.accept(message["turn"])
            return
        if how == "refused in the reading":
            await peer.refuse(message, "too_late", "fix")
        await peer.answer(peer.heard[0])
        if how == "alone behind the end":
            await asyncio.sleep(0.05)
            await peer.refuse(message, "too_late", "fix")

    async def main() -> None:
        async with scripted(script) as (session, heard):
            answer = await session.conversation().turn("Hi")
            assert isinstance(await answer.next(), models.TurnAccepted)
            name = await answer.steer(segue.message_items("Also this"))
            outcome = await answer.outcome()
            assert heard[1]["steer"] == name
            given = outcome.unanswered if how == "never" else outcome.too_late
            assert [bytes(item) for item in given[0]] == [bytes(item) for item in segue.message_items("Also this")]
            assert len(outcome.unanswered) + len(outcome.too_late) == 1

    run(main())


def test_a_steer_whose_answer_was_lost_is_said_again(run: Any, scripted: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if message["type"] == "turn.start":
            await peer.accept(message["turn"])
        elif peer.number == 1:
            peer.connection.transport.abort()
        elif message["type"] == "turn.steer":
            told = {"turn": message["turn"], "steer": message["steer"], "index": 0, "items": message["input"]}
            await peer.say("turn.steered", seq=1, **told)
            chain = EMPTY_HISTORY
            for item in [*peer.heard[0]["input"], *message["input"]]:
                chain = extend(chain, item_digest(item))
            await peer.say("turn.completed", turn=message["turn"], seq=2, status="completed", digest=chain, length=2)

    async def main() -> None:
        async with scripted(script) as (session, heard):
            answer = await session.conversation().turn("Hi")
            assert isinstance(await answer.next(), models.TurnAccepted)
            await answer.steer(segue.message_items("Also this"))
            outcome = await answer.outcome()
            assert [message["type"] for message in heard] == ["turn.start", "turn.steer", "turn.resume", "turn.steer"]
            assert len(outcome.items) == 1
            assert outcome.proved
            assert outcome.unanswered == outcome.too_late == []

    run(main())


def test_a_turn_that_waits_for_better_times_can_be_stopped(run: Any, scripted: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.refuse(message, "lane_full", "wait", retry_after_ms=30_000)

    async def main() -> None:
        async with scripted(script) as (session, heard):
            chat = session.conversation()
            answer = await chat.turn("Hi")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await answer.outcome()
            await answer.cancel()
            outcome = await answer.outcome()
            assert outcome.refused.code == "cancelled"
            assert len(heard) == 1
            with pytest.raises(segue.TurnRefused, match="cancelled"):
                await answer.text()

    run(main())


def test_without_lanes_turns_that_run_at_once_have_connections_of_their_own(
    run: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.accept(message["turn"])
        await asyncio.sleep(0.1)
        await peer.answer(message)

    async def main() -> None:
        async with scripted(script, features=["resume"]) as (session, _heard):
            loop = asyncio.get_running_loop()
            chats = [session.conversation() for _ in range(3)]
            began = loop.time()
            begun = [await chat.turn("Hi") for chat in chats]
            await asyncio.gather(*(answer.text() for answer in begun))
            assert loop.time() - began < 0.29
            assert len({line.number for line in session._lines._lines}) == 3
            monkeypatch.setattr(lining, "_MOST", 3)
            answers = [await chat.turn("Hi") for chat in chats]
            fourth = session.conversation()
            waiting = asyncio.create_task(fourth.turn("Hi"))
            await asyncio.gather(*(answer.text() for answer in answers))
            assert await (await waiting).text() == "Hello"
            assert len(session._lines._lines) == 3

    run(main())


@pytest.mark.parametrize("how", ["fault", "given up", "not carried"])
def test_a_start_that_did_not_go_out_whole(run: Any, scripted: Any, how: str) -> None:
    async def main() -> None:
        async with scripted(honest) as (session, heard):
            chat = session.conversation()
            await (await chat.turn("Hi")).text()
            link, submit = session.link, session.link.submit

            async def failing(message: Any, channel: Channel) -> None:
                link.submit = submit
                if how == "fault":
                    raise TimedOut("not taken", "ws://e")
                if how == "not carried":
                    raise NotCarried("segue-ws", "it")
                await asyncio.sleep(10)

            link.submit = failing
            if how == "given up":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await chat.turn("And now?")
                answer = chat._answer
            else:
                answer = await chat.turn("And now?")
            if how == "not carried":
                with pytest.raises(NotCarried):
                    await answer.text()
                assert len(heard) == 1
            else:
                assert await answer.text() == "Hello"
                assert len(heard) == 2

    run(main())


def test_a_declared_end_is_met_before_any_notice(run: Any, scripted: Any) -> None:
    async def main() -> None:
        async with scripted(honest, expires_in_ms=300, draining_ms=200) as (session, _heard):
            chat = session.conversation()
            await (await chat.turn("Hi")).text()
            first = chat._lines._lines[0]
            await asyncio.sleep(0.15)
            assert first.draining
            assert [line.usable for line in session._lines._lines].count(True) == 1
            session._lines._rotate(first, "again")  # it is only replaced once
            assert await (await chat.turn("And now?")).text() == "Hello"
            last = next(line for line in session._lines._lines if line.usable)
            session._lines._rotate(last, "and the session ends before its successor is there")

    run(main())


def test_where_no_successor_can_be_had_the_next_turn_asks_again(run: Any, scripted: Any) -> None:
    async def main() -> None:
        async with scripted(honest) as (session, _heard):
            lines = session._lines
            real = lines._open

            async def down(road: Any) -> Any:
                lines._open = real
                raise Unreachable("down", road.url)

            lines._open = down
            lines._rotate(lines._lines[0], "as scripted")
            await asyncio.sleep(0.05)
            assert await (await session.conversation().turn("Hi")).text() == "Hello"
            await lines._replace(lines._lines[0])  # there is one already
            assert len([line for line in lines._lines if line.usable]) == 1

    run(main())


def test_where_a_close_asks_for_another_wire_and_there_is_none(run: Any, scripted: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.connection.close(1009, "too big")

    async def main() -> None:
        async with scripted(script) as (session, heard):
            with pytest.raises(ConnectionCut, match="1009"):
                await (await session.conversation().turn("Hi")).text()
            assert len(heard) == 1

    run(main())


def test_a_history_whose_item_has_no_digest_proves_nothing(run: Any, scripted: Any) -> None:
    odd = {"type": "vendor:x", "n": 123456789012345678901}

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.accept(message["turn"])
        await peer.say("item.started", turn=message["turn"], seq=1, index=0, item=odd)
        await peer.say("item.completed", turn=message["turn"], seq=2, index=0, digest=WRONG)
        await peer.say("turn.completed", turn=message["turn"], seq=3, status="completed", digest=WRONG, length=2)

    async def main() -> None:
        async with scripted(script) as (session, _heard):
            chat = session.conversation()
            outcome = await (await chat.turn("Hi")).outcome()
            assert not outcome.proved
            assert (chat.digest, len(chat.items)) == (None, 2)
            with pytest.raises(LocalProtocolError, match="no bundle"):
                chat.export()

    run(main())


def test_a_bundle_that_is_damaged_is_not_taken_over(run: Any, scripted: Any) -> None:
    async def main() -> None:
        async with scripted(honest) as (session, heard):
            chat = session.conversation()
            await (await chat.turn("Hi")).text()
            bundle = chat.export()
            bundle.length = 3
            with pytest.raises(HistoryDiffers, match="of the bundle"):
                session.conversation().import_(bundle)
            bundle.length = 2
            other = models.Continuation(id="c_x", retention="cached", digest=WRONG)
            with pytest.raises(HistoryDiffers, match="of the continuation"):
                session.conversation().import_(bundle, other)
            bound = session.conversation()
            bound.import_(bundle, models.Continuation(id="c_x", retention="connection"))
            assert await (await bound.turn("And now?")).text() == "Hello"
            assert "parent" not in heard[-1]

    run(main())


# ---- below: links and channels


def test_a_channel_keeps_the_last_ones_where_nobody_has_to_read() -> None:
    channel = Channel(keep=2)
    for number in range(4):
        channel.put(models.TurnProgress(turn="t", phase=str(number)), 10)
    assert [message.phase for message in channel.waiting()] == ["2", "3"]
    assert not channel.full


def test_a_steer_over_http_is_asked_about_by_repeating_it(run: Any, http_server: Any) -> None:
    seen: list[Any] = []
    accepted = {"type": "turn.accepted", "turn": "t", "seq": 0}
    snapshot = {"type": "turn.snapshot", "turn": "t", "accepted": accepted, "items": [], "retry_after_ms": 10}
    steered = {"type": "turn.steered", "turn": "t", "steer": "s", "index": 0, "items": [SAID], "seq": 4}

    def answered(asked: str, headers: Any, body: bytes) -> bytes:
        told = json.dumps(snapshot if len(seen) == 1 else steered).encode()
        head = f"HTTP/1.1 {'202 Accepted' if len(seen) == 1 else '200 OK'}\r\ncontent-type: application/json\r\n"
        return head.encode() + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(told) + told

    async def main() -> None:
        async with http_server(answered, seen) as url:
            link = await open_link("segue-http", url, Options())
            assert isinstance(link, HTTPLink)
            channel = Channel()
            await link.submit(models.TurnSteer(turn="t", steer="s", input=segue.message_items("x")), channel)
            message = await channel.get()
            assert isinstance(message, models.TurnSteered)
            await link.settled(1.0)
            assert channel.waiting() == []
            assert [line for line, _, _ in seen] == ["PUT /turns/t/steers/s HTTP/1.1"] * 2
            link.forget(channel)  # nothing runs any more
            await link.close()

    run(main())


def test_what_can_not_be_sent_makes_what_is_not_read_give_way(run: Any, scripted: Any) -> None:
    """A peer that waits for us to read does not read itself: the turn that nobody reads is given up, and read later."""

    async def script(peer: Peer, message: dict[str, Any]) -> None:
        if len(peer.heard) == 1:
            await peer.accept(message["turn"])
            text = {"type": "message", "role": "assistant", "content": "x" * 60_000}
            for seq in range(1, 40):
                await peer.say("item.started", turn=message["turn"], seq=seq, index=seq, item=text)
        else:
            await peer.whole(message)

    async def main() -> None:
        async with scripted(script) as (session, _):
            unread = await session.turn("Hi")
            while not unread._channel.full:
                await asyncio.sleep(0.02)
            socket, send = session.link.socket, session.link.socket.send

            async def slow(frame: str) -> None:
                await asyncio.sleep(0.5)
                await send(frame)

            socket.send = slow
            second = await session.turn("Hi")
            with pytest.raises(segue.SegueError, match="was not read"):
                await unread.outcome()
            assert await second.text() == "Hello"

    assert BOUND < 39 * 60_000
    run(main())


def test_over_http_what_is_not_read_is_not_fetched(run: Any, http_server: Any) -> None:
    lines = [f'data: {{"type":"turn.progress","turn":"t","phase":"{"x" * 3000}"}}\n\n' for _ in range(900)]
    accepted = '{"type":"turn.accepted","turn":"t","seq":0}'
    end = '{"type":"turn.completed","turn":"t","seq":1,"status":"completed"}'
    body = "".join([f"data: {accepted}\n\n", *lines, f"data: {end}\n\n"]).encode()
    whole = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + body

    async def main() -> None:
        async with http_server(whole) as url:
            link = await open_link("segue-http", url, Options())
            session = Session(link, "segue-http", context=None, limit=3.0)
            turn = await session.turn("Hi", name="t")
            while not turn._channel.full:
                await asyncio.sleep(0.02)
            held = turn._channel._held
            await asyncio.sleep(0.1)
            assert turn._channel._held == held < len(body)
            assert (await turn.outcome()).completed is not None
            turn.catch_up()
            await link.close()

    run(main())


def test_a_turn_that_is_told_again_is_built_anew(run: Any) -> None:
    async def main() -> None:
        channel = Channel()
        turn = Turn(models.TurnResume(turn="t"), channel, limit=1.0, where="w")
        said = msgspec.Raw(json.dumps(SAID).encode())
        for _ in range(2):
            channel.put(models.TurnAccepted(turn="t", seq=0))
            channel.put(models.ItemStarted(turn="t", seq=1, index=0, item=said))
        turn.catch_up()
        channel.put(models.ItemCompleted(turn="t", seq=2, index=0))
        channel.put(models.TurnCompleted(turn="t", seq=3, status="completed"))
        assert (await turn.outcome()).text == "Hello"

    run(main())


# ---- what happens in between


def test_a_turn_that_waits_is_stopped_at_once(run: Any, scripted: Any) -> None:
    async def script(peer: Peer, message: dict[str, Any]) -> None:
        await peer.refuse(message, "lane_full", "wait", retry_after_ms=30_000)

    async def main() -> None:
        async with scripted(script) as (session, _):
            answer = await session.conversation().turn("Hi", limit=60)
            reading = asyncio.create_task(answer.outcome())
            await asyncio.sleep(0.05)
            await answer.cancel()
            assert (await reading).refused.code == "cancelled"
            await answer.cancel()  # there is nothing left to stop

    run(main())


def test_a_turn_that_is_stopped_while_it_connects(run: Any, scripted: Any) -> None:
    async def main() -> None:
        async with scripted(honest) as (session, heard):
            lines, take = session._lines, session._lines.take
            chat = session.conversation()

            async def stopped(*args: Any) -> Any:
                taken = await take(*args)
                chat._answer.driver.cancel()
                return taken

            lines.take = stopped
            answer = await chat.turn("Hi")
            assert (await answer.outcome()).refused.code == "cancelled"
            assert heard == []
            assert [line.busy for line in lines._lines] == [0]

    run(main())


def test_what_is_said_before_anybody_listens_is_heard(run: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = lining.open_link

    async def opened(*args: Any, **more: Any) -> Any:
        link = await real(*args, **more)
        link.notices.put(models.ContinuationEvicted(id="c_early"))
        return link

    monkeypatch.setattr(lining, "open_link", opened)

    async def main() -> None:
        async with scripted(honest) as (session, _):
            lines = session._lines
            assert list(lines.gone) == ["c_early"]
            line = lines._lines[0]
            lines.answered(line)
            lines.answered(line)
            line.can = capabilities_of("openai-http")
            assert lines.facts(line, None).can.wire == "segue-ws"
            lines.suspect(line, TimedOut("silent", "w"))
            lines.suspect(line, TimedOut("silent", "w"))
            lines._rotate(line, "it is about to end, and the session before it")

    run(main())


def test_a_named_wire_is_believed_and_no_request_is_spent_on_a_try(run: Any, http_server: Any) -> None:
    seen: list[Any] = []

    async def main() -> None:
        async with (
            http_server({}, seen) as url,
            segue.connect(url + "/v1", wire="openai-http", context={"model": "m"}) as session,
        ):
            assert session.capabilities.told is False
        assert [line.split()[0] for line, _, _ in seen] == [
            "GET",
            "GET",
        ]  # the discovery document, below and at the origin

    run(main())


def test_nobody_knows_what_became_of_a_turn(run: Any) -> None:
    told = TurnUnknown("t", "its connection ended", "look")
    assert (told.turn, str(told.cause)) == ("t", "its connection ended")
