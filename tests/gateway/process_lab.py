"""`segue serve` in a process of its own: where it serves, what it logs, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Gateway:
    """A process that serves at `url`; `log` is read from the file to which its standard error goes."""

    process: subprocess.Popen[str]
    url: str
    errors: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it in order and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)

    @property
    def log(self) -> str:
        return self.errors.read_text(encoding="utf-8")


@contextmanager
def gateway(errors: Path, *arguments: str, **environment: str) -> Iterator[Gateway]:
    """Serve on a free port for as long as the block lasts."""
    command = [sys.executable, "-m", "segue_gateway", "--port", "0", *arguments]
    given = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    with errors.open("w", encoding="utf-8") as told:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True, env=given)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("Segue serves on "), errors.read_text(encoding="utf-8")
        yield Gateway(process, line.split()[-1], errors)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        process.stdout.close()
