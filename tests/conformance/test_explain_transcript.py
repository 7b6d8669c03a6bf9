"""`segue explain TRANSCRIPT`: the turns of a recording, on every wire, with what the model saw."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from segue_conformance import embedded
from segue_conformance.checking import _EMBEDDED
from segue_conformance.explain.cli import explain
from segue_conformance.explain.recorded import recorded
from segue_conformance.preparation import prepare
from segue_conformance.redaction import Redactor, secrets_of
from segue_conformance.registry import Catalogue
from segue_conformance.runner import run_prepared
from segue_conformance.settings import Settings
from segue_conformance.transcript.writing import Transcript
from segue_gateway.explaining import conversations, effective

CHECKS = (
    "turns.plain_turn", "continuation.users_words_one_hop", "context.result_of_a_patch_is_held",
    "resume.repeat_attaches", "messages.not_json",
)  # fmt: skip


@pytest.fixture(scope="module")
def transcript(tmp_path_factory):
    """Some checks on the reference endpoint, on all of its wires, recorded."""
    path = tmp_path_factory.mktemp("transcript") / "run.ndjson"
    with embedded.embedded(*_EMBEDDED) as endpoint:
        settings = Settings(
            url=endpoint.url, model="scripted", api_key=endpoint.first_key, second_api_key=endpoint.second_key
        )
        writing = Transcript(path, Redactor(secrets_of(settings)))
        report = run_prepared(
            prepare(settings), Catalogue.load(), transcript=writing, only=CHECKS,
        )  # fmt: skip
        writing.close()
    assert {str(result.verdict) for result in report.results} <= {"pass", "skip"}
    return path


def test_turns_are_found_on_every_wire_with_their_history(transcript):
    found = conversations(recorded(transcript))
    wires = {one.last.principal.partition("@")[2] for one in found}
    assert wires == {
        f"{wire}#1" for wire in (
            "segue-ws", "segue-http", "openai-ws", "openai-http", "openai-ws+segue", "openai-http+segue", "chat",
            "anthropic",
        )
    }  # fmt: skip
    hops = [one for one in found if one.last.principal.startswith("continuation.users_words_one_hop@")]
    assert len(hops) >= 6
    for hop in hops:
        first, second = hop.steps
        assert (first.saved, first.given, second.given) == (0, 1, 3)
        assert 0 < second.sent < second.saved + second.sent
        assert second.saved >= first.history.total


def test_what_the_model_saw_has_the_word_that_an_earlier_turn_carried(transcript):
    kept = recorded(transcript)
    hops = [one for one in conversations(kept) if one.last.principal.startswith("continuation.users_words_one_hop@")]
    for hop in hops:
        lines = [json.loads(line) for line in effective(kept, hop.last.turn) or ()]
        assert [line.get("place") for line in lines] == [None, 0, 1, 2]
        assert "context" in lines[0]
        assert "Remember this word" in json.dumps(lines[1])
        assert "Which word" in json.dumps(lines[3])


def test_a_repeat_is_no_turn_of_its_own_and_a_context_may_be_a_patch_or_a_digest(transcript):
    kept = recorded(transcript)
    names = [(one.principal, one.turn) for one in kept]
    assert len(names) == len(set(names))
    digests = [
        one.context.digest for one in kept if one.principal.startswith("context.result_of_a_patch_is_held@segue-ws#")
    ]
    assert len(digests) > len(set(digests)) > 1  # sent, patched, and named


def test_the_command_takes_a_transcript(transcript):
    ran = CliRunner().invoke(explain, [str(transcript)], catch_exceptions=False)
    assert ran.exit_code == 0
    assert ran.output.splitlines()[-1].startswith("conversations: ")
    assert "Remember" not in ran.output
    name = recorded(transcript)[0].turn
    assert '"place":0' in CliRunner().invoke(explain, [str(transcript), "--history", name]).output


@pytest.mark.parametrize(
    ("text", "says"), [('{"type": "other"}\n', "its first line is no head"), ("{", "is no transcript")]
)
def test_what_is_no_transcript_is_told_in_a_sentence(tmp_path, text, says):
    path = tmp_path / "x.ndjson"
    path.write_text(text)
    ran = CliRunner().invoke(explain, [str(path)], catch_exceptions=False)
    assert (ran.exit_code, says in ran.output) == (2, True)
