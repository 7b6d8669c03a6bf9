"""Dialects: what a vendor documents of a wire otherwise than the specification, or not at all, as data.

`segue check --dialect NAME` then tells two things apart: whether the endpoint conforms to the specification, and
whether to what that vendor documents. The exit code is about the specification alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..registry import EVERY_WIRE
from ..results import CheckResult, DialectLine, DialectResult
from ..verdicts import Verdict

__all__ = ["NAMES", "Dialect", "DialectFault", "Entry", "load", "measured"]

_HERE = Path(__file__).resolve().parent
#: The dialects that this suite ships.
NAMES = tuple(sorted(path.stem for path in _HERE.glob("*.toml")))
_SAYS = ("otherwise", "nothing")
_TOLD = (Verdict.FAIL, Verdict.WARN)
_OPEN = (Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.ERROR)


class DialectFault(Exception):
    """A dialect's file is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a vendor says of some requirements or checks: `says` is `otherwise` or `nothing`, `cites` its document."""

    requirements: tuple[str, ...]
    checks: tuple[str, ...]
    wires: tuple[str, ...]
    says: str
    text: str
    cites: str

    def about(self, result: CheckResult) -> bool:
        """Whether it speaks of what a result is about."""
        named = result.requirement in self.requirements or result.check in self.checks
        return named and result.wire in self.wires


@dataclass(frozen=True, slots=True)
class Dialect:
    """A vendor's documents, as far as they differ."""

    name: str
    title: str
    wires: tuple[str, ...]
    entries: tuple[Entry, ...]

    def entry(self, result: CheckResult) -> Entry | None:
        """Return what the documents say of a result otherwise; None where it rests on them."""
        return next((entry for entry in self.entries if entry.about(result)), None)


def load(name: str, folder: Path = _HERE) -> Dialect:
    """Return a dialect by its name; raises DialectFault."""
    path = folder / f"{name}.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        wires = tuple(document["wires"])
        entries = tuple(
            Entry(
                requirements=tuple(row.get("requirements", ())),
                checks=tuple(row.get("checks", ())),
                wires=tuple(row.get("wires", wires)),
                says=row["says"],
                text=row["text"],
                cites=document["documents"][row["document"]],
            )
            for row in document["entry"]
        )
        found = Dialect(name, document["title"], wires, entries)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise DialectFault(f"{path.name} is no dialect: {error!r}") from None
    for entry in found.entries:
        known = entry.says in _SAYS and {*entry.wires} <= {*EVERY_WIRE}
        if not known or not (entry.requirements or entry.checks):
            raise DialectFault(f"{path.name}: an entry is incomplete: {entry}")
    return found


def measured(dialect: Dialect, results: Iterable[CheckResult], wires: Sequence[str]) -> DialectResult:
    """Return where an endpoint stands by a vendor's documents: what deviates from them, and what they do not say.

    A recommendation of the specification that is not followed deviates too, where the vendor documents the behaviour.
    """
    mine = [result for result in results if result.wire in dialect.wires and result.wire in wires]
    lines = []
    for result in mine:
        entry = dialect.entry(result)
        if result.verdict in _TOLD or (entry is None and result.verdict in _OPEN):
            lines.append(
                DialectLine(
                    check=result.check,
                    wire=result.wire,
                    verdict=result.verdict,
                    says=entry.says if entry else "",
                    text=entry.text if entry else "",
                    document=entry.cites if entry else "",
                )
            )
    passed = sum(result.verdict is Verdict.PASS and dialect.entry(result) is None for result in mine)
    return DialectResult(name=dialect.name, title=dialect.title, passed=passed, lines=tuple(lines))
