"""The options of `segue check` that say how far, how fast, by which way and with what; and what is wrong with them."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import jsonschema
import pytest
from segue_conformance.estimate import Estimate, estimate
from segue_conformance.quick import QUICK
from segue_conformance.registry import Catalogue
from segue_conformance.reports.json_report import schema
from segue_conformance.runner import plan

from .conftest import answer, mock, read_request, serve_raw

QUICK_TURNS = ("--timeout", "2")


def told(ran, code, *words):
    assert ran.code == code, ran.all
    assert "Traceback" not in ran.all
    for word in words:
        assert word in ran.all, ran.all


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http://x.test", "--max-tokens", "0"], "max-tokens"),
        (["http://x.test", "--max-time", "0"], "max-time"),
        (["http://x.test", "--rate", "0"], "rate"),
        (["http://x.test", "--rate", "fast"], "rate"),
        (["http://x.test", "--ca-file", "nowhere.pem"], "can't read nowhere.pem"),
        (["http://x.test", "--ca-file", "."], "can't read ."),
        (["http://x.test", "--ca-file", "empty.pem"], "holds no certificate"),
        (["http://x.test", "--ca-file", "empty.pem", "--insecure"], "give one of them"),
        (["http://x.test", "--extra-body", "{"], "--extra-body is no JSON"),
        (["http://x.test", "--extra-body", "[1]"], "--extra-body is a JSON object"),
        (["http://x.test", "--extra-body", '{"store": false}'], "can't set `store`"),
        (["http://x.test", "--extra-body", '{"model": "m"}'], "give --model"),
        (["http://x.test", "--dry-run", "--json", "r.json"], "--dry-run checks nothing"),
        (["http://x.test", "--quick", "--only", "lanes"], "--only and --quick together leave no check"),
        (["http://x.test", "--only", "wire_segue_ws", "--wire", "openai-ws"], "leave no check to run"),
        (["--ca-file", "empty.pem"], "give its URL"),
        (["--extra-body", "{}"], "give its URL"),
        (["--proxy-loopback"], "give its URL"),
    ],
)
def test_wrong_usage(check, tmp_path, words, said):
    (tmp_path / "empty.pem").write_text("nothing")
    told(check(*words), 2, said)


def test_a_proxy_that_is_not_spoken_is_wrong_usage(check):
    told(check("http://x.test", env={"ALL_PROXY": "socks5://p:1", "HTTP_PROXY": ""}), 2, "socks5://")


# -- a dry run, a quick look


@contextmanager
def counting(handle=mock):
    """Serve, and note each request's first line and body."""
    seen = []

    def noting(connection):
        request = read_request(connection)
        seen.append((request.method, request.path, request.json, time.monotonic()))
        handle(connection, request)

    with ExitStack() as stack:
        yield f"http://127.0.0.1:{serve_raw(noting)(stack)}/v1", seen


def play(connection, request):
    """Play the mock for a request that was read already."""
    mock(_Read(connection, request))


class _Read:
    """A connection whose request was read: gives it once more, and sends to the real one."""

    def __init__(self, connection, request):
        self._connection = connection
        head = f"{request.method} {request.path} HTTP/1.1\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        self._data = f"{head}{lines}\r\n".encode() + request.body

    def recv(self, size):
        data, self._data = self._data, b""
        return data

    def sendall(self, data):
        self._connection.sendall(data)


def turns(seen):
    return [body for method, _, body, _ in seen if method == "POST" and isinstance(body, dict) and "input" in body]


def test_a_dry_run_sends_no_turn(check):
    with counting(play) as (url, seen):
        ran = check(url, "--dry-run", *QUICK_TURNS)
    told(
        ran,
        0,
        "openai-http",
        "about",
        "requests",
        "tokens",
        "No turn was sent",
        "continuation (",
        "no discovery document",
    )
    assert "not without --second-api-key-env" in ran.out
    assert seen
    assert turns(seen) == []


def test_a_quick_look_says_what_it_does_not_say(check, tmp_path):
    with counting(play) as (url, _):
        ran = check(url, "--quick", "--json", "r.json", *QUICK_TURNS)
    told(ran, 1, "a quick look of", "it reaches no profile", "Not looked at")
    document = json.loads((tmp_path / "r.json").read_bytes())
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["selection"]["quick"] is True
    assert {row["check"] for row in document["results"]} <= set(QUICK)
    assert "reached" not in {row["state"] for row in document["profiles"]}


def test_the_quick_checks_are_checks():
    catalogue = Catalogue.load()
    assert [id for id in QUICK if id not in catalogue] == []
    assert 6 <= len(QUICK) <= 10


def test_an_estimate_is_rough_and_needs_no_data_of_a_new_check():
    catalogue = Catalogue.load()
    work = plan(list(catalogue), ["segue-ws", "openai-http"], catalogue)
    whole, less = estimate(work), estimate(work, second_key=False)
    assert whole.requests > less.requests > 100
    assert whole.tokens > 1000
    assert str(Estimate(1234, 5)) == "about 1,200 requests and 5 tokens"


# -- how far, how fast, with what


def test_a_budget_of_tokens_is_estimated_where_none_are_reported(check, tmp_path):
    with counting(play) as (url, _):
        ran = check(url, "--only", "turns", "--max-tokens", "30", "--json", "r.json", *QUICK_TURNS)
    told(ran, 5, "out of budget: about", "(--max-tokens)")
    document = json.loads((tmp_path / "r.json").read_bytes())
    assert (document["tokens_estimated"], document["tokens"] >= 30) == (True, True)


def test_a_budget_of_time(check):
    with counting(play) as (url, _):
        ran = check(url, "--only", "turns", "--max-time", "0.001", *QUICK_TURNS)
    told(ran, 5, "--max-time")


def test_requests_keep_their_distance(check):
    with counting(play) as (url, seen):
        ran = check(url, "--only", "turns.plain_turn", "--only", "turns.accepted_first", "--rate", "20", *QUICK_TURNS)
    told(ran, 0)
    times = [at for *_, at in seen]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) >= 3
    assert min(gaps) > 0.035, gaps  # 50 ms, less what the network and the threads take back


def test_members_of_every_create(check):
    with counting(play) as (url, seen):
        check(url, "--only", "turns.plain_turn", "--extra-body", '{"reasoning": {"effort": "low"}}', *QUICK_TURNS)
    assert turns(seen)
    assert all(body["reasoning"] == {"effort": "low"} for body in turns(seen))


def test_what_was_kept_is_deleted_and_counted(check, tmp_path):
    def keeping(connection, request):
        if request.method == "DELETE":
            answer(connection, 200, json.dumps({"id": request.path.rsplit("/", 1)[1], "deleted": True}))
        else:
            play(connection, request)

    with counting(keeping) as (url, seen):
        ran = check(url, "--only", "turns.plain_turn", "--json", "r.json", *QUICK_TURNS)
    told(ran, 0)
    document = json.loads((tmp_path / "r.json").read_bytes())
    deleted = [path for method, path, *_ in seen if method == "DELETE"]
    assert len(deleted) == document["cleanup"]["deleted"] == document["cleanup"]["requests"] == 1
    assert (document["cleanup"]["left"], document["requests"]) == (0, 2)


def test_what_can_not_be_deleted_is_no_verdict(check, tmp_path):
    with counting(play) as (url, seen):  # the mock answers 404 to everything but a create
        ran = check(url, "--only", "turns", "--json", "r.json", *QUICK_TURNS)
    document = json.loads((tmp_path / "r.json").read_bytes())
    assert ran.code == document["exit_code"]
    assert document["cleanup"]["deleted"] == 0
    assert document["cleanup"]["left"] > document["cleanup"]["requests"] == 3
    assert len([1 for method, *_ in seen if method == "DELETE"]) == document["cleanup"]["requests"]


def test_a_busy_endpoint_is_waited_for(check):
    """Every second create is answered 429, with a second to wait: nothing may be called a failure of its."""
    calls, lock = [], threading.Lock()

    def busy(connection, request):
        if isinstance(request.json, dict) and "input" in request.json:
            with lock:
                calls.append(1)
                full = len(calls) % 2
            if full:
                body = json.dumps({"error": {"message": "slow down", "type": "x", "code": "rate_limit_exceeded"}})
                head = (
                    f"HTTP/1.1 429 X\r\nretry-after: 0\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
                )
                connection.sendall(f"{head}\r\nconnection: close\r\n\r\n{body}".encode())
                return
        play(connection, request)

    with counting(busy) as (url, _):
        ran = check(url, "--only", "turns.plain_turn", "--only", "stream_content_type", *QUICK_TURNS)
    told(ran, 0, "2 passed")


def test_a_busy_endpoint_that_stays_busy_is_inconclusive(check):
    def busy(connection, request):
        if isinstance(request.json, dict) and "input" in request.json:
            answer(connection, 429, json.dumps({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}))
            return
        play(connection, request)

    with counting(busy) as (url, _):
        ran = check(url, "--only", "turns.plain_turn", "--max-requests", "3", *QUICK_TURNS)
    told(ran, 5, "inconclusive")


# -- by a proxy


@contextmanager
def forwarding(seen):
    """Serve a small proxy for http: forwards each request to where its whole URL asks."""

    def handle(connection):
        request = read_request(connection)
        host, _, path = request.path.removeprefix("http://").partition("/")
        seen.append(host)
        name, _, port = host.rpartition(":")
        with socket.create_connection((name, int(port)), timeout=10) as there:
            lines = "".join(f"{k}: {v}\r\n" for k, v in request.headers.items() if k != "connection")
            there.sendall(
                f"{request.method} /{path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n".encode() + request.body
            )
            while piece := there.recv(65536):
                connection.sendall(piece)

    with ExitStack() as stack:
        yield f"http://127.0.0.1:{serve_raw(handle)(stack)}"


@pytest.mark.parametrize("asked", [True, False])
def test_a_proxy_is_used_for_this_machine_only_where_asked(check, server, asked):
    seen = []
    with forwarding(seen) as proxy:
        port = server("mock")
        more = ["--proxy-loopback"] if asked else []
        env = {"HTTP_PROXY": proxy, "http_proxy": "", "NO_PROXY": "", "no_proxy": "", "ALL_PROXY": ""}
        ran = check(
            f"http://127.0.0.1:{port}/v1", "--wire", "openai-http", "--only", "turns.plain_turn", *QUICK_TURNS, *more,
            env=env,
        )  # fmt: skip
    told(ran, 0)
    assert set(seen) == ({f"127.0.0.1:{port}"} if asked else set())
