"""The one result model. A run makes one `Report`; every report that people or programs read is made from it.

Everything is immutable and is what the JSON report holds (`report.schema.json`): a report read back from a file is
the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from .verdicts import Verdict

__all__ = [
    "FORMAT",
    "BaselineLine",
    "BaselineResult",
    "CheckResult",
    "Cleanup",
    "ContactFault",
    "DialectLine",
    "DialectResult",
    "Frame",
    "NotAReport",
    "ProfileResult",
    "Regraded",
    "Report",
    "Selection",
    "State",
    "Target",
    "WireTarget",
    "read",
]

#: The version of the JSON report. A reader of `1` reads every `1`: members are added, never changed.
FORMAT = "segue-report/1"


class State(StrEnum):
    """Where a profile stands on a wire."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    #: The wire has no place for it, whoever speaks it.
    NOT_REACHABLE = "not_reachable"
    #: Nothing was proved in either direction; the reason says why.
    NOT_TESTED = "not_tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Something that went over the wire: `at_ms` after the check began, secrets blanked, long texts cut."""

    at_ms: int
    direction: str
    connection: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of one check on one wire.

    `requirement`, `keyword` and `sentence` are of the requirement that the verdict is about: the first of
    `requirements`, or the one that a deviation names. `strict` is whether the check is of a MUST. `flaky`: it passed
    only when it was performed alone; `message` and `frames` are then of the run beside other checks. `control`: what
    the control arm showed, where the check has one. `by_model`: it is inconclusive for what the model said or left out,
    not for want of budget or of an answer. `disputed` is a link to where the requirement is argued about: the
    result counts for nothing until that is settled. `scored` is False for a check newer than the released version.
    """

    check: str
    title: str
    requirements: tuple[str, ...]
    profile: str
    wire: str
    verdict: Verdict
    strict: bool
    requirement: str
    keyword: str
    sentence: str
    message: str = ""
    expected: str = ""
    actual: str = ""
    control: str = ""
    frames: tuple[Frame, ...] = ()
    duration_ms: int = 0
    requests: int = 0
    tokens: int = 0
    flaky: bool = False
    by_model: bool = False
    disputed: str = ""
    scored: bool = True

    @property
    def counts(self) -> bool:
        """Whether the result can reach or lose a profile: its sentence is settled, and its check is not too new."""
        return self.scored and not self.disputed

    @property
    def blocks(self) -> bool:
        """Whether the result keeps its profile from being reached."""
        if not self.counts and self.verdict is not Verdict.ERROR:
            return False
        if self.verdict in (Verdict.FAIL, Verdict.ERROR):
            return True
        return self.strict and self.verdict in (Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileResult:
    """Where one profile stands on one wire, and why. `asked`: it bears on the exit code."""

    profile: str
    wire: str
    state: State
    reason: str = ""
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFault:
    """Why nothing usable came from a wire at first contact."""

    wire: str
    what: str
    where: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireTarget:
    """One wire of the target and the URL where it was spoken."""

    wire: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was checked: `url` as given, the wires, the endpoint's own name, and how the wires were found.

    `role` is `endpoint`, or `client`: then `url` is the command of an agent, and the wires are those that it spoke.
    """

    url: str
    role: str = "endpoint"
    wires: tuple[WireTarget, ...] = ()
    endpoint: str = ""
    found_by: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was asked for on the command line: profiles and patterns (empty: everything), and the budgets."""

    profiles: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    quick: bool = False
    max_requests: int | None = None
    max_tokens: int | None = None
    max_seconds: float | None = None

    @property
    def partial(self) -> str:
        """The option by which only some checks of each profile were selected; empty where all were."""
        return "--quick" if self.quick else "--only" if self.only else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineLine:
    """What a baseline has to do with one check on one wire.

    `kind`: `expected`, as the baseline says; `unexpected`, not in it; `changed`, it expects another verdict; `stale`,
    it passes now, is skipped now, or the check is no more (then `wire` is empty).
    """

    kind: str
    check: str
    wire: str
    expected: str
    actual: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineResult:
    """A run compared with a baseline."""

    path: str
    lines: tuple[BaselineLine, ...] = ()

    def of(self, *kinds: str) -> list[BaselineLine]:
        """Return the lines of these kinds."""
        return [line for line in self.lines if line.kind in kinds]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectLine:
    """What a vendor's documents make of a result that is not passed.

    `says` is empty where the check rests on them, `otherwise` where they say something else and `nothing` where they
    are silent; then `text` is what they say, and `document` where.
    """

    check: str
    wire: str
    verdict: str
    says: str = ""
    text: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectResult:
    """Where an endpoint stands by what a vendor documents; `passed` checks that rest on its documents passed."""

    name: str
    title: str
    passed: int
    lines: tuple[DialectLine, ...] = ()

    @property
    def deviations(self) -> list[DialectLine]:
        """What is otherwise than documented."""
        return [line for line in self.lines if not line.says and line.verdict in ("fail", "warn")]

    @property
    def open(self) -> list[DialectLine]:
        """What rests on the documents and could not be judged."""
        return [line for line in self.lines if not line.says and line.verdict not in ("fail", "warn")]

    @property
    def beyond(self) -> list[DialectLine]:
        """What deviates from the specification alone."""
        return [line for line in self.lines if line.says]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regraded:
    """The recording that was graded instead of an endpoint: its file, when it was made, and by which suite."""

    transcript: str
    recorded_at: str
    suite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """What became of the continuations that the run made the endpoint keep, and how many requests that took."""

    deleted: int
    left: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run. `started_at` is RFC 3339 in UTC; `rerun` is the command line without `--wire` and `--only`.

    `tokens` are those that the endpoint reported; `tokens_estimated`: some were not reported and are estimated.
    `requests` has those of `cleanup` in it. `transcript` is the file to which all that went over the wire was written.
    """

    format: str = FORMAT
    suite: str
    spec: str
    target: Target
    started_at: str
    duration_ms: int
    requests: int
    tokens: int = 0
    tokens_estimated: bool = False
    cleanup: Cleanup | None = None
    baseline: BaselineResult | None = None
    dialect: DialectResult | None = None
    regraded: Regraded | None = None
    interrupted: bool = False
    selection: Selection = Selection()
    rerun: str = ""
    transcript: str = ""
    exit_code: int = 0
    contact: tuple[ContactFault, ...] = ()
    #: What is worth knowing and bears on no verdict, a sentence each.
    notes: tuple[str, ...] = ()
    profiles: tuple[ProfileResult, ...]
    results: tuple[CheckResult, ...]

    @property
    def judged(self) -> str:
        """What is judged, in a word: endpoint or agent."""
        return "agent" if self.target.role == "client" else "endpoint"

    @property
    def recording(self) -> str:
        """The file of the transcript, written by the run or graded by it; empty where there is none."""
        return self.regraded.transcript if self.regraded is not None else self.transcript

    @property
    def wires(self) -> tuple[str, ...]:
        """The wires that were checked, in order."""
        return tuple(wire.wire for wire in self.target.wires)

    def of(self, *verdicts: Verdict, wire: str | None = None) -> list[CheckResult]:
        """Return the results with one of these verdicts, of one wire or of all."""
        return [r for r in self.results if r.verdict in verdicts and wire in (None, r.wire)]

    def counts(self, wire: str | None = None) -> dict[Verdict, int]:
        """Return how many results there are of each verdict, none left out."""
        return {verdict: len(self.of(verdict, wire=wire)) for verdict in Verdict}

    def state(self, profile: str, wire: str) -> ProfileResult | None:
        """Return where a profile stands on a wire."""
        return next((p for p in self.profiles if p.profile == profile and p.wire == wire), None)

    def excused(self, result: CheckResult) -> bool:
        """Whether a baseline expects what came of a check."""
        lines = self.baseline.of("expected") if self.baseline is not None else ()
        return any((line.check, line.wire) == (result.check, result.wire) for line in lines)

    def bears(self, result: CheckResult) -> bool:
        """Whether a result bears on the exit code: it counts, its profile was asked for, and its wire can reach it."""
        if not result.counts:
            return False
        state = self.state(result.profile, result.wire)
        return state is None or (state.asked and state.state is not State.NOT_REACHABLE)

    def to_json(self) -> bytes:
        """Return the JSON report, indented, with a newline at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


class NotAReport(Exception):
    """A file is no report of this suite, or of a format that this version does not read."""


def read(data: bytes) -> Report:
    """Return the report that a JSON report holds; raises NotAReport."""
    try:
        head: Any = msgspec.json.decode(data)
        format = head.get("format") if isinstance(head, dict) else None
        if format != FORMAT:
            raise NotAReport(f"its `format` is {format!r}, expected {FORMAT!r}")
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAReport(str(error)) from None


def in_baseline(text: str) -> str:
    """Return text as it may stand behind a `#` in a file: on one line, nothing but what shows."""
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def reasons(results: Iterable[CheckResult]) -> list[tuple[str, int]]:
    """Return the messages of results with how often each came, most frequent first."""
    seen: dict[str, int] = {}
    for result in results:
        seen[result.message] = seen.get(result.message, 0) + 1
    return sorted(seen.items(), key=lambda pair: -pair[1])


def in_order(results: Iterable[CheckResult], order: Sequence[tuple[str, str]]) -> tuple[CheckResult, ...]:
    """Return results in the order of (check, wire) pairs; others keep their place at the end."""
    place = {pair: index for index, pair in enumerate(order)}
    return tuple(sorted(results, key=lambda r: place.get((r.check, r.wire), len(place))))
