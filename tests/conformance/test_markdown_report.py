"""The summary for a CI job's page: what it says, and that nothing in it can break its tables or call a name."""

from __future__ import annotations

import re

import pytest
from segue_conformance.reports.markdown import escape, fenced, inline, render
from segue_conformance.results import BaselineLine, BaselineResult, ContactFault
from segue_conformance.verdicts import Verdict
from test_html_report import HOSTILE, everything, frame, report, result


def test_it_says_what_came_and_how_to_run_it_again():
    frames = (frame('{"type":"turn.start","input":"walnut-4821"}', direction="sent"), frame('{"type":"no"}'))
    bad = result(
        "fail", message="it is lost", expected="'walnut-4821'", actual="'no idea'", control="knew", frames=frames
    )
    text = render(report(bad, result("pass", check="turns.plain_turn", profile="core")))
    assert text.startswith("## ❌ Segue: The endpoint breaks requirements of a profile asked for\n")
    assert "| **core** | ✅ reached | ✅ reached |" in text
    assert "| **continuation** | ❌ not reached: 1 failed | ❌ not reached: 1 failed |" in text
    assert "| passed | 1 | 0 |" in text
    assert "> **SEG-CONT-031** An endpoint MUST NOT let <code>turn</code> see." in text
    assert "\nsegue check http://x.test/v1 --model 'a b' --wire segue-ws --only continuation.fork\n" in text
    assert "<details><summary>The frames that decided it (of 2)</summary>\n\n```text" in text
    assert "walnut-4821" in text
    assert "- control arm: knew" in text


def test_a_good_run_is_short():
    text = render(report(result("pass"), exit_code=0))
    assert text.startswith("## ✅ Segue: Core reached")
    assert "###" not in text


MARKDOWN = ("a | b", "@everyone #12", "```", "`x`", "![i](http://e.test)", "</details>", "<!--")


@pytest.mark.parametrize("text", [*HOSTILE, *MARKDOWN])
def test_nothing_breaks_it(text):
    plain, hostile = render(everything("harmless")), render(everything(text))
    outside = re.compile(r"^(`{3,})[a-z]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
    rest = outside.sub("", hostile)
    # Outside of fenced code, the rows and the tags are those that a harmless text leaves.
    assert [row.count("|") for row in rest.splitlines()] == [
        row.count("|") for row in outside.sub("", plain).splitlines()
    ]
    # (A sentence of the specification may have code of its own.)
    tags = [re.findall(r"</?(?!code)\w+", part) for part in (rest, outside.sub("", plain))]
    assert tags[0] == tags[1]
    assert not re.search(r"(?<!<!-- -->)@\w", rest)
    hostile.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", hostile)


def test_code_is_fenced_by_more_than_it_holds():
    assert fenced(["a ```` b"])[0] == "`````text"
    assert inline("a|`b`") == "<code>a&#124;&#96;b&#96;</code>"
    assert escape("@me") == "&#64;<!-- -->me"


def test_what_is_too_much_is_left_out_and_said():
    many = [result("fail", check=f"a.check_{n}", message="x " * 300, frames=(frame("y" * 900),)) for n in range(300)]
    text = render(report(*many))
    assert len(text) < 65_000
    assert "What went wrong (300)" in text
    assert "260 more are in `--html` and `--json`." in text


def test_what_was_not_judged_is_folded_away():
    text = render(report(*(result("skip", check=f"a.b{n}", message="`lanes` is not offered") for n in range(5))))
    assert "| skip | 5 checks | &#96;lanes&#96; is not offered |" in text
    assert "Not judged (1 reasons)" in text


def test_a_baseline_is_compared():
    lines = tuple(
        BaselineLine(kind=kind, check=f"a.{kind}", wire="segue-ws", expected="fail", actual="pass")
        for kind in ("stale", "expected")
    )
    text = render(report(result("fail"), baseline=BaselineResult(path="b", lines=lines)))
    assert "Compared with the baseline: 1 result as expected" in text
    assert "| <code>a.stale</code> | segue-ws | fail | pass |" in text


def test_what_is_worth_knowing_is_told():
    assert "### Worth knowing\n\n- a &#42;note&#42;" in render(report(result("pass"), notes=("a *note*",)))


def test_nobody_there_is_told():
    contact = ContactFault(wire="", what="nobody listens", where="x.test", hint="start it")
    text = render(report(contact=(contact,), exit_code=3, profiles=()))
    assert "**nobody listens** (x.test) start it" in text
    assert "|" not in text


def test_every_verdict_has_its_row():
    text = render(report(*(result(v, check=f"a.{v}") for v in Verdict)))
    assert text.count(" | 1 | 0 |") == len(Verdict)
