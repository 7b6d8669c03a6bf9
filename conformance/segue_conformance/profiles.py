"""When a profile counts as reached, and the exit code that follows.

No percentages and no part of one: a profile is reached when every MUST check of it that applies passed, at least one
did, and core is reached on the same wire. What nobody could see (untestable, inconclusive) blocks like a failure. One
exception: a weak model may be unable to follow one probe of a rule and follow another. Then the probe that it followed
has the say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from .extended import EXTENDED
from .registry import PROFILES
from .results import BaselineResult, CheckResult, ProfileResult, Report, State
from .verdicts import Verdict

__all__ = ["EXIT_MEANING", "REACHABLE", "excused", "exit_code", "judge"]

_OPENAI = ("core", "continuation", "isolated")
#: Which profiles a wire has a place for.
REACHABLE: dict[str, tuple[str, ...]] = {
    "segue-ws": PROFILES,
    "segue-http": (*_OPENAI, "resumable", "portable"),
    EXTENDED["openai-ws"]: PROFILES,
    EXTENDED["openai-http"]: (*_OPENAI, "resumable", "portable"),
    "openai-ws": _OPENAI,
    "openai-http": _OPENAI,
    "chat": ("core",),
    "anthropic": ("core",),
}

EXIT_MEANING = {
    0: "every profile asked for is reached",
    1: "the endpoint breaks requirements of a profile asked for",
    2: "the command line is wrong",
    3: "the endpoint could not be reached, or did not take the key",
    4: "the suite itself failed",
    5: "nothing failed, but not everything could be proved",
}

_NO_KEY = "needs a key of another principal: give --second-api-key-env"
_BLOCKING = {
    Verdict.FAIL: "failed",
    Verdict.ERROR: "stopped by a fault of the suite",
    Verdict.UNTESTABLE: "untestable",
    Verdict.INCONCLUSIVE: "inconclusive",
}


def judge(
    results: Sequence[CheckResult],
    wires: Iterable[str],
    *,
    available: dict[str, set[str]],
    asked: Collection[str] = (),
    partial: str = "",
    second_key: bool = False,
    lacking: Mapping[tuple[str, str], str] | None = None,
) -> tuple[ProfileResult, ...]:
    """Return the state of every profile on every wire.

    `available`: by wire, the profiles of which the suite has a check there; `asked`: the profiles of `--profile`
    (empty: all); `partial`: the option by which only some of the checks were selected, so that nothing can be called
    reached; `lacking`: by wire and profile, what the profile needs and is not offered (SEG-PROF-003).
    """
    found: list[ProfileResult] = []
    for wire in wires:
        mine = [r for r in results if r.wire == wire]
        core: State | None = None
        for profile in PROFILES:
            wanted = not asked or profile in asked or profile == "core"
            missing = (lacking or {}).get((wire, profile), "")
            state, reason = _state(profile, wire, mine, core, available[wire], wanted, partial, second_key, missing)
            if profile == "core":
                core = state
            bears = wanted and state is not State.NOT_REACHABLE
            found.append(ProfileResult(profile=profile, wire=wire, state=state, reason=reason, asked=bears))
    return tuple(found)


def _state(
    profile: str,
    wire: str,
    results: Sequence[CheckResult],
    core: State | None,
    available: set[str],
    wanted: bool,
    partial: str,
    second_key: bool,
    missing: str,
) -> tuple[State, str]:
    """Return where one profile stands on one wire, and why: the first of these rules that applies."""
    mine = [r for r in results if r.profile == profile]
    if profile not in REACHABLE[wire]:
        return State.NOT_REACHABLE, "not reachable on this wire"
    if profile not in available:
        return State.NOT_TESTED, "this suite has no check of it yet"
    if not wanted:
        return State.NOT_TESTED, "not asked for (--profile)"
    blocked = [r for r in mine if r.blocks and not excused(r, results)]
    if missing and not any(r.verdict is Verdict.FAIL or r.verdict is Verdict.ERROR for r in blocked):
        return State.NOT_TESTED, missing  # what nobody could see of it is nothing to be reached
    if blocked:
        return State.NOT_REACHED, _tally(blocked)
    if profile == "isolated" and not second_key:
        return State.NOT_TESTED, _NO_KEY
    if partial:
        return State.NOT_TESTED, f"only some of its checks ran ({partial})"
    if profile != "core" and core is not State.REACHED:
        return State.NOT_REACHED, "core is not reached"
    if not any(r.verdict is Verdict.PASS and r.counts for r in mine):
        return State.NOT_TESTED, "nothing of it is offered"
    count = sum(r.blocks for r in mine)
    return State.REACHED, f"{count} inconclusive beside a pass of the same rule" if count else ""


def excused(result: CheckResult, results: Iterable[CheckResult]) -> bool:
    """Whether a check came to nothing for the model's sake, and another of the same rule passed on the same wire.

    The same rule: the first of their requirements is one. What was not performed, or not answered, is never excused.
    """
    return (
        result.verdict is Verdict.INCONCLUSIVE
        and result.by_model
        and any(
            r.verdict is Verdict.PASS
            and r.counts
            and r.wire == result.wire
            and r.requirements[0] == result.requirements[0]
            for r in results
        )
    )


def _tally(blocked: Sequence[CheckResult]) -> str:
    counts = [(sum(r.verdict is verdict for r in blocked), word) for verdict, word in _BLOCKING.items()]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _against(baseline: BaselineResult, report: Report) -> int:
    """Return the exit code of a run that was compared with a baseline: 0 where everything is as that says."""
    lost = baseline.of("stale") + [line for line in baseline.of("unexpected", "changed") if line.actual == "fail"]
    # What warns is seen to be broken, if only a recommendation: where a baseline says otherwise it is to be mended.
    if lost or any(line.actual == "warn" for line in baseline.of("changed")):
        return 1
    if report.contact:
        return 3
    judged = any(r.verdict.judged for r in report.results) or bool(baseline.of("expected"))
    return 5 if baseline.of("unexpected", "changed") or report.interrupted or not judged else 0


def exit_code(report: Report) -> int:
    """Return the exit code that a report means (EXIT_MEANING).

    The gravest first: a fault of the suite, then failures, then a wire that was never reached, then what stayed open.
    """
    bearing = [r for r in report.results if report.bears(r)]
    if report.of(Verdict.ERROR):
        return 4
    if report.baseline is not None:
        return _against(report.baseline, report)
    if any(r.verdict is Verdict.FAIL for r in bearing):
        return 1
    if report.contact:
        return 3
    open_ones = any(p.asked and p.state is State.NOT_REACHED for p in report.profiles)
    nothing = not any(r.verdict in (Verdict.PASS, Verdict.WARN) for r in bearing)
    if open_ones or nothing or report.interrupted:
        return 5
    # Asked for by name and not proved; of a selection nothing can be, and the checks are judged by themselves.
    named = [p for p in report.profiles if p.asked and p.profile in report.selection.profiles]
    if not report.selection.partial and any(p.state is State.NOT_TESTED for p in named):
        return 5
    # Of a selection each check is judged by itself.
    left = [r for r in bearing if r.blocks and (report.selection.partial or not excused(r, report.results))]
    return 5 if left else 0
