"""Segue over WebSocket on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from gateway_lab import message, run
from segue_gateway import Endpoint, Settings
from segue_gateway.server import serving
from segue_schemas import validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

KEYS = {"alice": "key-of-alice", "bob": "key-of-bob"}
SERVER = validator("native.json#/$defs/ServerMessage")


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[str]:
    async with serving(Endpoint(settings=Settings(**settings), keys=KEYS)) as url:
        yield url.replace("http", "ws") + "/segue/v1"


@asynccontextmanager
async def open_at(url: str, *, key: str = "key-of-alice", **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a connection and take its `welcome`."""
    headers = {"authorization": f"Bearer {key}"}
    async with connect(url, subprotocols=["segue.v1"], additional_headers=headers, **options) as socket:  # type: ignore[list-item]
        assert (await receive(socket))["type"] == "welcome"
        yield socket


async def receive(socket: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await socket.recv())
    SERVER.validate(told)
    return told


async def send(socket: ClientConnection, kind: str, **members: Any) -> None:
    await socket.send(json.dumps({"type": kind, **members}))


async def begin(socket: ClientConnection, name: str, text: str, **members: Any) -> None:
    await send(socket, "turn.start", turn=name, input=[message(text)], **members)


async def rest(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return what still comes before the other side closes."""
    events = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            events.append(await receive(socket))
    return events


async def until_end(socket: ClientConnection, name: str) -> list[dict[str, Any]]:
    """Return the events of one turn up to its end; others must not come in between here."""
    events = []
    while True:
        event = await receive(socket)
        assert event.get("turn") == name, event
        events.append(event)
        if event["type"] in ("turn.completed", "turn.failed", "error"):
            return events


async def turn(socket: ClientConnection, name: str, text: str, **members: Any) -> list[dict[str, Any]]:
    await begin(socket, name, text, **members)
    return await until_end(socket, name)


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event.get("append", "") for event in events if event["type"] == "item.delta")


def test_a_conversation_over_one_connection() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket:
            assert socket.subprotocol == "segue.v1"
            first = await turn(socket, "t1", "Remember this word: walnut. Answer only with OK.", retention="connection")
            assert text_of(first) == "OK"
            parent = first[-1]["continuation"]["id"]
            second = await turn(socket, "t2", "Which word did I ask you to remember?", parent=parent)
            assert text_of(second) == "walnut"
            assert second[0]["reused"] == {"items": 2, "tier": "connection"}

    run(main())


def test_welcome_and_discovery_say_the_same() -> None:
    async def main() -> None:
        async with served() as url, connect(url, subprotocols=["segue.v1"], additional_headers=_auth()) as socket:  # type: ignore[list-item]
            welcome = await receive(socket)
            base = url.replace("ws:", "http:").removesuffix("/segue/v1")
            async with httpx.AsyncClient() as client:
                for path in ("/.well-known/segue", "/v1/.well-known/segue"):
                    document = (await client.get(base + path)).json()
                    validator("capabilities.json#/$defs/Discovery").validate(document)
                    assert document["capabilities"] == welcome["capabilities"]
                    assert document["limits"] == welcome["limits"]
            assert 0 < welcome["expires_in_ms"] <= welcome["limits"]["connection_ms"]

    run(main())


def _auth(key: str = "key-of-alice") -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("headers", "protocols", "status", "code"),
    [
        ({}, ["segue.v1"], 401, "unauthenticated"),
        (_auth("wrong"), ["segue.v1"], 401, "unauthenticated"),
        ({"authorization": "Basic key-of-alice"}, ["segue.v1"], 401, "unauthenticated"),
        ({**_auth(), "origin": "https://page.example"}, ["segue.v1"], 403, "forbidden"),
        (_auth(), None, 400, "unsupported_version"),
        (_auth(), ["other.v1"], 400, "unsupported_version"),
    ],
)
def test_an_upgrade_that_is_denied_says_why(headers: Any, protocols: Any, status: int, code: str) -> None:
    async def main() -> None:
        async with served() as url:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url, subprotocols=protocols, additional_headers=headers)
            response = caught.value.response
            assert response.status_code == status
            assert response.headers["content-type"] == "application/problem+json"
            assert json.loads(response.body or b"")["code"] == code

    run(main())


def test_a_listed_origin_may_connect() -> None:
    async def main() -> None:
        async with served(origins=frozenset({"https://page.example"})) as url:
            headers = {**_auth(), "origin": "https://page.example"}
            async with connect(url, subprotocols=["segue.v1"], additional_headers=headers) as socket:  # type: ignore[list-item]
                assert (await receive(socket))["type"] == "welcome"

    run(main())


def test_no_websocket_elsewhere_and_no_plain_get_here() -> None:
    async def main() -> None:
        async with served() as url:
            base = url.replace("ws:", "http:").removesuffix("/segue/v1")
            for path in ("/segue/v2", "/v1/models", "/"):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(url.removesuffix("/segue/v1") + path, additional_headers=_auth())
                assert caught.value.response.status_code == 426
                assert caught.value.response.headers["upgrade"] == "HTTP/1.1"
            async with httpx.AsyncClient(headers=_auth()) as client:
                plain = await client.get(base + "/segue/v1")
                assert (plain.status_code, plain.headers["upgrade"]) == (426, "websocket")
                assert (await client.get(base + "/nothing/here")).status_code == 404
                assert (await client.get(base + "/healthz")).json() == {"status": "ok"}

    run(main())


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "malformed_message"),
        ("not json", "malformed_message"),
        ("[]", "malformed_message"),
        ('{"type":7}', "malformed_message"),
        ('{"type":"turn.start","turn":"a","turn":"b","input":[]}', "malformed_message"),
        (b'{"type":"turn.cancel","turn":"t"}', "malformed_message"),
        ("[" * 5_000, "malformed_message"),
        ('{"type":"turn.begin","turn":"t"}', "unsupported_message"),
        ('{"type":"turn.start"}', "invalid_request"),
        ('{"type":"turn.start","turn":"a b","input":[]}', "invalid_request"),
        ('{"type":"turn.resume","turn":"unknown"}', "turn_not_found"),
        ('{"type":"turn.cancel","turn":"unknown"}', "turn_not_found"),
        ('{"type":"turn.steer","turn":"t","steer":"s","input":[{"type":"x"}]}', "turn_not_found"),
        ('{"type":"continuation.get","ref":"r","id":"unknown"}', "continuation_not_found"),
        ('{"type":"continuation.delete","ref":"r","id":"unknown"}', "continuation_not_found"),
        ('{"type":"continuation.export","ref":"r","id":"unknown"}', "continuation_not_found"),
    ],
)
def test_what_can_not_be_acted_on_is_refused_and_the_connection_stays(frame: str | bytes, code: str) -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket:
            await socket.send(frame)
            told = await receive(socket)
            assert (told["type"], told["error"]["code"]) == ("error", code)
            if code not in ("malformed_message",):
                assert told["refused"] == json.loads(frame)["type"]
            for member in ("steer", "ref"):
                if member in told:
                    assert told[member] == json.loads(frame)[member]
            assert text_of(await turn(socket, "after", "Say hello")) == "hello"

    run(main())


def test_a_message_above_the_limit_is_refused_with_its_limit_and_the_connection_stays() -> None:
    async def main() -> None:
        async with served() as url, open_at(url, max_size=None) as socket:
            await begin(socket, "big", "x" * 20_000_000)
            told = await receive(socket)
            assert told["error"]["code"] == "message_too_large"
            assert told["error"]["detail"]["limit"] == 16 * 1024 * 1024
            assert text_of(await turn(socket, "after", "Say hello")) == "hello"

    run(main())


def test_the_limit_counts_bytes_and_takes_what_it_allows() -> None:
    async def main() -> None:
        async with served(message_bytes=4_000) as url, open_at(url) as socket:
            frame = json.dumps({"type": "turn.start", "turn": "t", "input": [message("")]})
            fits = frame.replace('""', '"' + "x" * (4_000 - len(frame)) + '"')
            assert len(fits) == 4_000
            await socket.send(fits)
            assert (await until_end(socket, "t"))[-1]["type"] == "turn.completed"
            wide = json.dumps(
                {"type": "turn.start", "turn": "u", "input": [message("\u20ac" * 2_000)]}, ensure_ascii=False
            )
            await socket.send(wide)
            assert (await receive(socket))["error"]["code"] == "message_too_large"

    run(main())


def test_far_above_the_limit_the_library_closes() -> None:
    async def main() -> None:
        async with served(message_bytes=1_000) as url, open_at(url, compression=None) as socket:
            with contextlib.suppress(ConnectionClosed):
                await socket.send("x" * 500_000)
            assert await rest(socket) == []
            assert socket.close_code == 1009

    run(main())


def test_a_message_in_several_frames_is_one() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket:
            whole = json.dumps({"type": "turn.start", "turn": "t", "input": [message("Say hello")]})
            await socket.send([whole[:10], whole[10:40], whole[40:]])
            assert text_of(await until_end(socket, "t")) == "hello"

    run(main())


def test_compression_keeps_its_whole_window() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket:
            (extension,) = socket.protocol.extensions
            assert "remote_max_window_bits=15" in repr(extension)
            assert "local_max_window_bits=15" in repr(extension)

    run(main())


# -- what a connection means, and what it does not


def test_a_turn_goes_on_without_its_connection_and_is_read_over_another() -> None:
    async def main() -> None:
        async with served() as url:
            async with open_at(url) as socket:
                await begin(socket, "long", "Write a long text slowly")
                while (await receive(socket))["type"] != "item.delta":
                    pass
                last = (await receive(socket))["seq"]
            async with open_at(url) as socket:
                await send(socket, "turn.resume", turn="long", after=last)
                rest = [e for e in await until_end(socket, "long") if "seq" in e]
                assert [event["seq"] for event in rest] == list(range(last + 1, last + 1 + len(rest)))
                assert rest[-1]["status"] == "completed"
                await send(socket, "turn.resume", turn="long")
                whole = [e for e in await until_end(socket, "long") if "seq" in e]
                assert whole[0]["replayed"] is True
                assert whole[last + 1 : -1] == rest[:-1]
                assert len(text_of(whole).split()) == 60

    run(main())


def test_a_repeat_over_another_connection_attaches() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as one, open_at(url) as two:
            await begin(one, "t", "Write a long text slowly")
            assert (await receive(one))["type"] == "turn.accepted"
            await begin(two, "t", "Write a long text slowly")
            first, second = await asyncio.gather(until_end(one, "t"), until_end(two, "t"))
            assert second[0]["replayed"] is True
            assert text_of(first) == text_of(second)
            conflict = await turn(two, "t", "Something else")
            assert conflict[0]["error"]["code"] == "turn_conflict"

    run(main())


def test_a_new_reading_replaces_the_older_one_on_its_connection() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket:
            await begin(socket, "t", "Write a long text slowly")
            seen = [(await receive(socket))["seq"] for _ in range(5)]
            assert seen == [0, 1, 2, 3, 4]
            await send(socket, "turn.resume", turn="t")
            events = [event for event in await until_end(socket, "t") if "seq" in event]
            seqs = [event["seq"] for event in events]
            begun = seqs.index(0)
            assert seqs[begun:] == list(range(seqs[-1] + 1))  # none lost, none twice, and nothing of the old one
            assert seqs[:begun] == list(range(5, 5 + begun))
            assert events[begun]["replayed"] is True

    run(main())


def test_a_resume_behind_a_number_is_refused_where_the_turn_is_read_and_the_reading_goes_on() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket, open_at(url) as other:
            await begin(socket, "t", "Write a long text slowly")
            assert [(await receive(socket))["seq"] for _ in range(3)] == [0, 1, 2]
            await send(socket, "turn.resume", turn="t", after=1)
            events = await until_end(socket, "t")
            if events[-1]["type"] == "error":
                events += await until_end(socket, "t")
            (refused,) = (event for event in events if event["type"] == "error")
            assert (refused["refused"], refused["turn"]) == ("turn.resume", "t")
            error = refused["error"]
            assert (error["code"], error["advice"], error["param"]) == ("invalid_request", "fix", "/after")
            seqs = [event["seq"] for event in events if "seq" in event]
            assert seqs == list(range(3, seqs[-1] + 1))
            for line in (socket, other):  # no reading is under way there
                await send(line, "turn.resume", turn="t", after=seqs[-1] - 2)
                assert [event["seq"] for event in await until_end(line, "t")] == seqs[-2:]

    run(main())


def test_a_handle_of_a_connection_is_unknown_to_another() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as one, open_at(url) as two:
            first = await turn(one, "t", "Say hello", retention="connection")
            parent = first[-1]["continuation"]["id"]
            assert first[-1]["continuation"]["retention"] == "connection"
            assert (await turn(two, "u", "Say hello", parent=parent))[0]["error"]["code"] == "continuation_not_found"
            assert (await turn(one, "u", "Say hello", parent=parent))[-1]["type"] == "turn.completed"

    run(main())


def test_cancel_ends_the_reading_or_is_answered_alone() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as one, open_at(url) as two:
            await begin(one, "t", "Write a long text slowly")
            while (await receive(one))["type"] != "item.delta":
                pass
            await send(two, "turn.cancel", turn="t")
            assert (await until_end(one, "t"))[-1]["status"] == "cancelled"
            assert (await until_end(two, "t"))[-1]["status"] == "cancelled"  # alone: the one message of the turn
            await send(one, "turn.cancel", turn="t")
            (again,) = await until_end(one, "t")
            assert again["status"] == "cancelled"

    run(main())


def test_lanes_run_side_by_side_and_each_in_order() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as socket:
            await begin(socket, "a1", "Write a long text slowly", lane="a")
            await begin(socket, "a2", "Say hello", lane="a")
            await begin(socket, "b1", "Say hello", lane="b")
            ends: list[str] = []
            accepted: list[str] = []
            while len(ends) < 3:
                event = await receive(socket)
                if event["type"] == "turn.accepted":
                    accepted.append(event["turn"])
                    assert event["lane"] == event["turn"][0]
                elif event["type"] == "turn.completed":
                    ends.append(event["turn"])
            assert accepted == ["a1", "a2", "b1"]  # on receipt
            assert ends == ["b1", "a1", "a2"]

    run(main())


def test_lanes_have_limits_but_repeats_need_no_place() -> None:
    async def main() -> None:
        async with served(lanes=1, lane_queue=1) as url, open_at(url) as socket:
            await begin(socket, "a1", "Write a long text slowly", lane="a")
            await begin(socket, "a2", "Say hello", lane="a")
            await begin(socket, "a3", "Say hello", lane="a")
            await begin(socket, "b1", "Say hello", lane="b")
            await begin(socket, "a2", "Say hello", lane="b")  # a repeat: attached, whatever lane it names
            codes: dict[str, str] = {}
            replayed: list[str] = []
            ends: list[str] = []
            while len(ends) < 2:
                event = await receive(socket)
                if event["type"] == "error":
                    codes[event["turn"]] = event["error"]["code"]
                if event.get("replayed"):
                    replayed.append(event["turn"])
                if event["type"] == "turn.completed":
                    ends.append(event["turn"])
            assert codes == {"a3": "lane_full", "b1": "too_many_lanes"}
            assert replayed == ["a2"]

    run(main())


def test_the_end_of_a_connections_life_is_announced_and_its_turn_lives_on() -> None:
    async def main() -> None:
        async with served(connection_ms=1_600, draining_ms=800) as url:
            async with open_at(url) as socket:
                await begin(socket, "t", "Write a long text slowly")
                while (event := await receive(socket))["type"] != "connection.draining":
                    pass
                assert event["reason"] == "connection_lifetime"
                assert (event["close_in_ms"], event["resumable_elsewhere"]) == (800, True)
                await begin(socket, "t", "Write a long text slowly")  # a claimed name is no new turn (SEG-LIVE-022)
                await begin(socket, "late", "Say hello")
                told = await rest(socket)
                assert [event["replayed"] for event in told if event["type"] == "turn.accepted"] == [True]
                (refused,) = [event for event in told if event["type"] == "error"]
                assert (refused["turn"], refused["error"]["code"]) == ("late", "draining")
                assert socket.close_code == 4410
            async with open_at(url) as socket:
                await send(socket, "turn.resume", turn="t")
                assert (await until_end(socket, "t"))[-1]["status"] == "completed"

    run(main())


def test_an_eviction_is_told_to_the_principals_connections() -> None:
    async def main() -> None:
        async with served(continuations=1) as url, open_at(url) as one, open_at(url, key="key-of-bob") as other:
            first = await turn(one, "t1", "Say hello")
            await begin(one, "t2", "Say hello")
            events: list[dict[str, Any]] = []
            while not events or events[-1]["type"] != "turn.completed":
                events.append(await receive(one))
            notice = next((e for e in events if e["type"] == "continuation.evicted"), None) or await receive(one)
            assert (notice["id"], notice["reason"]) == (first[-1]["continuation"]["id"], "capacity")
            assert text_of(await turn(other, "t1", "Say hello")) == "hello"  # and nothing of it came here

    run(main())


def test_what_another_principal_holds_does_not_exist() -> None:
    async def main() -> None:
        async with served() as url, open_at(url) as alice, open_at(url, key="key-of-bob") as bob:
            first = await turn(alice, "t", "Say hello")
            parent = first[-1]["continuation"]["id"]
            assert (await turn(bob, "u", "Say hello", parent=parent))[0]["error"]["code"] == "continuation_not_found"
            await send(bob, "turn.resume", turn="t")
            assert (await receive(bob))["error"]["code"] == "turn_not_found"
            await send(bob, "continuation.delete", ref="r", id=parent)
            assert (await receive(bob))["error"]["code"] == "continuation_not_found"
            assert text_of(await turn(bob, "t", "Say hi")) == "hi"  # the same name is another turn
            await send(alice, "continuation.get", ref="r", id=parent)
            info = await receive(alice)
            assert info["continuation"]["digest"] == first[-1]["digest"]

    run(main())


def test_a_message_that_breaks_the_endpoint_is_answered_and_the_connection_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Endpoint):
        async def get(self, caller: Any, message: Any) -> Any:
            raise RuntimeError("a fault")

    async def main() -> None:
        async with serving(Broken(keys=KEYS)) as base, open_at(base.replace("http", "ws") + "/segue/v1") as socket:
            await send(socket, "continuation.get", ref="r", id="x")
            told = await receive(socket)
            assert told["error"]["code"] == "internal_error"
            assert (told["refused"], told["ref"]) == ("continuation.get", "r")
            assert "fault" not in json.dumps(told)
            assert text_of(await turn(socket, "after", "Say hello")) == "hello"

    run(main())


def test_a_fault_that_no_message_is_to_blame_for_ends_the_connection_and_says_so() -> None:
    class Broken(Endpoint):
        def took_frame(self, wire: str, frame: str | bytes) -> str | bytes:
            raise RuntimeError("a fault")

    async def main() -> None:
        async with serving(Broken(keys=KEYS)) as base, open_at(base.replace("http", "ws") + "/segue/v1") as socket:
            await send(socket, "continuation.get", ref="r", id="x")
            told = await receive(socket)
            assert (told["error"]["code"], "refused" in told) == ("internal_error", False)
            with pytest.raises(ConnectionClosed):
                await receive(socket)
            assert socket.close_code == 4500

    run(main())
