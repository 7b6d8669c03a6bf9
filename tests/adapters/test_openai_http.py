"""OpenAI Responses over HTTP, both sides and without a socket: routes, envelopes, streams and their ends."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from segue_adapters.errors import NotCarried, RemoteProtocolError
from segue_adapters.sse import encode_event
from segue_adapters.wires.base import Answer, Refuse, Request, refusal
from segue_adapters.wires.openai_http import OpenAIHTTPClient, OpenAIHTTPServer
from segue_schemas import models

SERVER = OpenAIHTTPServer()
START = models.TurnStart(turn="t", input=[], context=msgspec.Raw(b'{"model":"m"}'))
STREAM = {"content-type": "Text/Event-Stream; charset=utf-8"}
JSON = {"content-type": "application/json"}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": [], "store": True}
DONE = encode_event(
    json.dumps({"type": "response.completed", "response": RESPONSE}).encode(), event="response.completed"
)


def answered(message: models.ClientMessage, answer: Answer, step: int = 11) -> list[models.ServerMessage]:
    exchange = OpenAIHTTPClient().exchange(message)
    exchange.head(answer.status, answer.headers)
    told = [m for at in range(0, len(answer.body), step) for m in exchange.data(answer.body[at : at + step])]
    assert exchange.ask_again_ms is None
    return told + exchange.end()


def tags(messages: list[models.ServerMessage]) -> list[str]:
    return [str(type(message).__struct_config__.tag) for message in messages]


def test_a_turn_is_a_create() -> None:
    turn = models.TurnStart(turn="t", input=[], context=msgspec.Raw(b'{"model":"m"}'), retention="none")
    turn.trace = models.Trace(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    request = OpenAIHTTPClient().exchange(turn).request
    assert (request.method, request.path) == ("POST", "/responses")
    assert request.headers == {
        "content-type": "application/json", "accept": "text/event-stream", "traceparent": turn.trace.traceparent,
    }  # fmt: skip
    assert json.loads(request.body) == {"model": "m", "input": [], "store": False, "stream": True}
    turn.delivery = models.Delivery(mode="final")
    request = OpenAIHTTPClient().exchange(turn).request
    assert (request.headers["accept"], json.loads(request.body)["stream"]) == ("application/json", False)


@pytest.mark.parametrize(
    "message",
    [
        models.TurnResume(turn="t"),
        models.TurnCancel(turn="t"),
        models.ContinuationExport(ref="r", id="c"),
        models.ContinuationDelete(ref="r", id="c", descendants=True),
        models.TurnStart(turn="t", input=[], lane="a"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_has_no_place(message: models.ClientMessage) -> None:
    with pytest.raises(NotCarried):
        OpenAIHTTPClient().exchange(message)
    with pytest.raises(NotCarried):
        OpenAIHTTPClient().snapshot(message)


@pytest.mark.parametrize("end", [b"", encode_event(b"[DONE]"), b"data: {}\n\n", DONE, b": bye\n\n"])
def test_nothing_counts_behind_the_terminal_event(end: bytes) -> None:
    told = answered(START, Answer(200, STREAM, DONE + end))
    assert tags(told) == ["turn.accepted", "turn.completed"]


@pytest.mark.parametrize("content", [b"", b": x\n\n", encode_event(b"[DONE]"), DONE[:-1],
                                     encode_event(b'{"type":"response.created","response":{}}')])  # fmt: skip
def test_a_stream_without_its_end_is_a_breach(content: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="before a terminal event"):
        answered(START, Answer(200, STREAM, content))


def test_an_event_that_is_none_is_a_breach() -> None:
    with pytest.raises(RemoteProtocolError, match="without a `type`"):
        answered(START, Answer(200, STREAM, encode_event(b'{"error":{"message":"m"}}')))


def test_errors_in_the_stream() -> None:
    flat = encode_event(b'{"type":"error","code":"server_error","message":"m","sequence_number":0}', event="error")
    assert tags(answered(START, Answer(200, STREAM, flat))) == ["error"]
    begun = encode_event(b'{"type":"response.created","response":{}}')
    assert tags(answered(START, Answer(200, STREAM, begun + flat + DONE))) == ["turn.accepted", "turn.failed"]


def test_a_whole_answer() -> None:
    told = answered(START, Answer(200, JSON, json.dumps(RESPONSE).encode()))
    assert tags(told) == ["turn.accepted", "turn.completed"]


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"a":1,"a":2}', b'{"error":{"message":"m"}}', b"\xff"])
def test_a_whole_answer_that_is_none_is_a_breach(content: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        answered(START, Answer(200, JSON, content))
    assert caught.value.expected


@pytest.mark.parametrize(
    ("status", "content", "code", "message"),
    [
        (400, b'{"error":{"message":"m","code":"previous_response_not_found"}}', "continuation_not_found", "m"),
        (404, b'{"detail":"Not Found"}', "invalid_request", "the endpoint gave no reason but status 404"),
        (502, b"<html>Bad Gateway</html>", "upstream_failed", "<html>Bad Gateway</html>"),
        (500, b"", "internal_error", "the endpoint gave no reason but status 500"),
        (429, b'"slow"', "rate_limited", "the endpoint gave no reason but status 429"),
    ],
)
@pytest.mark.parametrize("headers", [JSON, STREAM])
def test_every_error_status_is_a_refusal(
    status: int, content: bytes, code: str, message: str, headers: dict[str, str]
) -> None:
    (told,) = answered(START, Answer(status, {**headers, "retry-after": "2"}, content))
    assert isinstance(told, models.ErrorMessage)
    assert (told.turn, told.refused, told.error.code, told.error.message) == ("t", "turn.start", code, message)
    assert told.error.retry_after_ms == 2000


GET = models.ContinuationGet(ref="r", id="resp/1?x#y")
DELETE = models.ContinuationDelete(ref="r", id="resp/1?x#y")


def test_routes_that_name_a_response() -> None:
    for message, method, kind in ((GET, "GET", "retrieve"), (DELETE, "DELETE", "delete")):
        request = OpenAIHTTPClient().exchange(message).request
        assert (request.method, request.path) == (method, "/responses/resp%2F1%3Fx%23y")
        call = SERVER.receive(request)
        assert (call.kind, call.id) == (kind, message.id)
    (info,) = answered(GET, Answer(200, JSON, b"{}"))
    assert info == models.ContinuationInfo(ref="r", continuation=models.Continuation(id=GET.id, retention="cached"))
    assert answered(DELETE, Answer(200, JSON, b"")) == [models.ContinuationDeleted(ref="r", id=GET.id)]


@pytest.mark.parametrize(("message", "kind"), [(GET, "continuation.get"), (DELETE, "continuation.delete")])
@pytest.mark.parametrize(("status", "code"), [(404, "continuation_not_found"), (401, "unauthenticated")])
def test_refusals_of_these_routes(message: models.ClientMessage, kind: str, status: int, code: str) -> None:
    answer = SERVER.not_found("resp_1" * 99)
    (told,) = answered(message, Answer(status, answer.headers, answer.body))
    assert isinstance(told, models.ErrorMessage)
    assert (told.ref, told.refused, told.error.code) == ("r", kind, code)


def received(method: str, path: str, body: bytes = b"", **query: str) -> Any:
    return SERVER.receive(Request(method, path, {}, body, query))


def test_calls() -> None:
    call = received("POST", "/responses/", b'{"model":"m","input":"x","stream":true}')
    assert (call.kind, call.stream, call.id) == ("create", True, "")
    assert received("GET", "/responses/resp_1", include="x", stream="false").kind == "retrieve"
    assert received("GET", "/responses/a%2Fb/input_items", limit="5").id == "a/b"


@pytest.mark.parametrize(
    ("method", "path", "query", "code", "status"),
    [
        ("GET", "/responses", {}, "unsupported_message", 404),
        ("PUT", "/responses", {}, "unsupported_message", 404),
        ("POST", "/responses/resp_1", {}, "unsupported_message", 404),
        ("POST", "/responses/resp_1/cancel", {}, "unsupported_message", 404),
        ("DELETE", "/responses/resp_1/input_items", {}, "unsupported_message", 404),
        ("GET", "/responses/resp_1/other", {}, "unsupported_message", 404),
        ("GET", "/responses//input_items", {}, "unsupported_message", 404),
        ("GET", "/models", {}, "unsupported_message", 404),
        ("GET", "/x" * 500, {}, "unsupported_message", 404),
        ("GET", "/responses/resp_1", {"stream": "true"}, "not_offered", 400),
        ("POST", "/responses", {}, "malformed_message", 400),
    ],
)
def test_what_is_no_call(method: str, path: str, query: dict[str, str], code: str, status: int) -> None:
    with pytest.raises(Refuse) as caught:
        received(method, path, **query)
    assert (caught.value.error.code, caught.value.status) == (code, status)
    assert len(caught.value.error.message) < 200


def test_errors_in_their_envelope() -> None:
    error = refusal("rate_limited", "wait", "slow down").error
    error.retry_after_ms = 1500
    answer = SERVER.error(error)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert json.loads(answer.body) == {
        "error": {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}
    }
    conflict = SERVER.error(refusal("turn_conflict", "fix", "m").error)
    assert (conflict.status, conflict.headers["x-should-retry"]) == (409, "false")
    assert SERVER.error(error, status=404).status == 404


def test_one_answer_for_every_id_that_is_not_there() -> None:
    answer = SERVER.not_found("resp_1")
    assert answer.status == 404
    assert json.loads(answer.body)["error"]["message"] == "Response with id 'resp_1' not found."
    assert len(SERVER.not_found("x" * 10_000).body) < 300
    assert json.loads(SERVER.deleted("resp_1").body) == {"id": "resp_1", "object": "response", "deleted": True}


def test_input_items_newest_first() -> None:
    items = [{"type": "message", "role": "assistant", "content": "Hi", "id": "msg_1", "status": "incomplete"},
             msgspec.Raw(b'{"type":"vendor:thing","n":1}')]  # fmt: skip
    page = json.loads(SERVER.input_items("resp_1", items).body)
    assert page["data"] == [
        {"type": "vendor:thing", "n": 1, "id": "item_1_1"},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "incomplete",
         "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]},
    ]  # fmt: skip
    empty = json.loads(SERVER.input_items("resp_1", []).body)
    assert (empty["data"], empty["first_id"], empty["last_id"]) == ([], None, None)


ITEMS = [{"type": "message", "role": "user", "content": str(number), "id": f"i{number}"} for number in range(5)]


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ({}, ["i4", "i3", "i2", "i1", "i0"], False),
        ({"order": "asc"}, ["i0", "i1", "i2", "i3", "i4"], False),
        ({"limit": "2"}, ["i4", "i3"], True),
        ({"order": "asc", "limit": "2", "after": "i1"}, ["i2", "i3"], True),
        ({"after": "i0"}, [], False),
    ],
)
def test_pages_of_input_items(query: dict[str, str], ids: list[str], more: bool) -> None:
    call = received("GET", "/responses/resp_1/input_items", **query)
    page = json.loads(SERVER.input_items("resp_1", ITEMS, call.page).body)
    assert [item["id"] for item in page["data"]] == ids
    assert page["has_more"] is more
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize("query", [{"order": "up"}, {"limit": "0"}, {"limit": "101"}, {"limit": "x"}])
def test_a_page_that_is_none_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refuse) as caught:
        received("GET", "/responses/resp_1/input_items", **query)
    assert caught.value.status == 400
    assert caught.value.error.param == next(iter(query))


def test_a_page_behind_an_unknown_item_is_refused() -> None:
    call = received("GET", "/responses/resp_1/input_items", after="i9")
    with pytest.raises(Refuse) as caught:
        SERVER.input_items("resp_1", ITEMS, call.page)
    assert (caught.value.status, caught.value.error.param) == (404, "after")
