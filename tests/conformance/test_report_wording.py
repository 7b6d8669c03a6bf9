"""What every report says alike: of whom it speaks, and where all of it was written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console
from segue_conformance.reports import html, junit, markdown
from segue_conformance.reports.terminal import print_report
from segue_conformance.results import Regraded, Report, Target
from segue_conformance.verdicts import Verdict
from test_html_report import report, result


def terminal(told: Report) -> str:
    console = Console(width=160, force_terminal=False, color_system=None, record=True, quiet=False)
    with console.capture() as captured:
        print_report(console, told)
    return captured.get()


RENDERERS = {"terminal": terminal, "html": html.render, "markdown": markdown.render, "junit": junit.render}


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_a_failure_names_the_file_of_its_transcript(render) -> None:
    told = report(result("fail"), result("error", check="a.c"))
    assert "runs/one.ndjson" not in render(told)
    assert render(replace(told, transcript="runs/one.ndjson")).count("runs/one.ndjson") >= 2
    graded = replace(told, regraded=Regraded(transcript="runs/old.ndjson", recorded_at="2026", suite="0"))
    assert "runs/old.ndjson" in render(graded)


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
@pytest.mark.parametrize(("role", "other"), [("client", "endpoint"), ("endpoint", "agent")])
def test_it_speaks_of_what_was_judged(render, role: str, other: str) -> None:
    plain = replace(result("error", check="a.c"), message="it broke", title="T", sentence="S")
    told = replace(
        report(replace(result("fail"), title="T", sentence="S", message="it broke"), plain),
        target=replace(Target(url="python agent.py", wires=report().target.wires), role=role),
    )
    assert f"not of the {other}" not in render(told)
    assert f"the {other} broke" not in render(told)
    assert f"the {other} " not in render(told)
    if render is not junit.render:
        assert "not of the agent" in render(told) or role != "client"
    assert told.of(Verdict.ERROR)
