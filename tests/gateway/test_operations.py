"""The gateway as it is operated: a process whose log, metrics, readiness and traces are looked at from outside."""

from __future__ import annotations

import json
import re
import signal
import socketserver
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import valkey_lab
from gateway_lab import run
from process_lab import Gateway, gateway
from prometheus_client.parser import text_string_to_metric_families
from segue_gateway.endpoint import Endpoint
from segue_gateway.observing.metrics import METRICS
from segue_gateway.server import serving
from websockets.asyncio.client import ClientConnection, connect

WORD = "lantern"
KEYS = {"ALICE_KEY": "sk-alice-0123456789", "BOB_KEY": "sk-bob-0123456789"}
BEARER = {"authorization": f"Bearer {KEYS['ALICE_KEY']}"}
PRINCIPALS = ("--key", "alice=ALICE_KEY", "--key", "bob=BOB_KEY")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def user(text: str) -> list[dict[str, str]]:
    return [{"type": "message", "role": "user", "content": text}]


def socket(url: str, path: str = "/segue/v1", **headers: str) -> Any:
    return connect(
        url.replace("http", "ws") + path,
        subprotocols=["segue.v1"] if path.startswith("/segue") else None,
        additional_headers={**BEARER, **headers},
    )


async def until(connection: ClientConnection, *kinds: str) -> dict[str, Any]:
    while True:
        told: dict[str, Any] = json.loads(await connection.recv())
        if told["type"] in kinds:
            return told


async def talk(url: str) -> None:
    """Hold turns over every wire, and be refused in every way, always with the word in it."""
    context = {"model": "scripted", "instructions": f"Say {WORD}.", "metadata": {WORD: WORD}}
    async with httpx.AsyncClient(base_url=url, headers=BEARER, timeout=20) as http:
        first = await http.put(
            "/segue/v1/turns/native_1",
            json={"input": user(f"Remember this word: {WORD}."), "context": context},
            headers={"accept": "application/json", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
        )
        parent = first.json()["completed"]["continuation"]["id"]
        second = await http.put(
            "/segue/v1/turns/native_2",
            json={"input": user("Which word was it?"), "parent": parent},
            headers={"accept": "application/json"},
        )
        assert WORD in second.text
        body = {"model": "scripted", "input": f"Remember this word: {WORD}."}
        assert (await http.post("/v1/responses", json=body)).status_code == 200
        streamed = await http.post("/v1/responses", json={**body, "stream": True})
        assert "response.completed" in streamed.text
        chat = {"model": "scripted", "messages": [{"role": "user", "content": f"Say {WORD}"}]}
        assert (await http.post("/v1/chat/completions", json=chat)).status_code == 200
        # Refused: by what it says, by whom, by what is not held, by what is no JSON, by its model, by its size.
        for refused, status in (
            (http.post("/v1/responses", content=f'{{"{WORD}": '), 400),
            (http.post("/v1/responses", json={**body, "model": WORD}), 400),
            (http.post("/v1/responses", json={**body, "previous_response_id": WORD}), 400),
            (http.put("/segue/v1/turns/native_3", json={"input": [{"type": "message", "role": WORD}]}), 400),
            (http.get(f"/segue/v1/continuations/{WORD}"), 404),
            (http.post("/v1/responses", json=body, headers={"authorization": f"Bearer {WORD}"}), 401),
            (http.post("/v1/responses", json={**body, "input": WORD * 20_000}), 413),
        ):
            assert (await refused).status_code == status
        failing = {"input": user(f"Fail now, {WORD}"), "context": context}
        told = await http.put("/segue/v1/turns/native_4", json=failing, headers={"accept": "application/json"})
        assert told.json()["failed"]["error"]["code"] == "upstream_failed"
    async with socket(url) as connection:
        start = {"type": "turn.start", "turn": "socket_1", "input": user(f"Say {WORD}"), "context": context}
        await connection.send(json.dumps(start))
        await until(connection, "turn.completed")
        await connection.send(f'{{"type": "{WORD}"}}')
        await until(connection, "error")
        await connection.send(json.dumps({**start, "turn": "socket_2", "parent": f"resp_{WORD}"}))
        await until(connection, "error")
        await connection.send(f"no JSON: {WORD}")
        await until(connection, "error")
    async with socket(url, "/v1/responses") as connection:
        await connection.send(json.dumps({"type": "response.create", "model": "scripted", "input": f"Say {WORD}"}))
        await until(connection, "response.completed")


@pytest.fixture(scope="module")
def talked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, str]]:
    """A gateway with which was talked, and what its metrics said then."""
    arguments = ("--log-format", "json", "--log-level", "debug", "--message-bytes", "100000", *PRINCIPALS)
    with gateway(tmp_path_factory.mktemp("talked") / "log", *arguments, **KEYS) as served:
        run(talk(served.url))
        scraped = httpx.get(served.url + "/metrics").text
        assert served.stop() == 0
        yield served, scraped


def test_the_log_is_json_and_holds_no_word_and_no_key(talked: tuple[Gateway, str]) -> None:
    log = talked[0].log
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) > 15
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    assert WORD not in log
    assert [key for key in KEYS.values() if key in log] == []
    ended = {line["turn"]: line for line in lines if line["event"] == "turn.ended"}
    assert ended["native_1"]["trace_id"] == TRACE
    assert ended["native_2"]["parent"] == ended["native_1"]["continuation"]
    assert ended["native_2"]["saved_bytes"] > ended["native_2"]["received_bytes"]
    assert (ended["native_4"]["status"], ended["native_4"]["code"]) == ("failed", "upstream_failed")
    assert {line["wire"] for line in ended.values()} == {"segue-http", "segue-ws", "openai-http", "openai-ws", "chat"}
    refused = {(line["wire"], line["code"]) for line in lines if line["event"] == "refused"}
    assert refused >= {
        ("openai-http", "malformed_message"), ("openai-http", "not_offered"), ("openai-http", "unauthenticated"),
        ("openai-http", "continuation_not_found"), ("openai-http", "message_too_large"),
        ("segue-http", "invalid_request"), ("segue-http", "continuation_not_found"),
        ("segue-ws", "unsupported_message"), ("segue-ws", "continuation_not_found"), ("segue-ws", "malformed_message"),
    }  # fmt: skip
    first = lines[0]
    assert (first["event"], first["url"]) == ("serving", talked[0].url)
    assert {"event": "draining", "turns": 0, "connections": 0}.items() <= lines[-1].items()
    opened = [line["connection"] for line in lines if line["event"] == "connection.opened"]
    assert len(opened) == 2
    assert opened == [line["connection"] for line in lines if line["event"] == "connection.closed"]
    assert ended["socket_1"]["connection"] == opened[0]
    assert {line["level"] for line in lines if line["event"] != "fault"} <= {"debug", "info"}


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    samples = [sample for family in families(text).values() for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def test_metrics_count_what_happened(talked: tuple[Gateway, str]) -> None:
    text = talked[1]
    assert value(text, "segue_turns_total", wire="segue-http", outcome="completed") == 2
    assert value(text, "segue_turns_total", outcome="failed") == 1
    assert value(text, "segue_turn_failures_total", code="upstream_failed") == 1
    assert value(text, "segue_turns_running") == 0
    assert value(text, "segue_turn_duration_seconds_count") == value(text, "segue_turns_total")
    assert value(text, "segue_refusals_total", wire="openai-http", code="unauthenticated") == 1
    assert value(text, "segue_connections_opened_total", wire="segue-ws") == 1
    assert value(text, "segue_connections") == 0
    assert value(text, "segue_received_bytes_total", wire="openai-http") > 100_000
    assert value(text, "segue_sent_bytes_total", wire="chat") > 100
    assert value(text, "segue_saved_bytes_total", wire="segue-http") > 100
    assert value(text, "segue_tokens_total", kind="output") > 0
    assert value(text, "segue_store_operation_seconds_count", operation="finish") == value(text, "segue_turns_total")
    assert value(text, "segue_upstream_requests_total", engine="scripted", outcome="failed") == 1
    assert value(text, "segue_upstream_requests_running") == 0
    assert value(text, "segue_draining") == 0
    assert value(text, "process_open_fds") > 0


def test_what_is_exposed_is_what_the_table_says(talked: tuple[Gateway, str]) -> None:
    found = {name: family for name, family in families(talked[1]).items() if name.startswith("segue_")}
    assert found.keys() == {known.name.removesuffix("_total") for known in METRICS}
    for known in METRICS:
        family = found[known.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (known.kind, known.told)
        names = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert names <= set(known.labels)
        assert re.fullmatch(r"segue_[a-z_]+", known.name)
        assert known.name.endswith("_total") == (known.kind == "counter")
        if known.kind in ("histogram", "summary"):
            assert known.name.endswith(("_seconds", "_bytes"))


def test_no_label_takes_what_a_client_chose(talked: tuple[Gateway, str]) -> None:
    text = talked[1]
    assert WORD not in text
    labels = {
        (name, one) for family in families(text).values() for sample in family.samples
        for name, one in sample.labels.items() if family.name.startswith("segue_") and name != "le"
    }  # fmt: skip
    assert {name for name, _ in labels} <= {"wire", "outcome", "code", "kind", "operation", "error", "engine"}
    assert not [one for _, one in labels if "native" in one or "resp_" in one or "alice" in one]


def test_metrics_are_where_they_are_asked_for(tmp_path: Path) -> None:
    for number, (arguments, status) in enumerate(
        [
            (("--metrics", "off"), 404),
            (("--metrics", "on", "--host", "0.0.0.0", "--plain-text", *PRINCIPALS), 200),
            (("--host", "0.0.0.0", "--plain-text", *PRINCIPALS), 404),
        ]
    ):
        with gateway(tmp_path / str(number), *arguments, **KEYS) as served:
            url = served.url.replace("0.0.0.0", "127.0.0.1")
            assert httpx.get(url + "/metrics").status_code == status, arguments
            assert served.stop() == 0


def test_metrics_may_have_an_address_of_their_own(tmp_path: Path) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as free:  # free a moment later
        address = f"127.0.0.1:{free.server_address[1]}"
    with gateway(tmp_path / "log", "--metrics", address) as served:
        assert httpx.get(served.url + "/metrics").status_code == 404
        text = httpx.get(f"http://{address}/metrics").text
        assert "segue_turns_running" in text
        assert served.stop() == 0


def test_openmetrics_are_given_to_who_asks_for_them(tmp_path: Path) -> None:
    with gateway(tmp_path / "log") as served:
        accept = {"accept": "application/openmetrics-text; version=1.0.0"}
        answer = httpx.get(served.url + "/metrics", headers=accept)
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.text.endswith("# EOF\n")


# -- readiness


def test_ready_until_it_is_asked_to_end_and_healthy_to_the_end(tmp_path: Path) -> None:
    with gateway(tmp_path / "log", "--grace-ms", "2500", *PRINCIPALS, **KEYS) as served:

        async def main() -> None:
            async with httpx.AsyncClient(base_url=served.url) as http, socket(served.url) as connection:
                ready, healthy = await http.get("/readyz"), await http.get("/healthz")
                assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
                assert (healthy.status_code, healthy.json()) == (200, {"status": "ok"})
                long = {"type": "turn.start", "turn": "t", "input": user("Write a long text slowly")}
                await connection.send(json.dumps(long))
                await until(connection, "item.delta")
                served.process.send_signal(signal.SIGTERM)
                await until(connection, "connection.draining")
                # Over the connection that is open: new ones are not taken any more.
                ready, healthy = await http.get("/readyz"), await http.get("/healthz")
                assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
                assert (healthy.status_code, healthy.json()) == (200, {"status": "draining"})
                assert (await until(connection, "turn.completed", "turn.failed"))["type"] == "turn.completed"

        run(main())
        assert served.process.wait(20) == 0


@valkey_lab.needs_server
def test_not_ready_while_a_server_that_keeps_the_state_is_away(tmp_path: Path) -> None:
    with valkey_lab.serving(tmp_path) as state, gateway(tmp_path / "log", "--store", state.url) as served:
        with httpx.Client(base_url=served.url, timeout=20) as http:
            assert http.get("/readyz").json() == {"status": "ready"}
            state.kill()
            assert (http.get("/readyz").status_code, http.get("/healthz").status_code) == (503, 200)
            refused = http.post("/v1/responses", json={"model": "scripted", "input": f"Say {WORD}"})
            assert refused.status_code == 503
            state.start()
            until = time.monotonic() + 10
            while http.get("/readyz").status_code != 200:
                assert time.monotonic() < until, "it did not find its state again"
            text = http.get("/metrics").text
            assert value(text, "segue_store_errors_total", error="Unwritable") > 0
        assert served.stop() == 0
        assert ": Unwritable (valkey://127.0.0.1:" in served.log
        assert WORD not in served.log


def test_not_ready_while_the_store_is_out_of_reach() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        async with serving(endpoint) as url, httpx.AsyncClient(base_url=url) as http:
            assert (await http.get("/readyz")).status_code == 200

            async def known(principal: str, turn: str) -> None:
                raise OSError("no route")

            endpoint.store.known = known  # type: ignore[method-assign]
            told = await http.get("/readyz")
            assert (told.status_code, told.json()) == (503, {"status": "no_state"})
            assert (await http.get("/healthz")).status_code == 200

    run(main())
