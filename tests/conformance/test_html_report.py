"""The HTML page asks nobody for anything and holds all; what a target says is in it as text and as nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from segue_conformance.reports.html import render
from segue_conformance.reports.html.elements import asset, document, el
from segue_conformance.results import (
    BaselineLine,
    BaselineResult,
    CheckResult,
    ContactFault,
    Frame,
    ProfileResult,
    Report,
    State,
    Target,
    WireTarget,
)  # fmt: skip
from segue_conformance.verdicts import Verdict

WIRES = ("segue-ws", "openai-http")
HOSTILE = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "\u202egnp.exe",
    "\x00\x1b[31m", "]]><!--", "{{7*7}}", "javascript:alert(1)", "\ud800", "&lt;b&gt;", "</style>", "\u2028", "' onx='",
)  # fmt: skip
VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, its texts, its ids."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] in self.raw:
            self.raw[self._open[-1]].append(data)
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def of(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [a for name, a in self.elements if name == tag and (not kind or kind in (a.get("class") or "").split())]


def frame(text: str, **more: object) -> Frame:
    given = {"at_ms": 5, "direction": "received", "connection": "ws1", "kind": "text", **more}
    return Frame(text=text, **given)


def result(verdict: str, **more: object) -> CheckResult:
    given = {
        "check": "continuation.fork", "title": "Two turns from one parent", "requirements": ("SEG-CONT-031",),
        "profile": "continuation", "wire": "segue-ws", "strict": True, "requirement": "SEG-CONT-031",
        "keyword": "MUST NOT", "sentence": "An endpoint MUST NOT let `turn` see.", "message": "m", **more,
    }  # fmt: skip
    return CheckResult(verdict=Verdict(verdict), **given)


def report(*results: CheckResult, **more: object) -> Report:
    given = {
        "suite": "0.1", "spec": "1.0", "started_at": "2026-01-01T00:00:00Z", "duration_ms": 1500, "requests": 7,
        "target": Target(url="http://x.test/v1", wires=tuple(WireTarget(wire=w, url=f"u/{w}") for w in WIRES)),
        "rerun": "segue check http://x.test/v1 --model 'a b'", "exit_code": 1,
        "profiles": tuple(
            ProfileResult(profile=p, wire=w, state=s, reason="1 failed" * (s is State.NOT_REACHED), asked=True)
            for p, s in (("core", State.REACHED), ("continuation", State.NOT_REACHED)) for w in WIRES
        ),
        **more,
    }  # fmt: skip
    return Report(results=results, **given)


def transcripts(page: Page) -> list[list[list[object]]]:
    (data,) = [
        text for (_, a), text in zip([e for e in page.elements if e[0] == "script"], page.raw["script"], strict=True)
        if a.get("id") == "frames"
    ]  # fmt: skip
    return json.loads(zlib.decompress(base64.b64decode(data)))


def everything(text: str) -> Report:
    """A report in which a text stands wherever something of a target's can stand."""
    bad = result(
        "fail", title=text, message=text, expected=text, actual=f"{text} {text}", control=text, sentence=text,
        frames=(frame(text, connection=text, kind="text"), frame(f'{{"type":{json.dumps(text)}}}', direction=text)),
    )  # fmt: skip
    odd = [replace(bad, verdict=verdict, check=f"a.{verdict}") for verdict in Verdict]
    rep = report(bad, *odd, replace(bad, verdict=Verdict.PASS, check="a.flaky", flaky=True))
    return replace(
        rep, rerun=f"segue check {text}", suite=text, spec=text, started_at=text,
        target=replace(rep.target, url=text, endpoint=text, model=text),
        contact=(ContactFault(wire="x", what=text, where=text, hint=text),),
        profiles=tuple(replace(p, reason=text) for p in rep.profiles),
        baseline=BaselineResult(
            path="b", lines=(BaselineLine(kind="stale", check="a.b", wire="segue-ws", expected="fail", actual="pass",
                                          reason=text),)
        ),
    )  # fmt: skip


def shape(page: Page) -> list[tuple[str, list[str]]]:
    """Its elements with the names of their attributes, but what is marked and the words to be marked."""
    return [(tag, sorted(n for n in a if not n.startswith("data-"))) for tag, a in page.elements if tag != "mark"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_target_says_is_only_ever_text(text):
    plain, hostile = Page(render(everything("harmless"))), Page(render(everything(text)))
    # The same elements with the same attributes' names: the text has added and taken nothing.
    assert shape(hostile) == shape(plain)
    assert all(not name.startswith("on") for _, attributes in hostile.elements for name in attributes)
    assert [script for script in hostile.raw["script"] if len(script) < 200 and "alert" in script] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_no_character_does_more_than_show_itself(text):
    page = render(everything(text))
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", page)
    page.encode("utf-8")


def test_it_asks_nobody_for_anything():
    page = Page(render(everything("https://evil.test/x.js")))
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "poster", "srcset", "data", "background"):
            value = attributes.get(name)
            assert value is None or value.startswith("#") or value == "data:,", (tag, name, value)
    assert "@import" not in asset("page.css")
    assert "url(" not in asset("page.css")
    assert not re.search(
        r"fetch\(|XMLHttp|WebSocket|import\(|innerHTML|insertAdjacent|document\.write|eval\(", asset("page.js")
    )


def test_a_policy_forbids_what_is_not_its_own():
    page = Page(render(report(result("fail", frames=(frame("x"),)))))
    (policy,) = [a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind, text in (("script", page.raw["script"][-1]), ("style", page.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_an_asset_that_would_end_its_element_is_refused():
    with pytest.raises(ValueError, match="would end"):
        document("t", el("body"), style="", script="'</SCRIPT >'")


def test_a_manager_reads_what_was_checked_and_what_is_reached():
    page = Page(render(report(result("fail"), result("pass", check="turns.plain_turn", profile="core"))))
    for words in (
        "http://x.test/v1", "1 check failed", "2 checks ran on 2 wires", "OpenAI Responses over HTTP",
        "Segue over WebSocket: core reached; continuation not reached.", "1 passed", "1 failed", "7 requests",
        "What the verdicts mean", "The endpoint broke a MUST",
    ):  # fmt: skip
        assert words in page.text, words


def test_an_engineer_finds_all_that_one_needs():
    frames = (
        frame('{"type":"turn.start","input":"remember walnut-4821"}', direction="sent"),
        frame('{"type":"item.delta","append":"no idea"}', at_ms=1234),
    )
    bad = result("fail", message="lost", expected="'walnut-4821'", actual="'no idea'", control="it knew", frames=frames)
    page = Page(render(report(bad)))
    for words in (
        "lost",
        "'walnut-4821'",
        "It knew.",
        "SEG-CONT-031",
        "An endpoint MUST NOT let",
        "1.234",
        "All 2 frames",
    ):
        assert words in page.text, words
    assert [a["class"] for a in page.of("mark")] == ["expected", "actual"]
    assert page.of("button", "copy")
    assert any(text.endswith("--model 'a b' --wire segue-ws --only continuation.fork") for text in page.texts)
    assert transcripts(page) == [[[f.at_ms, f.direction, f.connection, f.kind, f.text] for f in frames]]


def test_the_rule_is_told_in_the_specifications_words():
    page = Page(render(report(result("fail"))))
    assert "spec/1.0/continuation.md#handles-never-change" in page.text
    assert "Going on from an older handle is a fork" in page.text


def test_every_link_leads_somewhere_and_every_id_is_one():
    results = [
        result(verdict, check=f"a.{verdict}_{n}", wire=wire, frames=(frame("x"),))
        for verdict in Verdict for n in range(2) for wire in WIRES
    ]  # fmt: skip
    page = Page(render(report(*results)))
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    links = [a["href"] for a in page.of("a")]
    assert len(links) > 20
    assert {link[1:] for link in links} <= set(ids)


def test_every_cell_says_its_verdict():
    page = Page(render(report(*(result(v, check=f"a.{v}") for v in Verdict))))
    labels = [a["aria-label"] for _, a in page.elements if a.get("aria-label") in set(Verdict)]
    assert sorted(labels) == sorted(Verdict)


def test_what_a_baseline_excuses_stands_with_its_reason():
    line = BaselineLine(
        kind="expected", check="continuation.fork", wire="segue-ws", expected="fail", actual="fail", reason="known-17"
    )
    rep = report(result("fail"), baseline=BaselineResult(path="b.toml", lines=(line,)), exit_code=0)
    page = Page(render(rep))
    assert "Everything is as the baseline says" in page.text
    assert "known-17" in page.text
    assert "What went wrong" not in page.text
    assert page.of("article", "rule") == []


def test_what_is_worth_knowing_is_told():
    page = Page(render(report(result("pass"), notes=("</li>a note",))))
    assert "Worth knowing" in page.text
    assert "</li>a note" in page.text


def test_nobody_there_is_told():
    contact = ContactFault(wire="", what="nobody listens", where="x.test:1", hint="start it")
    page = Page(render(report(contact=(contact,), exit_code=3, profiles=())))
    assert "Nothing was checked" in page.text
    assert "nobody listens (x.test:1) start it" in page.text


def test_a_large_report_stays_small():
    draw = random.Random(1)

    def noise(length: int) -> str:
        return "".join(draw.choices("abcdefghijklmnopqrstuvwxyz 0123456789 <", k=length))

    wires = ("segue-ws", "segue-http", "openai-ws", "openai-http")
    results = []
    for check in range(100):
        for wire in wires:
            frames = tuple(frame(noise(200)) for _ in range(60)) if check % 4 == 0 else (frame(noise(4000)),)
            words = {"message": noise(300), "expected": noise(900), "actual": noise(900), "control": noise(300)}
            results.append(result("fail", check=f"a.check_{check}", wire=wire, frames=frames, **words))
    target = Target(url="http://x.test", wires=tuple(WireTarget(wire=wire, url=wire) for wire in wires))
    text = render(report(*results, target=target))
    assert len(text.encode()) < 1_500_000
    page = Page(text)
    # Every frame of every failure is there, if shortened, and that is said.
    assert [len(rows) for rows in transcripts(page)] == [len(r.frames) for r in results]
    assert "Texts in transcripts are cut at" in page.text
