"""The extension breaks nobody: the unmodified OpenAI SDKs on the committed sessions in its form, declaring nothing.

And why its own event types go to declared clients only: the same SDKs' stream helpers break on one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CLIENT_LIMIT, ENVIRONMENTS, START_LIMIT, _needed
from processes import clean_environment, running

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
#: A turn that was cancelled ends with a reason that the SDK's types do not list; the SDK itself takes any.
UNLISTED = ["response.incomplete"]


@pytest.fixture(scope="module")
def sessions() -> Iterator[str]:
    """The URL of the server that plays the sessions."""
    with running([sys.executable, HERE / "servers" / "sessions.py"]) as process:
        yield process.ready(r"READY (\S+)", START_LIMIT)[1]


@pytest.fixture(scope="module")
def readings(sessions: str) -> dict[str, dict[str, Any]]:
    """What each reading comes to."""
    with urllib.request.urlopen(f"{sessions}/readings") as answer:
        found: dict[str, dict[str, Any]] = json.load(answer)
    return found


@pytest.fixture(scope="module")
def python(sessions: str, run_client: Any) -> dict[str, Any]:
    """What the SDK for Python saw."""
    return run_client("extension_sdk.py", sessions)


@pytest.fixture(scope="module")
def javascript(sessions: str, node: Path) -> dict[str, Any]:
    """What the SDK for JavaScript saw."""
    sdk = _needed(ENVIRONMENTS / "openai-js" / "node_modules" / "openai", "the openai SDK for JavaScript").parents[1]
    done = subprocess.run(
        [node, HERE / "clients" / "extension_sdk.mjs", sessions, sdk],
        env={**clean_environment(), "OPENAI_API_KEY": "a-key"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=CLIENT_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(params=["python", "javascript"])
def sdk(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One of the two."""
    found: dict[str, Any] = request.getfixturevalue(request.param)
    return found


def test_every_session_is_played(readings: dict[str, dict[str, Any]]) -> None:
    played = {name.rpartition(".")[0] for name in readings}
    told = {path.stem for path in (HERE.parents[1] / "schemas" / "1.0" / "sessions").glob("*.ndjson")}
    assert played == told
    assert len(readings) >= 20
    assert {reading["end"] for reading in readings.values()} == {
        "response.completed", "response.incomplete", "response.failed",
    }  # fmt: skip
    assert all(reading["extended"] >= 2 for reading in readings.values())


@pytest.mark.parametrize("how", ["raw", "ws"])
def test_events_come_whole(sdk: dict[str, Any], readings: dict[str, dict[str, Any]], how: str) -> None:
    for name, wanted in readings.items():
        seen = sdk[how][name]
        assert {key: seen[key] for key in wanted} == wanted, name
        if wanted["end"] != "response.failed":
            assert seen["deltas"] == wanted["text"], name


@pytest.mark.parametrize("how", ["raw", "ws"])
def test_events_fit_the_sdks_types(python: dict[str, Any], readings: dict[str, dict[str, Any]], how: str) -> None:
    for name, wanted in readings.items():
        assert python[how][name]["misfits"] == (UNLISTED if wanted["end"] in UNLISTED else []), name


def test_helper_puts_the_response_together(sdk: dict[str, Any], readings: dict[str, dict[str, Any]]) -> None:
    for name, wanted in readings.items():
        seen = sdk["helper"][name]
        assert seen["end"] == wanted["end"], (name, seen)
        if wanted["end"] == "response.completed":
            told = {"deltas": wanted["text"], "text": wanted["text"], "items": wanted["items"]}
            assert {key: seen[key] for key in told} == told, name
        elif wanted["end"] == "response.incomplete":
            assert seen["text"] == wanted["text"], name


def test_a_type_of_its_own_breaks_the_helper_in_front(sdk: dict[str, Any]) -> None:
    seen = sdk["foreign"]["first"]
    assert seen["raw"] == "response.completed"
    assert seen["helper"]["broken"] in ("RuntimeError", "OpenAIError")


def test_a_type_of_its_own_breaks_the_helper_for_javascript_anywhere(javascript: dict[str, Any]) -> None:
    seen = javascript["foreign"]["later"]
    assert (seen["raw"], seen["helper"]["broken"], seen["helper"]["after"]) == ("response.completed", "OpenAIError", 3)


def test_the_helper_for_python_passes_over_one_later(python: dict[str, Any]) -> None:
    assert python["foreign"]["later"]["helper"]["end"] == "response.completed"
