"""Traces: spans in the trace that a client named, and the way to a collector by the standard variables."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_lab import StepEngine, answer, run, start, turn, upstream
from process_lab import gateway
from segue_gateway.endpoint import Endpoint
from segue_gateway.observing.exporting import Unsendable, destination, traces
from segue_gateway.observing.traces import Traces
from segue_schemas import models

WORD = "lantern"
KEYS = {"ALICE_KEY": "sk-alice-0123456789", "BOB_KEY": "sk-bob-0123456789"}
PRINCIPALS = ("--key", "alice=ALICE_KEY", "--key", "bob=BOB_KEY")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_without_an_sdk_turns_run_and_the_clients_trace_goes_on_as_it_came() -> None:
    came = models.Trace(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01", tracestate="vendor=1")
    engine = StepEngine(*answer("Hello."))
    told = run(turn(Endpoint(engine, observer=Traces()), start("t", "Hi", trace=came)))
    assert told.completed.status == "completed"
    assert engine.asked[0].trace == came
    run(turn(Endpoint(engine, observer=Traces()), start("u", "Hi")))
    assert engine.asked[1].trace is None


def test_spans_are_of_the_turn_and_of_its_question() -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed here")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    good, bad = StepEngine(*answer(WORD)), StepEngine(upstream())
    came = models.Trace(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01", tracestate="vendor=1")
    context = {"model": "m", "instructions": WORD, "temperature": 0.5}

    async def main() -> None:
        await turn(Endpoint(good, observer=Traces(provider)), start("t", WORD, trace=came, context=context))
        await turn(Endpoint(bad, observer=Traces(provider)), start("u", WORD))

    run(main())
    question, whole, failed, ended = exporter.get_finished_spans()
    assert [span.name for span in (question, whole, failed, ended)] == ["chat m", "segue.turn", "chat", "segue.turn"]
    assert whole.parent is not None
    assert f"{whole.parent.trace_id:032x}-{whole.parent.span_id:016x}" == f"{TRACE}-00f067aa0ba902b7"
    passed = good.asked[0].trace
    assert passed is not None
    assert passed.traceparent == f"00-{TRACE}-{question.context.span_id:016x}-01"
    assert passed.tracestate == "vendor=1"
    assert dict(question.attributes or {}) == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "segue", "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5, "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 2,
    }  # fmt: skip
    attributes = dict(whole.attributes or {})
    assert (attributes["segue.turn"], attributes["segue.status"]) == ("t", "completed")
    assert (attributes["segue.principal"], attributes["segue.history.length"]) == ("alice", 2)
    assert [event.name for event in whole.events] == ["first output"]
    for span in (failed, ended):
        assert (span.status.is_ok, (span.attributes or {})["error.type"]) == (False, "upstream_failed")
    assert WORD not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_nothing_is_set_up_where_nobody_asks_for_traces() -> None:
    for environment in (
        {},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "TRUE"},
    ):
        assert traces(environment) is None, environment
        assert destination(environment) == "nowhere"


def test_what_is_not_installed_is_told_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        Unsendable, match=r"the exporter 'pigeon' is not installed: pip install 'segue-protocol\[otel\]'"
    ):
        traces({"OTEL_TRACES_EXPORTER": "pigeon"})
    with pytest.raises(Unsendable, match="'pigeon' is not installed"):
        destination({"OTEL_TRACES_EXPORTER": "pigeon"})
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Unsendable, match=r"opentelemetry.sdk.trace is not installed"):
        traces({"OTEL_TRACES_EXPORTER": "otlp"})


def test_a_start_without_the_extra_says_so_and_serves(tmp_path: Path) -> None:
    with gateway(tmp_path / "log", OTEL_TRACES_EXPORTER="pigeon") as served:
        assert httpx.get(served.url + "/readyz").status_code == 200
        assert served.stop() == 0
    (line,) = served.log.splitlines()
    assert " warning traces.missing " in line
    assert "the exporter 'pigeon' is not installed" in line


class Collector(ThreadingHTTPServer):
    """A collector: keeps the bodies that are posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Takes)
        self.bodies: list[bytes] = []


class _Takes(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_spans_reach_a_collector_by_the_standard_variables(tmp_path: Path) -> None:
    """A turn's span hangs below the client's; the provider, another gateway, hangs its own below the question's."""
    pytest.importorskip("opentelemetry.proto", reason="the extra otel is not installed here")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with collecting() as collector:
        otel = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}",
            "OTEL_SERVICE_NAME": "front",
            "PROVIDER_KEY": KEYS["BOB_KEY"],
        }
        back = gateway(tmp_path / "back", *PRINCIPALS, **KEYS, **{**otel, "OTEL_SERVICE_NAME": "back"})
        with back as provider:
            upstream = ("--upstream", provider.url + "/segue/v1", "--wire", "segue-http")
            with gateway(tmp_path / "front", *upstream, "--upstream-key-env", "PROVIDER_KEY", **otel) as front:
                told = httpx.post(
                    front.url + "/v1/responses",
                    json={"model": "scripted", "input": f"Say {WORD}"},
                    headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
                )
                assert told.json()["status"] == "completed", told.text
                assert front.stop() == 0
            assert provider.stop() == 0
        assert (front.log, provider.log) == ("", "")
        bodies = list(collector.bodies)

    spans: dict[tuple[str, str], Any] = {}
    for body in bodies:
        assert WORD.encode() not in body
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {one.key: one.value.string_value for one in of_resource.resource.attributes}["service.name"]
            for scope in of_resource.scope_spans:
                assert scope.scope.name == "segue_gateway"
                spans.update({(service, span.name): span for span in scope.spans})
    assert spans.keys() == {(who, what) for who in ("front", "back") for what in ("segue.turn", "chat scripted")}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    turn, question = spans["front", "segue.turn"], spans["front", "chat scripted"]
    assert turn.parent_span_id.hex() == "00f067aa0ba902b7"
    assert question.parent_span_id == turn.span_id
    assert spans["back", "segue.turn"].parent_span_id == question.span_id
    assert spans["back", "chat scripted"].parent_span_id == spans["back", "segue.turn"].span_id
    told_of = {one.key: one.value for one in question.attributes}
    assert told_of["gen_ai.operation.name"].string_value == "chat"
    assert told_of["gen_ai.request.model"].string_value == "scripted"
    assert told_of["gen_ai.usage.output_tokens"].int_value > 0
    assert told_of["server.address"].string_value == "127.0.0.1"
    assert question.end_time_unix_nano <= turn.end_time_unix_nano


def test_a_collector_that_is_gone_keeps_nobody(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed here")
    with Collector() as free:
        port = free.server_address[1]
    otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with gateway(tmp_path / "log", "--log-format", "json", **otel) as served:
        told = httpx.post(served.url + "/v1/responses", json={"model": "scripted", "input": "Say hello"})
        assert told.json()["status"] == "completed"
        done: Future[int] = Future()
        threading.Thread(target=lambda: done.set_result(served.stop())).start()
        assert done.result(15) == 0
