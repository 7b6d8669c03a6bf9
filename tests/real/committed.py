"""The committed reports: how a run is compared with its own, when one is rewritten, and what its baseline rests on.

A report is committed as it came, without its transcripts. `./dev real --write` rewrites one only where its essence
differs: what stays when the words of answers, and ports, ids, words, times and durations elsewhere, are taken out,
since they differ at every run.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["compare", "essence", "load", "parse", "places", "unexplained"]

_HERE = Path(__file__).parent
RESULTS = _HERE.parents[1] / "docs" / "results"
BASELINES = _HERE / "baselines"

#: Verdicts that say something against a target, or that nothing could be said: each has to be understood.
_TOLD = ("fail", "warn", "untestable", "inconclusive", "error")
_FLEETING = ("started_at", "duration_ms", "requests", "frames", "actual")
_MASKS = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b(?:resp|msg|fc|call|rs|req|t)[-_]+[A-Za-z0-9_-]{8,}"), "ID"),
    (re.compile(r"\b[a-z]{3,10}-\d{4}\b"), "WORD"),
    (re.compile(r"\b1\d{9}\b"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)? m?s\b"), "DURATION"),
)


def load(path: Path) -> dict[str, Any]:
    """Return the report in a file."""
    value = json.loads(path.read_bytes())
    assert isinstance(value, dict)
    return value


def parse(text: str) -> dict[str, Any]:
    """Return the object in the one JSON line that a client printed."""
    lines = text.splitlines()
    assert len(lines) == 1, f"expected one line of JSON, got:\n{text}"
    value = json.loads(lines[0])
    assert isinstance(value, dict)
    return value


def essence(report: Any) -> Any:
    """Return a report without what differs between two runs on the same target."""
    match report:
        case dict():
            return {name: essence(value) for name, value in report.items() if name not in _FLEETING}
        case list():
            return [essence(value) for value in report]
        case str():
            for pattern, mask in _MASKS:
                report = pattern.sub(mask, report)
    return report


def compare(name: str, report: dict[str, Any]) -> None:
    """Fail where verdicts, profiles or the exit code are other than the committed ones; or write them (--write)."""
    path = RESULTS / f"{name}.json"
    if os.environ.get("SEGUE_REAL_WRITE") == "1":
        _write(path, report)
    assert path.exists(), f"{path.name} is not there: ./dev real --write makes it"
    known = load(path)
    differences = [
        f"{check} on {wire}: committed {before or 'not at all'}, now {now or 'not at all'}"
        for (check, wire), before, now in _both(_verdicts(known), _verdicts(report))
    ]
    differences += [
        f"profile {profile} on {wire}: committed {before}, now {now}"
        for (profile, wire), before, now in _both(_profiles(known), _profiles(report))
    ]
    if known["exit_code"] != report["exit_code"]:
        differences.append(f"exit code: committed {known['exit_code']}, now {report['exit_code']}")
    assert not differences, "\n".join([f"other than docs/results/{name}.json says (./dev real --write):", *differences])


def _write(path: Path, report: dict[str, Any]) -> None:
    if path.exists() and essence(load(path)) == essence(report):
        return
    results = [{**row, "frames": []} for row in report["results"]]
    path.write_text(json.dumps({**report, "results": results}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _both(before: dict[Any, str], now: dict[Any, str]) -> list[tuple[Any, str, str]]:
    """Return what differs between two mappings: key, value before, value now; `""` where there is none."""
    pairs = [(key, before.get(key, ""), now.get(key, "")) for key in sorted({*before, *now})]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _verdicts(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(row["check"], row["wire"]): row["verdict"] for row in report["results"]}


def _profiles(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(row["profile"], row["wire"]): row["state"] for row in report["profiles"]}


def unexplained(name: str, report: dict[str, Any]) -> list[str]:
    """Return what a run showed that its baseline does not explain, recommendations that are not followed too.

    `segue check --baseline` fails for all of it but those; here nothing may be told of a target that nobody traced.
    """
    lines = report["baseline"]["lines"]
    explained = {(line["check"], line["wire"]) for line in lines if line["kind"] == "expected"}
    told = {pair: verdict for pair, verdict in _verdicts(report).items() if verdict in _TOLD and pair not in explained}
    found = [f"{check} on {wire}: {verdict}, in no entry" for (check, wire), verdict in sorted(told.items())]
    return found + [f"{line['check']} on {line['wire']}: {line['kind']}" for line in lines if line["kind"] == "stale"]


def places(name: str, package: Path) -> None:
    """Fail where a line of the target's code no longer says what an entry of baselines/NAME.toml rests on.

    `places` of an entry: `at`, "file:line" below `package`, and `code`, what stands there.
    """
    for entry in tomllib.loads((BASELINES / f"{name}.toml").read_text(encoding="utf-8"))["expected"]:
        for place in entry.get("places", []):
            _stands(package, place["at"], place["code"])


def _stands(package: Path, at: str, code: str) -> None:
    """Fail unless this text stands in this line of the target's code."""
    file, _, line = at.rpartition(":")
    lines = (package / file).read_text(encoding="utf-8").splitlines()
    number = int(line)
    found = lines[number - 1] if number <= len(lines) else ""
    assert code in found, f"{at} holds {found.strip()!r}, not {code!r}: trace it again"
