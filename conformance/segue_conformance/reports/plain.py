"""A result as lines of plain text: for JUnit, for pytest, for whatever has neither colours nor a page."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import CheckResult
from .decisive import Story, line, story
from .evidence import joined
from .steps import Step
from .wording import ARROWS, clean, one_line, prose

__all__ = ["plain_block"]


def plain_block(result: CheckResult, *, width: int = 160, recording: str = "") -> list[str]:
    """Return a result that is not passed as lines: the rule, what was expected, what came, the frames that decided.

    `recording`: the file of the transcript, where there is one.
    """
    lines = [f"{result.verdict.upper()} {result.check} [{result.wire}]: {one_line(result.message)}"]
    lines.append(f"  {result.keyword} {result.requirement}: {prose(result.sentence)}")
    if result.expected or result.actual:
        lines.append(f"  expected: {one_line(result.expected)}")
        lines.append(f"  actual:   {one_line(result.actual)}")
    told = story(result)
    lines += _frames(told, told.steps, width)
    if result.control:
        lines.append(f"  control arm: {one_line(result.control)}")
    lines += _frames(told, told.control, width)
    return [*lines, f"  transcript: {one_line(recording)}"] if recording else lines


def _frames(told: Story, shown: Sequence[Step], width: int) -> list[str]:
    lines = []
    for step in shown:
        head = f"  {step.at_ms / 1000:7.3f}s {ARROWS.get(step.direction, '--')} "
        if step.connection:
            head += f"{one_line(step.connection)} "
        lines.append(head + clean(joined(line(step, max(40, width - len(head)), told.clues)), keep=""))
    return lines
