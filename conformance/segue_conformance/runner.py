"""Runs the checks on a target and returns a `Report`.

pytest does it, in this process, under `suite.ini` and nothing else: no ini file, conftest.py, plugin or option of the
folder that somebody happens to stand in, and nothing written there.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from . import dialects, requirements
from .baseline import Baseline, compare
from .claims import undeclared
from .cleanup import clean
from .declared import lacking
from .execution import Execution, Listener
from .preparation import Prepared, prepare
from .profiles import exit_code, judge
from .quick import QUICK
from .redaction import Redactor, secrets_of
from .registry import FIRST, Catalogue, Check
from .results import CheckResult, Cleanup, Report, Selection, in_order
from .settings import Settings
from .transcript.writing import Transcript
from .verdicts import Verdict

__all__ = ["SuiteFault", "plan", "run", "run_prepared", "select", "suite_version"]

_HERE = Path(__file__).resolve().parent
#: What of pytest is left out: what would write, print, or look at the folder.
_WITHOUT = (
    "cacheprovider", "terminal", "warnings", "logging", "faulthandler", "pastebin", "junitxml", "doctest",
    "unraisableexception", "threadexception", "setuponly", "setupplan", "stepwise", "unittest", "debugging",
)  # fmt: skip


class SuiteFault(Exception):
    """The suite itself failed; `details` is for a bug report."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def suite_version() -> str:
    """Return the version of the distribution, or `0` where it is not installed."""
    try:
        return metadata.version("segue-protocol")
    except metadata.PackageNotFoundError:
        return "0"


def select(
    catalogue: Catalogue, *, profiles: Sequence[str] = (), only: Sequence[str] = (), quick: bool = False
) -> list[Check]:
    """Return the checks that are asked for: of these profiles and of core, and that match one of the patterns.

    `quick`: of the quick look only.
    """
    chosen = [c for c in catalogue if not profiles or c.profile in profiles or c.profile == "core"]
    if quick:
        chosen = [c for c in chosen if c.id in QUICK]
    if only:
        chosen = [c for c in chosen if any(c.matches(pattern) for pattern in only)]
    return chosen


def plan(checks: Sequence[Check], wires: Sequence[str], catalogue: Catalogue) -> list[tuple[Check, str]]:
    """Return what will run, in order: wire by wire, the check that the others stand on first."""
    wanted = list(checks)
    if FIRST in catalogue and any(check.needs_turn for check in wanted):
        wanted = [catalogue[FIRST], *(check for check in wanted if check.id != FIRST)]
    return [(check, wire) for wire in wires for check in wanted if wire in check.wires]


def run(
    settings: Settings,
    *,
    profiles: Sequence[str] = (),
    only: Sequence[str] = (),
    progress: Listener | None = None,
    catalogue: Catalogue | None = None,
    rerun: str = "",
) -> Report:
    """Find the endpoint, run the checks on it, and return the report.

    Raises TransportError if there is no endpoint to be found, and SuiteFault.
    """
    prepared = prepare(settings)
    known = catalogue if catalogue is not None else Catalogue.load()
    return run_prepared(prepared, known, profiles=profiles, only=only, progress=progress, rerun=rerun)


def run_prepared(
    prepared: Prepared,
    catalogue: Catalogue,
    *,
    profiles: Sequence[str] = (),
    only: Sequence[str] = (),
    quick: bool = False,
    progress: Listener | None = None,
    rerun: str = "",
    folder: Path | None = None,
    details: list[str] | None = None,
    cleanup: bool = True,
    baseline: Baseline | None = None,
    dialect: str | None = None,
    transcript: Transcript | None = None,
) -> Report:
    """Run the checks on a target that was found.

    `folder`: where the catalogue's files are, if not the suite's own; `details` takes what somebody who mends the
    suite wants to see, tracebacks above all; `cleanup`: delete at the end what the endpoint was made to keep;
    `baseline`: what is expected not to pass; `dialect`: the name of a vendor's, to compare with its documents too;
    `transcript` takes down all that is sent and received.
    """
    settings, target = prepared.settings, prepared.target
    wires = [wire.wire for wire in target.wires]
    work = plan(select(catalogue, profiles=profiles, only=only, quick=quick), wires, catalogue)
    started, began = datetime.now(UTC), time.monotonic()
    stage = prepared.stage
    if transcript is not None:
        transcript.begin_run(prepared, suite_version(), _instant(started), progress)
        stage.watch(transcript)
    execution = Execution(
        prepared.factory,
        timeout=settings.timeout,
        budget=prepared.budget,
        second_key=settings.second_api_key is not None,
        listener=transcript if transcript is not None else progress,
        first=catalogue.get(FIRST),
        runner=stage.runner,
        attempts=stage.attempts,
        unfounded=stage.unfounded,
    )
    interrupted, output = _pytest(
        execution, wires, {check.id for check, _ in work}, folder or _HERE / "checks", settings.concurrency
    )
    results = _complete(execution, work, interrupted)
    cleaned = _clean(execution, prepared) if cleanup else None
    selection = Selection(
        profiles=tuple(profiles),
        only=tuple(only),
        quick=quick,
        max_requests=settings.max_requests,
        max_tokens=settings.max_tokens,
        max_seconds=settings.max_seconds,
    )
    report = Report(
        suite=suite_version(),
        spec=requirements.load().spec,
        target=target,
        started_at=_instant(started),
        duration_ms=round((time.monotonic() - began) * 1000),
        requests=execution.requests + (cleaned.requests if cleaned else 0),
        tokens=prepared.budget.tokens,
        tokens_estimated=prepared.budget.estimated,
        cleanup=cleaned,
        interrupted=interrupted,
        selection=selection,
        rerun=rerun,
        transcript=str(transcript.path) if transcript is not None else "",
        contact=tuple(execution.contact),
        notes=undeclared(results, prepared.document),
        dialect=None if dialect is None else dialects.measured(dialects.load(dialect), results, wires),
        profiles=judge(
            results,
            wires,
            available={wire: catalogue.profiles(wire) for wire in wires},
            asked=profiles,
            partial=selection.partial,
            second_key=settings.second_api_key is not None,
            lacking=lacking(prepared.document, wires),
        ),
        results=results,
    )
    if baseline is not None:
        report = replace(report, baseline=compare(baseline, report, {check.id for check in catalogue}))
    blanked = Redactor(secrets_of(settings)).value(report)
    if details is not None:
        details += [*execution.tracebacks, output]
    return replace(blanked, exit_code=exit_code(blanked))


def _instant(at: datetime) -> str:
    """Return a time as reports tell it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _clean(execution: Execution, prepared: Prepared) -> Cleanup | None:
    """Delete what the run made the endpoint keep; whatever goes wrong in that is nobody's verdict."""
    if not len(prepared.leavings):
        return None
    work = clean(prepared.leavings, prepared.offers, prepared.settings, prepared.budget, pace=prepared.pace)
    try:
        return execution.run(work)
    except KeyboardInterrupt:
        return None
    finally:
        execution.close()


def _complete(execution: Execution, work: Sequence[tuple[Check, str]], interrupted: bool) -> tuple[CheckResult, ...]:
    """Return a result for everything that was planned: what did not run must not look as if it had passed."""
    verdict = Verdict.INCONCLUSIVE if interrupted else Verdict.ERROR
    message = "interrupted" if interrupted else "the check was planned and did not run"
    for check, wire in work:
        if (check.id, wire) not in execution.results:
            execution.leave_out(check, wire, verdict, message)
    return in_order(execution.results.values(), [(check.id, wire) for check, wire in work])


def _pytest(execution: Execution, wires: Sequence[str], ids: set[str], folder: Path, at_once: int) -> tuple[bool, str]:
    """Run pytest; return whether it was interrupted, and what it printed."""
    import pytest

    from .pytest_suite import Suite

    arguments = [
        str(folder), "-c", str(_HERE / "suite.ini"), f"--rootdir={folder}", "--noconftest",
        "--import-mode=importlib", "--assert=plain", "--capture=no",
    ]  # fmt: skip
    for name in _WITHOUT:
        arguments += ["-p", f"no:{name}"]
    suite = Suite(execution, wires, only=ids, outcomes=False, at_once=at_once)
    printed = io.StringIO()
    with _own_environment(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = pytest.main(arguments, plugins=[suite])
    if suite.collection_faults or code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        details = [*suite.collection_faults, *execution.tracebacks, printed.getvalue()]
        raise SuiteFault("the checks could not be run", "\n".join(details))
    return code == pytest.ExitCode.INTERRUPTED, printed.getvalue()


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """Keep the environment's words to pytest away from it, and put everything back afterwards."""
    before: Mapping[str, str] = dict(os.environ)
    for name in [name for name in before if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if name.startswith("PYTEST_")})
