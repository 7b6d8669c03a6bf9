"""What is shown while the checks run: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..registry import Check
from ..results import CheckResult
from ..verdicts import Verdict
from .console import VERDICT_STYLES, safe, signs
from .wording import VERDICTS, cut, one_line

__all__ = ["Lines", "Live", "progress_for"]

#: A pipe hears from the run at least this often, in seconds, as long as checks end.
_QUIET = 10.0
_LOUD = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR, Verdict.INCONCLUSIVE)


class Lines:
    """Plain progress: a line for what is not as it should be, and one for each wire when it is through."""

    def __init__(self, console: Console, planned: Sequence[tuple[Check, str]]) -> None:
        self.console = console
        self._left: dict[str, int] = {}
        for _, wire in planned:
            self._left[wire] = self._left.get(wire, 0) + 1
        self._all = dict(self._left)
        self._counts: dict[str, dict[Verdict, int]] = {}
        self._told = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""

    def begin(self, check: Check, wire: str) -> None:
        """Say nothing: it has only begun."""

    def end(self, result: CheckResult) -> None:
        """Tell what came of a check, if it is worth a line."""
        counts = self._counts.setdefault(result.wire, {})
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
        self._left[result.wire] = left = self._left.get(result.wire, 1) - 1
        # What was never begun (the budget is spent, nothing works) is told once, at the end.
        if result.verdict in _LOUD and (result.requests or result.verdict is Verdict.ERROR):
            self._say(_line(result, self.console))
        if left == 0:
            self._say(Text(f"{result.wire}: {tally(counts)}"))
        elif time.monotonic() - self._told >= _QUIET:
            done = self._all.get(result.wire, 0) - left
            self._say(Text(f"{result.wire}: {done} of {self._all.get(result.wire, 0)} done"))

    def _say(self, line: Text) -> None:
        self._told = time.monotonic()
        # A pipe gets lines as they are, to be searched; a terminal gets them wrapped.
        self.console.print(line, soft_wrap=not self.console.is_terminal)


class Live:
    """A bar with what runs just now; what is not as it should be scrolls by above it."""

    def __init__(self, console: Console, planned: Sequence[tuple[Check, str]]) -> None:
        self.console = console
        self._lines = Lines(console, planned)
        spinner = "dots" if signs(console)["yes"] == "✔" else "line"
        self._progress = Progress(
            SpinnerColumn(spinner),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: TaskID = self._progress.add_task("", total=len(planned))

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, check: Check, wire: str) -> None:
        """Show what runs."""
        self._progress.update(self._task, description=f"{wire} {check.id}")

    def end(self, result: CheckResult) -> None:
        """Go one step on."""
        self._lines.end(result)
        self._progress.advance(self._task)


def progress_for(console: Console, planned: Sequence[tuple[Check, str]]) -> Lines | Live:
    """Return what suits the console."""
    live = console.is_terminal and not console.is_dumb_terminal
    return Live(console, planned) if live else Lines(console, planned)


def tally(counts: dict[Verdict, int]) -> str:
    """Return counts as words, those that are zero left out."""
    return ", ".join(f"{counts[verdict]} {word}" for verdict, word in VERDICTS.items() if counts.get(verdict))


def _line(result: CheckResult, console: Console) -> Text:
    line = Text.assemble((f"{result.verdict.upper():<12}", VERDICT_STYLES[result.verdict]))
    line.append(f" {result.wire:<11} {result.check}  ")
    line.append_text(safe(cut(one_line(result.message), 160), "dim"))
    if console.is_terminal:
        line.truncate(console.width, overflow="ellipsis")
    return line
