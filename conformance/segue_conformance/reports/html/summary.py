"""The part that needs no knowledge of the protocol: what was checked, what is reached, in words and in one table."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ...profiles import EXIT_MEANING
from ...registry import PROFILES
from ...results import ProfileResult, Report, State
from ...verdicts import Verdict
from ..outcome import meaning, numbers
from ..wording import MEANINGS, PROFILE_MEANINGS, STATES, VERDICTS, WIRE_MEANINGS, counted, cut, listed
from .elements import Child, code, el

__all__ = ["SIGNS", "header", "headline", "legend", "profiles"]

SIGNS = {
    Verdict.PASS: "✔",
    Verdict.FAIL: "✘",
    Verdict.WARN: "▲",
    Verdict.SKIP: "–",
    Verdict.UNTESTABLE: "∅",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "!",
}
_STATE_SIGNS = {State.REACHED: "✔", State.NOT_REACHED: "✘", State.NOT_REACHABLE: "·", State.NOT_TESTED: "?"}


def headline(report: Report) -> tuple[str, str]:
    """Return the outcome in one sentence, and the class of its colour."""
    if not report.results:
        return f"Nothing was checked: {EXIT_MEANING[report.exit_code]}", "fail"
    words = meaning(report)
    failed = {r.check for r in report.of(Verdict.FAIL) if report.bears(r) and not report.excused(r)}
    if report.exit_code == 1 and failed:
        words += f": {counted(len(failed), 'check')} failed"
    return words, {0: "pass", 1: "fail"}.get(report.exit_code, "open")


def header(report: Report) -> ET.Element:
    """Return the head of the page: the target, the outcome, what was done to find it."""
    words, mood = headline(report)
    target = report.target
    name = [el("span", f" ({cut(target.endpoint, 200)})", class_="quiet")] if target.endpoint else []
    return el(
        "header",
        el("p", "Segue conformance report", class_="kind"),
        el("h1", el("span", cut(target.url, 500), class_="url"), *name),
        el("p", words, class_=f"outcome {mood}"),
        el("p", *_about(report), class_="about"),
        _contact(report),
        _counts(report) if report.results else None,
    )


def _about(report: Report) -> Iterator[Child]:
    checks = len({result.check for result in report.results})
    if checks:
        yield f"{counted(checks, 'check')} ran on {counted(len(report.wires), 'wire')}: "
        for place, wire in enumerate(report.wires):
            yield ", " if place else ""
            yield code(wire)
            yield f" ({WIRE_MEANINGS.get(wire, wire)})"
        yield ". "
    if report.target.model:
        yield "Model "
        yield code(cut(report.target.model, 200))
        yield ". "
    yield f"{numbers(report)}, begun "
    yield el("time", report.started_at.replace("T", " ").replace("Z", " UTC"), datetime=report.started_at)
    yield f". Specification {report.spec} (draft), suite {report.suite}, exit code {report.exit_code}."


def _contact(report: Report) -> ET.Element | None:
    if not report.contact:
        return None
    rows = [el("li", el("strong", f"{f.what} ({f.where})"), f" {f.hint}" if f.hint else None) for f in report.contact]
    return el("ul", *rows, class_="contact")


def _counts(report: Report) -> ET.Element:
    counts = report.counts()
    chips = [
        el(
            "button",
            el("span", SIGNS[verdict], class_="sign", aria_hidden="true"),
            el("strong", str(counts[verdict])),
            f" {word}",
            class_=f"chip {verdict}",
            type="button",
            data_verdict=verdict.value,
            aria_pressed="false",
            title=MEANINGS[verdict].replace("endpoint", report.judged),
        )
        for verdict, word in VERDICTS.items()
        if counts[verdict]
    ]
    label = "Results by verdict; each shows only its own in the table below"
    return el("div", *chips, class_="chips", role="group", aria_label=label)


def profiles(report: Report) -> ET.Element:
    """Return which profiles are reached where, in words and as a table."""
    head = el("tr", el("th", "Profile", scope="col"), *(el("th", code(w), scope="col") for w in report.wires))
    rows = [
        el(
            "tr",
            el("th", el("strong", profile), el("span", PROFILE_MEANINGS.get(profile, ""), class_="quiet"), scope="row"),
            *(_state(report.state(profile, wire)) for wire in report.wires),
        )
        for profile in PROFILES
    ]
    return el(
        "section",
        el("h2", "Profiles"),
        el(
            "p",
            "A profile is a promise that a client can build on. It is reached on a wire when every MUST of it that "
            "applies there was checked and kept, and core is reached there too. There are no percentages.",
            class_="quiet",
        ),
        el("ul", *(el("li", *_in_words(report, wire)) for wire in report.wires), class_="words"),
        el(
            "div",
            el("table", el("thead", head), el("tbody", *rows), class_="profiles"),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label="Profiles by wire",
        ),
        id="profiles",
    )


def _in_words(report: Report, wire: str) -> Iterator[Child]:
    """Give where one wire stands as a sentence."""
    states = [state for profile in PROFILES if (state := report.state(profile, wire)) is not None]
    yield el("strong", WIRE_MEANINGS.get(wire, wire))
    parts = [
        f"{listed([s.profile for s in states if s.state is state])} {word}"
        for state, word in STATES.items()
        if state is not State.NOT_REACHABLE and any(s.state is state for s in states)
    ]
    yield f": {'; '.join(parts)}." if parts else ": nothing was judged."


def _state(state: ProfileResult | None) -> ET.Element:
    if state is None:
        return el("td")
    reason = "" if state.state is State.NOT_REACHABLE else state.reason
    word = "no place on this wire" if state.state is State.NOT_REACHABLE else STATES[state.state]
    return el(
        "td",
        el("span", _STATE_SIGNS[state.state], class_="sign", aria_hidden="true"),
        el("strong", word),
        el("span", reason, class_="quiet") if reason else None,
        class_=f"state {state.state}",
    )


def legend(judged: str = "endpoint") -> ET.Element:
    """Return what the verdicts mean; `judged`: of what, in a word."""
    rows: list[Child] = []
    for verdict, words in ((verdict, words.replace("endpoint", judged)) for verdict, words in MEANINGS.items()):
        sign = el("span", SIGNS[verdict], class_="sign", aria_hidden="true")
        rows += [el("dt", sign, verdict.value, class_=verdict.value), el("dd", f"{words[0].upper()}{words[1:]}.")]
    return el("details", el("summary", "What the verdicts mean"), el("dl", *rows), class_="legend")
