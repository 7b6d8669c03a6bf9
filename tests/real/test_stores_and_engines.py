"""The gateway as a process on each store, and in front of a provider over each wire: the whole suite finds nothing.

The provider is a second gateway, so what it can do is known; the first one is sent a whole history each time. Two runs
go on at a time, since most of each is one process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import KEYS, MODEL, START_LIMIT, Ran, RunCheck, _segue
from processes import free_port, running
from valkey_lab import PROGRAM, Served

pytestmark = pytest.mark.real

#: Where every rule about turns holds.
NATIVE = ("segue-ws", "segue-http", "openai-ws+segue", "openai-http+segue")
UPSTREAMS = ("openai-http", "openai-ws", "segue-http", "segue-ws", "chat", "anthropic")
STORES = ("sqlite-normal", "sqlite-full", *(("valkey",) if PROGRAM else ()))
PRINCIPALS = ("--key", "first=REAL_FIRST_KEY", "--key", "second=REAL_SECOND_KEY")
NAMES = (*(f"store-{store}" for store in STORES), *(f"engine-{wire}" for wire in UPSTREAMS))


@contextmanager
def gateway(*words: str) -> Iterator[str]:
    """Serve a gateway with the keys of two principals; gives the URL that its users are told."""
    command = [*_segue("serve", "segue_gateway"), "--port", "0", "--model", MODEL, *PRINCIPALS, *words]
    with running(command, env=KEYS) as process:
        yield process.ready(r"Segue serves on (\S+)", START_LIMIT)[1] + "/v1"


@contextmanager
def stored(name: str) -> Iterator[tuple[str, ...]]:
    """Give the words by which a gateway keeps its state in a store."""
    with tempfile.TemporaryDirectory() as folder:
        if name != "valkey":
            yield "--store", f"sqlite:{Path(folder) / 'state.db'}?synchronous={name.removeprefix('sqlite-')}"
            return
        server = Served(free_port(), Path(folder), ())
        server.start()
        try:
            yield "--store", server.url
        finally:
            server.kill()


@contextmanager
def asking(name: str, provider: str) -> Iterator[tuple[str, ...]]:
    """Give the words by which a gateway asks a provider over a wire."""
    url = provider.removesuffix("/v1") + ("/segue/v1" if name.startswith("segue") else "/v1")
    yield "--upstream", url, "--wire", name, "--upstream-key-env", "REAL_FIRST_KEY"


@pytest.fixture(scope="module")
def runs(run_check: RunCheck, segue_url: str) -> Iterator[dict[str, Future[Ran]]]:
    """All runs by name."""

    def checked(name: str) -> Ran:
        kind, _, which = name.partition("-")
        with stored(which) if kind == "store" else asking(which, segue_url) as words, gateway(*words) as url:
            wires = [word for wire in NATIVE for word in ("--wire", wire)]
            return run_check(name, url, *wires, "--model", MODEL, "--concurrency", "4", keys=True)

    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(checked, name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_reached(runs: dict[str, Future[Ran]], name: str) -> None:
    ran = runs[name].result()
    assert tuple(ran.wires) == NATIVE
    assert [key for key, verdict in ran.verdicts.items() if verdict in ("fail", "error")] == [], ran.terminal
    states = {(row["wire"], row["profile"]): row["state"] for row in ran.report["profiles"]}
    assert set(states.values()) <= {"reached", "not_reachable"}, states
    assert ran.exit_code == 0
