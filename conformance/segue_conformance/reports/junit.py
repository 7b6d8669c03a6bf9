"""JUnit XML, for the pages that build servers make: one test suite for each wire.

JUnit knows passed, failure, error and skipped. A skip is `skipped`; a warning is passed, its text in `system-out`.
Untestable and inconclusive are `error`, with their word as the type: `skipped` is shown green by build servers, and a
check that nobody could judge is not green. `error` with the type `error` is the suite's own fault.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ..results import BaselineLine, CheckResult, Report
from ..verdicts import Verdict
from .plain import plain_block
from .wording import clean, one_line

__all__ = ["render"]

_TAGS = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.UNTESTABLE: "error",
    Verdict.INCONCLUSIVE: "error",
    Verdict.SKIP: "skipped",
}


def render(report: Report) -> str:
    """Return the report as a JUnit XML document."""
    root = ET.Element("testsuites", name="segue", time=_seconds(report.duration_ms))
    for wire in report.target.wires:
        results = [result for result in report.results if result.wire == wire.wire]
        root.append(_suite(report, wire.wire, wire.url, results))
    for fault in report.contact:
        if fault.wire not in report.wires:
            root.append(_no_contact(report, clean(f"{fault.what} ({fault.where})")))
    for key, total in _totals(root).items():
        root.set(key, str(total))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, wire: str, url: str, results: list[CheckResult]) -> ET.Element:
    tags = [_tag(report, result) for result in results]
    suite = ET.Element(
        "testsuite",
        name=f"segue.{wire}",
        tests=str(len(results)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        skipped=str(tags.count("skipped")),
        time=_seconds(sum(result.duration_ms for result in results)),
        timestamp=report.started_at.removesuffix("Z"),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("target", report.target.url),
        ("url", url),
        ("suite", report.suite),
        ("spec", report.spec),
        *((f"profile.{p.profile}", p.state.value) for p in report.profiles if p.wire == wire),
    ):
        ET.SubElement(properties, "property", name=name, value=clean(value))
    for result in results:
        suite.append(_case(report, result))
    return suite


def _tag(report: Report, result: CheckResult) -> str:
    """Return what JUnit calls a result: one that a baseline expects is skipped, one that it should not is a failure."""
    line = _line(report, result)
    if line is not None and line.kind in ("expected", "stale"):
        return "skipped" if line.kind == "expected" else "failure"
    return _TAGS.get(result.verdict, "")


def _line(report: Report, result: CheckResult) -> BaselineLine | None:
    lines = report.baseline.lines if report.baseline is not None else ()
    return next((line for line in lines if (line.check, line.wire) == (result.check, result.wire)), None)


def _case(report: Report, result: CheckResult) -> ET.Element:
    case = ET.Element(
        "testcase", classname=f"segue.{result.wire}.{result.profile}", name=result.check,
        time=_seconds(result.duration_ms),
    )  # fmt: skip
    tag, line = _tag(report, result), _line(report, result)
    if tag:
        told = result.message
        if line is not None and line.kind in ("expected", "stale"):
            told = f"{'as the baseline says' if tag == 'skipped' else 'not as the baseline says'}: {line.reason}"
        outcome = ET.SubElement(case, tag, message=one_line(told))
        if tag != "skipped":
            outcome.set("type", result.verdict.value)
            outcome.text = "\n".join(plain_block(result, recording=report.recording))
    elif result.verdict is Verdict.WARN:
        ET.SubElement(case, "system-out").text = "\n".join(plain_block(result, recording=report.recording))
    return case


def _no_contact(report: Report, message: str) -> ET.Element:
    suite = ET.Element("testsuite", name="segue", tests="1", failures="0", errors="1", skipped="0")
    case = ET.SubElement(suite, "testcase", classname="segue", name="contact")
    ET.SubElement(case, "error", type="unreachable", message=one_line(message)).text = clean(report.target.url)
    return suite


def _totals(root: ET.Element) -> dict[str, int]:
    return {key: sum(int(suite.get(key, "0")) for suite in root) for key in ("tests", "failures", "errors", "skipped")}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
