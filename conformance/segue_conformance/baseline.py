"""Baselines: what is expected not to pass, each with its reason, and whether a run is as it says.

    [[expected]]
    checks = ["continuation.fork"]
    wires = ["openai-http"]        # left out: every wire
    verdict = "fail"               # fail, warn, untestable or inconclusive
    reason = "Histories are not kept: https://issues.example/7"

`places`, the lines of code that a reason rests on, may stand in an entry for whoever traces it; nothing reads them
here. An entry that no longer holds fails like a failure that stands in no entry: what is not looked at any more would
hide the next one.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .registry import EVERY_WIRE
from .results import BaselineLine, BaselineResult, CheckResult, Report, in_baseline
from .verdicts import Verdict

__all__ = ["Baseline", "BaselineFault", "Entry", "compare", "read_baseline", "skeleton"]

_MEMBERS = ("checks", "wires", "verdict", "reason", "places")
#: What can be expected. A fault of the suite can't: it says nothing about the endpoint.
_VERDICTS = (Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)
#: What has to be expected, or fails. A recommendation that is not followed blocks nothing, so it may be left out.
_WATCHED = (Verdict.FAIL, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)


class BaselineFault(Exception):
    """A file is no baseline; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Some checks that are expected not to pass on some wires (None: on all), and why."""

    checks: tuple[str, ...]
    wires: tuple[str, ...] | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of one file."""

    path: str
    entries: tuple[Entry, ...] = ()

    def about(self, check: str, wire: str) -> Entry | None:
        """Return the entry that speaks of a check on a wire."""
        return next((e for e in self.entries if check in e.checks and (e.wires is None or wire in e.wires)), None)


def read_baseline(path: str) -> Baseline:
    """Return the baseline in a file; raises BaselineFault."""
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BaselineFault(f"can't read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BaselineFault(f"{path} is no TOML: {error}") from None
    _known(document, ("expected",), path)
    rows = document.get("expected", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BaselineFault(f"{path}: the entries are tables [[expected]]")
    entries = [_entry(row, f"{path}, entry {place}") for place, row in enumerate(rows, 1)]
    _no_pair_twice(entries, path)
    return Baseline(path, tuple(entries))


def _entry(row: Mapping[str, Any], where: str) -> Entry:
    _known(row, _MEMBERS, where)
    checks = _strings(row.get("checks"), f"{where}: `checks`")
    named = f"{where} ({', '.join(checks)})"
    wires = None if "wires" not in row else _strings(row["wires"], f"{named}: `wires`")
    for wire in wires or ():
        if wire not in EVERY_WIRE:
            raise BaselineFault(f"{named}: no such wire: {wire!r} (there is {', '.join(EVERY_WIRE)})")
    if row.get("verdict") not in _VERDICTS:
        raise BaselineFault(f"{named}: `verdict` is one of {', '.join(_VERDICTS)}, not {row.get('verdict')!r}")
    reason = row.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise BaselineFault(f"{named}: it gives no reason; an entry without one excuses what nobody understood")
    return Entry(checks, wires, Verdict(row["verdict"]), reason.strip())


def _strings(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise BaselineFault(f"{what} is a list of strings")
    return tuple(value)


def _known(table: Mapping[str, Any], members: Collection[str], where: str) -> None:
    for key in table:
        if key not in members:
            near = difflib.get_close_matches(key, members, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f" (there is {', '.join(members)})"
            raise BaselineFault(f"{where} has the unknown key {key!r}{hint}")


def _no_pair_twice(entries: Sequence[Entry], path: str) -> None:
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        for pair in ((check, wire) for check in entry.checks for wire in entry.wires or EVERY_WIRE):
            if pair in seen:
                raise BaselineFault(f"{path} speaks twice of {pair[0]} on {pair[1]}")
            seen.add(pair)


def compare(baseline: Baseline, report: Report, known: Collection[str]) -> BaselineResult:
    """Return in which way a report is as a baseline says, and in which not; `known` are the ids of all checks."""
    lines = [*_held(baseline, report), *_unexpected(baseline, report), *_gone(baseline, known)]
    return BaselineResult(path=baseline.path, lines=tuple(lines))


def _held(baseline: Baseline, report: Report) -> Iterator[BaselineLine]:
    """Yield a line for each result that an entry speaks of."""
    for result in report.results:
        entry = baseline.about(result.check, result.wire)
        if entry is None or result.verdict is Verdict.ERROR:
            continue
        if result.verdict is entry.verdict:
            kind = "expected"
        elif result.verdict in _VERDICTS:
            kind = "changed"
        else:
            kind = "stale"
        yield _line(kind, result, entry)


def _unexpected(baseline: Baseline, report: Report) -> Iterator[BaselineLine]:
    """Yield a line for each result that no entry speaks of and that counts."""
    for result in report.results:
        watched = result.verdict in _WATCHED and result.blocks and report.bears(result)
        if watched and baseline.about(result.check, result.wire) is None:
            yield _line("unexpected", result, None)


def _gone(baseline: Baseline, known: Collection[str]) -> Iterator[BaselineLine]:
    """Yield a line for each check that is no more."""
    for entry in baseline.entries:
        for check in entry.checks:
            if check not in known:
                yield BaselineLine(
                    kind="stale", check=check, wire="", expected=entry.verdict, actual="", reason=entry.reason
                )


def _line(kind: str, result: CheckResult, entry: Entry | None) -> BaselineLine:
    return BaselineLine(
        kind=kind,
        check=result.check,
        wire=result.wire,
        expected=entry.verdict if entry else "",
        actual=result.verdict,
        reason=entry.reason if entry else "",
    )


def skeleton(report: Report, older: Baseline | None = None) -> str:
    """Return the text of a baseline that says what a report says; reasons of an older one stay where they hold.

    The other reasons are empty: a baseline is read only when each was filled in.
    """
    rows: dict[tuple[str, Verdict, str], list[CheckResult]] = {}
    for result in report.results:
        if result.verdict not in _VERDICTS:
            continue
        entry = older.about(result.check, result.wire) if older is not None else None
        reason = entry.reason if entry is not None and entry.verdict is result.verdict else ""
        rows.setdefault((result.check, result.verdict, reason), []).append(result)
    head = (
        f"# What is expected of {in_baseline(report.target.url)} not to pass. Each entry needs its reason: where it\n"
    )
    head += "# comes from, or where it is dealt with. `segue check --baseline` refuses one without.\n"
    return head + "".join(_row(check, verdict, reason, found) for (check, verdict, reason), found in rows.items())


def _row(check: str, verdict: Verdict, reason: str, found: Sequence[CheckResult]) -> str:
    wires = ", ".join(json.dumps(result.wire) for result in found)
    said = in_baseline(found[0].message)
    return (
        f"\n[[expected]]\n# {said}\nchecks = [{json.dumps(check)}]\nwires = [{wires}]\n"
        f"verdict = {json.dumps(verdict)}\nreason = {json.dumps(reason, ensure_ascii=False)}\n"
    )
