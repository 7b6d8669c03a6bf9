"""`segue check --list`: the checks, by profile, and what each proves."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from .arguments import Arguments
from .registry import EVERY_WIRE, PROFILES, WIRES, Check

__all__ = ["print_list"]


def print_list(console: Console, checks: Sequence[Check], arguments: Arguments) -> None:
    """Print checks with their requirements, those of the wires that were asked for."""
    wires = arguments.wires or EVERY_WIRE
    shown = [check for check in checks if check.wires & set(wires)]
    for profile in PROFILES:
        mine = [check for check in shown if check.profile == profile]
        if mine:
            console.print(Text(f"{profile} ({len(mine)})", "bold"))
        for check in mine:
            console.print(Padding(_heading(check), (0, 0, 0, 2), expand=False))
            console.print(Padding(Text(check.title), (0, 0, 0, 4), expand=False))
    requirements = {requirement.id for check in shown for requirement in check.requirements}
    plural = "" if len(shown) == 1 else "s"
    console.print(Text(f"{len(shown)} check{plural} of {len(requirements)} requirements", "dim"))


def _heading(check: Check) -> Text:
    heading = Text(check.id, "bold")
    heading.append(f"  {' '.join(requirement.id for requirement in check.requirements)}", "dim")
    if not check.strict:
        heading.append("  SHOULD", "yellow")
    if check.wires != frozenset(WIRES):
        heading.append(f"  on {', '.join(wire for wire in EVERY_WIRE if wire in check.wires)}", "dim")
    if check.needs_second_key:
        heading.append("  needs a second key", "dim")
    return heading
