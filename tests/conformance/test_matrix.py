"""The page that compares reports: deterministic, complete, and safe from what targets say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from click.testing import CliRunner
from segue_conformance.matrix import columns_of, escape, matrix, page
from segue_conformance.results import ContactFault

CHECKS = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()

@check("SEG-CONT-010", profile="continuation")
async def test_bad(subject):
    """Something fails."""
    if subject.wire == "openai-ws":
        raise Deviation("a | b <b>bold</b> *x* [l](http://e.test)", expected="a\\n|\\n# b", actual="`code` {x}")
    raise NotOffered("no")
'''


@pytest.fixture
def report(bench):
    bench.wires = ("openai-ws", "segue-http")
    bench.write("test_turns.py", CHECKS)
    return bench.run()


def test_every_result_has_its_cell(report):
    text = page(columns_of("A", report) + columns_of("B", report))
    assert "|  | A<br>openai-ws | A<br>segue-http | B<br>openai-ws | B<br>segue-http |" in text
    assert "| `turns.plain_turn` | ✔ | ✔ | ✔ | ✔ |" in text
    assert "| `turns.bad` | [✘](#seen-turns-bad) | – | [✘](#seen-turns-bad) | – |" in text
    assert "| **core** | **reached** | **reached** | **reached** | **reached** |" in text
    assert "| **continuation** | not reached | not tested |" in text


def test_every_link_has_its_place(report):
    text = page(columns_of("A", report))
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links
    assert links == set(re.findall(r'<a id="([^"]+)"></a>', text))


def test_rows_have_as_many_cells_as_the_head(report):
    text = page(columns_of("A | B\n# x", replace(report, target=replace(report.target, model="m|n"))))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_nothing_a_target_says_is_read_as_markdown(report):
    text = page(columns_of("A", report))
    assert "<b>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt; \\*x\\* \\[l\\](http://e.test)" in text
    assert "expected: a \\| \\# b" in text
    assert "actual: \\`code\\` \\{x\\}" in text


def test_the_same_reports_make_the_same_page(report):
    assert page(columns_of("A", report)) == page(columns_of("A", report))


def test_a_check_that_one_report_lacks_is_an_empty_cell(report):
    fewer = replace(report, results=tuple(r for r in report.results if r.check != "turns.bad"))
    assert "| `turns.bad` | [✘](#seen-turns-bad) | – |  |  |" in page(columns_of("A", report) + columns_of("B", fewer))


def test_names(report):
    assert {column.name for column in columns_of("", report)} == {"Stub"}
    nameless = replace(report, target=replace(report.target, endpoint=""))
    assert {column.name for column in columns_of("", nameless)} == {"http://stub.test"}


def test_escape():
    assert escape("a_b*c\n<x>&|\x1b") == "a\\_b\\*c &lt;x&gt;&amp;\\|\\\\x1b"


def test_the_command(report, tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_bytes(report.to_json())
    empty = replace(
        report, target=replace(report.target, wires=(), endpoint=""), results=(), profiles=(),
        contact=(ContactFault(wire="", what="refused", where="u"),),
    )  # fmt: skip
    two.write_bytes(empty.to_json())
    out = tmp_path / "page.md"
    ran = CliRunner().invoke(matrix, [f"First={one}", str(two), "--out", str(out), "--title", "T"])
    assert ran.exit_code == 0, ran.output
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# T\n")
    assert "First<br>openai-ws" in text
    assert "nothing was checked: refused" in text
    shown = CliRunner().invoke(matrix, [f"First={one}", str(two), "--title", "T"])
    assert shown.output == text


@pytest.mark.parametrize(
    ("content", "words"), [(b"{}", "no report of segue check"), (b"\xff", "no report"), (None, "can't read")]
)
def test_what_is_no_report_is_wrong_usage(tmp_path, content, words):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    ran = CliRunner().invoke(matrix, [str(path)])
    assert ran.exit_code == 2
    assert words in ran.output


def test_a_page_that_can_not_be_written_is_wrong_usage(report, tmp_path):
    (tmp_path / "one.json").write_bytes(report.to_json())
    ran = CliRunner().invoke(matrix, [str(tmp_path / "one.json"), "--out", str(tmp_path / "no" / "page.md")])
    assert ran.exit_code == 2


def test_as_one_html_page(report, tmp_path):
    path, out = tmp_path / "a.json", tmp_path / "matrix.html"
    path.write_bytes(report.to_json())
    ran = CliRunner().invoke(matrix, [f"A <b>={path}", str(path), "--html", "--title", "T <i>", "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    text = out.read_text(encoding="utf-8")
    assert "<h1>T &lt;i&gt;</h1>" in text
    assert "A &lt;b&gt;" in text
    assert "<b>bold</b>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt; *x* [l](http://e.test)" in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    assert text.count('aria-label="fail"') == 2
