"""Software of others, each in an environment of its own that tools/real.sh makes, and the real command against it.

Without SEGUE_REAL these tests are skipped, each by name. With it a missing environment is a failure: `./dev real` that
ran nothing must not look like one that passed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import committed
from processes import NotReady, Process, clean_environment, free_port, running

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".venvs"
#: Where a run leaves its whole report and what it said on the terminal; nothing of it is committed.
KEPT = ROOT / ".cache" / "real"
AGENTS = Path(__file__).parent / "agents"
MODEL = "scripted-1"
#: Seconds. The suite has limits of its own; these end a run that has lost them.
CHECK_LIMIT = 120.0
CLIENT_LIMIT = 60.0
START_LIMIT = 20.0

FIRST_KEY, SECOND_KEY = "first-key-of-the-real-runs", "second-key-of-the-real-runs"
KEYS = {"REAL_FIRST_KEY": FIRST_KEY, "REAL_SECOND_KEY": SECOND_KEY}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SEGUE_REAL") == "1":
        return
    for item in items:
        if item.get_closest_marker("real"):
            # The name stands in the reason, or pytest would count them all in one line.
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: run ./dev real"))


def _needed(path: Path | str | None, what: str) -> Path:
    if path is None or not Path(path).exists():
        pytest.fail(f"{what} is missing: ./dev real makes the environments; Node.js 20.15 or later has to be there")
    return Path(path)


def _segue(verb: str, package: str) -> list[str]:
    """Return the command `segue VERB`: the installed one, else the same function where only the code is there."""
    installed = Path(sys.executable).parent / "segue"
    if installed.exists():
        return [str(installed), verb]
    return [sys.executable, "-P", "-c", f"from {package}.cli import {verb}; {verb}(prog_name='segue {verb}')"]


@pytest.fixture(scope="session")
def openai_python() -> Path:
    """The Python of the environment that holds the OpenAI SDK."""
    return _needed(ENVIRONMENTS / "openai" / "bin" / "python", "the environment of the openai SDK")


@pytest.fixture(scope="session")
def anthropic_python() -> Path:
    """The Python of the environment that holds the Anthropic SDK."""
    return _needed(ENVIRONMENTS / "anthropic" / "bin" / "python", "the environment of the anthropic SDK")


@pytest.fixture(scope="session")
def aimock_environment() -> Path:
    """The folder in which aimock is installed."""
    return _needed(ENVIRONMENTS / "aimock" / "node_modules" / "@copilotkit" / "aimock", "aimock").parents[2]


@pytest.fixture(scope="session")
def node() -> Path:
    """Node.js."""
    return _needed(shutil.which("node"), "Node.js")


@pytest.fixture(scope="session")
def smg_command() -> Path:
    """The command of smg."""
    return _needed(ENVIRONMENTS / "smg" / "bin" / "smg", "the environment of smg")


@pytest.fixture(scope="session")
def segue_url() -> Iterator[str]:
    """The URL of the reference endpoint, for clients of OpenAI's wires; it has two keys, FIRST_KEY and SECOND_KEY."""
    words = ["--port", "0", "--model", MODEL, "--key", "first=REAL_FIRST_KEY", "--key", "second=REAL_SECOND_KEY"]
    with running([*_segue("serve", "segue_gateway"), *words], env=KEYS) as process:
        yield process.ready(r"Segue serves on (\S+)", START_LIMIT)[1] + "/v1"


@pytest.fixture(scope="session")
def aimock_url(node: Path, aimock_environment: Path) -> Iterator[str]:
    """The URL of an aimock that answers with all that it is told."""
    script = Path(__file__).parent / "servers" / "aimock.mjs"
    with running([node, script, aimock_environment], env=KEYS) as process:
        yield process.ready(r"READY (\S+)", START_LIMIT)[1] + "/v1"


@pytest.fixture(scope="session")
def smg_url(smg_command: Path, segue_url: str) -> Iterator[str]:
    """The URL of an smg in front of the reference endpoint, with the same two keys as two tenants."""
    with _smg(smg_command, segue_url.removesuffix("/v1")) as url:
        yield url


@pytest.fixture(scope="session")
def traced_smg(smg_command: Path, segue_url: str) -> Iterator[tuple[str, Process]]:
    """A second smg, whose requests to the endpoint go through a relay that prints them: its URL and the relay."""
    script = Path(__file__).parent / "servers" / "relay.py"
    with running([sys.executable, script, segue_url.removesuffix("/v1")]) as relay:
        upstream = relay.ready(r"READY (\S+)", START_LIMIT)[1]
        with _smg(smg_command, upstream) as url:
            yield url, relay


@contextmanager
def _smg(command: Path, upstream: str) -> Iterator[str]:
    """Run smg; it forwards the caller's own key to the endpoint behind it."""
    for attempt in (1, 2, 3):
        port = free_port()
        words = [
            "launch", "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port()),
            "--backend", "openai", "--worker-urls", upstream, "--history-backend", "memory",
            "--shutdown-grace-period-secs", "1",
            "--tenant-api-key", f"first:{FIRST_KEY}", "--tenant-api-key", f"second:{SECOND_KEY}",
        ]  # fmt: skip
        with running([command, *words]) as process:
            try:
                # It listens before it knows its worker, and answers 503 until then; this line is the later one.
                process.ready("Workflow completed", START_LIMIT)
            except NotReady as fault:
                # It cannot choose a port itself, so another process may have taken the one that was free.
                if attempt == 3 or "in use" not in str(fault):
                    raise
                continue
            yield f"http://127.0.0.1:{port}/v1"
            return


@dataclass(frozen=True)
class Ran:
    """What came of one `segue check`: its exit code, its JSON report, and what a person saw."""

    exit_code: int
    report: dict[str, Any]
    terminal: str

    @property
    def verdicts(self) -> dict[tuple[str, str], str]:
        """The verdicts by check and wire."""
        return {(row["check"], row["wire"]): row["verdict"] for row in self.report["results"]}

    @property
    def wires(self) -> list[str]:
        """The wires that were checked."""
        return [wire["wire"] for wire in self.report["target"]["wires"]]


RunCheck = Callable[..., Ran]


@pytest.fixture(scope="session")
def run_check() -> RunCheck:
    """Run the real command: `run_check(name, *words)`; `name` is the file under which the run is kept.

    `keys=True` gives it the keys of two principals, `baseline=True` the baseline of this name.
    """

    def run(name: str, *words: str, keys: bool = False, baseline: bool = False) -> Ran:
        KEPT.mkdir(parents=True, exist_ok=True)
        kept = KEPT / f"{name}.json"
        kept.unlink(missing_ok=True)
        given = ["--api-key-env", "REAL_FIRST_KEY", "--second-api-key-env", "REAL_SECOND_KEY"] if keys else []
        # Named from the folder where it runs: no path of a machine gets into a committed report.
        given += ["--baseline", f"../../tests/real/baselines/{name}.toml"] if baseline else []
        done = subprocess.run(
            [*_segue("check", "segue_conformance"), *words, *given, "--json", str(kept)],
            # Wide enough that no line of a report is broken by the width of somebody's terminal.
            env={**clean_environment(), **KEYS, "NO_COLOR": "1", "COLUMNS": "120"},
            cwd=KEPT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=CHECK_LIMIT,
            check=False,
        )
        (KEPT / f"{name}.txt").write_text(done.stdout, encoding="utf-8")
        assert kept.exists(), f"segue check ended with code {done.returncode} and wrote no report:\n{done.stdout}"
        return Ran(done.returncode, committed.load(kept), done.stdout)

    return run


@pytest.fixture(scope="session")
def agent_commands(openai_python: Path, node: Path) -> dict[str, list[str]]:
    """The commands of all agents of tests/real/agents, by the name under which their runs are kept."""
    agents_python = _needed(ENVIRONMENTS / "agents" / "bin" / "python", "the environment of openai-agents")
    js = _needed(ENVIRONMENTS / "openai-js" / "node_modules" / "openai", "the openai SDK for JavaScript").parents[1]
    http, sdk = str(AGENTS / "openai_http.py"), str(AGENTS / "agents_sdk.py")
    conversation = [sys.executable, str(AGENTS / "segue_conversation.py")]
    return {
        "openai-http": [str(openai_python), http],
        "openai-helper": [str(openai_python), http, "--helper"],
        "openai-whole": [str(openai_python), http, "--whole"],
        "openai-ws": [str(openai_python), str(AGENTS / "openai_ws.py")],
        "openai-js": [str(node), str(AGENTS / "openai_js.mjs"), str(js)],
        "openai-js-helper": [str(node), str(AGENTS / "openai_js.mjs"), str(js), "--helper"],
        "openai-js-ws": [str(node), str(AGENTS / "openai_js_ws.mjs"), str(js)],
        "agents-chain": [str(agents_python), sdk, "--chain", "--stream"],
        "agents-session": [str(agents_python), sdk],
        "agents-ws": [str(agents_python), sdk, "--chain", "--ws"],
        "segue-ws": [sys.executable, str(AGENTS / "segue_client.py"), "segue-ws"],
        "segue-http": [sys.executable, str(AGENTS / "segue_client.py"), "segue-http", "--resend"],
        "conversation-ws": [*conversation, "segue-ws"],
        "conversation-http": [*conversation, "segue-http"],
        "conversation-openai": [*conversation, "openai-http", "--plain", "--sync"],
    }


RunClient = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def run_client(openai_python: Path) -> RunClient:
    """Run a script of tests/real/clients in an SDK's environment and return the JSON line that it prints.

    `python` is that of the environment, OpenAI's where none is given; `key` names the variable with the key.
    """

    def run(script: str, url: str, *, python: Path = openai_python, key: str = "OPENAI_API_KEY") -> dict[str, Any]:
        done = subprocess.run(
            [python, Path(__file__).parent / "clients" / script, url],
            env={**clean_environment(), key: FIRST_KEY},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=CLIENT_LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{script} ended with code {done.returncode}:\n{done.stderr}"
        return committed.parse(done.stdout)

    return run
