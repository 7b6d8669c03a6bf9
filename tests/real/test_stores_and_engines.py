"""The gateway as a process on each store, and in front of a provider over each wire: the whole suite finds nothing.

The provider is a second gateway, so what it can do is known; the first one is sent a whole history each time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import KEYS, MODEL, START_LIMIT, Ran, RunCheck, _segue
from processes import free_port, running
from valkey_lab import Served, needs_server

pytestmark = pytest.mark.real

#: Where every rule about turns holds.
NATIVE = ("segue-ws", "segue-http", "openai-ws+segue", "openai-http+segue")
UPSTREAMS = ("openai-http", "openai-ws", "segue-http", "segue-ws", "chat", "anthropic")
PRINCIPALS = ("--key", "first=REAL_FIRST_KEY", "--key", "second=REAL_SECOND_KEY")


@contextmanager
def gateway(*words: str) -> Iterator[str]:
    """Serve a gateway with the keys of two principals; gives the URL that its users are told."""
    command = [*_segue("serve", "segue_gateway"), "--port", "0", "--model", MODEL, *PRINCIPALS, *words]
    with running(command, env=KEYS) as process:
        yield process.ready(r"Segue serves on (\S+)", START_LIMIT)[1] + "/v1"


def every_profile_is_reached(ran: Ran) -> None:
    """Assert that nothing failed and that every profile which a wire can reach is reached."""
    failed = [key for key, verdict in ran.verdicts.items() if verdict in ("fail", "error")]
    assert failed == [], ran.terminal
    states = {(row["wire"], row["profile"]): row["state"] for row in ran.report["profiles"]}
    assert {state for state in states.values()} <= {"reached", "not_reachable"}, states
    assert ran.exit_code == 0


def checked(run_check: RunCheck, name: str, url: str) -> None:
    wires = [word for wire in NATIVE for word in ("--wire", wire)]
    ran = run_check(name, url, *wires, "--model", MODEL, "--concurrency", "4", keys=True)
    assert tuple(ran.wires) == NATIVE
    every_profile_is_reached(ran)


@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_on_sqlite(run_check: RunCheck, synchronous: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:{Path(folder) / 'state.db'}?synchronous={synchronous}"
        with gateway("--store", address) as url:
            checked(run_check, f"store-sqlite-{synchronous}", url)


@needs_server
def test_on_valkey(run_check: RunCheck) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Served(free_port(), Path(folder), ())
        server.start()
        try:
            with gateway("--store", server.url) as url:
                checked(run_check, "store-valkey", url)
        finally:
            server.kill()


@pytest.mark.parametrize("wire", UPSTREAMS)
def test_in_front_of_a_provider(run_check: RunCheck, segue_url: str, wire: str) -> None:
    provider = segue_url.removesuffix("/v1") + ("/segue/v1" if wire.startswith("segue") else "/v1")
    with gateway("--upstream", provider, "--wire", wire, "--upstream-key-env", "REAL_FIRST_KEY") as url:
        checked(run_check, f"engine-{wire}", url)
