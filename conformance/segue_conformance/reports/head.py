"""What is said before a run: what was found, and what will run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from segue_schemas import models

from ..estimate import Estimate
from ..quick import QUICK, UNSEEN
from ..registry import PROFILES, Check
from ..results import Target
from .console import safe
from .wording import one_line

__all__ = ["print_head", "print_plan"]

_FOUND = {"discovery document": "found by its discovery document", "probing": "found by probing"}


def print_head(
    console: Console,
    *,
    suite: str,
    spec: str,
    target: Target,
    work: Sequence[tuple[Check, str]],
    cost: Estimate | None = None,
    document: models.Discovery | None = None,
    quick: bool = False,
) -> None:
    """Say what was found and what will run: `work` is checks with their wires, `cost` about how much they ask for."""
    console.print(Text.assemble(("Segue conformance suite ", "bold"), f"{suite}, specification {spec} (draft)"))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    rows.add_row("  target", safe(target.url))
    if target.endpoint:
        rows.add_row("  endpoint", safe(one_line(target.endpoint)))
    found = _FOUND.get(target.found_by, target.found_by)
    rows.add_row("  wires", f"{', '.join(wire.wire for wire in target.wires)} ({found})")
    if target.model:
        rows.add_row("  model", safe(one_line(target.model)))
    if document is None:
        rows.add_row("  offers", Text("nothing is declared: there is no discovery document", "dim"))
    else:
        rows.add_row("  offers", safe(_offers(document)))
        rows.add_row("  limits", safe(_limits(document)))
    rows.add_row("  will run", _will_run(target, work, cost))
    if quick:
        rows.add_row("  quick", Text(f"a quick look of {len(QUICK)} checks: it reaches no profile", "bold yellow"))
        rows.add_row("", Text(f"Not looked at: {UNSEEN}.", "dim"))
    console.print(rows)
    console.print()


def print_plan(console: Console, work: Sequence[tuple[Check, str]], *, second_key: bool) -> None:
    """Say of a dry run which checks would run on which wire, by profile."""
    wires = list(dict.fromkeys(wire for _, wire in work))
    for profile in PROFILES:
        mine: dict[str, list[str]] = {}
        for check, wire in work:
            if check.profile == profile:
                mine.setdefault(check.id, []).append(wire)
        if not mine:
            continue
        keyless = " (not without --second-api-key-env)" if profile == "isolated" and not second_key else ""
        console.print(Text.assemble((f"{profile} ({len(mine)})", "bold"), (keyless, "yellow")))
        for id, told in mine.items():
            on = "" if len(told) == len(wires) else f"  on {', '.join(told)}"
            console.print(Text.assemble(f"  {id}", (on, "dim")))
    console.print()
    console.print(Text("No turn was sent: this is a dry run.", "bold"))


def _will_run(target: Target, work: Sequence[tuple[Check, str]], cost: Estimate | None) -> Text:
    checks, wires = len({check.id for check, _ in work}), len(target.wires)
    told = Text(f"{checks} check" + ("" if checks == 1 else "s"))
    if wires > 1:
        told.append(f" on {wires} wires, {len(work)} runs")
    if cost is not None:
        told.append(f": {cost}")
    return told


def _offers(document: models.Discovery) -> str:
    offered = document.capabilities
    features = ", ".join(offered.features) or "no features"
    return one_line(
        f"retention {', '.join(offered.retention) or 'none'}; {features}; "
        f"model input {offered.model_input}; principal {offered.principal}"
    )


def _limits(document: models.Discovery) -> str:
    told = msgspec.to_builtins(document.limits)
    return one_line(", ".join(f"{name} {value}" for name, value in told.items()))
