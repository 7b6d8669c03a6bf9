"""The real command against servers that behave badly: one clear sentence, the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from segue_conformance.reports.json_report import schema

QUICK = ("--timeout", "1")


def told(ran, code: int, *words: str) -> None:
    assert ran.code == code, ran.all
    assert "Traceback" not in ran.all
    for word in words:
        assert word in ran.all, ran.all


# -- usage: 2, before anything is sent


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--foo"], "No such option"),
        (["http://x.test", "--wire", "smoke"], "smoke"),
        (["http://x.test", "--profile", "best"], "best"),
        (["http://x.test", "--only", "no.such.check"], "matches no check"),
        (
            ["http://x.test", "--only", "continuation.unknown_paren_refused"],
            "did you mean continuation.unknown_parent_refused",
        ),
        (["http://x.test", "--only", "SEG-NOPE-001"], "matches no check"),
        (["http://x.test", "--api-key-env", "SEGUE_TEST_UNSET"], "SEGUE_TEST_UNSET is not set"),
        (["http://x.test", "--second-api-key-env", "SEGUE_TEST_UNSET"], "SEGUE_TEST_UNSET is not set"),
        (["http://x.test", "--json", "no/such/folder/x.json"], "can't write"),
        (["http://x.test", "--junit", "."], "can't write"),
        (["http://x.test", "--json", "-", "--junit", "-"], "same place"),
        (["http://x.test", "--header", "no colon"], "'Name: value'"),
        (["http://x.test", "--header", "a: b\nc: d"], "plain ASCII on one line"),
        (["http://x.test", "--timeout", "0"], "timeout"),
        (["http://x.test", "--max-requests", "0"], "max-requests"),
        (["http://x.test", "--profile", "isolated"], "--second-api-key-env"),
        (["http://x.test", "--profile", "live", "--wire", "openai-http"], "can't be reached on openai-http"),
        (["localhost:8000"], "did you mean http://localhost:8000"),
        (["ftp://x.test"], "no URL of an endpoint"),
        (["http://x.test:99999"], "no URL"),
        (["http://[::1"], "no URL"),
        (["segue+ws://x.test", "--wire", "openai-http"], "segue-ws"),
        (["--api-key-env", "HOME"], "give its URL"),
        (["http://x.test", "http://y.test"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(check, words, said):
    told(check(*words), 2, said)


def test_wrong_usage_of_the_real_command(segue):
    told(segue("check", "--foo"), 2, "No such option")
    told(segue("check", "http://x.test", "--only", "turns.plain_trun"), 2, "did you mean turns.plain_turn")


def test_the_second_key_is_another(check):
    env = {"SEGUE_TEST_KEY": "k" * 20}
    names = ["--api-key-env", "SEGUE_TEST_KEY", "--second-api-key-env", "SEGUE_TEST_KEY"]
    told(check("http://x.test", *names, env=env), 2, "two principals")


def test_what_is_checked_for_writing_is_left_as_it_was(check, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text("kept")
    told(check("http://x.test", "--json", "kept.json", "--junit", "new.xml", "--only", "no.such"), 2)
    assert kept.read_text() == "kept"
    assert not (tmp_path / "new.xml").exists()


# -- nobody there: 3


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("wire", [None, "openai-http", "openai-ws", "segue-ws", "segue-http"])
def test_refused_port(check, wire):
    words = ["--wire", wire] if wire else []
    ran = check(f"http://127.0.0.1:{free_port()}/v1", *QUICK, *words)
    told(ran, 3, "the connection was refused", "nothing listens on that port", "exit code 3")


def test_no_such_host(segue):
    told(segue("check", "http://nosuchhost.invalid/v1", *QUICK), 3, "nosuchhost.invalid")


def test_tls_where_there_is_none(check, server):
    told(check(f"https://127.0.0.1:{server('mock')}/v1", *QUICK), 3, "TLS handshake failed", "http://")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("401", ["401", "--api-key-env"]),
        ("404", ["404", "check the"]),
        ("html", ["HTML page"]),
        ("hangs", ["127.0.0.1"]),
        ("junk", ["127.0.0.1"]),
    ],
)
@pytest.mark.parametrize("wire", [None, "openai-http", "openai-ws", "segue-ws", "segue-http"])
def test_nobody_to_check(check, server, name, words, wire):
    chosen = ["--wire", wire] if wire else []
    ran = check(f"http://127.0.0.1:{server(name)}/v1", *QUICK, *chosen)
    told(ran, 3, *words)
    assert "\x1b" not in ran.all


@pytest.mark.parametrize("wire", ["openai-ws", "segue-ws"])
def test_plain_http_where_a_websocket_is_asked_for(check, server, wire):
    told(check(f"http://127.0.0.1:{server('mock')}/v1", "--wire", wire, *QUICK), 3, "WebSocket")


def test_a_key_that_is_refused_only_by_a_turn(check, server):
    url = f"http://127.0.0.1:{server('401_in_turn')}/v1"
    told(check(url, "--wire", "openai-http", *QUICK), 3, "unauthenticated", "--api-key-env")


def test_a_model_that_is_not_served_accuses_nobody(check, server):
    url = f"http://127.0.0.1:{server('no_such_model')}/v1"
    told(check(url, "--wire", "openai-http", "--model", "nope", *QUICK), 5, "no such model", "is --model")


def test_reports_are_written_where_nobody_was_there(segue, tmp_path):
    url = f"http://127.0.0.1:{free_port()}/v1"
    told(segue("check", url, "--json", "r.json", "--junit", "r.xml", *QUICK), 3)
    document = json.loads((tmp_path / "r.json").read_bytes())
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["results"] == []
    assert document["contact"][0]["what"] == "the connection was refused"
    assert ET.parse(tmp_path / "r.xml").getroot().get("errors") == "1"


# -- somebody there who breaks it: 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hangs_in_turn", ["FAIL", "turns.plain_turn"]),
        ("drops_in_turn", ["FAIL", "turns.plain_turn"]),
        ("junk_in_turn", ["FAIL", "turns.plain_turn"]),
        ("flood_in_turn", ["FAIL", "turns.plain_turn", "bytes"]),
    ],
)
def test_a_turn_that_comes_to_nothing(segue, server, name, words):
    ran = segue("check", f"http://127.0.0.1:{server(name)}/v1", "--wire", "openai-http", "--only", "turns", *QUICK)
    told(ran, 1, *words, "untestable", "exit code 1")
    assert "\x1b" not in ran.all
    assert len(ran.out) < 20_000


def test_an_endpoint_that_takes_any_parent(segue, server, tmp_path):
    ran = segue(
        "check", f"http://127.0.0.1:{server('mock')}/v1", "--only", "continuation.unknown_parent_refused",
        "--json", "r.json", "--junit", "r.xml", *QUICK,
    )  # fmt: skip
    told(
        ran, 1, "FAIL", "continuation.unknown_parent_refused", "SEG-CONT-010", "expected", "actual", "found by probing"
    )
    document = json.loads((tmp_path / "r.json").read_bytes())
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["exit_code"] == 1
    assert [w["wire"] for w in document["target"]["wires"]] == ["openai-http"]
    assert int(ET.parse(tmp_path / "r.xml").getroot().get("failures", "0")) == 1


def test_out_of_budget(check, server):
    ran = check(f"http://127.0.0.1:{server('mock')}/v1", "--only", "turns", "--max-requests", "1", *QUICK)
    told(ran, 5, "out of budget", "exit code 5")


def test_json_on_standard_output_is_only_json(segue, server):
    ran = segue("check", f"http://127.0.0.1:{server('mock')}/v1", "--only", "turns.plain_turn", "--json", "-", *QUICK)
    assert ran.code == 0, ran.all
    assert json.loads(ran.out)["results"][0]["verdict"] == "pass"
    assert "Segue conformance suite" in ran.err


def test_no_secret_is_told(segue, server, tmp_path):
    key, other, header = "sk-first-0123456789", "sk-second-0123456789", "secret-header-0123456789"
    ran = segue(
        "check", f"http://user:hunter2hunter2@127.0.0.1:{server('mock')}/v1?api_key=query-secret-0123",
        "--api-key-env", "SEGUE_TEST_A", "--second-api-key-env", "SEGUE_TEST_B", "--header", f"X-Api-Key: {header}",
        "--only", "parent_refused", "--json", "r.json", "--junit", "r.xml", "--debug", *QUICK,
        env={"SEGUE_TEST_A": key, "SEGUE_TEST_B": other},
    )  # fmt: skip
    texts = [ran.out, ran.err, *(path.read_text() for path in tmp_path.glob("r.*"))]
    assert len(texts) == 4, ran.all
    for secret in (key, other, header, "hunter2", "query-secret-0123"):
        assert [text for text in texts if secret in text] == [], secret
    assert "--api-key-env SEGUE_TEST_A" in ran.out


def test_a_reader_that_goes_away_changes_nothing(segue_command, server, tmp_path):
    url = f"http://127.0.0.1:{server('mock')}/v1"
    words = [*segue_command, "check", url, "--only", "turns.plain_turn", "--json", "r.json", *QUICK]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")
    assert json.loads((tmp_path / "r.json").read_bytes())["results"]


def test_a_full_disk_is_told_behind_the_report(check, server, monkeypatch):
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    ran = check(f"http://127.0.0.1:{server('mock')}/v1", "--only", "turns.plain_turn", "--json", "r.json", *QUICK)
    told(ran, 4, "No space left on device", "1 result")


# -- by itself


@pytest.mark.parametrize("debug", [True, False])
def test_an_endpoint_that_does_not_start_is_the_suite_own_fault(check, monkeypatch, debug):
    monkeypatch.setattr("segue_conformance.embedded._COMMAND", "print('first'); raise SystemExit('port is taken')")
    ran = check("--only", "turns.plain_turn", *(["--debug"] if debug else []))
    told(ran, 4, "did not start: port is taken")
    assert ("first" in ran.err) is debug


def test_an_endpoint_that_never_says_that_it_is_ready(check, monkeypatch):
    monkeypatch.setattr("segue_conformance.embedded._COMMAND", "import time; print('hm', flush=True); time.sleep(60)")
    monkeypatch.setattr("segue_conformance.embedded._START_LIMIT", 1.0)
    told(check("--only", "turns.plain_turn"), 4, "did not start: hm")


@pytest.mark.parametrize("debug", [True, False])
def test_a_fault_of_the_suite_is_a_sentence(check, monkeypatch, debug):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("in the suite")

    monkeypatch.setattr("segue_conformance.cli.verify", broken)
    ran = check("http://x.test", *(["--debug"] if debug else []))
    assert ran.code == 4
    assert "a fault of the suite: ZeroDivisionError: in the suite" in ran.err
    assert ("Traceback" in ran.err) is debug


def test_list_needs_no_endpoint(check):
    ran = check("--list")
    told(ran, 0, "turns.plain_turn", "SEG-CONT-010", "core (", "continuation (")
    few = check("--list", "--profile", "isolated", "--only", "isolation")
    told(few, 0, "isolated (")
    assert "continuation (" not in few.out


def test_help_tells_the_exit_codes(check):
    told(check("--help"), 0, "--max-requests", "Exit codes", "3 not reached or not authorised")


def test_the_reference_endpoint_reaches_its_profiles(segue, tmp_path):
    ran = segue("check", "--wire", "segue-ws", "--wire", "openai-http", "--json", "r.json", cwd=tmp_path, limit=120)
    told(ran, 0, "reached", "exit code 0")
    document = json.loads((tmp_path / "r.json").read_bytes())
    jsonschema.Draft202012Validator(schema()).validate(document)
    states = {(p["profile"], p["wire"]): p["state"] for p in document["profiles"]}
    for wire in ("segue-ws", "openai-http"):
        for profile in ("core", "continuation", "isolated"):
            assert states[profile, wire] == "reached"
    assert states["live", "segue-ws"] == "reached"
    assert states["live", "openai-http"] == "not_reachable"


def test_the_reference_endpoint_ends_with_the_command(segue, tmp_path):
    ran = segue("check", "--only", "turns.plain_turn", "--json", "r.json", "--wire", "segue-http")
    told(ran, 0)
    url = json.loads((tmp_path / "r.json").read_bytes())["target"]["url"]
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_hostile_folder_changes_nothing(segue, tmp_path):
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "conftest.py").write_text("raise RuntimeError('read')")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -x --foo\n")
    for name in ("segue_conformance", "segue_gateway", "rich", "pytest", "uvicorn"):
        (folder / f"{name}.py").write_text("raise RuntimeError('read')")
    before = set(os.listdir(folder))
    env = {"PYTEST_ADDOPTS": "--foo", "PYTEST_PLUGINS": "nope"}
    told(segue("check", "--only", "turns.plain_turn", "--wire", "openai-http", cwd=folder, env=env), 0, "passed")
    assert set(os.listdir(folder)) == before


def test_interruption_prints_the_report_so_far(segue_command, server, tmp_path):
    """A signal in a turn that hangs; the server answers the first contact, so the run is under way."""
    words = ["check", f"http://127.0.0.1:{server('hangs_in_turn')}/v1", "--wire", "openai-http", "--timeout", "60"]
    with subprocess.Popen(
        [*segue_command, *words, "--json", "r.json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, encoding="utf-8", env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            # The head is printed right before the first check begins.
            while "will run" not in process.stdout.readline():
                assert process.poll() is None
            server.turn_begun.wait(30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                process.kill()
    assert "Traceback" not in out + err
    assert process.returncode == 5, out + err
    assert "Interrupted" in out
    document = json.loads((tmp_path / "r.json").read_bytes())
    assert document["interrupted"] is True
    assert {result["verdict"] for result in document["results"]} == {"inconclusive"}
