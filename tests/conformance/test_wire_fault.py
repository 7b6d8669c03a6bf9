"""The seam of the mutants: what it leaves alone keeps its bytes, and only the wires that it names are touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from segue_adapters.wires.base import Answer, Refuse, Request, refusal
from segue_conformance.mutants import _wires
from segue_conformance.mutants.wire_fault import NATIVE, OPENAI, Told, WireFault
from segue_conformance.registry import PLAIN, WIRES
from segue_gateway.endpoint import Endpoint
from starlette.responses import Response

SPACED = '{"type": "a",  "n":1.0}'


class Numbers(WireFault):
    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        state["seen"] = state.get("seen", 0) + 1
        if event["type"] == "twice":
            return [event, {"type": "again", "seen": state["seen"]}]
        if event["type"] == "never":
            return None
        return event

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("type") == "no":
            raise refusal("invalid_request", "fix", "no")
        message.pop("drop", None)
        return message

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        return Answer(answer.status + 1, {**answer.headers, "x-mine": "1"}, answer.body)


def test_what_is_left_as_it_was_keeps_its_bytes() -> None:
    mutant = Numbers()
    assert mutant.gives_frame("openai-ws", SPACED, mutant) == [SPACED]
    assert mutant.took_frame("openai-ws", SPACED) == SPACED
    assert mutant.took_frame("openai-ws", b"\x00") == b"\x00"
    assert mutant.took_frame("openai-ws", "no JSON") == "no JSON"
    assert mutant.took_frame("openai-ws", "[" * 200_000) == "[" * 200_000


def test_events_are_changed_doubled_and_dropped_with_a_memory_for_each_stream() -> None:
    mutant, one, other = Numbers(), object.__new__(Numbers), object.__new__(Numbers)
    assert mutant.gives_frame("openai-ws", '{"type":"never"}', one) == []
    twice = mutant.gives_frame("openai-ws", '{"type":"twice"}', one)
    assert [json.loads(frame) for frame in twice] == [{"type": "twice"}, {"type": "again", "seen": 2}]
    again = mutant.gives_event("openai-http", b'event: twice\ndata: {"type":"twice"}\n\n', other)
    assert again == (
        b'event: twice\ndata: {"type":"twice"}\n\nevent: again\ndata: {"type": "again", "seen": 1}\n\n'
    )  # fmt: skip
    assert mutant.gives_event("openai-http", b"data: [DONE]\n\n", other) == b"data: [DONE]\n\n"
    assert mutant.gives_event("openai-http", b": \n\n", other) == b": \n\n"


def test_what_is_heard_may_be_changed_or_refused() -> None:
    mutant = Numbers()
    request = Request("POST", "/responses", {}, b'{"type":"a","drop":1}')
    assert json.loads(mutant.took_request("openai-http", request).body) == {"type": "a"}
    with pytest.raises(Refuse):
        mutant.took_frame("openai-ws", '{"type":"no"}')


def test_answers_keep_their_length_right() -> None:
    response = Numbers().gives_response("openai-http", None, Response(b"{}", 400, {"a": "b"}))
    assert (response.status_code, response.headers["x-mine"], response.headers["content-length"]) == (401, "1", "2")


@pytest.mark.parametrize("wire", NATIVE)
def test_other_wires_are_not_touched(wire: str) -> None:
    mutant = Numbers()
    assert mutant.gives_frame(wire, '{"type":"never"}', mutant) == ['{"type":"never"}']
    assert mutant.gives_event(wire, b'data: {"type":"never"}\n\n', mutant) == b'data: {"type":"never"}\n\n'
    assert mutant.took_frame(wire, '{"type":"no"}') == '{"type":"no"}'
    assert mutant.gives_response(wire, None, Response(b"", 200)).status_code == 200


def test_a_matrix_leaves_out_only_wires_that_the_seam_keeps_clean() -> None:
    class More(Numbers):
        async def sweep(self) -> None:
            """Do something that every wire might see."""

    class Plain(Endpoint):
        wires = OPENAI

    named = dict.fromkeys(WIRES, ())
    assert _wires(Numbers, named) == OPENAI
    assert (_wires(More, named), _wires(Plain, named)) == (WIRES, WIRES)
    assert _wires(More, {}) == PLAIN  # with the extension a mutant is looked at where it says so
