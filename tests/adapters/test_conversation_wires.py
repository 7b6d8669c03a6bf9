"""Conversations over real sockets with the reference endpoint: on each wire, through cuts, blocks, endings, losses."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
import segue
from cutting_proxy import Counting, proxied
from segue_adapters.client import Session
from segue_adapters.conversation.answer import Answer
from segue_adapters.conversation.events import Recovery
from segue_adapters.errors import LocalProtocolError, NotOffered, TimedOut, TooLarge, TurnUnknown, Unsettled
from segue_gateway.endpoint import Endpoint
from segue_gateway.server import serving
from segue_gateway.settings import Settings
from segue_schemas import history_digest, models

WIRES = ["segue-ws", "segue-http", "openai-ws", "openai-http"]
NAMED = ["segue-ws", "segue-http", "openai-ws+segue", "openai-http+segue"]
TOOL = {"type": "function", "name": "get_word", "description": "Returns a word.", "strict": False,
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False}}  # fmt: skip
CONTEXT = {"model": "scripted"}
SLOW = "Write a long text slowly."


@asynccontextmanager
async def endpoint(**settings: Any) -> AsyncIterator[tuple[str, Counting, Endpoint]]:
    """Give the URL of a gateway, and the engine behind it."""
    engine = Counting()
    served = Endpoint(engine, settings=Settings(**settings))
    async with serving(served) as url:
        yield url, engine, served


def connect(url: str, wire: str | None = None, **more: Any) -> Any:
    plain = None if wire is None else wire.removesuffix("+segue")
    extension = wire is None or wire.endswith("+segue")
    context = more.pop("context", CONTEXT)
    base = url if url.endswith("/v1") else url + "/v1"
    return segue.connect(base, wire=plain, context=context, extension=extension, limit=more.pop("limit", 15.0), **more)


def done(answer: Answer) -> list[str]:
    """What recoveries a turn took."""
    return [recovery.what for recovery in answer.result.recoveries]


@pytest.mark.parametrize("wire", [*WIRES, *NAMED[2:]])
def test_a_conversation_with_tools(run: Any, wire: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, engine, _), connect(url, wire, context={**CONTEXT, "tools": [TOOL]}) as session:
            chat = session.conversation()
            kinds = []
            for text in ("Remember this word: lantern.", "Call the tool get_word.", "Which word did I tell you?"):
                answer = await chat.turn(text)
                outcome = await answer.outcome()
                while outcome.calls:
                    output = {"type": "function_call_output", "call_id": outcome.calls[0]["call_id"], "output": "moss"}
                    kinds.append(outcome.sent.kind)
                    answer = await chat.turn(output)
                    outcome = await answer.outcome()
                kinds.append(outcome.sent.kind)
                assert outcome.proved == (wire in NAMED)
                assert not outcome.recoveries
            assert "lantern" in outcome.text
            assert kinds == ["full", "delta", "delta", "delta"]
            # What the model saw last is all that the conversation holds but the answer.
            saw = [msgspec.json.decode(item) for item in engine.asked[-1]]
            assert history_digest(saw) == history_digest(chat.items[:-1])
            assert chat.digest == history_digest(chat.items)
            assert (chat.length, len(chat.objects)) == (8, 8)
            assert chat.continuation.id

    run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_a_lost_history_is_sent_whole_once(run: Any, wire: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, engine, _served), connect(url, wire) as session:
            chat = session.conversation()
            await (await chat.turn("Remember this word: lantern.")).text()
            async with connect(url, "segue-http") as other:
                await other.delete(chat.continuation.id)
            answer = await chat.turn("Which word was it?")
            events = [event async for event in answer]
            assert answer.result.text == "lantern"
            assert done(answer) == ["resend_full"]
            assert isinstance(events[0], Recovery)
            assert len(engine.asked) == 2
            assert answer.result.sent.kind == "full"
            again = await chat.turn("Which word was it?")
            await again.text()
            assert again.result.sent.kind == "delta"

    run(main())


def test_the_least_that_is_right(run: Any) -> None:
    """Delta, changed context, context by its digest, an older branch, a rebuilt history: each sends what it has to."""

    async def main() -> None:
        context = {**CONTEXT, "instructions": "Be terse. " * 40}
        async with endpoint() as (url, _, _served), connect(url, "segue-ws", context=context) as session:
            chat = session.conversation()
            first = await (await chat.turn("Remember this word: lantern.")).outcome()
            other = await (await session.conversation().turn("Say hello.")).outcome()
            assert first.sent.bytes > 500 > other.sent.bytes  # the endpoint holds the context by now
            await (await chat.turn("Which word was it?")).text()
            changed = await (await chat.turn("Say pear.", context=CONTEXT)).outcome()
            assert (changed.sent.kind, changed.sent.why) == ("full", "the context differs")
            back = await (await chat.turn(history=[*chat.objects[:4], "Say plum."])).outcome()
            assert (back.sent.kind, back.sent.items, back.sent.length) == ("delta", 1, 5)
            assert len(chat.items) == 6
            rebuilt = [{k: v for k, v in item.items() if k not in ("id", "status")} for item in chat.objects]
            same = await (await chat.turn(history=[*rebuilt, "Say fig."])).outcome()
            assert (same.sent.kind, same.sent.items) == ("delta", 1)
            shorter = await (await chat.turn(history=["Say kiwi."])).outcome()
            assert (shorter.sent.kind, len(chat.items)) == ("full", 2)
            with pytest.raises(LocalProtocolError, match="not both"):
                await chat.turn("new", history=["old"])

    run(main())


@pytest.mark.parametrize("wire", NAMED)
def test_a_cut_in_mid_turn_is_read_on(run: Any, wire: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, engine, _), proxied(url) as proxy, connect(proxy.url, wire) as session:
            chat = session.conversation()
            await (await chat.turn("Remember this word: lantern.")).text()
            answer = await chat.turn(SLOW)
            shown = ""
            async for event in answer:
                if isinstance(event, models.ItemDelta) and isinstance(event.append, str):
                    shown += event.append
                    if len(shown) > 60 and proxy.cuts < 2:
                        proxy.cut()
                    if len(shown) > 200 and proxy.cuts < 3:
                        proxy.cut()
            assert shown == answer.result.text == " ".join(f"word{n}" for n in range(1, 61))
            assert answer.result.proved
            assert set(done(answer)) >= {"reconnect", "resume"}
            assert len(engine.asked) == 2
            again = await chat.turn("Which word was it?")
            assert (await again.text(), again.result.sent.kind) == ("lantern", "delta")

    run(main(), 20.0)


@pytest.mark.parametrize("wire", ["openai-ws", "openai-http"])
def test_where_nobody_can_be_asked_a_cut_turn_is_told_and_not_sent_again(run: Any, wire: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, engine, _), proxied(url) as proxy, connect(proxy.url, wire) as session:
            chat = session.conversation()
            answer = await chat.turn(SLOW)
            while not isinstance(await answer.next(), models.ItemDelta):
                pass
            proxy.cut()
            with pytest.raises(TurnUnknown, match="might run twice"):
                await answer.outcome()
            assert len(engine.asked) == 1
            assert chat.items == []
            risky = session.conversation(may_repeat=True)
            answer = await risky.turn(SLOW)
            async for event in answer:
                if isinstance(event, models.ItemDelta) and proxy.cuts < 2:
                    proxy.cut()
            assert "reread" in done(answer)
            assert len(engine.asked) == 3
            assert len(risky.items) == 2

    run(main(), 20.0)


DENIALS = {
    "426": b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    "403": b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    "404": b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    "page": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
}


@pytest.mark.parametrize("denial", DENIALS)
def test_where_a_websocket_is_blocked_http_is_taken_at_once_and_kept(run: Any, denial: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, _engine, _), proxied(url) as proxy:
            proxy.upgrade = DENIALS[denial]
            async with connect(proxy.url) as session:
                assert session.wire == "segue-http"
                chat = session.conversation()
                assert await (await chat.turn("Say pear.")).text() == "pear"
                assert await (await chat.turn("Say plum.")).text() == "plum"
                assert proxy.upgrades == 1

    run(main())


@pytest.mark.parametrize("how", ["426", "early"])
def test_a_websocket_that_is_blocked_later_is_left_too(run: Any, how: str) -> None:
    """The same turn, under its name, over HTTP: its start went out over the WebSocket."""

    async def main() -> None:
        async with endpoint() as (url, engine, _), proxied(url) as proxy, connect(proxy.url) as session:
            assert session.wire == "segue-ws"
            chat = session.conversation()
            answer = await chat.turn(SLOW)
            assert isinstance(await answer.next(), models.TurnAccepted)
            if how == "early":
                proxy.cut_behind_upgrade = True
            else:
                proxy.upgrade = DENIALS["426"]
            proxy.cut()
            assert len((await answer.outcome()).text) > 300
            assert "fallback" in done(answer)
            assert len(engine.asked) == 1
            assert session.capabilities.wire == "segue-http"
            upgrades = proxy.upgrades
            assert await (await chat.turn("Say pear.")).text() == "pear"
            assert proxy.upgrades == upgrades

    run(main(), 20.0)


def test_a_connection_that_is_about_to_end_has_a_successor_before_it_does(run: Any) -> None:
    async def main() -> None:
        many = endpoint(connection_ms=900, draining_ms=300)
        async with many as (url, engine, _), proxied(url) as proxy, connect(proxy.url, "segue-ws") as session:
            chat = session.conversation()
            for count in range(6):
                answer = await chat.turn(f"Say word{count}.")
                assert await answer.text() == f"word{count}"
                assert done(answer) == []
                assert answer.result.sent.kind == ("delta" if count else "full")
                before = proxy.upgrades
                await asyncio.sleep(0.35)
            assert before >= 3
            assert len(engine.asked) == 6

    run(main(), 20.0)


@pytest.mark.parametrize("wire", ["openai-ws", "segue-ws"])
def test_a_connection_that_ended_while_nobody_looked_is_left_before_anything_is_sent(run: Any, wire: str) -> None:
    """A program that blocks its loop between two turns has not read yet that the endpoint hung up."""
    started, loops = threading.Event(), list[Any]()

    async def serve() -> None:
        async with endpoint() as (url, engine, served):
            over = asyncio.Event()
            loops.extend((asyncio.get_running_loop(), url, engine, served, over))
            started.set()
            await over.wait()

    async def hang_up(served: Endpoint) -> None:
        for connection in list(served.connections):
            await connection._close(1001)

    async def main() -> None:
        loop, url, engine, served, _ = loops
        async with connect(url, wire) as session:
            chat = session.conversation()
            assert await (await chat.turn("Remember this word: lantern.")).text()
            asyncio.run_coroutine_threadsafe(hang_up(served), loop).result(5.0)  # this loop stands still meanwhile
            time.sleep(0.05)
            answer = await chat.turn("Which word was it?")
            assert await answer.text() == "lantern"
            assert done(answer) in ([], ["resend_full"])
            assert len(engine.asked) == 2

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(10.0)
        run(main(), 20.0)
    finally:
        loops[0].call_soon_threadsafe(loops[4].set)
        thread.join(10.0)


def test_turns_that_run_when_the_connection_ends_are_read_to_their_end(run: Any) -> None:
    async def main() -> None:
        async with (
            endpoint(connection_ms=400, draining_ms=200) as (url, engine, _),
            connect(url, "segue-ws") as session,
        ):
            chat = session.conversation()
            for _ in range(2):
                assert len(await (await chat.turn(SLOW)).text()) > 300
            assert len(engine.asked) == 2

    run(main(), 20.0)


def test_another_endpoint_takes_the_conversation_over(run: Any) -> None:
    async def main() -> None:
        async with AsyncExitStack() as first, endpoint() as (second, engine, _):
            url, _, _ = await first.enter_async_context(endpoint())
            async with connect(url, others=[segue.Endpoint(second + "/v1", wire="segue-http")]) as session:
                chat = session.conversation(patience=segue.Patience(reconnects=2, first=0.01))
                await (await chat.turn("Remember this word: lantern.")).text()
                await first.aclose()  # nobody listens there any more
                answer = await chat.turn("Which word was it?")
                assert await answer.text() == "lantern"
                assert done(answer)[-1] == "elsewhere"
                assert len(engine.asked) == 1
                assert answer.result.sent.kind == "full"
                again = await chat.turn("Which word was it?")
                await again.text()
                assert again.result.sent.kind == "delta"
                assert chat.move() is False

    run(main(), 20.0)


def test_a_wire_can_be_left_by_hand(run: Any) -> None:
    async def main() -> None:
        async with endpoint() as (url, _, _), connect(url, others=[url + "/v1"]) as session:
            chat = session.conversation()
            assert await (await chat.turn("Say pear.")).text() == "pear"
            lines = session._lines
            assert lines.other_wire(lines._lines[0], "by hand")
            assert session.capabilities.wire == "segue-http"
            answer = await chat.turn("Say plum.")
            assert (await answer.text(), done(answer), answer.result.sent.kind) == ("plum", ["fallback"], "delta")
            lines.suspect(lines._lines[-1], TimedOut("a pool is no connection that could be dead", url))
            assert chat.move() is True
            assert session.capabilities.wire == "segue-http"
            answer = await chat.turn("Say fig.")
            assert (await answer.text(), answer.result.sent.kind) == ("fig", "full")

    run(main())


def test_a_history_that_does_not_fit_goes_in_parts(run: Any) -> None:
    async def main() -> None:
        async with endpoint(message_bytes=4000) as (url, engine, _), connect(url, "segue-ws") as session:
            chat = session.conversation()
            for number in range(6):
                await (await chat.turn(f"Say word{number}. " + "." * 1500)).text()
            await session.delete(chat.continuation.id, descendants=True)
            for handle in list(chat._memory.handles):
                await session.delete(handle.id)
            answer = await chat.turn("Say plum.")
            assert await answer.text() == "plum"
            assert answer.result.sent.parts >= 3
            assert done(answer) == ["resend_full"]
            assert len(engine.asked) == 7
            assert len(engine.asked[-1]) == 13
            with pytest.raises(TooLarge, match="item 14 of the history takes"):
                await (await chat.turn("." * 5000)).text()
            none = session.conversation(retention="none")
            assert await (await none.turn(history=[*chat.items, "Say fig."])).text() == "fig"

    run(main(), 20.0)


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http"])
def test_cancel_steer_and_what_a_wire_can_not_do(run: Any, wire: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, _engine, _), connect(url, wire) as session:
            chat = session.conversation()
            answer = await chat.turn(SLOW)
            with pytest.raises(LocalProtocolError, match="does not run"):
                await answer.steer([])
            async for event in answer:
                if isinstance(event, models.ItemDelta):
                    await answer.cancel()
                    break
            outcome = await answer.outcome()
            assert outcome.completed.status == "cancelled"
            assert outcome.proved
            assert len(chat.items) == 2
            answer = await chat.turn("Write a long text slowly. Then say pear.")
            async for event in answer:
                if isinstance(event, models.ItemDelta):
                    await answer.steer(segue.message_items("Say plum."))
                    break
            outcome = await answer.outcome()
            entered = [event for event in outcome.events if isinstance(event, models.TurnSteered)]
            assert len(entered) + len(outcome.too_late) == 1
            assert outcome.proved
            assert not outcome.unanswered
            with pytest.raises(LocalProtocolError, match="does not run"):
                await answer.steer(segue.message_items("Say fig."))

    run(main(), 20.0)


@pytest.mark.parametrize("wire", ["openai-ws", "openai-http"])
def test_what_is_not_carried_is_said_before_anything_is_sent(run: Any, wire: str) -> None:
    async def main() -> None:
        async with endpoint() as (url, engine, _), connect(url, wire) as session:
            assert not session.capabilities.offers("steer")
            chat = session.conversation()
            with pytest.raises(NotOffered, match="deadline_ms"):
                await chat.turn("Say pear.", deadline_ms=100)
            with pytest.raises(NotOffered, match="retention `"):
                await chat.turn("Say pear.", retention="none" if wire == "openai-ws" else "connection")
            if wire == "openai-ws":
                assert (await chat.warm_up("Remember this word: lantern.")).completed is not None
            else:
                with pytest.raises(NotOffered, match="warm_up"):
                    await chat.warm_up("Remember this word: lantern.")
            assert engine.asked == []
            answer = await chat.turn(SLOW)
            with pytest.raises(NotOffered, match="cancel"):
                await answer.cancel()
            with pytest.raises(NotOffered, match="steer"):
                await answer.steer(segue.message_items("Say plum."))
            await answer.outcome()

    run(main(), 20.0)


def test_warm_up_final_and_a_deadline(run: Any) -> None:
    async def main() -> None:
        async with endpoint() as (url, _, _), connect(url, "segue-http") as session:
            chat = session.conversation()
            warm = await chat.warm_up("Remember this word: lantern.")
            assert (warm.items, warm.proved, chat.length) == ([], True, 1)
            answer = await chat.turn("Which word was it?", final=True)
            assert (await answer.text(), answer.result.sent.kind) == ("lantern", "delta")
            late = await chat.turn(SLOW, deadline_ms=50, coalesce_ms=20)
            outcome = await late.outcome()
            assert outcome.failed.error.code == "deadline_exceeded"
            with pytest.raises(segue.TurnBroken):
                await late.text()
            assert chat.length == 3

    run(main(), 20.0)


def test_forks_run_side_by_side_in_lanes_of_their_own(run: Any) -> None:
    async def main() -> None:
        async with endpoint() as (url, _engine, _), connect(url, "segue-ws") as session:
            chat = session.conversation()
            await (await chat.turn("Remember this word: lantern.")).text()
            forks = [chat.fork() for _ in range(3)]
            loop = asyncio.get_running_loop()
            began = loop.time()
            answers = await asyncio.gather(*(fork.turn(SLOW) for fork in forks))
            outcomes = await asyncio.gather(*(answer.outcome() for answer in answers))
            assert loop.time() - began < 1.5  # one after the other they would take 1.8 s
            assert len({repr(outcome.accepted.lane) for outcome in outcomes}) == 3
            assert [fork.length for fork in forks] == [4, 4, 4]
            assert chat.length == 2
            early = chat.fork(0)
            assert (early.length, early.continuation) == (0, None)

    run(main(), 20.0)


def test_one_turn_at_a_time(run: Any) -> None:
    async def main() -> None:
        async with endpoint() as (url, _engine, _), connect(url, "segue-ws") as session:
            chat = session.conversation()
            answer = await chat.turn(SLOW)
            with pytest.raises(Unsettled, match="has not ended"):
                await chat.turn("Say pear.")
            chat.abandon()
            chat.abandon()
            assert await (await chat.turn("Say pear.")).text() == "pear"
            assert answer.result.completed is None

    run(main(), 20.0)


def test_a_wait_that_is_given_up_loses_nothing(run: Any) -> None:
    async def main() -> None:
        async with endpoint() as (url, engine, _), connect(url, "segue-ws") as session:
            chat = session.conversation()
            answer = await chat.turn(SLOW)
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await answer.text()
            assert len(await answer.text()) > 300
            assert len(engine.asked) == 1
            slow = await chat.turn(SLOW, limit=0.2)
            with pytest.raises(TimedOut, match="has not ended within"):
                await slow.text()
            slow.extend(10)
            assert len(await slow.text()) > 300

    run(main(), 20.0)


def test_a_history_is_carried_by_a_bundle(run: Any) -> None:
    async def main() -> None:
        async with (
            endpoint() as (url, _, _),
            endpoint() as (elsewhere, _, _),
            connect(url, "segue-ws") as session,
            connect(elsewhere, "openai-http") as other,
        ):
            chat = session.conversation()
            await (await chat.turn("Remember this word: lantern.")).text()
            bundle = chat.export()
            there = other.conversation()
            there.import_(bundle)
            answer = await there.turn("Which word was it?")
            assert await answer.text() == "lantern"
            assert answer.result.sent.kind == "full"
            back = session.conversation()
            back.import_(bundle, chat.continuation)
            answer = await back.turn("Which word was it?")
            assert (await answer.text(), answer.result.sent.kind) == ("lantern", "delta")
            with pytest.raises(LocalProtocolError, match="just begun"):
                back.import_(bundle)
            made = await session.import_(bundle)
            assert (await session.export(made.continuation.id)).bundle.digest == bundle.digest
            assert made.continuation.digest == bundle.digest

    run(main(), 20.0)


def test_a_slow_reader_holds_no_more_than_its_bound(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not read is not fetched; and where others wait behind it, it is read again later."""

    async def main(session: Session, engine: Counting) -> None:
        slow, quick = session.conversation(), session.conversation()
        answer = await slow.turn("Write a long text of 800 words.")
        assert isinstance(await answer.next(), models.TurnAccepted)
        await asyncio.sleep(0.5)
        assert answer._channel._held < 8_000
        assert await (await quick.turn("Say pear.")).text() == "pear"
        await asyncio.sleep(0.2)
        assert len((await answer.outcome()).text.split()) == 800
        assert len(engine.asked) == 2

    async def served() -> None:
        async with endpoint(slow_ms=100) as (url, engine, _), connect(url, "segue-ws") as session:
            await main(session, engine)

    from segue_adapters.conversation import answer

    kept = answer.Channel
    monkeypatch.setattr(answer, "Channel", lambda **more: kept(bound=4_000, **more))
    run(served(), 30.0)
