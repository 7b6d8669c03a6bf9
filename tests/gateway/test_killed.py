"""`segue serve --store sqlite:` killed in mid-turn, and started again on its file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_lab import run
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

KEY = {"ALICE_KEY": "key-of-alice"}
HEADERS = {"authorization": "Bearer key-of-alice"}


@contextlib.contextmanager
def process(store: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a server on a free port, and its URL; it is killed at the end, if it still runs."""
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", "--key", "alice=ALICE_KEY", "--store", store]
    environment = {**os.environ, **KEY, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=environment) as served:
        try:
            assert served.stdout is not None
            line = served.stdout.readline()
            assert line.startswith("Segue serves on "), line
            yield served, line.split()[-1]
        finally:
            served.kill()


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": text}


def start(turn: str, text: str, **members: Any) -> dict[str, Any]:
    return {"type": "turn.start", "turn": turn, "input": [message(text)], **members}


async def turn(socket: Any, asked: dict[str, Any], *, until: str = "") -> list[dict[str, Any]]:
    """Send a message and read to the end of its turn, or to the first event of a type."""
    await socket.send(json.dumps(asked))
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] not in ("turn.completed", "turn.failed", "error", until):
        event = json.loads(await socket.recv())
        if event["type"] not in ("welcome", "turn.progress"):
            events.append(event)
    return events


def opened(url: str) -> Any:
    return connect(url.replace("http", "ws") + "/segue/v1", subprotocols=["segue.v1"], additional_headers=HEADERS)  # type: ignore[list-item]


@pytest.mark.parametrize("level", ["", "?synchronous=full"])
def test_a_turn_that_is_killed_ends_once_and_what_was_delivered_is_in_its_record(tmp_path: Path, level: str) -> None:
    store = f"sqlite:{tmp_path / 'state.db'}{level}"
    slow = start("slow", "Write a long text slowly.", context={"model": "scripted"})

    async def before(url: str, served: subprocess.Popen[str]) -> tuple[str, list[dict[str, Any]]]:
        async with opened(url) as socket:
            first = await turn(socket, start("first", "Remember this word: lantern.", context={"model": "scripted"}))
            handle = first[-1]["continuation"]["id"]
            seen = await turn(socket, {**slow, "parent": handle}, until="item.delta")
            for _ in range(3):
                seen.append(json.loads(await socket.recv()))
            served.send_signal(signal.SIGKILL)
            with contextlib.suppress(ConnectionClosed):
                while True:
                    seen.append(json.loads(await socket.recv()))
        return handle, [event for event in seen if event["type"] != "turn.progress"]

    async def behind(url: str, handle: str, seen: list[dict[str, Any]]) -> None:
        async with opened(url) as socket:
            again = await turn(socket, {"type": "turn.resume", "turn": "slow"})
            assert [event["seq"] for event in again] == list(range(len(again)))
            # The acceptance says that it is replayed; all else is told as it was.
            assert again[1 : len(seen)] == seen[1:]
            assert again[-1]["type"] == "turn.failed"
            assert again[-1]["error"]["code"] == "interrupted"
            assert again[-1]["error"]["effect"] == "unknown"
            assert await turn(socket, {**slow, "parent": handle}) == again
            other = await turn(socket, start("slow", "Something else.", parent=handle))
            assert [event["error"]["code"] for event in other] == ["turn_conflict"]
            asked = await turn(socket, start("then", "Which word was it?", parent=handle))
            assert "lantern" in "".join(event.get("append", "") for event in asked)
            assert asked[-1]["type"] == "turn.completed"

    with process(store) as (served, url):
        handle, seen = run(before(url, served))
    assert seen[-1]["type"] == "item.delta"
    for _ in range(2):  # and again: an end that was written once stays the end
        with process(store) as (_, url):
            asyncio.run(asyncio.wait_for(behind(url, handle, seen), 20))


def test_openais_ids_go_on_behind_a_restart(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'state.db'}"

    def create(url: str, text: str, **members: Any) -> dict[str, Any]:
        body = {"model": "scripted", "input": text, **members}
        answer = httpx.post(url + "/v1/responses", json=body, headers=HEADERS, timeout=10)
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    with process(store) as (_, url):
        first = create(url, "Remember this word: lantern.")
    with process(store) as (_, url):
        again = httpx.get(f"{url}/v1/responses/{first['id']}", headers=HEADERS, timeout=10).json()
        assert again["output"] == first["output"]
        second = create(url, "Which word was it?", previous_response_id=first["id"])
        assert "lantern" in second["output"][0]["content"][0]["text"]


def test_a_file_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'state.db'}"
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", "--store", store]
    with process(store):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert "in use by another process" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("redis", "is no store"),
        ("sqlite:", "names no file"),
        ("sqlite:x.db?synchronous=off", "only ?synchronous=normal"),
        ("sqlite:x.db?other=1", "only ?synchronous=normal"),
        ("sqlite:/no/such/folder/x.db", "no folder"),
        ("memory:x", "is no store"),
    ],
)
def test_a_store_that_is_none_is_wrong_usage(store: str, told: str) -> None:
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", "--store", store]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
