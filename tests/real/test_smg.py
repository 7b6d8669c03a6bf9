"""smg, a gateway with a history store of its own, in front of the reference endpoint's OpenAI HTTP surface.

It resolves `previous_response_id` itself and sends the endpoint whole histories with `store: false`. It is a compiled
program, so what the suite finds is traced to what it sends: read from a relay between it and the endpoint.
"""

from __future__ import annotations

import asyncio
import json

import committed
import httpx
import pytest
from segue_adapters.errors import WrongKind
from segue_adapters.transports.base import Options
from segue_adapters.transports.websocket import open_socket

pytestmark = pytest.mark.real

LIMIT = 20.0
KEY = "first-key-of-the-real-runs"


@pytest.fixture(scope="module")
def ran(smg_url, run_check):
    return run_check("smg", smg_url, "--model", "scripted-1", "--timeout", "10", keys=True, baseline=True)


def test_only_http_is_found_by_probing(ran):
    assert (ran.wires, ran.report["target"]["found_by"]) == (["openai-http"], "probing")


def test_upgrade_is_denied(smg_url):
    url = smg_url.replace("http", "ws", 1) + "/responses"
    with pytest.raises(WrongKind) as denied:
        asyncio.run(open_socket(url, Options(api_key=KEY), label="upgrade"))
    assert "405" in str(denied.value)


def test_no_profile_is_reached(ran):
    """Core for one thing: how a response ended is another when it is read. The others stand on core."""
    states = {row["profile"]: row["state"] for row in ran.report["profiles"]}
    assert {states[name] for name in ("core", "continuation", "isolated")} == {"not_reached"}
    failed = {row["check"] for row in ran.report["results"] if row["verdict"] == "fail" and row["profile"] == "core"}
    assert failed == {"stored_responses.read_is_what_was_answered"}
    assert ran.exit_code == ran.report["exit_code"] == 0, ran.terminal


def test_shortened_history_is_told(ran):
    assert ran.verdicts["retention.child_of_a_deleted_parent", "openai-http"] == "fail"


def test_verdicts_are_the_committed_ones(ran):
    committed.compare("smg", ran.report)


def test_every_fault_is_traced(ran):
    assert committed.unexplained("smg", ran.report) == []


class Conversation:
    """Bare requests to smg, and what it sent to the endpoint for each."""

    def __init__(self, url, relay):
        self.client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=LIMIT)
        self.relay = relay

    def say(self, text, **members):
        """Hold a turn; return the Response and the body that went to the endpoint."""
        answer = self.client.post("/responses", json={"model": "scripted-1", "input": text, **members})
        assert answer.status_code == 200, answer.text
        return answer.json(), json.loads(self.relay.ready("^SENT (.*)", LIMIT)[1])


@pytest.fixture
def conversation(traced_smg):
    talk = Conversation(*traced_smg)
    yield talk
    talk.client.close()


def _texts(sent):
    return [part["text"] for item in sent["input"] for part in item["content"]]


def _text(response):
    return "".join(part["text"] for item in response["output"] for part in item["content"])


def test_it_resolves_the_history_itself(conversation):
    first, _ = conversation.say("Remember this word: walnut-4821. Answer only with OK.")
    _, sent = conversation.say("Say hello.", previous_response_id=first["id"])
    assert "previous_response_id" not in sent
    assert sent["store"] is False
    assert _texts(sent) == ["Remember this word: walnut-4821. Answer only with OK.", "OK", "Say hello."]


def test_a_deleted_parent_shortens_its_childs_history_in_silence(conversation):
    """retention.child_of_a_deleted_parent, step by step: smg answers 200 and sends a history without its beginning."""
    first, _ = conversation.say("Remember this word: walnut-4821. Answer only with OK.")
    second, _ = conversation.say("Repeat after me: good.", previous_response_id=first["id"])
    question = "Which word did I ask you to remember? Answer with the word only."
    before, sent_before = conversation.say(question, previous_response_id=second["id"])
    assert (_text(before), len(sent_before["input"])) == ("walnut-4821", 5)
    deleted = conversation.client.delete(f"/responses/{first['id']}")
    assert deleted.status_code == 200
    assert deleted.json()["deleted"] is True
    after, sent_after = conversation.say(question, previous_response_id=second["id"])
    assert _texts(sent_after) == ["Repeat after me: good.", "good.", question]
    assert _text(after) == "I do not know any word."


def test_a_cut_response_is_read_as_whole(smg_url):
    """stored_responses.read_is_what_was_answered, step by step: incomplete when it is answered, completed when read."""
    asked = {"model": "scripted-1", "input": "Write a long text of at least 200 words about the sea.", "stream": True}
    with httpx.Client(base_url=smg_url, headers={"authorization": f"Bearer {KEY}"}, timeout=LIMIT) as client:
        answer = client.post("/responses", json={**asked, "max_output_tokens": 16})
        last = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")][-1]
        assert (last["type"], last["response"]["status"]) == ("response.incomplete", "incomplete")
        read = client.get(f"/responses/{last['response']['id']}").json()
    assert (read["status"], read.get("incomplete_details")) == ("completed", None)
