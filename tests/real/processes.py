"""Servers of others, each a process of its own: started, waited for, and ended by its own id."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["NotReady", "Process", "clean_environment", "free_port", "running"]

_END_LIMIT = 5.0


class NotReady(AssertionError):
    """A server did not say in time that it serves; the message holds what it said instead."""


class Process:
    """A running server whose output is kept. It has a standard input that stays open until it is ended."""

    def __init__(self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._name = Path(command[0]).name
        self._popen = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**clean_environment(), "PYTHONUNBUFFERED": "1", **(env or {})},
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        # A pipe that nobody empties would stop the server.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._popen.poll() is not None

    def ready(self, pattern: str, limit: float) -> re.Match[str]:
        """Wait up to `limit` seconds for a line that matches; NotReady where none comes or the server ends."""
        until = time.monotonic() + limit
        while (left := until - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise NotReady(f"{self._name} ended with code {self._popen.wait()}:\n{self.told}")
            if match := re.search(pattern, line):
                return match
        raise NotReady(f"{self._name} said nothing like {pattern!r} within {limit:g} s:\n{self.told}")

    @property
    def told(self) -> str:
        """The last of what it said."""
        return "".join(self.said[-40:])

    def end(self) -> None:
        """End it and wait for it; kill it if it does not end in time."""
        self._popen.terminate()
        try:
            self._popen.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._reader.join(_END_LIMIT)
        for pipe in (self._popen.stdin, self._popen.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._popen.stdout:
                self.said.append(line)
                self._lines.put(line)
        self._lines.put(None)


@contextlib.contextmanager
def running(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run a server while the block runs."""
    process = Process(command, env=env)
    try:
        yield process
    finally:
        process.end()


def free_port() -> int:
    """Return a loopback port that was free a moment ago, for servers that cannot choose one themselves."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what is meant for its own tests, and without keys of its user."""
    mine = re.compile(r"^(PYTEST|SEGUE|OPENAI|AIMOCK|LLMOCK|NODE_OPTIONS)")
    return {name: value for name, value in os.environ.items() if not mine.match(name)}
