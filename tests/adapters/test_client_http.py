"""Sessions over HTTP: an exchange for each message, cuts and limits, answers that are asked for again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import segue
from segue_adapters.client import Session
from segue_adapters.errors import (
    ConnectionCut,
    LocalProtocolError,
    RemoteProtocolError,
    SegueError,
    TimedOut,
    Unreachable,
)
from segue_adapters.links import open_link
from segue_adapters.sse import encode_event
from segue_adapters.transports.base import Options

OPTIONS = Options(connect_timeout=2.0, silence_timeout=3.0)


def event(kind: str, **members: Any) -> bytes:
    return encode_event(json.dumps({"type": kind, **members}).encode(), event=kind, id=members.get("seq"))


def http(status: str, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n{more}\r\n".encode() + body


ACCEPTED = {"type": "turn.accepted", "turn": "t", "seq": 0, "retention": "cached"}
ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
COMPLETED = {"type": "turn.completed", "turn": "t", "seq": 3, "status": "completed"}
BEGUN = event("turn.accepted", **{k: v for k, v in ACCEPTED.items() if k != "type"})
STREAM = BEGUN + (
    event("item.started", turn="t", seq=1, index=0, item=ITEM)
    + event("item.completed", turn="t", seq=2, index=0)
    + event("turn.completed", turn="t", seq=3, status="completed")
)
SNAPSHOT = {"type": "turn.snapshot", "turn": "t", "accepted": ACCEPTED, "items": []}


@pytest.fixture
def session(raw_server: Any) -> Any:
    """Give a session with a server that answers "METHOD /path" by the table; a list is answered one by one."""

    @asynccontextmanager
    async def opened(
        answers: dict[str, Any], *, wire: str = "segue-http", limit: float = 2.0
    ) -> AsyncIterator[tuple[Session, list[str]]]:
        asked: list[str] = []

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line = head.split("\r\n")[0].rpartition(" ")[0]
            after = next((h.partition(": ")[2] for h in head.split("\r\n") if h.lower().startswith("last-event")), "")
            asked.append(line + (f" after {after}" if after else ""))
            answer = answers[line]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()

        async with raw_server(handler) as port:
            link = await open_link(wire, f"http://127.0.0.1:{port}", OPTIONS)
            mine = Session(link, wire, context={"model": "m"}, limit=limit)
            try:
                yield mine, asked
            finally:
                await mine.close()

    return opened


SSE = "text/event-stream"


def test_a_turn_and_two_at_once(run: Any, session: Any) -> None:
    async def main() -> None:
        async with session({"PUT /turns/t": http("200 OK", STREAM, SSE)}) as (mine, _):
            turns = [await mine.turn("Hi", name="t") for _ in range(3)]
            assert await asyncio.gather(*(turn.text() for turn in turns)) == ["Hello"] * 3
            with pytest.raises(LocalProtocolError, match="no connection that could tell"):
                await mine.notice(1)
            await mine.link.settled(2)
            assert not mine.link._tasks
            await mine.link.settled(2)

    run(main())


def test_a_turn_that_still_runs_is_asked_for_again(run: Any, session: Any) -> None:
    running = http("202 Accepted", json.dumps({**SNAPSHOT, "retry_after_ms": 1}).encode())
    ended = http("200 OK", json.dumps({**SNAPSHOT, "items": [ITEM], "completed": COMPLETED}).encode())

    async def main() -> None:
        answers = {"PUT /turns/t": running, "GET /turns/t": [running, running, ended]}
        async with session(answers) as (mine, asked):
            assert await (await mine.turn("Hi", name="t", final=True)).text() == "Hello"
            assert asked == ["PUT /turns/t", "GET /turns/t", "GET /turns/t", "GET /turns/t"]

    run(main())


def test_a_cut_stream_is_read_on(run: Any, session: Any) -> None:
    chunked = "transfer-encoding: chunked\r\n"
    cut = http("200 OK", b"%x\r\n%s\r\n" % (len(BEGUN), BEGUN), SSE, chunked)

    async def main() -> None:
        answers = {"PUT /turns/t": cut, "GET /turns/t/events": http("200 OK", STREAM[len(BEGUN) :], SSE)}
        async with session(answers) as (mine, asked):
            turn = await mine.turn("Hi", name="t")
            with pytest.raises(ConnectionCut, match="mid-answer"):
                await turn.outcome()
            assert turn.last_seq == 0
            assert await (await mine.resume(turn)).text() == "Hello"
            assert asked[-1] == "GET /turns/t/events after 0"

    run(main())


def test_a_stream_that_ends_too_early_and_a_reading_behind_the_end(run: Any, session: Any) -> None:
    async def main() -> None:
        answers = {"PUT /turns/t": http("200 OK", BEGUN, SSE), "GET /turns/t/events": http("200 OK", b"", SSE)}
        async with session(answers) as (mine, _):
            with pytest.raises(RemoteProtocolError, match="before a terminal event"):
                await (await mine.turn("Hi", name="t")).outcome()
            with pytest.raises(LocalProtocolError, match="nothing follows event 3"):
                await (await mine.resume("t", after=3)).outcome()

    run(main())


@pytest.mark.parametrize("wire", ["segue-http", "openai-http"])
def test_an_endless_drip_ends_at_the_limit(run: Any, session: Any, wire: str) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(http("200 OK", BEGUN if wire == "segue-http" else b"", SSE))
        while True:
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def main() -> None:
        async with session({"PUT /turns/t": drip, "POST /responses": drip}, wire=wire) as (mine, _):
            with pytest.raises(TimedOut, match=r"no terminal event within 0\.3 s"):
                await (await mine.turn("Hi", name="t", limit=0.3)).outcome()

    run(main())


@pytest.mark.parametrize("how", ["close", "cut"])
def test_giving_up_tells_who_waits(run: Any, session: Any, how: str) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(http("200 OK", BEGUN, SSE))
        await asyncio.sleep(30)

    async def main() -> None:
        async with session({"PUT /turns/t": hang}) as (mine, _):
            turn = await mine.turn("Hi", name="t")
            await turn.next()
            if how == "close":
                await mine.close()
            else:
                mine.link.cut()
            with pytest.raises(ConnectionCut, match="from this side"):
                await turn.outcome()

    run(main())


def test_a_cancel_is_a_request_of_its_own(run: Any, session: Any) -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def wait(writer: asyncio.StreamWriter) -> None:
            writer.write(http("200 OK", BEGUN, SSE))
            await release.wait()
            writer.write(STREAM[len(BEGUN) :])
            await writer.drain()

        async def cancelled(writer: asyncio.StreamWriter) -> None:
            release.set()
            writer.write(http("409 Conflict", b"not even a problem body"))

        async with session({"PUT /turns/t": wait, "POST /turns/t/cancel": cancelled}) as (mine, asked):
            turn = await mine.turn("Hi", name="t")
            await turn.next()
            await mine.cancel(turn)
            assert await turn.text() == "Hello"
            assert asked[1] == "POST /turns/t/cancel"

    run(main())


def test_a_whole_answer_that_ends_nothing(run: Any, session: Any) -> None:
    async def main() -> None:
        async with session({"PUT /turns/t": http("200 OK", b'{"type":"later"}')}) as (mine, _):
            with pytest.raises(RemoteProtocolError, match="said nothing that ends the request"):
                await (await mine.turn("Hi", name="t")).outcome()

    run(main())


def test_a_fault_of_this_library_is_told_and_not_waited_for(
    run: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with session({"PUT /turns/t": http("200 OK", STREAM, SSE)}) as (mine, _):
            monkeypatch.setattr("segue_adapters.wires.segue_http.server_message", lambda data: 1 // 0)
            with pytest.raises(SegueError, match="a fault of this library") as caught:
                await (await mine.turn("Hi", name="t")).outcome()
            assert isinstance(caught.value.__cause__, ZeroDivisionError)

    run(main())


def test_nobody_there(run: Any, free_port: int) -> None:
    async def main() -> None:
        link = await open_link("segue-http", f"http://127.0.0.1:{free_port}", OPTIONS)
        mine = Session(link, "segue-http", context=None, limit=2)
        with pytest.raises(Unreachable):
            await (await mine.turn("Hi")).outcome()
        await mine.close()

    run(main())


def test_an_openai_endpoint_is_found_and_asked(run: Any, http_server: Any) -> None:
    response = {"id": "resp_1", "status": "completed", "output": [ITEM], "store": True}
    stream = event("response.output_item.done", output_index=0, item=ITEM) + event(
        "response.completed", response=response
    )
    seen: list[Any] = []

    def answers(asked: str, headers: dict[str, str], body: bytes) -> bytes:
        if asked == "POST /v1/responses":
            return http("200 OK", stream, SSE) if b"input" in body else http("400 Bad", b'{"error":{"message":"m"}}')
        return http("404 Not Found", b"<h1>", "text/html")

    async def main() -> None:
        async with (
            http_server(answers, seen) as url,
            segue.connect(url + "/v1", api_key="key-1", context={"model": "m"}, limit=2) as mine,
        ):
            assert (mine.wire, mine.inherits) == ("openai-http", False)
            turn = await mine.turn("Hi", parent="resp_0")
            assert await turn.text() == "Hello"
            assert turn.continuation == segue.models.Continuation(id="resp_1", retention="cached")

    run(main())
    assert all(headers["authorization"] == "Bearer key-1" for _, headers, _ in seen)
    assert json.loads(seen[-1][2])["model"] == "m"  # this wire's turns do not inherit: each bears its context
