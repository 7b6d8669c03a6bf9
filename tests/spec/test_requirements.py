"""The requirements as a set: each stands once, in order, and the index is what the chapters say."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def requirements(generator: ModuleType) -> list:
    """All requirements; the parser itself refuses an unknown area or profile, two keywords, an id that stands twice."""
    return generator.parse_chapters()


def test_every_area_of_the_list_is_used(generator: ModuleType, requirements: list) -> None:
    assert {r.id.split("-")[1] for r in requirements} == set(generator.AREAS)


def test_every_profile_has_duties(generator: ModuleType, requirements: list) -> None:
    with_duties = {r.profile for r in requirements if r.keyword.startswith("MUST")}
    assert with_duties == set(generator.PROFILES)


# Ids keep their area when a chapter that grew too long is parted.
PARTED = {"TURN": {"turns.md", "resume.md", "lanes.md"}, "CONT": {"continuation.md", "bundles.md"}}


def test_an_area_stands_in_its_chapter_with_rising_ids(generator: ModuleType, chapters: dict[str, str]) -> None:
    homes: dict[str, set[str]] = {}
    for name, text in chapters.items():
        last: dict[str, str] = {}
        for requirement in generator.parse_chapter(name, text):
            area = requirement.id.split("-")[1]
            homes.setdefault(area, set()).add(name)
            assert last.get(area, "") < requirement.id, f"{name}: {requirement.id} stands behind {last[area]}"
            last[area] = requirement.id
    assert {area: names for area, names in homes.items() if len(names) > 1} == PARTED


def test_no_sentence_stands_twice(requirements: list) -> None:
    sentences = [r.text.lower() for r in requirements]
    assert [s for s in sentences if sentences.count(s) > 1] == []


def test_each_requirement_is_one_sentence_with_its_subject(requirements: list) -> None:
    for requirement in requirements:
        assert requirement.text.startswith(("An endpoint ", "A client ")), requirement.id
        assert requirement.text.endswith("."), requirement.id
        assert ". " not in requirement.text.replace("`. ", "` "), requirement.id


def test_rules_for_clients_have_a_scenario_or_a_reason(root: Path, requirements: list) -> None:
    of_clients = [r for r in requirements if r.text.startswith("A client ")]
    assert of_clients
    scenarios = root / "conformance" / "segue_conformance" / "client_side"
    cited = "".join(path.read_text(encoding="utf-8") for path in scenarios.rglob("*.py"))
    assert [r.id for r in of_clients if r.untested is None and r.id not in cited] == []


def test_rules_of_a_wire_are_binding_and_no_others(requirements: list) -> None:
    wires = {"WS", "HTTP", "OWS", "OHTTP", "CHAT", "ANTH", "EXT"}
    for requirement in requirements:
        assert (requirement.profile == "binding") == (requirement.id.split("-")[1] in wires), requirement.id


def test_every_requirement_has_a_section_to_link_to(requirements: list) -> None:
    assert [r.id for r in requirements if not r.anchor] == []


def test_the_index_is_fresh(root: Path, generator: ModuleType, requirements: list) -> None:
    committed = (root / "spec" / "1.0" / "requirements.json").read_text(encoding="utf-8")
    profiles = generator.profiles((root / "spec" / "1.0" / "profiles.md").read_text(encoding="utf-8"))
    assert committed == generator.index(requirements, profiles), "run tools/gen_requirements.py"
    document = json.loads(committed)
    assert document["profiles"] == profiles
    assert document["spec"] == "1.0"
    assert len(document["requirements"]) == len(requirements)
    assert not any("untested" in entry["text"] for entry in document["requirements"])


def test_the_citations_are_fresh(root: Path, generator: ModuleType, requirements: list) -> None:
    committed = (root / "spec" / "checks.json").read_text(encoding="utf-8")
    released = json.loads((root / "spec" / "released.json").read_text(encoding="utf-8"))
    assert committed == generator.citations(requirements, generator._catalogue(), released), (
        "run tools/gen_requirements.py"
    )
    assert sum(map(bool, json.loads(committed)["requirements"].values())) > 100


def test_the_index_says_what_profiles_need(root: Path, generator: ModuleType) -> None:
    profiles = generator.profiles((root / "spec" / "1.0" / "profiles.md").read_text(encoding="utf-8"))
    assert [*profiles, "binding"] == list(generator.PROFILES)
    assert profiles["concurrent"]["features"] == ["lanes", "cancel"]
    assert profiles["live"]["tiers"] == ["connection"]
    assert profiles["live"]["wires"] == ["segue-ws"]
    assert profiles["portable"]["extended"] == ["openai-ws", "openai-http"]
    assert set(profiles["core"]["wires"]) == {"segue-ws", "segue-http", "openai-http", "openai-ws", "chat", "anthropic"}


def test_the_suite_reaches_what_the_index_says(root: Path, generator: ModuleType) -> None:
    from segue_conformance.profiles import REACHABLE

    profiles = generator.profiles((root / "spec" / "1.0" / "profiles.md").read_text(encoding="utf-8"))
    for wire, reached in REACHABLE.items():
        plain = wire.removesuffix("+segue")
        more = "extended" if plain != wire else "wires"
        wanted = [name for name, needs in profiles.items() if plain in needs["wires"] or plain in needs[more]]
        assert sorted(reached) == sorted(wanted), wire
