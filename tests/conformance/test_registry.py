"""A mistake in a check's head stops the suite at import."""

from __future__ import annotations

import pytest
from segue_conformance.registry import WIRES, Catalogue, RegistrationError


def head(arguments: str, *, doc: str = '"""Title."""', name: str = "test_one", kind: str = "async def") -> str:
    return f"@check({arguments})\n{kind} {name}(subject):\n    {doc}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (head('"SEG-NOPE-001", profile="core"'), "no such requirement: SEG-NOPE-001"),
        (head('profile="core"'), "at least one requirement"),
        (head('"SEG-MSG-001", profile="cor"'), "no such profile: cor"),
        (head('"SEG-MSG-001", profile="core", wires={"smoke"}'), "no such wire: smoke"),
        (head('"SEG-MSG-001", profile="core", wires=[]'), "no such wire: none given"),
        (head('"SEG-MSG-001", profile="core"', doc="pass"), "needs a docstring"),
        (head('"SEG-MSG-001", profile="core"', kind="def"), "async function"),
        (head('"SEG-MSG-001", profile="core"', name="look"), "a function test_"),
        (head('"SEG-MSG-001", profile="core"') * 2, "stands in this file twice"),
    ],
)
def test_a_wrong_head_is_loud(bench, text, words):
    bench.write("test_bad.py", text)
    with pytest.raises(RegistrationError, match=words) as error:
        bench.catalogue()
    assert "test_bad.py:" in str(error.value)


def test_one_id_in_two_places_is_loud(bench, tmp_path):
    bench.write("test_a.py", head('"SEG-MSG-001", profile="core"'))
    first = bench.catalogue()
    other = type(bench)(tmp_path / "more_checks")
    other.write("test_a.py", "# elsewhere\n" + head('"SEG-MSG-002", profile="core"'))
    with pytest.raises(RegistrationError, match=r"two checks bear the id a\.one"):
        Catalogue([*first, *other.catalogue()])


def test_what_a_check_is(bench):
    bench.write(
        "test_handles.py",
        head('"SEG-CONT-010", "SEG-MSG-001", profile="continuation"', doc='"""It works.\n\n    More."""'),
    )
    (check,) = bench.catalogue()
    assert check.id == "handles.one"
    assert check.title == "It works"
    assert [requirement.id for requirement in check.requirements] == ["SEG-CONT-010", "SEG-MSG-001"]
    assert check.wires == set(WIRES)
    assert check.strict
    assert check.needs_turn


def test_a_binding_belongs_to_core(bench):
    bench.write("test_wire.py", head('"SEG-MSG-001", profile="binding", wires="segue-ws"'))
    (check,) = bench.catalogue()
    assert check.profile == "core"
    assert check.wires == {"segue-ws", "openai-ws+segue"}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("handles.one", True),
        ("handles.*", True),
        ("andle", True),
        ("SEG-CONT-010", True),
        ("seg-cont-010", True),
        ("SEG-CONT-01", False),
        ("handles.two", False),
        ("*.two", False),
    ],
)
def test_patterns(bench, pattern, matches):
    bench.write("test_handles.py", head('"SEG-CONT-010", profile="continuation"'))
    (check,) = bench.catalogue()
    assert check.matches(pattern) is matches


def test_the_suite_own_catalogue_loads():
    catalogue = Catalogue.load()
    assert "turns.plain_turn" in catalogue
    assert len(catalogue) >= 30
    for profile in ("core", "continuation", "isolated", "live"):
        assert any(check.profile == profile for check in catalogue), profile
    assert not catalogue["turns.plain_turn"].needs_turn
