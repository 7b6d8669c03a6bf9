"""Writes conformance/segue_conformance/costs.json from the reference endpoint's report; --check: would it change?

What each check took on each wire, requests and tokens, is what the estimate of a run is made from. The report is
docs/results/reference.json, which `./dev real --write` writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "results" / "reference.json"
COSTS = ROOT / "conformance" / "segue_conformance" / "costs.json"


def costs(report: dict[str, object]) -> str:
    """Return the text of costs.json: by wire and check, [requests, tokens]."""
    rows = report["results"]
    assert isinstance(rows, list)
    found: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        found.setdefault(row["wire"], {})[row["check"]] = [row["requests"], row.get("tokens", 0)]
    wires = [
        f"  {json.dumps(wire)}: {{\n"
        + ",\n".join(f"    {json.dumps(check)}: {json.dumps(cost)}" for check, cost in sorted(known.items()))
        + "\n  }"
        for wire, known in found.items()
    ]
    return "{\n" + ",\n".join(wires) + "\n}\n"


def main(words: list[str]) -> int:
    """Write the file, or compare it; returns the exit code."""
    fresh = costs(json.loads(REPORT.read_text(encoding="utf-8")))
    if words == ["--check"]:
        if COSTS.read_text(encoding="utf-8") == fresh:
            return 0
        print("costs.json is out of date: run tools/gen_costs.py", file=sys.stderr)
        return 1
    COSTS.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
