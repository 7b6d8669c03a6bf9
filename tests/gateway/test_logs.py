"""The log: which lines there are, what stands in them, and that nobody's words do."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_lab import StepEngine, answer, call, output, run, start, turn, upstream
from segue_gateway.endpoint import Endpoint, Once
from segue_gateway.faults import report
from segue_gateway.observing import Observers
from segue_gateway.observing.logs import EVENTS, Logs, configure
from segue_gateway.options import LEVELS
from segue_schemas import models


@pytest.fixture
def lines() -> Iterator[tuple[io.StringIO, Any]]:
    root, ours = logging.getLogger(), logging.getLogger("segue")
    before = (root.level, ours.level)
    stream = io.StringIO()
    made = []

    def at(level: str, form: str = "json") -> io.StringIO:
        made.append(configure(level, form, stream))
        return stream

    yield stream, at
    for handler in made:
        root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_turn_is_one_line_with_everything_that_is_told_of_it(lines) -> None:
    stream, at = lines
    at("info")

    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("The word is lantern.")), observer=Observers([Logs()]))
        caller = Once("alice", "segue-http", trace=models.Trace(traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
        first = await turn(endpoint, start("a", "lantern", context={"model": "m", "instructions": "lantern"}), caller)
        await turn(endpoint, start("b", "lantern?", parent=first.id), caller)

    run(main())
    first, second = parsed(stream)
    assert "lantern" not in stream.getvalue()
    assert first["event"] == "turn.ended"
    assert first["turn"] == "a"
    assert (first["principal"], first["wire"], first["status"]) == ("alice", "segue-http", "completed")
    assert (first["input_tokens"], first["output_tokens"]) == (1, 2)
    assert first["trace_id"] == "a" * 32
    assert second["parent"] == first["continuation"]
    assert (second["reused_items"], second["length"]) == (2, 4)
    assert second["saved_bytes"] == first["received_bytes"] + first["written_bytes"]
    assert second["digest"] != first["digest"]
    assert second["context"] == first["context"]
    assert {"queued_ms", "first_output_ms", "total_ms", "provider_ms", "provider_requests"} <= first.keys()
    page = Path(__file__).parents[2] / "docs" / "operate.md"
    (shown,) = re.findall(r'^\{"time".*\}$', page.read_text(encoding="utf-8"), re.MULTILINE)
    assert json.loads(shown).keys() - {"connection"} == second.keys()  # as the page shows it


def test_a_failure_has_its_code_and_not_its_words(lines) -> None:
    stream, at = lines
    at("warning")
    failed = upstream()
    failed.error.message = "the provider said: lantern"
    run(turn(Endpoint(StepEngine(failed), observer=Observers([Logs()])), start("t", "Hi")))
    (line,) = parsed(stream)
    assert (line["event"], line["level"], line["code"], line["engine"]) == (
        "upstream.failed", "warning", "upstream_failed", "steps",
    )  # fmt: skip
    assert "lantern" not in stream.getvalue()


def test_lines_for_people_have_the_same_words(lines) -> None:
    stream, at = lines
    at("info", "text")
    run(turn(Endpoint(StepEngine(*answer("lantern")), observer=Observers([Logs()])), start("t", "Hi")))
    (line,) = stream.getvalue().splitlines()
    assert " info    turn.ended turn=t principal=alice wire=segue-http status=completed " in line
    assert "lantern" not in line


def test_what_libraries_say_is_told_by_its_place(lines) -> None:
    stream, at = lines
    at("info")
    try:
        raise ValueError("lantern")
    except ValueError:
        logging.getLogger("asyncio").exception("Task failed: %s", "lantern")
    logging.getLogger("httpx").info("HTTP Request: lantern")
    logging.getLogger("opentelemetry.sdk").warning("the collector is gone")
    report("a turn failed", ValueError("lantern"))
    library, exporter, fault = parsed(stream)
    assert (library["event"], library["logger"], library["error"]) == ("library", "asyncio", "ValueError")
    assert exporter["message"] == "the collector is gone"
    assert (fault["event"], fault["message"]) == ("fault", "a turn failed: ValueError at an unknown place")
    assert "lantern" not in stream.getvalue()


def test_every_event_has_a_level_that_can_be_asked_for() -> None:
    assert {logging.getLevelName(level).lower() for level, _ in EVENTS.values()} == set(LEVELS)


def test_open_calls_are_told_of_by_numbers_alone(lines) -> None:
    stream, at = lines
    at("debug")

    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("done")), observer=Observers([Logs()]))
        await turn(endpoint, start("t", "lantern", call("call_lantern"), output("call_lantern", "lantern")))

    run(main())
    assert [line["event"] for line in parsed(stream)] == ["turn.accepted", "turn.ended"]
    assert parsed(stream)[-1]["input_items"] == 3
    assert "lantern" not in stream.getvalue()
