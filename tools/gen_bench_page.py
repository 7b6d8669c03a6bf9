"""Writes docs/bench.md from bench/gateway.json, from ./dev bench gateway --write; --check: would it change?"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "bench" / "gateway.json"
PAGE = ROOT / "docs" / "bench.md"

WIRES = {
    "json": "OpenAI Responses, JSON",
    "stream": "OpenAI Responses, streamed",
    "openai-ws": "OpenAI Responses over WebSocket",
    "segue-ws": "Segue over WebSocket",
}
NAMES = {"segue": "Segue", "smg": "smg", "litellm": "litellm"}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown; numbers stand to the right."""
    marks = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, marks, *rows))


def goals(told: dict[str, Any]) -> list[list[str]]:
    """Return what was wanted, what came of it, and whether that is enough."""
    turns: dict[str, dict[str, Any]] = told.get("turns", {})
    rows: list[list[str]] = []

    def row(what: str, wanted: str, found: float | None, reached: bool) -> None:
        if found is not None:
            rows.append([what, wanted, f"{found:.2f}", "yes" if reached else "**no**"])

    for mode, most in (("json", 1.5), ("stream", 1.0), ("openai-ws", 1.0), ("segue-ws", 1.0)):
        for where in ("sent", "held"):
            found = turns.get(f"segue {mode} {where}", {}).get("p50_of_smg")
            what = (
                f"a turn's added time beside smg's{'' if mode == 'json' else ' streamed one'}: {WIRES[mode]}, {where}"
            )
            row(what, f"at most {most}", found, found is not None and found <= most)
    streamed, beside = turns.get("segue stream sent"), turns.get("litellm stream sent")
    if streamed and beside:
        share = streamed["p50_ms"] / beside["p50_ms"]
        row("a streamed turn's added time beside litellm's", "below 0.1", share, share < 0.1)
    for mode in WIRES:
        for where in ("sent", "held"):
            found = turns.get(f"segue {mode} {where}", {}).get("turns_of_smg")
            what = f"turns per second of {told['about']['at_once']} conversations beside smg: {WIRES[mode]}, {where}"
            row(what, "at least 0.7", found, found is not None and found >= 0.7)
    for name, spread in told.get("events", {}).items():
        what = f"events per CPU second beside a bare `websockets` server: {name}"
        row(what, "at least 0.8", spread["median"], spread["median"] >= 0.8)
    for name, spread in told.get("idle", {}).items():
        what = f"memory of an idle connection beside a bare uvicorn app: {name}"
        row(what, "at most 1.3", spread["median"], spread["median"] <= 1.3)
    return rows


def prose(text: str) -> str:
    """Return a paragraph, its lines broken anew."""
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def page(told: dict[str, Any]) -> str:
    """Return the page."""
    about = told["about"]
    beside = " and ".join(f"`{pin}`" for pin in about["beside"].values())
    versions = ", ".join(f"{name} {number}" for name, number in sorted(about["versions"].items()))
    intro = """What `segue serve` adds to a turn in front of a provider, beside other gateways on the same machine.
        Every figure is of one run; what counts is the ratios, since seconds of two machines are not compared."""
    conditions = f"""Python {about["python"]} on {about["cores"]} cores, {about["month"]}; {versions}; beside {beside}
        from PyPI, each in an environment of its own. {about["rounds"]} rounds of {about["turns"]} turns for each
        case, their order drawn anew in each round, {about["history"]:,} bytes of history, {about["deltas"]} deltas,
        the store in SQLite. The load of the machine was {about["load_before"]} before and {about["load_after"]}
        after."""
    parts = [
        "# What the gateway costs\n\n<!-- Written by tools/gen_bench_page.py from bench/gateway.json. -->",
        prose(intro),
        "```sh\n./dev bench gateway --write\n```",
        prose(conditions),
        "## Wanted and found",
        table(["what", "wanted", "found", "reached"], goals(told)),
    ]
    if "turns" in told:
        text = """The client asks a provider that answers at once from prepared bytes, by way of a gateway and without
            one. What the gateway *adds* is the difference: at the middle (p50) and the tail (p99) of the turns of a
            round, the median of the rounds. *Sent*: the whole history comes with each turn. *Held*: the gateway holds
            it and the turn names its parent; litellm holds none. *CPU* is what the gateway's process used for a turn.
            A WebSocket turn is held against the provider's streamed one, and against smg's, which serves no
            WebSocket."""
        parts += ["## A turn", prose(text), _turns(told["turns"], about["at_once"])]
    if "events" in told:
        text = """Events per second of CPU from an engine in the process to one client over a WebSocket, recorded in
            the store before they go out, as a share of what a bare `websockets` server reaches that sends the same
            frames and does nothing else. *At once*: the engine has a thousand deltas ready; *one by one*: each comes
            behind a turn of the event loop."""
        parts += ["## Events", prose(text), _spreads(told["events"], "share")]
    if "idle" in told:
        text = f"""Memory for each of {about["connections"]:,} idle connections, as a multiple of a bare uvicorn app
            with the same settings of compression that accepts and waits."""
        parts += ["## Idle connections", prose(text), _spreads(told["idle"], "multiple")]
    if "sizes" in told:
        rows = [
            [wire, *(f"{n:,}" for kind in ("sent", "held") for n in kinds.get(kind, ()))] + ["–"] * (4 - 2 * len(kinds))
            for wire, kinds in told["sizes"].items()
        ]
        head = ["wire", "sent: up", "down", "held: up", "down"]
        parts += ["## Bytes", "Bytes of one turn through the socket, heads and frames included.", table(head, rows)]
    return "\n\n".join(parts) + "\n"


def _turns(turns: dict[str, dict[str, Any]], at_once: int) -> str:
    rows = []
    for mode, wire in WIRES.items():
        for where in ("sent", "held"):
            for target, name in NAMES.items():
                found = turns.get(f"{target} {mode} {where}")
                if found:
                    cells = (
                        "p50_ms",
                        "p50_of_smg",
                        "p99_ms",
                        "p99_of_smg",
                        "cpu_ms",
                        "turns_per_second",
                        "turns_of_smg",
                    )
                    rows.append([f"{name}: {wire}, {where}", *(_cell(found.get(cell)) for cell in cells)])
    head = ["", "adds, p50, ms", "of smg", "p99, ms", "of smg", "CPU, ms", f"turns/s, {at_once} at once", "of smg"]
    return table(head, rows)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def _spreads(found: dict[str, dict[str, Any]], what: str) -> str:
    rows = [[name, *(f"{row[key]:.2f}" for key in ("median", "least", "most"))] for name, row in found.items()]
    return table(["", f"{what}, median", "least", "most"], rows)


def main(words: list[str]) -> int:
    """Write the page, or compare it; returns the exit code."""
    fresh = page(json.loads(FIGURES.read_text(encoding="utf-8")))
    if words == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == fresh:
            return 0
        print("docs/bench.md is out of date: run tools/gen_bench_page.py", file=sys.stderr)
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
