"""Runs the checks of the reference endpoint in two processes, half of the wires each, and puts their reports together.

The suite is the slower side of that run, and one process of it keeps one processor busy. What is found does not depend
on who looked: the wires are judged by themselves, and one budget or transcript for both is what this is not for.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

from .claims import undeclared
from .declared import lacking
from .execution import Listener
from .grading import Grade, result_of
from .preparation import Prepared, prepare
from .profiles import exit_code, judge
from .registry import Catalogue, Check
from .results import CheckResult, Report, in_order
from .runner import SuiteFault, run_prepared
from .settings import Settings
from .verdicts import Verdict

__all__ = ["other_half", "parts_of", "run_halved"]

_COMMAND = "from segue_conformance.halves import other_half; other_half()"
_OWN = "segue_conformance.checks"


def parts_of(work: Sequence[tuple[Check, str]]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the wires of each half, with about as much to do; None where one process does as well, or has to."""
    own = all(check.function.__module__.startswith(_OWN) for check, _ in work)
    counts: dict[str, int] = {}
    for _, wire in work:
        counts[wire] = counts.get(wire, 0) + 1
    if len(counts) < 2 or not own or (os.cpu_count() or 1) < 2:
        return None
    halves: tuple[list[str], list[str]] = ([], [])
    for wire in sorted(counts, key=lambda wire: -counts[wire]):
        min(halves, key=lambda half: sum(counts[other] for other in half)).append(wire)
    return tuple(halves[0]), tuple(halves[1])


@dataclass(slots=True)
class _Shared:
    """A listener for two, one word at a time."""

    listener: Listener
    lock: threading.Lock

    def begin(self, check: Check, wire: str) -> None:
        """A check begins."""
        with self.lock:
            self.listener.begin(check, wire)

    def end(self, result: CheckResult) -> None:
        """A check has its verdict."""
        with self.lock:
            self.listener.end(result)


def run_halved(
    prepared: Prepared,
    catalogue: Catalogue,
    work: Sequence[tuple[Check, str]],
    halves: tuple[Sequence[str], Sequence[str]],
    *,
    progress: Listener,
    rerun: str,
    details: list[str],
) -> Report:
    """Run one half here and the other beside it; return what one run of both would. Raises SuiteFault."""
    shared = _Shared(progress, threading.Lock())
    told: dict[tuple[str, str], CheckResult] = {}
    with _beside(prepared.settings, halves[1], [check.id for check, _ in work], rerun) as process:
        answers: list[Any] = []
        reader = threading.Thread(target=_read, args=(process.stdout, shared, told, answers), daemon=True)
        reader.start()
        target = prepared.target
        mine = replace(target, wires=tuple(wire for wire in target.wires if wire.wire in halves[0]))
        own = replace(prepared, target=mine)
        report = run_prepared(own, catalogue, progress=shared, rerun=rerun, details=details, cleanup=False)
        if report.interrupted:
            process.terminate()
        reader.join()
    if not answers and not report.interrupted:
        raise SuiteFault("the process that checked half of the wires ended before it was through")
    other: Report | None = None
    if answers:
        if isinstance(answers[0], SuiteFault):
            raise answers[0]
        other, more = answers[0]
        details += more
        told = {(result.check, result.wire): result for result in other.results}
    for check, wire in work:
        if wire in halves[1] and (check.id, wire) not in told:
            told[check.id, wire] = result_of(check, wire, Grade(Verdict.INCONCLUSIVE, "interrupted"))
    return _together(report, other, [*report.results, *told.values()], prepared, catalogue, work)


def _together(
    report: Report,
    other: Report | None,
    results: Sequence[CheckResult],
    prepared: Prepared,
    catalogue: Catalogue,
    work: Sequence[tuple[Check, str]],
) -> Report:
    wires = [wire.wire for wire in prepared.target.wires]
    ordered = in_order(results, [(check.id, wire) for check, wire in work])
    both = [report, *([] if other is None else [other])]
    whole = replace(
        report,
        target=prepared.target,
        duration_ms=max(one.duration_ms for one in both),
        requests=sum(one.requests for one in both),
        tokens=sum(one.tokens for one in both),
        tokens_estimated=any(one.tokens_estimated for one in both),
        contact=tuple(fault for one in both for fault in one.contact),
        notes=undeclared(ordered, prepared.document),
        profiles=judge(
            ordered,
            wires,
            available={wire: catalogue.profiles(wire) for wire in wires},
            second_key=prepared.settings.second_api_key is not None,
            lacking=lacking(prepared.document, wires),
        ),
        results=ordered,
    )
    return replace(whole, exit_code=exit_code(whole))


@contextlib.contextmanager
def _beside(
    settings: Settings, wires: Sequence[str], checks: Sequence[str], rerun: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Give the process of the other half; it ends with the block. Ctrl-C is for this one, which then ends it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        pickle.dump((replace(settings, wires=tuple(wires)), set(checks), rerun), process.stdin)
        process.stdin.flush()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _read(pipe: IO[bytes], shared: _Shared, told: dict[tuple[str, str], CheckResult], answers: list[Any]) -> None:
    """Take what the other half says, word by word, to its last."""
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            word = pickle.load(pipe)
            if not isinstance(word, CheckResult):
                answers.append(word)
                return
            told[word.check, word.wire] = word
            shared.end(word)


class _Sender:
    """Tells the first half what comes of each check."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def begin(self, check: Check, wire: str) -> None:
        """Say nothing: it has only begun."""

    def end(self, result: CheckResult) -> None:
        """Say what came of it."""
        self.say(result)

    def say(self, word: Any) -> None:
        """Send one word."""
        pickle.dump(word, self._pipe)
        self._pipe.flush()


def other_half() -> None:
    """Do what standard input says, and tell it on standard output, in pickles; the other side is this module."""
    settings, wanted, rerun = pickle.load(sys.stdin.buffer)
    sender = _Sender(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    sys.stdout = sys.stderr
    details: list[str] = []
    try:
        catalogue = Catalogue(check for check in Catalogue.load() if check.id in wanted)
        report = run_prepared(
            prepare(settings), catalogue, progress=sender, rerun=rerun, details=details, cleanup=False
        )
    except SuiteFault as fault:
        sender.say(fault)
    else:
        sender.say((report, details))
