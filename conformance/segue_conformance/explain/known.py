"""Who is known to break a rule: read from reports, never written by hand.

The reports are those that the project commits of its runs on real software (`./dev real --write`), and whichever else
are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..results import CheckResult, NotAReport, Report, read
from ..verdicts import Verdict

__all__ = ["Seen", "reports", "seen"]

_HERE = Path(__file__).resolve().parent.parent
_PLACES = (_HERE / "results_of", _HERE.parent.parent / "docs" / "results")


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a check on a known target: on which wires, when, by which suite."""

    name: str
    check: str
    verdict: Verdict
    wires: tuple[str, ...]
    day: str
    suite: str
    message: str


def reports(more: Sequence[Path] = ()) -> list[tuple[str, Report]]:
    """Return the committed reports and others by name. Raises OSError and NotAReport for one of the others."""
    return [*_committed(), *((path.stem, read(path.read_bytes())) for path in more)]


@cache
def _committed() -> tuple[tuple[str, Report], ...]:
    place = next((place for place in _PLACES if place.is_dir()), None)
    found: list[tuple[str, Report]] = []
    for path in sorted(place.glob("*.json")) if place is not None else ():
        try:
            found.append((path.stem, read(path.read_bytes())))
        except NotAReport:
            continue
    return tuple(found)


def seen(
    targets: Sequence[tuple[str, Report]], *, requirement: str | None = None, check: str | None = None
) -> Iterator[Seen]:
    """Give who broke a requirement, or what a check found; each target and check once, with its wires."""
    for name, report in targets:
        found: dict[tuple[str, Verdict], list[CheckResult]] = {}
        for result in report.results:
            if result.verdict not in (Verdict.FAIL, Verdict.WARN):
                continue
            if (requirement is None or result.requirement == requirement) and check in (None, result.check):
                found.setdefault((result.check, result.verdict), []).append(result)
        for (id, verdict), results in found.items():
            wires = tuple(dict.fromkeys(result.wire for result in results))
            yield Seen(name, id, verdict, wires, report.started_at[:10], report.suite, results[0].message)
