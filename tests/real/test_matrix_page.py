"""The page of results is made from the committed reports and from nothing else; it needs no software of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import committed
import pytest
from segue_conformance.results import read

ROOT = Path(__file__).parents[2]
REPORTS = sorted(committed.RESULTS.glob("*.json"))


def test_page_is_fresh(tmp_path):
    page = tmp_path / "matrix.md"
    subprocess.run(
        ["sh", ROOT / "tools" / "real.sh", "--matrix", page],
        env={**os.environ, "SEGUE_PYTHON": sys.executable},
        check=True,
        timeout=60,
    )
    assert page.read_text(encoding="utf-8") == (ROOT / "docs" / "matrix.md").read_text(encoding="utf-8")


def test_there_is_a_report_of_each_target():
    assert [path.stem for path in REPORTS] == ["aimock-gateway", "aimock-stateless", "aimock", "reference", "smg"]


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_report_is_one(path):
    report = read(path.read_bytes())
    assert report.results
    # A target with faults was judged against its baseline, where each has its reason: what is left is nothing new.
    assert report.exit_code == 0
    assert (report.baseline is not None) == (path.stem != "reference")


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_report_holds_no_key(path):
    text = path.read_text(encoding="utf-8")
    assert "key-of-the-real-runs" not in text
    assert "Bearer " not in text


def test_essence_is_what_stays():
    first = {"at": "http://127.0.0.1:4321/v1", "seen": "'walnut-4821' of resp_0123456789ab", "duration_ms": 3}
    second = {"at": "http://127.0.0.1:9876/v1", "seen": "'cobalt-1717' of resp_ba9876543210", "duration_ms": 9}
    other = {**second, "seen": "nothing"}
    assert committed.essence(first) == committed.essence(second)
    assert committed.essence(first) != committed.essence(other)
