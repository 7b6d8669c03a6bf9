"""Budgets, the pace, what turns cost, and what is deleted behind a run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from segue_adapters.transports.base import Frame
from segue_conformance.account import Account, Kept
from segue_conformance.budget import Budget, Pace
from segue_conformance.verdicts import Inconclusive, Verdict


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


# -- how far


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(2), "2 of 2 requests were spent (--max-requests)"),
        (Budget(most_tokens=10), "20 of 10 tokens were spent (--max-tokens)"),
    ],
)
def test_a_budget_ends(budget, said):
    assert not budget.exhausted
    budget.spend()
    budget.charge(10)
    if budget.most is not None:
        budget.spend()
    else:
        budget.tokens = 20
    assert budget.exhausted
    with pytest.raises(Inconclusive) as told:
        budget.spend()
    assert said in told.value.message


def test_time_counts_from_the_first_request():
    clock = Clock()
    budget = Budget(seconds=5, clock=clock)
    clock.now += 60
    assert budget.time_left == 5
    budget.spend()
    clock.now += 4
    assert (budget.time_left, budget.exhausted) == (1, False)
    clock.now += 4
    assert (budget.time_left, budget.exhausted) == (0, True)
    assert "--max-time" in budget.over


def test_estimated_tokens_are_said_to_be():
    budget = Budget(most_tokens=5)
    budget.charge(0, estimated=True)
    assert not budget.estimated
    budget.charge(7, estimated=True)
    assert "about 7 of 5" in budget.over


def test_what_a_budget_leaves_out_is_inconclusive(bench):
    bench.settings = replace(bench.settings, max_tokens=10)
    bench.write(
        "test_turns.py",
        '''
        @check("SEG-MSG-001", profile="core")
        async def test_plain_turn(subject):
            """A plain turn works."""
            subject.spend()
            subject.budget.charge(11)

        @check("SEG-MSG-001", profile="core")
        async def test_more(subject):
            """Another."""
            subject.spend()
        ''',
    )
    report = bench.run()
    assert [r.verdict for r in report.results] == [Verdict.PASS, Verdict.INCONCLUSIVE]
    assert "--max-tokens" in report.results[1].message
    assert (report.exit_code, report.tokens, report.selection.max_tokens) == (5, 11, 10)


def test_a_check_that_outlives_the_time_is_inconclusive(bench):
    bench.settings = replace(bench.settings, max_seconds=0.2)
    bench.write(
        "test_turns.py",
        '''
        @check("SEG-MSG-001", profile="core")
        async def test_plain_turn(subject):
            """A plain turn works."""
            subject.spend()
            await asyncio.sleep(60)
        ''',
    )
    report = bench.run()
    assert [r.verdict for r in report.results] == [Verdict.INCONCLUSIVE]
    assert "--max-time" in report.results[0].message
    assert report.duration_ms < 10_000


# -- how fast


def test_no_burst_goes_above_the_pace(monkeypatch):
    clock, slept = Clock(), []

    async def sleep(seconds):
        slept.append(round(seconds, 3))
        clock.now += seconds

    monkeypatch.setattr("segue_conformance.budget.asyncio.sleep", sleep)

    async def main():
        pace = Pace(4, clock)
        await pace()
        await pace()
        clock.now += 10  # a long rest earns nothing
        await pace()
        await pace()
        await pace()

    asyncio.run(main())
    assert slept == [0.25, 0.25, 0.25]


# -- what it costs


def heard(wire, *frames):
    charged, kept = [], []
    account = Account(wire, lambda tokens, estimated: charged.append((tokens, estimated)), kept.append)
    for line, frame in frames:
        account.hear(line, "first", frame)
    account.close()
    return account, charged, kept


def sent(data, kind="text", line=1, connection="ws1"):
    return line, Frame("sent", kind, data, connection=connection)


def came(data, kind="text", line=1, connection="ws1", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return line, Frame("received", kind, data, named, connection)


USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}


def test_usage_of_a_segue_turn():
    message = {"type": "turn.completed", "turn": "t", "status": "completed", "usage": USAGE,
               "continuation": {"id": "c1", "retention": "cached"}}  # fmt: skip
    account, charged, kept = heard("segue-ws", sent('{"type":"turn.start"}'), came(json.dumps(message)))
    assert (account.tokens, charged) == (12, [(12, False)])
    assert kept == [Kept("segue-ws", "first", "c1")]


@pytest.mark.parametrize("retention", ["none", "connection"])
def test_what_ends_with_its_connection_is_not_left(retention):
    message = {"type": "turn.completed", "continuation": {"id": "c1", "retention": retention}}
    assert heard("segue-ws", came(json.dumps(message)))[2] == []


@pytest.mark.parametrize(("store", "left"), [(True, 1), (None, 1), (False, 0)])
def test_usage_of_a_response_in_a_stream_that_comes_in_pieces(store, left):
    response = {"object": "response", "id": "resp_1", "store": store, "status": "completed", "usage": USAGE}
    data = f"event: x\ndata: {json.dumps({'type': 'response.completed', 'response': response})}\n\n".encode()
    frames = [came(data[at : at + 9], "body", connection="http1") for at in range(0, len(data), 9)]
    head = came("200 OK", "response", connection="http1", content_type="text/event-stream; charset=utf-8")
    asked = sent(b'POST http://x\n{"input":"hello"}', "request", connection="http1")
    account, charged, kept = heard("openai-http", asked, head, *frames)
    assert (account.tokens, charged, len(kept)) == (12, [(12, False)], left)


def test_usage_of_a_whole_answer():
    response = {"object": "response", "id": "r", "status": "completed", "usage": {**USAGE, "total_tokens": "many"}}
    head = came("200 OK", "response", connection="http1", content_type="application/json")
    data = json.dumps(response).encode()
    _, charged, _ = heard(
        "openai-http", sent(b"POST http://x\n{}", "request", connection="http1"), head,
        came(data[:20], "body", connection="http1"), came(data[20:], "body", connection="http1"),
    )  # fmt: skip
    assert charged == [(12, False)]


def test_usage_of_a_snapshot():
    completed = {"usage": USAGE, "continuation": {"id": "c", "retention": "durable"}}
    message = {"type": "turn.snapshot", "completed": completed}
    _, charged, kept = heard("segue-http", came(json.dumps(message).encode(), "body", connection="http1"))
    assert (charged, len(kept)) == ([(12, False)], 1)


def test_what_is_not_reported_is_estimated():
    said = json.dumps({"type": "response.output_text.delta", "delta": "x" * 40})
    end = json.dumps({"type": "response.completed", "response": {"object": "response", "id": "r"}})
    _, charged, _ = heard("openai-ws", sent('{"type": "response.create"' + " " * 33 + "}"), came(said), came(end))
    assert charged == [((60 + 40) // 4, True)]


CHAT = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
COUNTED = {"input_tokens": 5, "output_tokens": 7}


@pytest.mark.parametrize(
    ("wire", "told", "charged"),
    [
        ("chat", [{"object": "chat.completion", "choices": [], "usage": CHAT}], [(12, False)]),
        ("chat", [{"choices": [{"delta": {"content": "hi"}}], "usage": None}, {"choices": [], "usage": CHAT}],
         [(12, False)]),
        ("chat", [{"choices": [{"delta": {"content": "x" * 38}}]}, {"choices": [7]}], [(10, True)]),
        ("anthropic", [{"type": "message", "content": [], "usage": COUNTED}], [(12, False)]),
        ("anthropic", [{"type": "content_block_delta", "delta": {"text": "hi"}},
                       {"type": "message_delta", "delta": {}, "usage": COUNTED}], [(12, False)]),
        ("anthropic", [{"type": "content_block_delta", "delta": {"text": "x" * 38}},
                       {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 7}}], [(10, True)]),
    ],
)  # fmt: skip
def test_usage_on_the_wires_without_state(wire, told, charged):
    streamed = len(told) > 1
    kind = "text/event-stream" if streamed else "application/json"
    frames = [came("200 OK", "response", connection="http1", content_type=kind)]
    for message in told:
        data = json.dumps(message).encode()
        frames.append(came(b"data: " + data + b"\n\n" if streamed else data, "body", connection="http1"))
    asked = sent(b"POST http://x\n{}", "request", connection="http1")
    _, found, kept = heard(wire, asked, *frames)
    assert (found, kept) == (charged, [])


def test_what_is_refused_costs_nothing():
    asked = '{"type": "response.create", "input": "' + "x" * 1000 + '"}'
    assert heard("openai-ws", sent(asked), came('{"type": "error", "error": {}}'))[1] == []
    request = sent(b"POST http://x\n" + asked.encode(), "request", connection="http1")
    assert heard("openai-http", request, came("400 Bad Request", "response", connection="http1"))[1] == []


def test_a_turn_without_an_end_costs_what_it_asked():
    _, charged, _ = heard("openai-ws", sent('{"type": "response.create"' + " " * 33 + "}"))
    assert charged == [(15, True)]


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"type": "turn.completed", "usage": [], "continuation": 3}', "\x00"]
)
def test_what_can_not_be_understood_is_passed_over(text):
    account, _, kept = heard("segue-ws", came(text), came(text.encode(), "body", connection="http1"))
    assert kept == []
    assert account.tokens < 100
