"""Unmodified clients of OpenAI's, through the gateway in front of a provider: ten turns with tools, and what arrived.

The provider is another process, asked over OpenAI's HTTP or Chat Completions; a relay in front of it prints what it is
sent, so each test ends with a look at the history that the model saw: nothing lost, nothing doubled.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import committed
import pytest
from conftest import CLIENT_LIMIT, FIRST_KEY, KEYS, START_LIMIT, _segue
from processes import Process, clean_environment, running

pytestmark = pytest.mark.real

SERVERS = Path(__file__).parent / "servers"
MODEL = "gpt-5"  # the agents' own word for it
TASK = [
    "Remember this word: walnut. Answer only with OK.",
    "Call the tool get_word now.",
    "Repeat after me: the sea is blue.",
    "Call the tool get_word now.",
    "Which word did the tool return?",
    "Remember this word: cobalt. Answer only with OK.",
    "Call the tool get_word now.",
    "Count from 1 to 5.",
    "Call the tool get_word now.",
    "Which words did I ask you to remember?",
]
CALLS = sum("Call the tool" in line for line in TASK)
#: Each call is a response of its own, and its output another turn.
TURNS = len(TASK) + CALLS


@dataclass(frozen=True)
class Chain:
    """A gateway and the provider behind it."""

    url: str
    relay: Process
    wire: str
    sent: list[Any] = field(default_factory=list)

    def requests(self, number: int) -> list[Any]:
        """Return the bodies that the provider has got: so many, and no more."""
        while len(self.sent) < number:
            self.sent.append(json.loads(self.relay.ready("^SENT (.*)", START_LIMIT)[1]))
        assert sum(line.startswith("SENT ") for line in self.relay.said) == number
        return self.sent


@contextmanager
def chained(wire: str) -> Iterator[Chain]:
    """Run a provider, a relay, and a gateway that asks the provider over a wire."""
    with ExitStack() as stack:
        serve = [*_segue("serve", "segue_gateway"), "--port", "0", "--model", MODEL, "--key", "first=REAL_FIRST_KEY"]
        provider = stack.enter_context(running(serve, env=KEYS)).ready(r"Segue serves on (\S+)", START_LIMIT)[1]
        relay = stack.enter_context(running([sys.executable, SERVERS / "relay.py", provider]))
        upstream = relay.ready(r"READY (\S+)", START_LIMIT)[1] + "/v1"
        words = ["--upstream", upstream, "--wire", wire, "--upstream-key-env", "REAL_FIRST_KEY"]
        gateway = stack.enter_context(running([*serve, *words], env=KEYS)).ready(r"Segue serves on (\S+)", START_LIMIT)
        yield Chain(gateway[1], relay, wire)


@pytest.fixture(params=["openai-http", "chat"])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A gateway in front of a provider, over each of two wires."""
    with chained(request.param) as made:
        yield made


Agent = Callable[..., str]


@pytest.fixture(scope="module")
def agent(agent_commands: dict[str, list[str]]) -> Agent:
    """Run an agent of tests/real/agents on the task and return what it printed."""

    def run(name: str, url: str, *more: str) -> str:
        done = subprocess.run(
            [*agent_commands[name], *more],
            env={
                **clean_environment(),
                "OPENAI_BASE_URL": f"{url}/v1",
                "OPENAI_API_KEY": FIRST_KEY,
                "SEGUE_TASK": "\n".join(TASK),
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=CLIENT_LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{name} ended with code {done.returncode}:\n{done.stderr}"
        return done.stdout

    return run


# -- what the provider saw


def told(body: Any) -> list[tuple[str, str]]:
    """Return the history in a request: who said what, calls and outputs by the call's id."""
    return [one for item in body["input"] for one in _item(item)] if "input" in body else _messages(body["messages"])


def _item(item: Any) -> list[tuple[str, str]]:
    match item["type"]:
        case "message":
            return [(item["role"], _text(item["content"]))]
        case "function_call":
            return [("call", item["call_id"])]
        case "function_call_output":
            return [("output", item["call_id"])]
    raise AssertionError(item)


def _messages(messages: list[Any]) -> list[tuple[str, str]]:
    history: list[tuple[str, str]] = []
    for message in messages:
        if message["role"] == "tool":
            history.append(("output", message["tool_call_id"]))
        elif message.get("content"):
            history.append((message["role"], _text(message["content"])))
        history += [("call", call["id"]) for call in message.get("tool_calls") or []]
    return history


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def holds_together(chain: Chain, *, repeated: int = 0) -> None:
    """Assert that each request held the whole history and nothing twice; `repeated` turns were asked for again."""
    histories = [told(body) for body in chain.requests(TURNS + repeated)]
    assert all("previous_response_id" not in body for body in chain.sent)
    last = histories[-1]
    assert [text for who, text in last if who == "user"] == TASK
    calls = [id for who, id in last if who == "call"]
    assert len(calls) == len({*calls}) == CALLS
    assert [id for who, id in last if who == "output"] == calls
    for place, (who, id) in enumerate(last):
        assert who != "call" or last[place + 1] == ("output", id)
    # Every user's message but the last has its answer: text, or a call and then text.
    assert sum(who == "assistant" for who, _ in last) == len(TASK) - 1
    again = 0
    for before, now in pairwise(histories):
        again += now == before
        assert now[: len(before)] == before, "a turn went on from another history than the one before it"
    assert again == repeated


# -- conversations


@pytest.mark.parametrize(
    "name", ["openai-http", "openai-helper", "openai-js", "openai-ws", "openai-js-ws", "agents-chain", "agents-ws"]
)
def test_ten_turns_with_tools(chain: Chain, agent: Agent, name: str) -> None:
    said = agent(name, chain.url)
    assert len(said.splitlines()) == len(TASK)
    if "js-ws" not in name:
        assert "thimble" in said.splitlines()[4]
        assert "walnut" in said.splitlines()[-1]
    holds_together(chain)


#: The 9th request over all connections, in the middle of the task. The first of a socket is its upgrade.
NINTH = 9


@pytest.mark.parametrize(
    ("name", "more"),
    [
        # A connection that ends before an answer's head is tried again by the SDKs themselves (openai/_base_client.py,
        # client.js): over HTTP the turn is asked for twice, from the same parent.
        ("openai-http", ()),
        ("openai-js", ()),
        ("agents-chain", ()),
        # Over a WebSocket they reconnect where they are told to, and send what was sent meanwhile; openai-agents raises
        # (models/openai_responses.py: a request that was sent may have run).
        ("openai-ws", ("--again",)),
        ("openai-js-ws", ("--again",)),
    ],
)
def test_a_cut_in_mid_turn_is_recovered_by_the_client(agent: Agent, name: str, more: tuple[str, ...]) -> None:
    with chained("openai-http") as chain:
        with running([sys.executable, SERVERS / "cutter.py", chain.url, str(NINTH)]) as cutter:
            said = agent(name, cutter.ready(r"READY (\S+)", START_LIMIT)[1], *more)
            cutter.ready("^CUT", 1)
        assert len(said.splitlines()) == len(TASK)
        holds_together(chain, repeated=1)


# -- a provider that keeps nothing

#: Those that aimock speaks itself, so that the two reports can be compared. It answers at once: what is to happen while
#: a turn runs, as Segue's own wires have it, would be proved on some runs and not on others.
WIRES = ("openai-ws", "openai-http")


@pytest.fixture(scope="module")
def ran(aimock_url: str, run_check: Any) -> Iterator[Any]:
    words = ["--upstream", aimock_url, "--wire", "openai-http", "--upstream-key-env", "REAL_FIRST_KEY"]
    serve = [*_segue("serve", "segue_gateway"), "--port", "0", "--model", "gpt-4o", *words]
    serve += ["--key", "first=REAL_FIRST_KEY", "--key", "second=REAL_SECOND_KEY"]
    with running(serve, env=KEYS) as process:
        url = process.ready(r"Segue serves on (\S+)", START_LIMIT)[1]
        wires = [word for wire in WIRES for word in ("--wire", wire)]
        model = ["--model", "gpt-4o", "--timeout", "5"]
        yield run_check("aimock-gateway", url, *wires, *model, keys=True, baseline=True)


#: What aimock alone fails (test_aimock.py).
HELD = (
    "users_words_one_hop", "users_words_four_hops", "models_words", "tools_words", "unknown_parent_refused",
    "impossible_parent_refused",
)  # fmt: skip


@pytest.mark.parametrize("wire", WIRES)
def test_behind_the_gateway_it_holds_continuation(ran: Any, wire: str) -> None:
    assert {ran.verdicts[f"continuation.{name}", wire] for name in HELD} == {"pass"}
    held = [
        row for row in ran.report["results"] if row["wire"] == wire and row["profile"] in ("continuation", "isolated")
    ]
    told = {row["check"]: row["verdict"] for row in held if row["verdict"] not in ("pass", "skip")}
    # The fixture says all that it is given, so that it proves nothing here.
    assert told == {"responses_context.instructions_are_each_requests_own": "inconclusive"}


def test_verdicts_are_the_committed_ones(ran: Any) -> None:
    committed.compare("aimock-gateway", ran.report)


def test_every_fault_is_traced(ran: Any, aimock_environment: Path) -> None:
    assert committed.unexplained("aimock-gateway", ran.report) == []
    committed.places("aimock-gateway", aimock_environment / "node_modules" / "@copilotkit" / "aimock")
