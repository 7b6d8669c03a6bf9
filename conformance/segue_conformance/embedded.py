"""The reference endpoint, started for one run: a process of its own on a free loopback port, with two keys."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

__all__ = ["Embedded", "EmbeddedFault", "embedded"]

_READY = "Segue serves on "
_START_LIMIT = 20.0
_STOP_LIMIT = 5.0
# It ends when its standard input does: with the suite, however that ends.
_COMMAND = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from segue_gateway.cli import serve
serve(prog_name="segue serve")
"""


class EmbeddedFault(Exception):
    """The reference endpoint did not start; `output` is what it said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running endpoint: its URL and the keys of two principals."""

    url: str
    first_key: str
    second_key: str
    pid: int


@contextlib.contextmanager
def embedded(*options: str) -> Iterator[Embedded]:
    """Run the reference endpoint while the block runs; raises EmbeddedFault if it does not come up.

    `options` are more of `segue serve`.
    """
    first, second = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    environment = {**os.environ, "SEGUE_FIRST_KEY": first, "SEGUE_SECOND_KEY": second, "PYTHONUNBUFFERED": "1"}
    # -P: a module of the folder that somebody stands in must not come before ours.
    command = [sys.executable, "-P", "-c", _COMMAND, "--host", "127.0.0.1", "--port", "0"]
    command += ["--key", "first=SEGUE_FIRST_KEY", "--key", "second=SEGUE_SECOND_KEY", *options]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        # Ctrl-C is for the suite, which then ends the endpoint itself.
        start_new_session=True,
    )
    try:
        url = _ready(process)
        # A full pipe would stop it.
        threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
        yield Embedded(url, first, second, process.pid)
    finally:
        _end(process)


def _ready(process: subprocess.Popen[bytes]) -> str:
    """Return the URL that the process says it serves on."""
    assert process.stdout is not None
    limit, said = time.monotonic() + _START_LIMIT, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := limit - time.monotonic()) > 0:
            if not selector.select(left):
                break
            piece = os.read(process.stdout.fileno(), 65536)
            said += piece
            for line in said.decode("utf-8", "replace").splitlines():
                _, found, url = line.partition(_READY)
                if found and said.endswith(b"\n"):
                    return url.split()[0]
            if not piece:
                break
    output = said.decode("utf-8", "replace")
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    raise EmbeddedFault(f"the reference endpoint did not start: {last}", output)


def _drain(pipe: IO[bytes] | None) -> None:
    with contextlib.suppress(OSError, ValueError):
        while pipe is not None and pipe.read(65536):
            pass


def _end(process: subprocess.Popen[bytes]) -> None:
    # Its end of input is its end (see the command), at once: it holds nothing that anybody would miss.
    if process.stdin is not None:
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()
    try:
        process.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError, ValueError):
                pipe.close()
