"""The official OpenAI SDK, unmodified, as a client of the reference endpoint: over HTTP and over its WebSocket.

The clients (tests/real/clients) run in an environment that has the SDK and nothing of ours, and print what they saw.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.real

WORD, TOOLS_WORD = "walnut-4821", "thimble-7001"
LOST = {"is": "BadRequestError", "status": 400, "code": "previous_response_not_found", "param": "previous_response_id"}
GONE = {"is": "NotFoundError", "status": 404, "code": None, "param": None}
FRAME = ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
END = ["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"]


@pytest.fixture(scope="module")
def http(segue_url, run_client):
    return run_client("http_turns.py", segue_url)


@pytest.fixture(scope="module")
def ws(segue_url, run_client):
    return run_client("ws_turns.py", segue_url)


class TestHTTP:
    def test_three_turns(self, http):
        said = http["conversation"]
        assert said["texts"] == ["OK", "good.", WORD]
        assert said["statuses"] == ["completed"] * 3
        assert said["parents"] == [True, True]
        assert said["usage"] is True

    def test_responses_fit_the_sdks_types(self, http):
        assert http["conversation"]["misfits"] == http["streamed"]["misfits"] == []

    def test_stream_helper(self, http):
        seen = http["streamed"]
        assert (seen["types"][:4], seen["types"][-4:]) == (FRAME, END)
        assert set(seen["types"][4:-4]) == {"response.output_text.delta"}
        assert (seen["deltas"], seen["final"], seen["rises"]) == (WORD, WORD, True)

    def test_plain_stream(self, http):
        assert http["streamed"]["last"] == "response.completed"

    def test_an_older_response_is_still_a_parent(self, http):
        assert http["fork"] == WORD

    def test_tool(self, http):
        tool = http["tool"]
        assert (tool["name"], tool["arguments"], tool["later"]) == ("get_word", "{}", TOOLS_WORD)
        assert TOOLS_WORD in tool["told"]

    def test_retrieve(self, http):
        assert http["stored"]["read"] == [True, "good.", True]

    def test_input_items_newest_first(self, http):
        assert http["stored"]["items"] == [
            "Repeat after me: good.",
            "OK",
            f"Remember this word: {WORD}. Answer only with OK.",
        ]

    def test_deleted(self, http):
        seen = http["stored"]
        assert seen["deleted_read"] == seen["deleted_again"] == GONE
        assert seen["deleted_parent"] == LOST

    def test_what_was_not_stored_is_no_parent(self, http):
        assert http["stored"]["unkept_parent"] == LOST

    @pytest.mark.parametrize("how", ["lost", "lost_streamed"])
    def test_lost_parent(self, http, how):
        assert http["refusals"][how] == LOST

    def test_broken_input(self, http):
        seen = http["refusals"]["broken"]
        assert (seen["is"], seen["status"]) == ("BadRequestError", 400)

    def test_stranger(self, http):
        seen = http["refusals"]["stranger"]
        assert (seen["is"], seen["code"]) == ("AuthenticationError", "invalid_api_key")


class TestWebSocket:
    def test_chain_that_only_the_connection_holds(self, ws):
        assert ws["chain"] == {"texts": ["OK", "good.", WORD], "store": [False] * 3}

    def test_events(self, ws):
        seen = ws["whole_stream"]
        assert (seen["types"][:4], seen["types"][-4:]) == (FRAME, END)
        assert (seen["deltas"], seen["rises"]) == ("1 2 3 4 5", True)
        assert seen["misfits"] == []

    def test_tool(self, ws):
        tool = ws["tool"]
        assert (tool["name"], tool["later"]) == ("get_word", TOOLS_WORD)
        assert TOOLS_WORD in tool["told"]

    def test_lost_parent_is_an_event_and_the_socket_goes_on(self, ws):
        told = {"status": LOST["status"], "code": LOST["code"], "param": LOST["param"]}
        assert ws["miss"] == {"type": "error", **told, "after": "still here."}

    def test_lanes(self, ws):
        seen = ws["lanes"]
        assert (seen["order"], seen["named"]) == (["quick", "slow"], True)
        # A lane is an order and no history: a parent is known in any lane, and nothing is known without one.
        assert (seen["fork"], seen["fresh"]) == ("cobalt-1717", "I do not know any word.")

    def test_warm_up(self, ws):
        assert ws["warm_up"] == {"type": "response.completed", "output": 0, "after": "garnet-2222"}

    def test_next_socket(self, ws):
        seen = ws["next_socket"]
        assert (seen["found"], seen["lost"]) == ("raven-3141", ["error", "previous_response_not_found"])
