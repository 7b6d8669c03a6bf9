"""The gateways that are measured, each a process of its own in front of the same provider.

Those of others stand in environments that `./dev bench` makes, with exact pins; one that is missing is left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .provider import MODEL

__all__ = ["PINS", "Process", "free_port", "litellm", "provider", "segue", "smg"]

#: What is measured beside Segue, exactly; `tools/bench.sh` installs these.
PINS = {"smg": "smg==1.13.0", "litellm": "litellm[proxy]==1.106.2"}

_START_LIMIT = 90.0
_END_LIMIT = 5.0


class Process:
    """A server that runs: its first lines are waited for, the rest is thrown away."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            text=True,
            errors="replace",
        )
        self._said: list[str] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def ready(self, pattern: str) -> str:
        """Return the first group of the first line that matches; raises where none comes in time."""
        until = time.monotonic() + _START_LIMIT
        seen = 0
        with self._news:
            while (left := until - time.monotonic()) > 0:
                for line in self._said[seen:]:
                    if match := re.search(pattern, line):
                        return match[1] if match.groups() else line
                seen = len(self._said)
                if self._popen.poll() is not None:
                    break
                self._news.wait(min(left, 1.0))
        raise RuntimeError(f"a server did not start:\n{''.join(self._said[-20:])}")

    def ask(self, line: str, pattern: str) -> str:
        """Write a line to it and return the first group of what answers."""
        assert self._popen.stdin is not None
        with self._news:
            self._said.clear()
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()
        return self.ready(pattern)

    def cpu(self) -> float | None:
        """Return the seconds of CPU that it has used so far, its threads included; None where nobody tells."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End it."""
        self._popen.terminate()
        try:
            self._popen.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._popen.stdout:
                with self._news:
                    if len(self._said) < 4_000:
                        self._said.append(line)
                    self._news.notify_all()


@contextlib.contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    process = Process(command, environment)
    try:
        yield process
    finally:
        process.end()


def free_port() -> int:
    """Return a loopback port that was free a moment ago, for servers that can't choose one themselves."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def provider(deltas: int, gap_ms: float = 0.0) -> Iterator[tuple[str, Process]]:
    """Run the provider; gives its URL without a path."""
    words = ["-m", "segue_bench.gateway.provider", "--deltas", str(deltas), "--gap-ms", str(gap_ms)]
    with _running([sys.executable, *words]) as process:
        yield process.ready(r"READY (\S+)"), process


@contextlib.contextmanager
def segue(upstream: str, folder: Path, profile: Path | None = None) -> Iterator[tuple[str, Process]]:
    """Run Segue's gateway with a store in SQLite; `profile` is where its profile is written when it ends."""
    module = ["-m", "segue.cli"] if profile is None else ["-m", "segue_bench.gateway.profiled", str(profile)]
    words = ["serve", "--port", "0", "--upstream", f"{upstream}/v1", "--wire", "openai-http"]
    store = ["--store", f"sqlite:{folder / f'state-{time.monotonic_ns()}.db'}"]
    bounds = ["--continuations", "1000000", "--turns-held", "1000000"]  # a run has more turns than are kept
    with _running([sys.executable, *module, *words, *store, *bounds]) as process:
        yield process.ready(r"Segue serves on (\S+)"), process


@contextlib.contextmanager
def smg(command: Path, upstream: str) -> Iterator[tuple[str, Process]]:
    """Run smg with its history in memory."""
    port = free_port()
    words = [
        "launch", "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port()),
        "--backend", "openai", "--worker-urls", upstream, "--history-backend", "memory", "--log-level", "warn",
        "--shutdown-grace-period-secs", "1", "--tenant-api-key", "first:bench-key",
    ]  # fmt: skip
    with _running([str(command), *words]) as process:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield url, process


@contextlib.contextmanager
def litellm(command: Path, upstream: str, folder: Path) -> Iterator[tuple[str, Process]]:
    """Run litellm's proxy with one worker and no database."""
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n"
        f"  - model_name: {MODEL}\n"
        f"    litellm_params: {{model: openai/{MODEL}, api_base: '{upstream}/v1', api_key: bench-key}}\n"
        "litellm_settings: {telemetry: false}\n"
        "general_settings: {master_key: bench-key}\n"
    )
    words = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DISABLE_ADMIN_UI": "True"}
    with _running([str(command), *words], quiet) as process:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield url, process


def _wait(url: str, process: Process) -> None:
    until = time.monotonic() + _START_LIMIT
    headers = {"authorization": "Bearer bench-key", "content-type": "application/json"}
    body = json.dumps({"model": MODEL, "input": "Are you there?", "store": False}).encode()
    while time.monotonic() < until and process._popen.poll() is None:  # some listen before they know their provider
        request = urllib.request.Request(url + "/v1/responses", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.status == 200 and b"completed" in answer.read():
                    return
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"nothing serves at {url}:\n{''.join(process._said[-20:])}")
