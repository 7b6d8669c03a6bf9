"""Agents on unmodified clients of others, and on our own client library, through `segue check-client`.

Each disagreement that is expected here was traced to the client's own code or documents; the comment says where. What
an agent leaves to its SDK is the SDK's: the scripts in `agents/` add no handling of errors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from conftest import KEPT
from processes import clean_environment

pytestmark = pytest.mark.real

RUN = "from segue_conformance.client_side.cli import check_client; check_client(prog_name='segue check-client')"
LIMIT = 300.0

# No client here keeps items to send them again: `previous_response_not_found` is raised as BadRequestError
# (openai/_base_client.py, client.js: a 400 is not retried), or as the connection's error.
UNMENDED = {
    "client_state.lost_parent": "warn",
    "client_state.lost_parent_404": "warn",
    "client_state.lost_parent_in_words": "warn",
}
# Python: Responses.connect() raises InvalidStatus, and reconnects only where `on_reconnecting` is given
# (resources/responses/responses.py). JavaScript: only with `reconnect` (resources/responses/ws-base.d.ts).
ONE_SOCKET = UNMENDED | {
    "client_socket.upgrade_426": "warn",
    "client_socket.connection_limit": "warn",
    "client_socket.closed_between_turns": "warn",
}
# openai-agents looks before each request whether its socket is still open, and opens another if not
# (models/openai_responses.py, _is_websocket_connection_reusable).
AGENTS_SOCKET = {name: verdict for name, verdict in ONE_SOCKET.items() if not name.endswith("closed_between_turns")}
# "Expected to have received `response.created` before …" (openai/lib/streaming/responses/_responses.py).
PYTHON_HELPER = UNMENDED | {"client_stream.unknown_first": "fail"}
# "Unhandled response stream event" (internal/responses/response-accumulator.js); finalResponse() gives the snapshot
# as it stands, `in_progress` or `failed`, and says nothing (lib/responses/ResponseStream.js, endRequest).
JS_HELPER = UNMENDED | {
    "client_stream.unknown_events": "fail",
    "client_stream.unknown_first": "fail",
    "client_cut.clean_end": "fail",
    "client_errors.failed": "fail",
}
# docs/client.md, Going on by hand: a turn of the session does nothing by itself.
OWN = {
    "client_segue.advice_wait": "fail",
    "client_segue.advice_resend": "fail",
    "client_segue.closed_busy": "warn",
    "client_segue.draining": "warn",
    "client_state.lost_parent": "warn",
    "client_socket.upgrade_426": "warn",
    "client_socket.closed_between_turns": "warn",
}


def checked(name: str, command: list[str]) -> tuple[int, dict[str, Any]]:
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"agent-{name}.json"
    kept.unlink(missing_ok=True)
    at_once = str(max(2, os.cpu_count() or 1))
    words = [sys.executable, "-P", "-c", RUN, "--concurrency", at_once, "--timeout", "60", "--json", str(kept)]
    done = subprocess.run(
        [*words, "--", *command],
        env={**clean_environment(), "NO_COLOR": "1", "COLUMNS": "120"},
        cwd=KEPT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
    )
    (KEPT / f"agent-{name}.txt").write_text(done.stdout, encoding="utf-8")
    assert kept.exists(), done.stdout
    report: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return done.returncode, report


@pytest.mark.parametrize(
    ("name", "wire", "expected"),
    [
        ("openai-http", "openai-http", UNMENDED),
        ("openai-helper", "openai-http", PYTHON_HELPER),
        ("openai-whole", "openai-http", {}),
        ("openai-ws", "openai-ws", ONE_SOCKET),
        ("openai-js", "openai-http", UNMENDED),
        ("openai-js-helper", "openai-http", JS_HELPER),
        ("openai-js-ws", "openai-ws", ONE_SOCKET),
        ("agents-chain", "openai-http", UNMENDED),
        ("agents-session", "openai-http", {}),
        ("agents-ws", "openai-ws", AGENTS_SOCKET),
        ("segue-ws", "segue-ws", OWN),
        ("segue-http", "segue-http", {"client_segue.advice_wait": "fail"}),
        # Its wire is named, so there is none to fall back to.
        ("conversation-ws", "segue-ws", {"client_socket.upgrade_426": "warn"}),
        ("conversation-http", "segue-http", {}),
        ("conversation-openai", "openai-http", {}),
    ],
)
def test_what_is_found_is_what_was_traced(agent_commands, name: str, wire: str, expected: dict[str, str]) -> None:
    code, report = checked(name, agent_commands[name])
    found = {row["check"]: row["verdict"] for row in report["results"] if row["verdict"] not in ("pass", "skip")}
    assert found == expected
    assert [each["wire"] for each in report["target"]["wires"]] == [wire]
    assert code == (1 if "fail" in expected.values() else 0)
    passed = {row["check"] for row in report["results"] if row["verdict"] == "pass"}
    assert {"client_task.whole", "client_task.two_conversations", "client_errors.for_ever"} <= passed
