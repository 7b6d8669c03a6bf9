"""Transcripts and their grading: the same verdicts from a recording, another from another check, none from nothing."""

from __future__ import annotations

import json
import re
import secrets
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
from endpoints import served
from segue_conformance import checks, embedded
from segue_conformance.checking import _EMBEDDED
from segue_conformance.mutants import KEYS, load
from segue_conformance.preparation import prepare
from segue_conformance.redaction import Redactor, secrets_of
from segue_conformance.registry import Catalogue
from segue_conformance.reports.json_report import schema
from segue_conformance.results import read
from segue_conformance.runner import run_prepared
from segue_conformance.settings import Settings
from segue_conformance.transcript.reading import NotATranscript, read_transcript
from segue_conformance.transcript.regrade import regrade
from segue_conformance.transcript.writing import Transcript
from segue_conformance.verdicts import Verdict

from .conftest import HEAD


def recorded(settings, path, **options):
    """Run the checks on an endpoint and record it; return the report."""
    transcript = Transcript(path, Redactor(secrets_of(settings)))
    try:
        return run_prepared(
            prepare(settings), options.pop("catalogue", None) or Catalogue.load(), transcript=transcript, **options
        )
    finally:
        transcript.close()


def regraded(path, **options):
    return regrade(read_transcript(path), options.pop("catalogue", None) or Catalogue.load(), path=path.name, **options)


def verdicts(report):
    return {(result.check, result.wire): result.verdict for result in report.results}


def differences(report, again):
    before, now = verdicts(report), verdicts(again)
    told = {(r.check, r.wire): r.message for r in again.results}
    return [(*pair, before[pair], now[pair], told[pair]) for pair in before if before[pair] is not now[pair]]


# -- the same verdicts again


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The reference endpoint on all wires, recorded with checks side by side: the file, the report, the keys."""
    path = tmp_path_factory.mktemp("transcript") / "reference.ndjson"
    with embedded.embedded(*_EMBEDDED) as endpoint:
        settings = Settings(
            url=endpoint.url, model="scripted", api_key=endpoint.first_key, second_api_key=endpoint.second_key,
            concurrency=6,
        )  # fmt: skip
        report = recorded(settings, path)
    return path, report, (endpoint.first_key, endpoint.second_key)


def test_the_reference_endpoint_is_graded_alike_on_all_wires(reference):
    path, report, _ = reference
    again = regraded(path)
    assert len(again.wires) == len(report.wires) >= 4
    assert differences(report, again) == []
    assert (again.exit_code, again.requests, again.tokens) == (report.exit_code, 0, 0)
    assert (again.regraded.transcript, again.regraded.recorded_at) == (path.name, report.started_at)
    jsonschema.Draft202012Validator(schema()).validate(json.loads(again.to_json()))
    assert read(again.to_json()) == again


def test_the_file_holds_no_key_and_every_line_is_json(reference):
    path, _, keys = reference
    text = path.read_text(encoding="utf-8")
    assert [key for key in keys if key in text] == []
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["type"] == "head"
    assert min(line["at"] for line in lines[1:]) == 0
    kinds = {line["type"] for line in lines}
    assert kinds >= {"head", "begin", "open", "opened", "sent", "received", "closed", "ended", "end", "verdict", "ping"}


# What is lost, kept, late and never ended: state, isolation, timing, and a turn that the suite waits for in vain.
MUTANTS = (
    "loses_models_words",
    "keeps_what_it_should_not",
    "silent_while_it_works",
    "lane_overlaps",
    "no_terminal_event",
)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_graded_alike_on_all_wires(tmp_path, name):
    mutant = next(m for m in load() if m.name == name)
    path = tmp_path / "mutant.ndjson"
    killers = sorted({check for found in mutant.killed_by.values() for check in found})
    with served(mutant) as url:
        settings = Settings(
            url=url, model="scripted", api_key=KEYS["first"], second_api_key=KEYS["second"], timeout=4.0
        )  # fmt: skip
        report = recorded(settings, path, only=killers)
    assert report.of(Verdict.FAIL, Verdict.WARN)
    assert differences(report, regraded(path, only=killers)) == []


# -- checks of our own, on small servers

PLAIN = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    async with subject.open() as client:
        outcome = await client.turn("Say hello.")
        if outcome.completed is None:
            raise Deviation("bad", expected="an end", actual="none")
'''
STRICTER = PLAIN.replace("outcome.completed is None", "outcome.text != 'hello'")
OTHER_WORDS = PLAIN.replace("Say hello.", "Say something else.")
ONE_MORE = PLAIN + '        await client.turn("Say hello.")\n'
CAUGHT = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works, and what goes wrong is swallowed."""
    try:
        async with subject.open() as client:
            await client.turn("Say something else.")
    except Exception:
        return
'''
DRAWN = '''
from segue_conformance.oracle import word

@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """Words are drawn."""
    async with subject.open() as client:
        await client.turn(f"Say {word()}.")
'''


@pytest.fixture
def folder(tmp_path):
    """Write checks into a folder of their own; gives what `run_prepared` needs to run them."""

    def write(text):
        place = tmp_path / f"checks_{secrets.token_hex(8)}"
        place.mkdir()
        (place / "__init__.py").touch()
        (place / "test_turns.py").write_text(HEAD + dedent(text), encoding="utf-8")
        return {"catalogue": Catalogue.load(place), "folder": place}

    return write


@contextmanager
def no_network(monkeypatch):
    """Let nothing be sent."""

    def refused(*_, **__):
        raise AssertionError("something was sent")

    with monkeypatch.context() as patch:
        patch.setattr("socket.socket.connect", refused)
        patch.setattr("asyncio.base_events.BaseEventLoop.sock_connect", refused)
        yield


def settings_for(server, name="mock"):
    return Settings(
        url=f"http://127.0.0.1:{server(name)}/v1", wires=("openai-http",), api_key="a-key-0123456789", timeout=2.0
    )


def test_nothing_is_sent(server, folder, tmp_path, monkeypatch):
    path = tmp_path / "t.ndjson"
    assert recorded(settings_for(server), path, **folder(PLAIN)).exit_code == 0
    with no_network(monkeypatch):
        assert regraded(path, **folder(PLAIN)).exit_code == 0


def test_a_changed_check_gives_a_changed_verdict(server, folder, tmp_path):
    path = tmp_path / "t.ndjson"
    assert verdicts(recorded(settings_for(server), path, **folder(PLAIN))) == {
        ("turns.plain_turn", "openai-http"): "pass"
    }
    assert verdicts(regraded(path, **folder(STRICTER))) == {("turns.plain_turn", "openai-http"): "fail"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OTHER_WORDS, "POST /responses with other content was asked"),
        (ONE_MORE, "POST /responses with other content was asked"),
        (CAUGHT, "POST /responses with other content was asked"),
    ],
)
def test_what_was_not_recorded_is_inconclusive(server, folder, tmp_path, text, said):
    path = tmp_path / "t.ndjson"
    recorded(settings_for(server), path, **folder(PLAIN))
    report = regraded(path, **folder(text))
    assert report.results[0].verdict is Verdict.INCONCLUSIVE
    assert report.results[0].message == f"not in the recording: {said}"
    assert report.exit_code == 5


def test_what_is_drawn_is_drawn_again(server, folder, tmp_path):
    path = tmp_path / "t.ndjson"
    first, second = recorded(settings_for(server), path, **folder(DRAWN)), regraded(path, **folder(DRAWN))
    assert verdicts(first) == verdicts(second)
    other = read_transcript(path)
    other.head["seed"] = "another"
    assert regrade(other, folder(DRAWN)["catalogue"], path="t").results[0].verdict is not Verdict.PASS


@pytest.mark.parametrize("name", ["hangs_in_turn", "drops_in_turn", "junk_in_turn", "flood_in_turn", "401_in_turn"])
def test_faults_come_again(server, folder, tmp_path, name):
    path = tmp_path / "t.ndjson"
    report = recorded(settings_for(server, name), path, **folder(PLAIN))
    again = regraded(path, **folder(PLAIN))
    assert differences(report, again) == []
    assert again.results[0].message == report.results[0].message
    assert report.results[0].verdict is not Verdict.PASS
    assert "a-key-0123456789" not in path.read_text()


SOCKET = '''
@check("SEG-MSG-001", profile="core", wires=("segue-ws",))
async def test_plain_turn(subject):
    """A bare socket is listened to."""
    async with subject.socket() as socket:
        await socket.receive(2)
        {more}
'''


@pytest.fixture(scope="module")
def native():
    with embedded.embedded() as endpoint:
        yield Settings(url=endpoint.url, wires=("segue-ws",), api_key=endpoint.first_key, timeout=5.0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("await socket.send('x')", "another message was sent: x"),
        ("await socket.ping(1)", "another ping was sent"),
        ("await socket.receive(20)", "more was waited for than was recorded"),
        (
            "pass\n    async with subject.socket() as other:\n        await other.receive(2)",
            "another WebSocket was opened",
        ),
    ],
)
def test_what_a_socket_was_not_asked_is_inconclusive(native, folder, tmp_path, more, said):
    path = tmp_path / "t.ndjson"
    report = recorded(native, path, **folder(SOCKET.format(more="pass")))
    assert report.results[0].verdict is Verdict.PASS
    again = regraded(path, **folder(SOCKET.format(more=more)))
    assert again.results[0].verdict is Verdict.INCONCLUSIVE
    assert said in again.results[0].message


def test_recorded_silence_is_silence_again_and_takes_no_time(native, folder, tmp_path):
    path, listening = tmp_path / "t.ndjson", SOCKET.format(more="await socket.receive(1)")
    report = recorded(native, path, **folder(listening))
    again = regraded(path, **folder(listening))
    assert differences(report, again) == []
    assert again.duration_ms < report.duration_ms


# -- files


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("{", "its first line is no JSON"),
        ("[]\n", "its first line is no head"),
        ('{"type":"head","format":"segue-transcript/9"}\n', "'segue-transcript/9', expected 'segue-transcript/1'"),
        ('{"type":"head","format":"segue-transcript/1"}\n', "its head has no seed"),
    ],
)
def test_what_is_no_transcript(tmp_path, text, said):
    path = tmp_path / "t.ndjson"
    path.write_text(text)
    with pytest.raises(NotATranscript) as told:
        read_transcript(path)
    assert said in str(told.value)


def test_a_line_that_is_broken_and_a_file_that_is_cut(server, folder, tmp_path):
    path = tmp_path / "t.ndjson"
    recorded(settings_for(server), path, **folder(PLAIN))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "{oops\n", *lines[2:]]))
    with pytest.raises(NotATranscript) as told:
        read_transcript(path)
    assert "line 3" in str(told.value)
    path.write_text("".join(lines)[:-20])
    assert read_transcript(path).whole is False


def test_a_head_that_can_not_be_understood(server, folder, tmp_path):
    path = tmp_path / "t.ndjson"
    recorded(settings_for(server), path, **folder(PLAIN))
    recording = read_transcript(path)
    recording.head["target"] = 3
    with pytest.raises(NotATranscript):
        regrade(recording, Catalogue.load(), path="t")


def test_no_check_draws_anything_but_from_the_seed():
    """What comes from elsewhere is drawn anew when a recording is graded, and is then not found in it."""
    package = Path(checks.__file__).parent
    files = [*package.glob("*.py"), *package.parent.glob("*_wire.py"), package.parent / "oracle.py"]
    pattern = re.compile(
        r"^\s*(import (secrets|random|uuid)|from (secrets|random|uuid) import)|os\.urandom|uuid4", re.M
    )
    assert [path.name for path in files if pattern.search(path.read_text(encoding="utf-8"))] == []


# -- the commands


def told(ran, code, *words):
    assert ran.code == code, ran.all
    assert "Traceback" not in ran.all
    for word in words:
        assert word in ran.all, ran.all


def test_the_whole_way(segue, server, tmp_path):
    url = f"http://127.0.0.1:{server('mock')}/v1"
    words = [url, "--only", "parent_refused", "--timeout", "2"]
    told(segue("check", *words, "--transcript", "t.ndjson"), 1, "transcript t.ndjson", "`segue regrade t.ndjson`")
    again = segue("regrade", "t.ndjson", "--only", "parent_refused", "--json", "r.json")
    told(again, 1, "Regraded from t.ndjson, recorded", "nothing was sent", "FAIL", "segue regrade t.ndjson --wire")
    document = json.loads((tmp_path / "r.json").read_bytes())
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert (document["requests"], document["regraded"]["transcript"]) == (0, "t.ndjson")
    told(segue("regrade", "t.ndjson", "--only", "turns.usage_adds_up"), 5, "not in the recording")


def test_wrong_usage(segue, check, server, tmp_path):
    told(check("http://x.test", "--transcript", "-"), 2, "the name of a file")
    told(check("http://x.test", "--transcript", "no/such/t.ndjson"), 2, "can't write")
    told(segue("regrade", "none.ndjson"), 2, "can't read none.ndjson")
    (tmp_path / "x.ndjson").write_text("{}")
    told(segue("regrade", "x.ndjson"), 2, "is no transcript")
    told(segue("regrade"), 2, "TRANSCRIPT")
    url = f"http://127.0.0.1:{server('mock')}/v1"
    check(url, "--only", "turns.plain_turn", "--timeout", "2", "--transcript", "t.ndjson")
    told(segue("regrade", "t.ndjson", "--wire", "segue-ws"), 2, "segue-ws was not recorded (there is openai-http)")
    told(segue("regrade", "t.ndjson", "--only", "no.such"), 2, "matches no check")
