"""Measures the gateway beside others: `python -m segue_bench.gateway`; see docs/bench.md for what came of it.

Figures are ratios of what was measured in one run, on one machine, in rounds of drawn order; the load of the machine
stands beside them. Gateways of others are measured where their environments are (`./dev bench` makes them).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import events, idle, sizes
from .targets import PINS, litellm, provider, segue, smg
from .turns import Case, Round, Target, measure, median_ratio, side_by_side

_PARTS = ("turns", "events", "idle", "sizes")
_ALL_MODES = ("json", "stream", "openai-ws", "segue-ws")


def main() -> None:
    """Measure what is asked for, print it, and write it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m segue_bench.gateway", description=__doc__)
    parser.add_argument("--part", action="append", choices=_PARTS, help="only this; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=150, help="turns of each case in a round")
    parser.add_argument("--deltas", type=int, default=50)
    parser.add_argument("--history", type=int, default=8_192, help="bytes of text")
    parser.add_argument("--at-once", type=int, default=8, help="conversations side by side")
    parser.add_argument("--gap-ms", type=float, default=0.0, help="time between the provider's events")
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--environments", type=Path, default=Path(".venvs"))
    parser.add_argument("--without", action="append", default=[], choices=tuple(PINS))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--profile", type=Path, help="where the profile of the gateway is written; turns only")
    asked = parser.parse_args()
    parts = asked.part or list(_PARTS)
    draw = random.Random(asked.seed)
    told: dict[str, Any] = {"about": _about(asked)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "turns" in parts:
            told["turns"] = asyncio.run(_turns(asked, folder, draw))
        if "events" in parts:
            found = events.measure(max(3, asked.rounds // 2), 12, folder, draw)
            told["events"] = {name: _spread(shares) for name, shares in found.items()}
            _print_spread("events per CPU second, as a share of a bare `websockets` server", told["events"])
        if "idle" in parts:
            told["idle"] = {
                name: {**_spread([one / other for one, other in pairs]), "bytes": round(pairs[0][0])}
                for name, pairs in idle.measure(max(1, asked.rounds // 3), asked.connections, draw).items()
            }
            _print_spread("memory of an idle connection, as a multiple of a bare uvicorn app", told["idle"])
        if "sizes" in parts:
            with provider(asked.deltas) as (upstream, _), segue(upstream, folder) as (url, _):
                told["sizes"] = asyncio.run(sizes.measure(url, asked.history))
            for wire, kinds in told["sizes"].items():
                print(f"  {wire:22}", *(f"{kind}: {up} up, {down} down;" for kind, (up, down) in kinds.items()))
    told["about"]["load_after"] = _load()
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def _about(asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "month": time.strftime("%Y-%m"),
        "versions": {name: version(name) for name in ("uvicorn", "websockets", "msgspec")},
        "beside": PINS,
        "rounds": asked.rounds,
        "turns": asked.turns,
        "deltas": asked.deltas,
        "history": asked.history,
        "at_once": asked.at_once,
        "connections": asked.connections,
        "gap_ms": asked.gap_ms,
        "load_before": _load(),
    }


def _load() -> float | None:
    with contextlib.suppress(OSError, AttributeError):
        return round(os.getloadavg()[0], 1)
    return None


async def _turns(asked: argparse.Namespace, folder: Path, draw: random.Random) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        upstream, process = stack.enter_context(provider(asked.deltas, asked.gap_ms))
        targets = [Target("provider", upstream, process, holds=False)]
        url, process = stack.enter_context(segue(upstream, folder, asked.profile))
        targets.append(Target("segue", url, process, _ALL_MODES))
        command = (asked.environments / "smg" / "bin" / "smg").absolute()
        if "smg" not in asked.without and command.exists():
            url, process = stack.enter_context(smg(command, upstream))
            targets.append(Target("smg", url, process))
        command = (asked.environments / "litellm" / "bin" / "litellm").absolute()
        if "litellm" not in asked.without and command.exists():
            url, process = stack.enter_context(litellm(command, upstream, folder))
            targets.append(Target("litellm", url, process, holds=False, pace=0.2))
        rounds: list[Round] = []
        many: list[dict[Case, float]] = []
        for number in range(asked.rounds):
            rounds.append(await measure(targets, asked.turns, asked.history, draw))
            many.append(await side_by_side(targets, asked.turns * 2, asked.history, asked.at_once, draw))
            print(f"round {number + 1} of {asked.rounds}, load {_load()}", flush=True)
    return _summary(rounds, many)


def _summary(rounds: Sequence[Round], many: Sequence[dict[Case, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    smg_of = {"json": "json", "stream": "stream", "openai-ws": "stream", "segue-ws": "stream"}
    print(f"{'':24} {'added p50':>10} {'p99':>8} {'CPU':>8} {'of smg p50':>11} {'p99':>6} {'turns/s':>9} {'of smg':>7}")
    for case in rounds[0].times:
        row: dict[str, Any] = {}
        if case.target == "provider":
            row["turn_ms"] = _ms(statistics.median(one.quantile(case, 0.5) for one in rounds))
        else:
            for name, share in (("p50", 0.5), ("p99", 0.99)):
                row[f"{name}_ms"] = _ms(statistics.median(one.added(case, share) for one in rounds))
                beside = Case("smg", smg_of[case.mode], case.held)
                if case.target != "smg" and beside in rounds[0].times:
                    pairs = [(one.added(case, share), one.added(beside, share)) for one in rounds]
                    row[f"{name}_of_smg"] = round(median_ratio(pairs), 2)
                    if name == "p50":
                        row["of_smg_each"] = [round(one / other, 2) for one, other in pairs]
            row["turns_per_second"] = round(statistics.median(one[case] for one in many))
            if case.target != "smg" and beside in many[0]:
                row["turns_of_smg"] = round(median_ratio([(one[case], one[beside]) for one in many]), 2)
        if all(case in one.cpu for one in rounds):
            row["cpu_ms"] = _ms(statistics.median(one.cpu[case] for one in rounds))
        found[case.name] = row
    for name in sorted(found):
        row = found[name]
        cells = [row.get(key, "") for key in ("p50_ms", "p99_ms", "cpu_ms", "p50_of_smg", "p99_of_smg")]
        more = [row.get(key, "") for key in ("turns_per_second", "turns_of_smg")]
        print("{:24} {:>10} {:>8} {:>8} {:>11} {:>6} {:>9} {:>7}".format(name, *cells, *more))
    return found


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {
        "median": round(statistics.median(values), 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
    }


def _print_spread(what: str, found: dict[str, dict[str, Any]]) -> None:
    print(what)
    for name, row in found.items():
        more = f"  {row['bytes']} bytes" if "bytes" in row else ""
        print(f"  {name:32} {row['median']:6.2f}  ({row['least']:.2f} to {row['most']:.2f}){more}")


if __name__ == "__main__":
    main()
