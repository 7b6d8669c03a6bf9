"""The command `segue check-client`: usage, reports, an agent that does not end, an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner, Result
from segue_conformance.client_side.cli import check_client
from segue_conformance.client_side.scenario import load
from segue_conformance.reports.json_report import schema
from segue_conformance.results import read

AGENT = Path(__file__).parent / "clients" / "agent.py"
COMMAND = [sys.executable, str(AGENT)]
RUN = "from segue_conformance.client_side.cli import check_client; check_client(prog_name='segue check-client')"


def command(*words: str) -> Result:
    return CliRunner().invoke(check_client, list(words), env={"NO_COLOR": "1", "COLUMNS": "160"})


def test_it_lists_its_scenarios() -> None:
    ran = command("--list")
    assert ran.exit_code == 0
    for cls in load():
        assert cls.id in ran.output
        assert cls.title() in ran.output
    assert "SHOULD" in ran.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name the agent's command"),
        (["--nonsense", "--", "true"], "No such option"),
        (["--only", "no_such_thing", "--", "true"], "matches no scenario"),
        (["--tool-arguments", "[1]", "--", "true"], "JSON object"),
        (["--tool-arguments", "{", "--", "true"], "no JSON"),
        (["--json", "-", "--junit", "-", "--", "true"], "same place"),
        (["--json", "/no/such/folder/report.json", "--", "true"], "no such folder"),
        (["--command", "true", "--", "true"], "not in both"),
        (["--command", "'"], "--command"),
    ],
)
def test_wrong_usage(words: list[str], told: str) -> None:
    ran = command(*words)
    assert ran.exit_code == 2
    assert told in ran.output


def test_a_command_that_is_none() -> None:
    ran = command("--", "no-such-command-of-anybody")
    assert ran.exit_code == 3
    assert "no-such-command-of-anybody: No such file" in ran.output


def test_reports(tmp_path: Path) -> None:
    words = ["--only", "client_task", "--only", "lost_parent", "--only", "upgrade", "--concurrency", "4"]
    outputs = [
        "--json",
        str(tmp_path / "r.json"),
        "--junit",
        str(tmp_path / "r.xml"),
        "--keep-output",
        str(tmp_path / "o"),
    ]
    ran = command(*words, *outputs, "--", *COMMAND, "--fault", "never_resends")
    assert ran.exit_code == 0, ran.output
    data = (tmp_path / "r.json").read_bytes()
    jsonschema.validate(json.loads(data), schema())
    report = read(data)
    assert report.target.role == "client"
    assert report.wires == ("openai-http",)
    by_id = {result.check: result for result in report.results}
    assert by_id["client_state.lost_parent"].verdict == "warn"
    assert by_id["client_state.lost_parent"].sentence.startswith("A client that holds the items SHOULD")
    assert by_id["client_socket.upgrade_426"].verdict == "skip"
    assert "openai-ws" in by_id["client_socket.upgrade_426"].message
    cases = {case.get("name"): case for case in ET.parse(tmp_path / "r.xml").getroot().iter("testcase")}
    assert cases["client_socket.upgrade_426"].find("skipped") is not None
    assert "gave up" in (tmp_path / "o" / "client_state.lost_parent.txt").read_text()
    assert "Recommendations not followed" in ran.output
    assert "times the least possible" in ran.output


def test_a_failure_shows_what_the_agent_printed_and_how_to_run_it_again() -> None:
    ran = command("--only", "unknown_events", "--", *COMMAND, "--fault", "chokes_on_unknown")
    assert ran.exit_code == 1
    assert "The agent's output in client_stream.unknown_events, its end" in ran.output
    assert "unknown event" in ran.output
    assert "The agent breaks requirements" in ran.output
    rerun = next(line for line in ran.output.splitlines() if "rerun" in line)
    assert f"--command '{sys.executable}" in rerun
    assert rerun.endswith("--wire openai-http --only client_stream.unknown_events")


def test_the_task_may_stand_in_the_command(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1].splitlines()[0])"
    ran = command(
        "--only", "client_task.whole", "--keep-output", str(tmp_path), "--", sys.executable, "-c", code, "{task}"
    )
    assert ran.exit_code == 5
    assert "asked nothing of the endpoint" in ran.output
    assert (tmp_path / "client_task.whole.txt").read_text().startswith("Remember this word: ")


def test_a_tool_that_may_do_harm_is_not_called(tmp_path: Path) -> None:
    text = (AGENT.parent / "wires.py").read_text()
    (tmp_path / "wires.py").write_text(
        text.replace('"tools": [tool]', '"tools": [tool | {"name": "rm"}, tool | {"name": "dd"}]')
    )
    (tmp_path / "agent.py").write_text(AGENT.read_text())
    ran = command("--only", "client_task.whole", "--", sys.executable, str(tmp_path / "agent.py"))
    assert "The model called no tool: it offered several tools; name a harmless one with --tool." in ran.output
    ran = command("--only", "client_task.whole", "--tool", "rm", "--", sys.executable, str(tmp_path / "agent.py"))
    assert "The model called no tool" not in ran.output
    assert "client_task.whole: 5 turns." in ran.output


def test_one_process_for_all_scenarios(tmp_path: Path) -> None:
    only = ["--only", "client_task", "--only", "server_error", "--only", "lost_parent", "--only", "for_ever"]
    kept = str(tmp_path / "r.json")
    ran = command(
        *only, "--one-process", "--json", kept, "--", *COMMAND, "--one-process", "--fault", "error_is_success"
    )
    found = {result.check: result for result in read(Path(kept).read_bytes()).results}
    assert found["client_task.whole"].verdict == "pass", ran.output
    # sys.exit in the middle of a task ends the process: it is started anew for the next.
    assert found["client_errors.server_error"].verdict == "pass"
    assert "exit code 1" in ran.output
    ran = command(*only, "--one-process", "--json", kept, "--", *COMMAND, "--one-process")
    found = {result.check: result for result in read(Path(kept).read_bytes()).results}
    assert [r.check for r in found.values() if r.verdict not in ("pass", "skip")] == []
    assert found["client_state.lost_parent"].verdict == "pass"


def test_one_process_that_hangs_is_started_anew() -> None:
    code = "import sys\nfor line in sys.stdin:\n    print('heard', flush=True)\n    sys.stdin.readline()\n"
    ran = command("--only", "client_task.whole", "--timeout", "1", "--one-process", "--", sys.executable, "-c", code)
    assert ran.exit_code == 1
    assert "the agent hangs" in ran.output
    assert "heard" in ran.output


def test_an_agent_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    kept = tmp_path / "pid"
    began = time.monotonic()
    ran = command("--only", "client_task.whole", "--timeout", "2", "--", sys.executable, "-c", code, str(kept))
    assert time.monotonic() - began < 15
    assert ran.exit_code == 1, ran.output
    assert "the agent hangs" in ran.output
    child = int(kept.read_text())
    until = time.monotonic() + 5
    while _runs(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_ctrl_c_prints_the_report_so_far(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RUN, "--only", "client_task.whole", "--only", "client_errors.retry_after"]
    words += ["--only", "client_stream.slow", "--json", str(tmp_path / "r.json"), "--", *COMMAND]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "pass client_task.whole" in line:
            break
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=20)
    assert process.returncode == 5, told
    report = read((tmp_path / "r.json").read_bytes())
    assert report.interrupted
    assert {result.check: result.verdict for result in report.results}["client_task.whole"] == "pass"
    assert "interrupted" in told.lower()
    assert "Traceback" not in told
