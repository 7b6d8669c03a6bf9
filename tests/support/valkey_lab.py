"""A real server for the tests of the store in one: found on the PATH, started on a free port, ended behind them."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from segue_gateway.stores.base import Bounds
from segue_gateway.stores.valkey import Address, ValkeyStore

PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")

needs_server = pytest.mark.skipif(PROGRAM is None, reason="neither valkey-server nor redis-server is on the PATH")


@dataclass
class Served:
    """A server that can be ended and started again on its data."""

    port: int
    folder: Path
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def address(self, prefix: str = "segue:") -> Address:
        return Address(port=self.port, prefix=prefix)

    def store(self, bounds: Bounds, *arguments: object, prefix: str = "segue:", **members: object) -> ValkeyStore:
        return ValkeyStore(self.address(prefix), bounds, *arguments, **members)  # type: ignore[arg-type]

    def start(self) -> None:
        assert PROGRAM is not None
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asked:
                asked.sendall(b"PING\r\n")
                if asked.recv(64).startswith(b"+PONG"):
                    return
            assert self.process.poll() is None, "the server ended at once"
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """Give a server on a free port."""
    served = Served(_free_port(), folder, options)
    try:
        try:
            served.start()
        except AssertionError:  # somebody else was quicker to take the port
            served.kill()
            served.port = _free_port()
            served.start()
        yield served
    finally:
        served.kill()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")
