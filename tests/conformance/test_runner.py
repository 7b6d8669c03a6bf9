"""A run is the same in every folder, and whatever is wrong with the suite is told as such."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from segue_conformance.runner import SuiteFault
from segue_conformance.verdicts import Verdict

CHECKS = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    print("a check may print")
    subject.spend()

@check("SEG-MSG-002", profile="core")
async def test_bad(subject):
    """Something fails."""
    raise Deviation("it is bad", expected="a", actual="b")

@check("SEG-MSG-003", profile="core")
async def test_last(subject):
    """Something works."""
'''

HOSTILE = """
import pytest
raise RuntimeError("a foreign conftest was read")
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose every file wants to change the run."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "conftest.py").write_text(HOSTILE)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -x --foo --maxfail=1\nminversion = 99\n")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--foo'\n")
    (folder / "tox.ini").write_text("[pytest]\naddopts = --foo\n")
    for name in ("segue_conformance.py", "rich.py", "test_turns.py", "segue_gateway.py"):
        (folder / name).write_text("raise RuntimeError('a foreign module was read')\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--foo -x")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    return folder


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_hostile_folder_changes_nothing(bench, hostile, capsys):
    bench.write("test_turns.py", CHECKS)
    before = listing(hostile)
    report = bench.run()
    assert [result.verdict for result in report.results] == ["pass", "fail", "pass"]
    assert listing(hostile) == before
    assert os.environ["PYTEST_ADDOPTS"] == "--foo -x"
    assert os.environ["PYTEST_PLUGINS"] == "no_such_plugin"
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ
    assert capsys.readouterr() == ("", "")


def test_a_read_only_folder_is_enough(bench, tmp_path, monkeypatch):
    bench.write("test_turns.py", CHECKS)
    folder = tmp_path / "closed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.chmod(0o555)
    try:
        report = bench.run()
    finally:
        folder.chmod(0o755)
    assert len(report.results) == 3
    assert not listing(folder)


def test_a_conftest_beside_the_checks_is_not_read_either(bench):
    bench.write("test_turns.py", CHECKS)
    (bench.folder / "conftest.py").write_text(HOSTILE)
    (bench.folder / "pytest.ini").write_text("[pytest]\naddopts = --foo\n")
    assert len(bench.run().results) == 3


def test_checks_that_can_not_be_read_are_a_fault_of_the_suite(bench):
    bench.write("test_turns.py", CHECKS)
    catalogue = bench.catalogue()
    bench.write("test_broken.py", "import no_such_module_at_all\n")
    bench.catalogue = lambda: catalogue
    with pytest.raises(SuiteFault) as error:
        bench.run()
    assert "no_such_module_at_all" in error.value.details


def test_a_check_that_is_not_collected_is_an_error_not_a_pass(bench):
    bench.write("test_turns.py", CHECKS)
    catalogue = bench.catalogue()
    bench.write("test_turns.py", CHECKS.partition('@check("SEG-MSG-003"')[0])
    bench.catalogue = lambda: catalogue
    report = bench.run()
    (missing,) = report.of(Verdict.ERROR)
    assert (missing.check, missing.message) == ("turns.last", "the check was planned and did not run")
    assert report.exit_code == 4


def test_wires_come_one_after_the_other(bench):
    bench.wires = ("segue-http", "openai-http")
    bench.write("test_turns.py", CHECKS)
    report = bench.run()
    assert [subject.wire for subject in bench.subjects] == ["segue-http"] * 3 + ["openai-http"] * 3
    assert report.wires == ("segue-http", "openai-http")


def test_a_check_for_one_wire_does_not_show_on_others(bench):
    bench.wires = ("segue-http", "openai-http")
    bench.write(
        "test_turns.py",
        CHECKS.replace('"SEG-MSG-003", profile="core"', '"SEG-MSG-003", profile="core", wires="segue-http"'),
    )
    report = bench.run()
    assert [result.wire for result in report.results if result.check == "turns.last"] == ["segue-http"]


def test_profiles_bring_core_along(bench):
    bench.write("test_turns.py", CHECKS.replace('"SEG-MSG-003", profile="core"', '"SEG-LIVE-001", profile="live"'))
    report = bench.run(profiles=["continuation"])
    assert [result.check for result in report.results] == ["turns.plain_turn", "turns.bad"]


def test_progress_hears_everything(bench):
    heard = []

    class Ear:
        def begin(self, check, wire):
            heard.append(("begin", check.id, wire))

        def end(self, result):
            heard.append(("end", result.check, result.wire))

    bench.write("test_turns.py", CHECKS)
    bench.run(progress=Ear())
    ids = ["turns.plain_turn", "turns.bad", "turns.last"]
    assert heard == [(what, id, "openai-ws") for id in ids for what in ("begin", "end")]
