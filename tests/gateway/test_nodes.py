"""Several nodes on one server: gateways as processes, one of which is killed, frozen, or loses its server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_lab import run
from valkey_lab import ALWAYS, Served, needs_server, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = needs_server

KEY = {"ALICE_KEY": "key-of-alice", "BOB_KEY": "key-of-bob"}
ALICE = {"authorization": "Bearer key-of-alice"}
BOB = {"authorization": "Bearer key-of-bob"}
ENDS = ("turn.completed", "turn.failed", "error")


def begin(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", "--key", "alice=ALICE_KEY", "--key", "bob=BOB_KEY"]
    environment = {**os.environ, **KEY, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen([*command, "--store", url], stdout=subprocess.PIPE, text=True, env=environment)


@contextlib.contextmanager
def nodes(url: str, count: int) -> Iterator[list[tuple[subprocess.Popen[str], str]]]:
    """Give gateways on free ports, and their URLs; they are killed at the end, if they still run."""
    with contextlib.ExitStack() as stack:
        begun = [stack.enter_context(begin(url)) for _ in range(count)]  # side by side
        stack.callback(lambda: [process.kill() for process in begun])
        told = []
        for process in begun:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Segue serves on "), line
            told.append((process, line.split()[-1]))
        yield told


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, *ALWAYS) as served:
        yield served


def opened(url: str, headers: dict[str, str] = ALICE) -> Any:
    return connect(url.replace("http", "ws") + "/segue/v1", subprotocols=["segue.v1"], additional_headers=headers)  # type: ignore[list-item]


def start(turn: str, text: str, **members: Any) -> dict[str, Any]:
    given = [{"type": "message", "role": "user", "content": text}]
    return {"type": "turn.start", "turn": turn, "input": given, "context": {"model": "scripted"}, **members}


SLOW = start("slow", "Write a long text slowly.")
RESUME = {"type": "turn.resume", "turn": "slow"}


async def until(socket: Any, *kinds: str) -> list[dict[str, Any]]:
    """Read to the first event of a type, or to the end of the turn."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] not in (*ENDS, *kinds):
        event = json.loads(await socket.recv())
        if event["type"] not in ("welcome", "turn.progress"):
            events.append(event)
    return events


async def turn(socket: Any, asked: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    await socket.send(json.dumps(asked))
    return await until(socket, *kinds)


def told(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events without what differs from reading to reading."""
    plain = [{name: value for name, value in event.items() if name != "replayed"} for event in events]
    for event in plain:
        if "continuation" in event:
            event["continuation"] = {k: v for k, v in event["continuation"].items() if k != "expires_in_ms"}
    return plain


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["append"] for event in events if isinstance(event.get("append"), str))


@pytest.fixture
def pair(server: Served) -> Iterator[tuple[tuple[subprocess.Popen[str], str], tuple[subprocess.Popen[str], str]]]:
    with nodes(server.url, 2) as (one, two):
        yield one, two


Pair = tuple[tuple[subprocess.Popen[str], str], tuple[subprocess.Popen[str], str]]


def test_a_turn_of_one_node_is_read_live_on_another_and_its_continuation_is_a_parent_there(pair: Pair) -> None:
    (_, one), (_, two) = pair

    async def work() -> None:
        async with opened(one) as here, opened(two) as there:
            first = await turn(here, start("first", "Remember this word: lantern."))
            parent = first[-1]["continuation"]["id"]
            seen = await turn(here, {**SLOW, "parent": parent}, "item.delta")
            live = await turn(there, RESUME, "item.delta")
            assert live[0]["type"] == "turn.accepted"
            assert live[-1]["type"] == "item.delta"  # it still runs
            live += await until(there)
            seen += await until(here)
            assert told(live) == told(seen)
            assert live[-1]["type"] == "turn.completed"
            # From a number, and as a repeat, behind the end as well.
            behind = await turn(there, {**RESUME, "after": 3})
            assert told(behind) == told(seen[4:])
            assert told(await turn(there, {**SLOW, "parent": parent})) == told(seen)
            other = await turn(there, start("slow", "Something else."))
            assert [event["error"]["code"] for event in other] == ["turn_conflict"]
            asked = await turn(there, start("then", "Which word was it?", parent=live[-1]["continuation"]["id"]))
            assert "lantern" in text_of(asked)

    run(work())


def test_a_state_is_not_anothers_on_any_node(pair: Pair) -> None:
    (_, one), (_, two) = pair

    async def work() -> None:
        async with opened(one) as here, opened(two, BOB) as there:
            first = await turn(here, start("first", "Remember this word: lantern."))
            foreign = await turn(there, start("mine", "Which?", parent=first[-1]["continuation"]["id"]))
            assert foreign[-1]["error"]["code"] == "continuation_not_found"
            unknown = await turn(there, {"type": "turn.resume", "turn": "first"})
            assert unknown[-1]["error"]["code"] == "turn_not_found"
            same = await turn(there, start("first", "Something else."))
            assert same[-1]["type"] == "turn.completed"

    run(work())


def test_a_turn_is_cancelled_from_another_node(pair: Pair) -> None:
    (_, one), (_, two) = pair

    async def work() -> None:
        async with opened(one) as here, opened(two) as there:
            await turn(here, SLOW, "item.delta")
            end = await turn(there, {"type": "turn.cancel", "turn": "slow"})
            assert [event["type"] for event in end] == ["turn.completed"]
            assert end[0]["status"] == "cancelled"
            assert told(await until(here))[-1] == told(end)[0]

    run(work())


def test_a_turn_is_steered_from_another_node(pair: Pair) -> None:
    (_, one), (_, two) = pair
    items = [{"type": "message", "role": "user", "content": "Remember this word: harbour."}]
    steer = {"type": "turn.steer", "turn": "slow", "steer": "s1", "input": items}

    async def work() -> None:
        async with opened(one) as here, opened(two) as there:
            await turn(here, SLOW, "item.delta")
            assert (await turn(there, steer, "turn.steered"))[-1]["type"] == "turn.steered"
            seen = await until(here)
            steered = [event for event in seen if event["type"] == "turn.steered"]
            assert [event["steer"] for event in steered] == ["s1"]
            late = await turn(there, {**steer, "steer": "s2"}, "turn.steered")
            assert late[-1]["error"]["code"] == "too_late"
            again = await turn(there, steer, "turn.steered")
            assert again[-1]["type"] == "turn.steered"

    run(work())


def test_a_node_that_is_killed_has_its_turn_closed_once_by_another(pair: Pair) -> None:
    (process, one), (_, two) = pair

    async def work() -> None:
        async with opened(two) as there:
            async with opened(one) as here:
                seen = await turn(here, SLOW, "item.delta")
                live = await turn(there, RESUME, "item.delta")
                process.send_signal(signal.SIGKILL)
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        seen.append(json.loads(await here.recv()))
            live += await until(there)
            seen = [event for event in seen if event["type"] != "turn.progress"]
            assert told(live[: len(seen)]) == told(seen)  # nothing that was delivered is missing
            assert [event["seq"] for event in live] == list(range(len(live)))
            assert live[-1]["type"] == "turn.failed"
            assert (live[-1]["error"]["code"], live[-1]["error"]["effect"]) == ("interrupted", "unknown")
            for _ in range(2):  # a repeat runs nothing
                assert told(await turn(there, SLOW)) == told(live)

    run(work())


def test_a_turn_that_nobody_reads_is_closed_when_its_node_is_gone(pair: Pair) -> None:
    (process, one), (_, two) = pair

    async def work() -> None:
        async with opened(one) as here:
            await turn(here, SLOW, "item.delta")
            process.send_signal(signal.SIGKILL)
        until = time.monotonic() + 10
        async with httpx.AsyncClient(headers=ALICE) as client:
            while True:
                told = (await client.get(f"{two}/segue/v1/turns/slow")).json()
                if "failed" in told:
                    break
                assert time.monotonic() < until, told
                await asyncio.sleep(0.1)
        assert told["failed"]["error"]["code"] == "interrupted"

    run(work())


def test_a_node_that_was_frozen_past_its_lease_writes_and_delivers_nothing_more(pair: Pair) -> None:
    (process, one), (_, two) = pair

    async def work() -> None:
        async with opened(one) as here, opened(two) as there:
            await turn(here, SLOW, "item.delta")
            process.send_signal(signal.SIGSTOP)
            try:
                closed = await turn(there, RESUME)
                assert closed[-1]["error"]["code"] == "interrupted"
            finally:
                process.send_signal(signal.SIGCONT)
            rest = await until(here)  # its own readers get the record as it was closed
            assert told(rest)[-1] == told(closed)[-1]
            assert [event["seq"] for event in rest] == list(range(rest[0]["seq"], len(closed)))
            then = await turn(here, start("then", "Hello."))  # and it works on
            assert then[-1]["type"] == "turn.completed"
            assert told(await turn(there, RESUME)) == told(closed)

    run(work())


def test_a_record_of_retention_none_is_its_owners_alone_and_its_name_everybodys(pair: Pair) -> None:
    (process, one), (_, two) = pair
    private = {**SLOW, "retention": "none"}

    async def work() -> None:
        async with opened(two) as there:
            async with opened(one) as here:
                seen = await turn(here, private, "item.delta")
                assert seen[0]["retention"] == "none"
                assert (await turn(there, RESUME))[-1]["error"]["code"] == "events_gone"
                async with opened(one) as beside:
                    again = await turn(beside, RESUME, "item.delta")
                assert told(again[:3]) == told(seen[:3])
                process.send_signal(signal.SIGKILL)
            await asyncio.sleep(1.5)  # its lease runs out
            gone = await turn(there, private)
            assert (gone[-1]["error"]["code"], gone[-1]["error"]["effect"]) == ("events_gone", "unknown")

    run(work())


def test_a_record_of_retention_none_is_dropped_by_a_node_that_was_frozen_past_its_lease(pair: Pair) -> None:
    (process, one), (_, two) = pair

    async def work() -> None:
        async with opened(one) as here, opened(two) as there:
            await turn(here, {**SLOW, "retention": "none"}, "item.delta")
            process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(2.5)  # its lease runs out, and the other node looks
            finally:
                process.send_signal(signal.SIGCONT)
            end = (await until(here))[-1]
            assert (end["type"], end["error"]["code"], end["error"]["effect"]) == ("error", "events_gone", "unknown")
            for socket in (here, there):
                assert (await turn(socket, RESUME))[-1]["error"]["code"] == "events_gone"

    run(work())


@pytest.mark.parametrize("down", [0.0, 0.7])
def test_a_server_that_restarts_in_mid_turn_loses_nothing_that_was_delivered(server: Served, down: float) -> None:
    async def work(one: str, two: str) -> None:
        async with opened(one) as here, opened(two) as there:
            first = await turn(here, start("first", "Remember this word: lantern.", retention="durable"))
            seen = await turn(here, SLOW, "item.delta")
            server.kill()
            await asyncio.sleep(down)
            await asyncio.to_thread(server.start)
            seen += await until(here)
            again = await turn(there, RESUME)
            assert told(again)[: len(seen)] == told(seen)
            assert [event["seq"] for event in again] == list(range(len(again)))
            assert [event["type"] in ENDS for event in again] == [False] * (len(again) - 1) + [True]
            asked = await turn(there, start("then", "Which word was it?", parent=first[-1]["continuation"]["id"]))
            assert "lantern" in text_of(asked)

    with nodes(server.url, 2) as ((_, one), (_, two)):
        run(work(one, two))


def test_a_server_that_stays_away_ends_turns_and_refuses_new_ones(server: Served) -> None:
    async def work(one: str) -> None:
        async with opened(one) as here:
            await turn(here, SLOW, "item.delta")
            server.kill()
            lost = await until(here)
            assert lost[-1]["type"] == "error"
            assert lost[-1]["error"]["code"] == "interrupted"
            refused = await turn(here, start("then", "Hello."))
            assert refused[-1]["error"]["effect"] == "none"
            await asyncio.to_thread(server.start)
            closed = await turn(here, RESUME)
            assert closed[-1]["type"] == "turn.failed"
            assert (await turn(here, start("then", "Hello.")))[-1]["type"] == "turn.completed"

    with nodes(server.url, 1) as ((_, one),):
        asyncio.run(asyncio.wait_for(work(one), 60))


def test_a_deletion_on_one_node_ends_the_readings_on_another(pair: Pair) -> None:
    (_, one), (_, two) = pair

    async def work() -> None:
        async with httpx.AsyncClient(headers=ALICE) as client, opened(one) as here, opened(two) as there:
            ended = await turn(here, start("first", "Remember this word: lantern."))
            identifier = ended[-1]["continuation"]["id"]
            assert (await client.delete(f"{two}/segue/v1/continuations/{identifier}")).status_code == 200
            for socket in (here, there):
                gone = await turn(socket, {"type": "turn.resume", "turn": "first"})
                assert gone[-1]["error"]["code"] == "events_gone"
                missed = await turn(socket, start("next", "Which word?", parent=identifier))
                assert missed[-1]["error"]["code"] == "continuation_not_found"

    run(work())


def test_a_server_that_is_not_there_is_wrong_usage() -> None:
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", "--store", "valkey://user:secret@127.0.0.1:1/0"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert "can't be reached" in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert "secret" not in ran.stderr
