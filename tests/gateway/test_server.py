"""The command in a process of its own, the app below a path of another, and what the package exports."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest
import segue_gateway
from click.testing import CliRunner
from gateway_lab import run
from segue_gateway import Endpoint, Settings
from segue_gateway.app import create_app
from segue_gateway.cli import serve
from segue_gateway.server import Server, is_loopback, serving
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


def test_the_package_exports_what_it_says() -> None:
    assert segue_gateway.__all__ == ["Endpoint", "Settings"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_serves_and_ends_at_once_and_quietly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", "--key", "alice=ALICE_KEY"]
    environment = {**os.environ, "ALICE_KEY": "key-of-alice", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Segue serves on http://127.0.0.1:")
    url = line.split()[-1]

    async def talk() -> tuple[list[dict[str, Any]], int | None, float]:
        headers = {"authorization": "Bearer key-of-alice"}
        socket_url = url.replace("http", "ws") + "/segue/v1"
        events: list[dict[str, Any]] = []
        async with connect(socket_url, subprotocols=["segue.v1"], additional_headers=headers) as socket:  # type: ignore[list-item]
            start = {"type": "turn.start", "turn": "t", "input": [{"type": "message", "role": "user", "content": ""}]}
            start["input"][0]["content"] = "Write a long text slowly"  # type: ignore[index]
            await socket.send(json.dumps(start))
            while not events or events[-1]["type"] != "item.delta":
                events.append(json.loads(await socket.recv()))
            process.send_signal(number)
            asked = time.monotonic()
            try:
                while True:
                    events.append(json.loads(await socket.recv()))
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else None
        return events, code, asked

    events, code, asked = run(talk())
    out, err = process.communicate(timeout=10)
    took = time.monotonic() - asked
    kinds = [event["type"] for event in events]
    assert "connection.draining" in kinds
    assert events[-1]["type"] == "turn.failed"
    assert events[-1]["error"]["code"] == "interrupted"
    assert code == 4410
    assert (process.returncode, out, err) == (0, "", "")
    assert took < 3  # a second on a machine that has time


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "without --key"),
        (["--host", "0.0.0.0", "--key", "alice=ALICE_KEY"], "--plain-text"),
        (["--key", "alice"], "NAME=ENVVAR"),
        (["--key", "alice=NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        (["--heartbeat-ms", "-1"], "--heartbeat-ms"),
    ],
)
def test_the_command_says_what_it_wants(arguments: list[str], says: str) -> None:
    result = CliRunner(env={"ALICE_KEY": "key-of-alice"}).invoke(serve, arguments)
    assert result.exit_code == 2
    assert says in result.output
    assert "key-of-alice" not in result.output


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    async def main() -> None:
        async with serving(Endpoint()) as url:
            command = [sys.executable, "-m", "segue_gateway", "--port", url.rpartition(":")[2]]
            process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            _, err = await process.communicate()
            assert process.returncode == 1
            assert err.decode().startswith("Error: can't listen on 127.0.0.1:")

    run(main())


def test_every_number_of_the_settings_is_an_option() -> None:
    result = CliRunner().invoke(serve, ["--help"])
    for name in ("heartbeat", "message", "connection", "cached", "replay"):
        assert f"--{name}" in result.output


def test_without_keys_it_serves_this_machine_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Server(Endpoint(), "0.0.0.0", 0)
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "host.example")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_without_keys_any_caller_is_the_one_principal() -> None:
    async def main() -> None:
        async with serving(Endpoint()) as url, httpx.AsyncClient() as http:
            body = {"model": "scripted", "input": "Say hello"}
            first = (await http.post(url + "/v1/responses", json=body)).json()
            again = await http.get(f"{url}/v1/responses/{first['id']}", headers={"authorization": "Bearer x"})
            assert again.json() == first
            assert (await http.get(url + "/.well-known/segue")).json()["capabilities"]["principal"] == "single"

    run(main())


def test_the_app_mounts_below_a_path() -> None:
    async def main() -> None:
        app = Starlette(routes=[Mount("/ai", create_app(Endpoint()))])
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as http:
            document = (await http.get("/ai/.well-known/segue")).json()
            urls = {binding["wire"]: binding["url"] for binding in document["bindings"]}
            assert urls["segue-http"] == "/ai/segue/v1"
            assert urls["openai-http"] == "/ai/v1"
            body = {"input": [{"type": "message", "role": "user", "content": "Say hello"}]}
            told = await http.put(urls["segue-http"] + "/turns/t", json=body, headers={"accept": "application/json"})
            assert told.json()["completed"]["status"] == "completed"
            answer = await http.post(urls["openai-http"] + "/responses", json={"model": "scripted", "input": "Say hi"})
            assert answer.json()["status"] == "completed"

    run(main())


def test_a_short_life_has_a_notice_of_at_most_half_of_it() -> None:
    assert Settings(connection_ms=1_000).draining_ms == 500
    assert Settings().draining_ms == 30_000
