"""The page of figures says what was measured, and is fresh."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

TOOL = "tools/gen_bench_page.py"


def test_the_committed_page_is_a_fresh_generation(root: Path) -> None:
    done = subprocess.run([sys.executable, str(root / TOOL), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_goal_that_was_missed_is_told(root: Path, generator: ModuleType) -> None:
    told = json.loads((root / "bench" / "gateway.json").read_text(encoding="utf-8"))
    turn = told["turns"]["segue json sent"]
    for ratio, reached in ((1.5, "yes"), (1.51, "**no**")):
        turn["p50_of_smg"] = ratio
        assert f"JSON, sent | at most 1.5 | {ratio:.2f} | {reached} |" in generator.page(told)


def test_figures_of_a_part_of_the_run_make_a_page_too(root: Path, generator: ModuleType) -> None:
    told = json.loads((root / "bench" / "gateway.json").read_text(encoding="utf-8"))
    alone = {"about": told["about"], "sizes": told["sizes"]}
    page = generator.page(alone)
    assert "## Bytes" in page
    assert "## A turn" not in page
