"""What the log of an agent's run knows of turns that are read again, or repeated under their name."""

from __future__ import annotations

import json
from typing import Any

from segue_conformance.client_side.seen import Ask, Log

HI = {"type": "message", "role": "user", "content": "Hi"}
SAID = {"type": "message", "role": "assistant", "content": []}


def begin(log: Log, kind: str = "start", **members: Any) -> Ask:
    message = {"type": f"turn.{kind}", "turn": "t", **members}
    return log.ask("segue-ws", "c", json.dumps(message).encode(), message, kind=kind)


def end(ask: Ask) -> None:
    ask.record.take({"type": "item.started", "turn": "t", "seq": 1, "index": 0, "item": SAID})
    ask.record.take({"type": "item.completed", "turn": "t", "seq": 2, "index": 0, "item": SAID})
    told = {"type": "turn.completed", "turn": "t", "seq": 3, "status": "completed"}
    ask.record.take({**told, "continuation": {"id": "c_1", "retention": "cached"}})


def test_a_turn_that_was_cut_and_read_on_can_be_gone_on_from() -> None:
    log = Log(40)
    start = begin(log, input=[HI])
    start.record.take({"type": "turn.accepted", "turn": "t", "seq": 0})
    start.fault, start.cut = "cut", True
    log.done(start)
    assert log.held == {}
    again = begin(log, "resume", after=0)
    end(again)
    log.done(again)
    assert log.held == {"c_1": [HI, SAID]}
    after = {"type": "turn.start", "turn": "u", "parent": "c_1", "input": [HI]}
    assert log.ask("segue-ws", "c", b"{}", after).history == [HI, SAID, HI]


def test_what_was_refused_is_accepted_later_under_the_same_name() -> None:
    log = Log(40)
    first = begin(log, input=[HI], parent="c_0")
    first.fault = "refused"
    refused = {"type": "error", "refused": "turn.start", "turn": "t"}
    first.record.take({**refused, "error": {"code": "internal_error", "message": "m"}})
    log.done(first)
    assert (first.end, log.own_fault()) == ("refused", None)
    second = begin(log, input=[HI])
    assert log.own_fault() is None  # the record is one, and its error was ordered
    second.record.take({"type": "turn.accepted", "turn": "t", "seq": 0})
    assert (second.end, second.record.code) == ("", "")
    end(second)
    log.done(second)
    assert log.held == {"c_1": [HI, SAID]}


def test_a_fault_that_nobody_ordered_is_the_endpoints_own() -> None:
    log = Log(40)
    start = begin(log, input=[HI])
    start.record.take({"type": "error", "turn": "t", "error": {"code": "internal_error", "message": "m"}})
    assert "request 1" in str(log.own_fault())
