"""The official SDKs, unmodified, on the two wires without state: OpenAI's for chat completions, and Anthropic's.

The clients (tests/real/clients) run in an environment that has the SDK and nothing of ours, and print what they saw.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.real

WORD, TOOLS_WORD = "walnut-4821", "thimble-7001"
NOTHING = "I do not know any word."


@pytest.fixture(scope="module")
def chat(segue_url, run_client):
    return run_client("chat_turns.py", segue_url)


@pytest.fixture(scope="module")
def anthropic(segue_url, run_client, anthropic_python):
    return run_client("anthropic_turns.py", segue_url, python=anthropic_python, key="ANTHROPIC_API_KEY")


class TestChat:
    def test_the_history_is_what_was_sent(self, chat):
        told = chat["conversation"]
        assert told["texts"] == ["OK", WORD, NOTHING]
        assert (told["finish"], told["usage"], told["misfits"]) == ("stop", True, [])

    def test_streams(self, chat):
        told = chat["streamed"]
        assert (told["text"], told["first"], told["finish"]) == ("one two three.", "assistant", ["stop"])
        assert (told["usage"], told["unasked"]) == ([0], False)
        assert told["helper"] == ["content.done", "one two three."]
        assert told["misfits"] == []

    def test_tool(self, chat):
        told = chat["tool"]
        assert (told["content"], told["finish"], told["name"], told["arguments"]) == (
            None,
            "tool_calls",
            "get_word",
            "{}",
        )
        assert TOOLS_WORD in told["told"]
        assert told["streamed"] == [["get_word", "{}"]]

    def test_a_cut_answer_says_so(self, chat):
        assert chat["cut"] == ["length", 7]

    def test_refusals(self, chat):
        told = chat["refusals"]
        at_fault = {"is": "BadRequestError", "status": 400}
        assert told["broken"] == {**at_fault, "code": "invalid_type", "param": "messages[0].content"}
        assert told["two"] == {**at_fault, "code": "unsupported_parameter", "param": "n"}
        assert told["open_call"]["is"] == "BadRequestError"
        assert (told["failed"]["is"], told["failed"]["status"]) == ("InternalServerError", 502)
        assert told["failed_streamed"] == {"is": "APIError", "message": "The model failed, as it was asked to."}
        assert (told["stranger"]["is"], told["stranger"]["code"]) == ("AuthenticationError", "invalid_api_key")


class TestAnthropic:
    def test_the_history_is_what_was_sent(self, anthropic):
        told = anthropic["conversation"]
        assert told["texts"] == ["OK", WORD, NOTHING, "garnet-2222"]
        assert (told["stop"], told["usage"], told["misfits"]) == ("end_turn", True, [])

    def test_streams(self, anthropic):
        told = anthropic["streamed"]
        assert told["types"] == [
            "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
            "message_stop",
        ]  # fmt: skip
        assert told["text"] == "one two three."
        assert told["helper"] == ["one two three.", "one two three.", "end_turn", 3]
        assert told["misfits"] == []

    def test_tool(self, anthropic):
        told = anthropic["tool"]
        assert (told["stop"], told["name"], told["input"]) == ("tool_use", "get_word", {})
        assert TOOLS_WORD in told["told"]
        assert told["streamed"] == [["get_word", {}]]

    def test_a_cut_answer_says_so(self, anthropic):
        assert anthropic["cut"] == ["max_tokens", 7]

    def test_refusals(self, anthropic):
        told = anthropic["refusals"]
        assert told["broken"] == {"is": "BadRequestError", "status": 400, "type": "invalid_request_error"}
        assert (told["failed"]["status"], told["failed"]["type"]) == (502, "api_error")
        assert (told["failed_streamed"]["is"], told["failed_streamed"]["type"]) == ("APIStatusError", "api_error")
        assert told["stranger"] == {"is": "AuthenticationError", "status": 401, "type": "authentication_error"}
        assert told["bearer"] == {"is": "nothing"}
