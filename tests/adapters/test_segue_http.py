"""Segue over HTTP, both sides and without a socket: routes, names, the choice of the answer, problems, snapshots."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import LocalProtocolError, NotCarried, RemoteProtocolError
from segue_adapters.sse import SSEParser
from segue_adapters.wires.base import Answer, Refuse, Request, refusal
from segue_adapters.wires.segue_http import SegueHTTPClient, SegueHTTPServer, snapshot_messages
from segue_schemas import models, validator

ITEM = b'{"type":"message","role":"user","content":"Hello"}'
ACCEPTED = models.TurnAccepted(turn="t", seq=0, retention="cached")
COMPLETED = models.TurnCompleted(turn="t", seq=1, status="completed")
ERROR = models.Error(code="turn_conflict", advice="fix", effect="none", message="another content")
SERVER = SegueHTTPServer()


def body(**members: Any) -> bytes:
    return json.dumps({"input": [json.loads(ITEM)], **members}).encode()


def received(method: str, path: str, content: bytes = b"", **more: Any) -> tuple[models.ClientMessage, str]:
    headers = {name.replace("_", "-"): value for name, value in more.pop("headers", {}).items()}
    return SERVER.receive(Request(method, path, headers, content, **more))


def refused(method: str, path: str, content: bytes = b"", **more: Any) -> Refuse:
    with pytest.raises(Refuse) as caught:
        received(method, path, content, **more)
    return caught.value


CONTINUATION = {"segue": "1.0", "digest": "segue1-sha256:" + "A" * 43, "length": 0, "items": [], "context": {}}


@pytest.mark.parametrize(
    "message",
    [
        models.TurnStart(turn="t", input=[msgspec.Raw(ITEM)]),
        models.TurnResume(turn="t"),
        models.TurnResume(turn="t", after=0),
        models.TurnResume(turn="t", after=2**53 - 1),
        models.TurnCancel(turn="t"),
        models.TurnSteer(turn="t", steer="s", input=[msgspec.Raw(ITEM)]),
        models.ContinuationGet(ref="http", id="c_1"),
        models.ContinuationGet(ref="http", id="a/b?c#d%2F~"),
        models.ContinuationExport(ref="http", id="c/1"),
        models.ContinuationDelete(ref="http", id="c_1"),
        models.ContinuationDelete(ref="http", id="c_1", descendants=True),
        models.ContinuationImport(ref="http", bundle=msgspec.json.decode(json.dumps(CONTINUATION), type=models.Bundle)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_each_message_has_its_request(message: models.ClientMessage) -> None:
    request = SegueHTTPClient().exchange(message).request
    back, mode = SERVER.receive(request)
    assert msgspec.json.encode(back) == msgspec.json.encode(message)
    assert mode == ("sse" if isinstance(message, models.TurnStart | models.TurnResume) else "json")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("GET", ""), ("POST", "/turns/t"), ("DELETE", "/turns/t"), ("GET", "/turns"), ("PUT", "/turns"),
        ("GET", "/turns/t/cancel"), ("PUT", "/turns/t/steers"), ("GET", "/turns/t/events/1"), ("PUT", "/continuations"),
        ("POST", "/continuations/c"), ("GET", "/contexts/x"), ("get", "/turns/t"), ("GET", "/elsewhere" + "x" * 500),
    ],
)  # fmt: skip
def test_what_is_no_route(method: str, path: str) -> None:
    caught = refused(method, path)
    assert (caught.error.code, caught.status) == ("unsupported_message", 404)
    assert len(caught.error.message) < 200


@pytest.mark.parametrize(
    ("content", "accept", "mode"),
    [
        (body(), None, "sse"),
        (body(), "*/*", "sse"),
        (body(), "text/event-stream", "sse"),
        (body(), "application/json", "json"),
        (body(), "application/json, text/event-stream", "sse"),
        (body(delivery={}), "application/json", "json"),
        (body(delivery={"coalesce_ms": 5}), "application/json", "json"),
        (body(delivery={"mode": "stream"}), "application/json", "sse"),
        (body(delivery={"mode": "final"}), "text/event-stream", "json"),
    ],
)
def test_which_answer_is_wanted(content: bytes, accept: str | None, mode: str) -> None:
    assert received("PUT", "/turns/t", content, headers={"accept": accept} if accept else {})[1] == mode


def test_a_whole_answer_is_asked_for_by_both() -> None:
    final = models.TurnStart(turn="t", input=[], delivery=models.Delivery(mode="final"))
    final.trace = models.Trace(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    request = SegueHTTPClient().exchange(final).request
    assert (request.headers["accept"], request.headers["traceparent"]) == ("application/json", final.trace.traceparent)
    assert SERVER.receive(request)[1] == "json"


@pytest.mark.parametrize(
    ("path", "content", "param"),
    [
        ("/turns/t", body(turn="other"), "/turn"),
        ("/turns/t", body(turn=None), "/turn"),
        ("/turns/t", body(turn={"x": "y" * 5000}), "/turn"),
        ("/turns/t", body(type="turn.resume"), "/type"),
        ("/turns/t/steers/s", body(steer="other"), "/steer"),
        ("/turns/t/steers/s", body(turn="other"), "/turn"),
        ("/turns/a%20b", body(), "/turn"),
        ("/turns/t", b"{}", "/input"),
        ("/turns/t", body(lane=5), "/lane"),
    ],
)
def test_path_and_body_agree(path: str, content: bytes, param: str) -> None:
    caught = refused("PUT", path, content)
    assert (caught.error.code, caught.error.param, caught.status) == ("invalid_request", param, 400)
    assert len(caught.error.message) < 400


def test_the_body_may_say_the_same_as_the_path() -> None:
    message, _ = received("PUT", "/turns/t/", body(turn="t", type="turn.start", ref="x"))
    assert isinstance(message, models.TurnStart)
    assert message.turn == "t"
    assert bytes(message.input[0]).replace(b" ", b"") == ITEM


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"input":[],"input":[]}', b'{"input":["\\ud800"]}', b"[" * 200_000],
)
def test_a_body_that_is_no_object(content: bytes) -> None:
    caught = refused("PUT", "/turns/t", content)
    assert (caught.error.code, caught.message.refused) == ("malformed_message", "turn.start")


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "１", " 1", "1 ", "0x1", "9" * 17, "9" * 16, "null"])
def test_last_event_id_is_a_number(value: str) -> None:
    caught = refused("GET", "/turns/t/events", headers={"last_event_id": value})
    assert caught.error.code == "invalid_request"
    assert caught.error.param == "Last-Event-ID"


@pytest.mark.parametrize(
    ("headers", "after"), [({}, None), ({"last_event_id": ""}, None), ({"last_event_id": "007"}, 7)]
)
def test_last_event_id_is_after(headers: dict[str, str], after: int | None) -> None:
    message, mode = received("GET", "/turns/t/events", headers=headers)
    assert (message, mode) == (models.TurnResume(turn="t", after=msgspec.UNSET if after is None else after), "sse")


@pytest.mark.parametrize(
    ("query", "said"), [({}, msgspec.UNSET), ({"descendants": "false"}, False), ({"descendants": "true"}, True)]
)
def test_descendants_as_the_query_says(query: dict[str, str], said: bool | msgspec.UnsetType) -> None:
    message, _ = received("DELETE", "/continuations/c", query=query)
    assert message == models.ContinuationDelete(ref="http", id="c", descendants=said)


@pytest.mark.parametrize("said", ["1", "TRUE", ""])
def test_descendants_that_say_neither_are_refused(said: str) -> None:
    with pytest.raises(Refuse) as caught:
        received("DELETE", "/continuations/c", query={"descendants": said})
    assert (caught.value.error.code, caught.value.error.param) == ("invalid_request", "/descendants")


def test_events_bear_seq_and_type() -> None:
    parser = SSEParser()
    numbered, bare = parser.feed(
        SERVER.comment() + SERVER.event(ACCEPTED) + SERVER.event(models.TurnProgress(turn="t", phase="x"))
    )
    assert (numbered.event, numbered.id) == ("turn.accepted", "0")
    assert SERVER.event(models.TurnProgress(turn="t", phase="x")).startswith(b"event: turn.progress\n")
    assert json.loads(bare.data) == {"type": "turn.progress", "turn": "t", "phase": "x"}


@pytest.mark.parametrize(
    ("code", "status", "headers"),
    [
        ("turn_conflict", 409, {"x-should-retry": "false"}),
        ("unauthenticated", 401, {"www-authenticate": "Bearer"}),
        ("continuation_not_found", 404, {}),
        ("events_gone", 410, {}),
        ("message_too_large", 413, {}),
        ("draining", 503, {}),
        ("vendor_trouble", 500, {}),
    ],
)
def test_problems(code: str, status: int, headers: dict[str, str]) -> None:
    answer = SERVER.refuse(refusal(code, "fix", "what happened", param="parent"))
    assert answer.status == status
    assert answer.headers == {"content-type": "application/problem+json", "cache-control": "no-store", **headers}
    told = json.loads(answer.body)
    assert told["type"] == f"urn:segue:error:{code}"
    assert (told["status"], told["title"], told["param"]) == (status, code.replace("_", " "), "parent")
    validator("errors.json#/$defs/Error").validate(told)


def test_how_long_to_wait_is_a_header_too() -> None:
    error = models.Error(code="rate_limited", advice="wait", effect="none", message="m", retry_after_ms=1001)
    answer = SERVER.answer(models.ErrorMessage(error=error))
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert SERVER.refuse(refusal("invalid_request", "fix", "m", status=415)).status == 415


def test_snapshots() -> None:
    ended = models.TurnSnapshot(turn="t", accepted=ACCEPTED, items=[msgspec.Raw(ITEM)], completed=COMPLETED)
    answer = SERVER.answer(ended)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    running = SERVER.answer(models.TurnSnapshot(turn="t", accepted=ACCEPTED, items=[], retry_after_ms=10))
    assert (running.status, running.headers["retry-after"]) == (202, "1")
    info = models.ContinuationInfo(ref="http", continuation=models.Continuation(id="c", retention="cached"))
    assert SERVER.answer(info, status=201).status == 201
    messages = snapshot_messages(ended)
    assert [str(type(m).__struct_config__.tag) for m in messages] == [
        "turn.accepted", "item.started", "item.completed", "turn.completed",
    ]  # fmt: skip
    failed = models.TurnFailed(turn="t", error=ERROR)
    assert snapshot_messages(models.TurnSnapshot(turn="t", accepted=ACCEPTED, items=[], failed=failed))[1:] == [failed]


# ---- the client's side of an answer


def answered(message: models.ClientMessage, answer: Answer, step: int = 7) -> tuple[Any, list[models.ServerMessage]]:
    exchange = SegueHTTPClient().exchange(message)
    exchange.head(answer.status, answer.headers)
    told = [m for at in range(0, len(answer.body), step) for m in exchange.data(answer.body[at : at + step])]
    return exchange, told + exchange.end()


START = models.TurnStart(turn="t", input=[])
STREAM = {"content-type": "Text/Event-Stream; charset=utf-8"}
JSON = {"content-type": "application/json"}


def test_a_stream_is_read() -> None:
    later = b'event: turn.later\ndata: {"type":"turn.later"}\n\n'
    _, told = answered(START, Answer(200, STREAM, SERVER.event(ACCEPTED) + later + SERVER.event(COMPLETED)))
    assert told == [ACCEPTED, COMPLETED]


def test_a_reading_may_end_with_an_error() -> None:
    error = models.Error(code="slow_reader", advice="reconnect", effect="unknown", message="Too slow.")
    ended = models.ErrorMessage(error=error, turn="t")
    _, told = answered(START, Answer(200, STREAM, SERVER.event(ACCEPTED) + SERVER.event(ended)))
    assert told == [ACCEPTED, ended]


@pytest.mark.parametrize("content", [b"", b": x\n\n", SERVER.event(ACCEPTED), SERVER.event(COMPLETED)[:-1]])
def test_a_stream_without_its_end_is_a_breach(content: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="before a terminal event"):
        answered(START, Answer(200, STREAM, content))


def test_an_empty_reading_behind_the_end_is_no_breach() -> None:
    with pytest.raises(LocalProtocolError, match="nothing follows event 7"):
        answered(models.TurnResume(turn="t", after=7), Answer(200, STREAM, b": nothing\n\n"))
    with pytest.raises(RemoteProtocolError):
        answered(models.TurnResume(turn="t"), Answer(200, STREAM, b""))
    with pytest.raises(RemoteProtocolError):
        answered(models.TurnResume(turn="t", after=0), Answer(200, STREAM, SERVER.event(ACCEPTED)))


def test_a_snapshot_is_read_or_asked_for_again() -> None:
    whole = models.TurnSnapshot(turn="t", accepted=ACCEPTED, items=[], completed=COMPLETED)
    exchange, told = answered(START, SERVER.answer(whole))
    assert (told, exchange.ask_again_ms) == ([ACCEPTED, COMPLETED], None)
    running = models.TurnSnapshot(turn="t", accepted=ACCEPTED, items=[], retry_after_ms=10)
    exchange, told = answered(START, SERVER.answer(running))
    assert (told, exchange.ask_again_ms) == ([], 10)
    assert SegueHTTPClient().snapshot(START).request == Request("GET", "/turns/t", {"accept": "application/json"})


def test_a_request_is_its_own_ref() -> None:
    info = models.ContinuationInfo(ref="http", continuation=models.Continuation(id="c", retention="cached"))
    _, told = answered(models.ContinuationGet(ref="r_1", id="c"), SERVER.answer(info))
    assert told == [models.ContinuationInfo(ref="r_1", continuation=info.continuation)]
    _, told = answered(models.TurnCancel(turn="t"), Answer(200, JSON, b'{"type":"later"}'))
    assert told == []


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (START, {"turn": "t"}),
        (models.TurnSteer(turn="t", steer="s", input=[msgspec.Raw(ITEM)]), {"turn": "t", "steer": "s"}),
        (models.ContinuationDelete(ref="r_1", id="c"), {"ref": "r_1"}),
    ],
)
def test_a_problem_is_the_refusal_of_what_was_asked(message: models.ClientMessage, names: dict[str, str]) -> None:
    _, (told,) = answered(message, SERVER.answer(models.ErrorMessage(error=ERROR)))
    wanted = models.ErrorMessage(error=ERROR, refused=str(type(message).__struct_config__.tag), **names)
    assert told == wanted


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b"[]", b'{"code":"x"}', b"\xff", b'{"detail":"no"}'])
@pytest.mark.parametrize("status", [400, 502])
def test_a_problem_without_its_members_is_a_breach(content: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError, match=f"status {status} without the members of an error"):
        answered(START, Answer(status, JSON, content))


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"type":"turn.snapshot"}'])
def test_an_answer_that_is_no_message_is_a_breach(content: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="none of the protocol's"):
        answered(START, Answer(200, JSON, content))


def test_lanes_have_no_place() -> None:
    with pytest.raises(NotCarried, match="lane"):
        SegueHTTPClient().exchange(models.TurnStart(turn="t", input=[], lane="a"))


def test_a_turn_is_asked_for_as_it_stands() -> None:
    request = SegueHTTPClient().snapshot(models.TurnStart(turn="t", input=[])).request
    assert SERVER.receive(request) == (models.TurnResume(turn="t"), "json")
