"""What people and build servers read: the terminal report, the progress lines, JUnit."""

from __future__ import annotations

import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from segue_conformance.reports import junit
from segue_conformance.reports.console import console_for, signs
from segue_conformance.reports.grouping import grouped
from segue_conformance.reports.progress import Lines
from segue_conformance.reports.terminal import print_head, print_report
from segue_conformance.reports.wording import clean, cut, prose
from segue_conformance.results import CheckResult, Frame, ProfileResult, Report, State, Target, WireTarget
from segue_conformance.verdicts import Verdict

WIRES = ("segue-ws", "openai-http")
EVIL = "\x1b]0;owned\x07\x1b[31mred [bold]x[/bold] \u202egnp.exe\x00"


def frame(text: str, **more: object) -> Frame:
    given = {"at_ms": 5, "direction": "received", "connection": "ws1", "kind": "text", **more}
    return Frame(text=text, **given)


def result(verdict: str, **more: object) -> CheckResult:
    given = {
        "check": "continuation.fork", "title": "Two turns from one parent", "requirements": ("SEG-CONT-031",),
        "profile": "continuation", "wire": "segue-ws", "strict": True, "requirement": "SEG-CONT-031",
        "keyword": "MUST", "sentence": "An endpoint MUST fork.", **more,
    }  # fmt: skip
    return CheckResult(verdict=Verdict(verdict), **given)


def report(*results: CheckResult, **more: object) -> Report:
    given = {
        "suite": "0.1", "spec": "1.0", "started_at": "2026-01-01T00:00:00Z", "duration_ms": 1500, "requests": 7,
        "target": Target(url="http://x.test/v1", wires=tuple(WireTarget(wire=w, url=f"u/{w}") for w in WIRES)),
        "rerun": "segue check http://x.test/v1 --model a-model-with-a-long-name --api-key-env SOME_LONG_VARIABLE",
        "profiles": tuple(
            ProfileResult(profile=profile, wire=wire, state=State.NOT_REACHED, reason="1 failed", asked=True)
            for profile in ("core", "continuation")
            for wire in WIRES
        ),
        **more,
    }  # fmt: skip
    return Report(results=results, **given)


def printed(rep: Report, *, width: int = 100, encoding: str = "utf-8", no_color: bool = True) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="replace", write_through=True)
    console = console_for(stream, no_color=no_color)
    console.width = width
    print_report(console, rep)
    return raw.getvalue().decode(encoding)


def test_a_failure_shows_all_that_one_needs():
    bad = result(
        "fail", message="the word is lost", expected="'walnut'", actual="'hm'", frames=(frame('{"type":"error"}'),)
    )
    text = printed(report(bad, exit_code=1))
    for words in (
        "FAIL", "continuation.fork", "segue-ws", "SEG-CONT-031", "An endpoint MUST fork.", "the word is lost",
        "'walnut'", "'hm'", '{"type":"error"}', "exit code 1",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_rerun_line_is_never_broken(width):
    text = printed(report(result("fail")), width=width)
    (line,) = [line for line in text.splitlines() if "rerun" in line]
    assert line.endswith(
        "segue check http://x.test/v1 --model a-model-with-a-long-name --api-key-env SOME_LONG_VARIABLE "
        "--wire segue-ws --only continuation.fork"
    )


def test_what_the_target_sends_can_not_drive_the_terminal():
    bad = result("fail", message=EVIL, expected=EVIL, actual=EVIL, frames=(frame(EVIL, connection=EVIL),))
    rep = report(bad, result("warn", message=EVIL, actual=EVIL), result("skip", message=EVIL))
    rep = replace(rep, target=replace(rep.target, endpoint=EVIL, model=EVIL))
    text = printed(rep)
    stream = io.StringIO()
    console = console_for(stream, no_color=True)
    print_head(console, suite="0", spec="1.0", target=rep.target, checks=1, runs=1)
    lines = Lines(console, [])
    lines.end(replace(bad, requests=1))
    text += stream.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    assert "[bold]x[/bold]" in text
    assert "\\x1b" in text


def test_the_same_failure_on_two_wires_is_told_once():
    one = result("fail", message="'walnut-4821' is lost, id resp_12ab", actual="'OK'")
    other = replace(one, wire="openai-http", message="'cedar-1234' is lost, id resp_99zz")
    text = printed(report(one, other))
    assert text.count("FAIL") == 1
    assert "segue-ws, openai-http" in text
    different = replace(other, actual="'no idea'")
    assert printed(report(one, different)).count("FAIL") == 2


def test_failures_of_different_checks_stay_apart():
    assert len(grouped([result("fail"), result("fail", check="continuation.other")])) == 2


def test_reasons_are_collapsed():
    skips = [result("skip", check=f"lanes.c{n}", message="`lanes` is not offered") for n in range(5)]
    open_ones = [
        result("inconclusive", check=f"a.b{n}", message=f"the model forgot 'walnut-{n}{n}{n}1'") for n in range(3)
    ]
    text = printed(report(*skips, *open_ones))
    assert "5 checks" in text
    assert text.count("`lanes` is not offered") == 1
    assert "3 checks" in text


def test_a_failure_without_bearing_says_so():
    rep = report(result("fail", profile="live"))
    rep = replace(
        rep,
        profiles=(
            *rep.profiles,
            ProfileResult(
                profile="live", wire="segue-ws", state=State.NOT_REACHABLE, reason="not reachable on this wire"
            ),
        ),
    )
    assert "No bearing on the exit code: live is not reachable on this wire." in " ".join(printed(rep).split())


def test_warnings_are_short():
    text = printed(report(result("warn", message="left out", keyword="SHOULD", frames=(frame("secret frame"),))))
    assert "WARN" in text
    assert "left out" in text
    assert "secret frame" not in text


def test_plain_output_has_no_escape_codes_and_no_trailing_blanks():
    text = printed(report(result("fail", message="m"), result("pass"), result("skip", message="s")), no_color=False)
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_an_encoding_without_signs_gets_others():
    text = printed(report(result("fail", message="m")), encoding="ascii")
    assert "?" not in text.replace("? ", "")
    assert "x not reached" in text


def test_no_color_takes_the_colours_of_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain, asked = Terminal(), Terminal(), Terminal()
    print_report(console_for(coloured), report(result("fail")))
    monkeypatch.setenv("NO_COLOR", "1")
    print_report(console_for(plain), report(result("fail")))
    monkeypatch.setenv("NO_COLOR", "")
    print_report(console_for(asked, no_color=True), report(result("fail")))
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[" not in asked.getvalue()


@pytest.mark.parametrize("width", [40, 80, 140])
def test_nothing_is_wider_than_the_terminal_but_the_rerun_line(width):
    long = "word " * 100
    rep = report(result("fail", message=long, expected=long, actual="x" * 500, frames=(frame("y" * 5000),) * 3))
    lines = [line for line in printed(rep, width=width).splitlines() if "rerun" not in line]
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_many_wires_stand_in_as_many_tables_as_there_is_room_for(width):
    wires = ("segue-ws", "segue-http", "openai-ws+segue", "openai-ws", "openai-http", "chat", "anthropic")
    rep = report(
        result("pass"),
        target=Target(url="http://x.test/v1", wires=tuple(WireTarget(wire=w, url=f"u/{w}") for w in wires)),
        profiles=tuple(
            ProfileResult(profile=p, wire=w, state=State.NOT_REACHED, reason="1 failed", asked=True)
            for p in ("core", "continuation", "isolated", "live", "resumable", "concurrent", "portable")
            for w in wires
        ),
    )
    table = printed(rep, width=width).partition("Profiles")[2].partition("core, continuation")[0]
    assert all(table.count(wire) == 1 for wire in ("segue-http", "openai-ws+segue", "chat", "anthropic"))
    rows = [line for line in table.splitlines() if line.startswith("continuation ")]
    assert len(rows) == {60: 4, 80: 2, 100: 2, 200: 1}[width]
    assert sum(line.count("not reached") for line in rows) == len(wires)


def test_signs_fit_the_console():
    assert signs(Console(file=io.StringIO()))["yes"] in ("✔", "+")


# -- words


def test_clean_and_cut():
    assert clean("a\tb\r\nc") == "a b\nc"
    assert clean("\x1b[1m\u2028\ud800") == "\\x1b[1m\\u2028\\ud800"
    assert clean("grün ✔ 日本") == "grün ✔ 日本"
    assert cut("short", 10) == "short"
    assert len(cut("x" * 1000, 80)) <= 80
    assert cut("a" * 500 + "END", 80).endswith("END")
    assert prose("is [lost](resume.md#one-owner) before [the] end") == "is lost before [the] end"


# -- JUnit


def test_junit_counts_every_verdict():
    results = [
        result(verdict, check=f"a.{verdict}", wire=wire, message="m") for wire in WIRES for verdict in Verdict
    ]  # fmt: skip
    root = ET.fromstring(junit.render(report(*results)))
    assert [suite.get("name") for suite in root] == ["segue.segue-ws", "segue.openai-http"]
    for suite in root:
        counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "7", "failures": "1", "errors": "3", "skipped": "1"}
        tags = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
        assert tags == {
            "a.pass": [], "a.fail": ["failure"], "a.warn": ["system-out"], "a.skip": ["skipped"],
            "a.untestable": ["error"], "a.inconclusive": ["error"], "a.error": ["error"],
        }  # fmt: skip
    types = {error.get("type") for error in root.iter("error")}
    assert types == {"untestable", "inconclusive", "error"}
    assert root.get("tests") == "14"


def test_junit_is_xml_whatever_the_target_sends():
    bad = result("fail", message=EVIL, expected="<&>\"'", actual="\ufffe\uffff\ud800", frames=(frame(EVIL),))
    root = ET.fromstring(junit.render(report(bad)).encode())
    (failure,) = root.iter("failure")
    assert "<&>" in (failure.text or "")
