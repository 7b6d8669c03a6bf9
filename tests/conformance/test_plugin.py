"""The checks under plain pytest, with somebody's own options; in every other project the plugin costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

Pytest = Callable[..., "Ran"]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str


@pytest.fixture
def plain(tmp_path: Path) -> Pytest:
    """Run pytest in a folder of its own, with our plugin as an installed one."""

    def run(*words: str, env: dict[str, str] | None = None) -> Ran:
        installed = any(entry.name == "segue" for entry in metadata.entry_points(group="pytest11"))
        more = [] if installed else ["-p", "segue_conformance.plugin"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-rA", *more, *words],
            cwd=tmp_path, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout + done.stderr)

    return run


CHECKS = ("--pyargs", "segue_conformance.checks")


def test_options_of_one_own(plain, server, tmp_path):
    url = f"http://127.0.0.1:{server('mock')}/v1"
    ran = plain(
        *CHECKS, "--segue-url", url, "--segue-wire", "openai-http", "--segue-timeout", "2",
        "-k", "plain_turn or unknown_parent_refused or warm_up or open_responses_members or parents_context",
        "--junit-xml", "x.xml", "-v",
    )  # fmt: skip
    assert ran.code == 1, ran.out
    assert "test_turns.py::test_plain_turn[openai-http] PASSED" in ran.out
    assert "test_continuation.py::test_unknown_parent_refused[openai-http] FAILED" in ran.out
    assert "FAIL continuation.unknown_parent_refused [openai-http]" in ran.out
    assert "MUST SEG-CONT-010" in ran.out
    assert "test_open_responses_members[openai-http] PASSED" in ran.out
    assert "SegueWarning" in ran.out
    assert "SKIPPED" in ran.out
    assert (tmp_path / "x.xml").exists()


def test_what_nobody_could_judge_is_not_green(plain, server):
    url = f"http://127.0.0.1:{server('drops_in_turn')}/v1"
    ran = plain(*CHECKS, "--segue-url", url, "--segue-wire", "openai-http", "-k", "unknown_parent_refused", "-v")
    assert ran.code == 1, ran.out
    assert "UNTESTABLE continuation.unknown_parent_refused" in ran.out


def test_a_budget(plain, server):
    url = f"http://127.0.0.1:{server('mock')}/v1"
    words = ["--segue-url", url, "--segue-wire", "openai-http", "--segue-max-requests", "1"]
    ran = plain(*CHECKS, *words, "-k", "plain_turn or fork", "-v")
    assert ran.code == 1, ran.out
    assert "INCONCLUSIVE continuation.fork" in ran.out
    assert "out of budget" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "need a target"),
        (["--segue-url", "http://127.0.0.1:1/v1"], "refused"),
        (["--segue-url", "http://x.test", "--segue-wire", "smoke"], "no such wire: smoke"),
        (["--segue-url", "http://x.test", "--segue-api-key-env", "SEGUE_TEST_UNSET"], "SEGUE_TEST_UNSET is not set"),
    ],
)
def test_wrong_usage(plain, words, said):
    ran = plain(*CHECKS, *words)
    assert ran.code == pytest.ExitCode.USAGE_ERROR, ran.out
    assert said in ran.out
    assert "INTERNALERROR" not in ran.out


OWN_TESTS = """
import pytest

async def test_mine(subject):
    async with subject.open() as client:
        outcome = await client.turn("Say hello.")
    assert outcome.text == "OK"

def test_plain_function(subject):
    assert subject.wire == "openai-http"

def test_another():
    pass
"""


def test_the_fixture_serves_tests_of_ones_own(plain, server, tmp_path):
    (tmp_path / "test_mine.py").write_text(OWN_TESTS)
    url = f"http://127.0.0.1:{server('mock')}/v1"
    ran = plain("test_mine.py", "--segue-url", url, "-v")
    assert ran.code == 0, ran.out
    assert "3 passed" in ran.out


def test_another_project_does_not_feel_the_plugin(plain, tmp_path):
    (tmp_path / "test_x.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    ours = [m for m in sys.modules if m.startswith('segue')]\n"
        "    assert set(ours) <= {'segue_conformance', 'segue_conformance.plugin'}, ours\n"
        "def test_no_fixture_of_ours(request):\n"
        "    import pytest\n"
        "    with pytest.raises(pytest.FixtureLookupError):\n"
        "        request.getfixturevalue('subject')\n"
    )
    ran = plain("test_x.py")
    assert ran.code == 0, ran.out
    assert "2 passed" in ran.out
