"""Both ways: every MUST has a check or says why not, and every check cites requirements that stand in the text."""

from __future__ import annotations

import json
from pathlib import Path

from segue_conformance.client_side.scenario import as_checks
from segue_conformance.registry import Catalogue

ROOT = Path(__file__).resolve().parents[2]
INDEX = json.loads((ROOT / "spec" / "1.0" / "requirements.json").read_text(encoding="utf-8"))["requirements"]


def cited() -> set[str]:
    return {requirement.id for check in [*Catalogue.load(), *as_checks()] for requirement in check.requirements}


def test_every_must_has_a_check_or_a_reason() -> None:
    known = cited()
    musts = [r for r in INDEX if r["keyword"].startswith("MUST")]
    bare = [r["id"] for r in musts if r["id"] not in known and not r.get("untested")]
    assert bare == [], "write a check, or say in the chapter why there is none: {untested: …}"


def test_no_reason_outlives_its_check() -> None:
    known = cited()
    stale = [r["id"] for r in INDEX if r.get("untested") and r["id"] in known]
    assert stale == [], "these have a check now: take the {untested: …} out of the chapter"


def test_the_catalogue_is_as_large_as_promised() -> None:
    profiles = {check.profile for check in Catalogue.load()}
    assert len(Catalogue.load()) >= 30
    assert {"core", "continuation", "isolated", "live"} <= profiles
