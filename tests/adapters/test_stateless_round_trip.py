"""A turn written as chat chunks or as Anthropic events and read again says the same, and fits the SDK's types."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from segue_adapters.wires.anthropic import AnthropicClient, AnthropicServer
from segue_adapters.wires.base import TurnFacts
from segue_adapters.wires.chat import ChatClient, ChatServer
from segue_adapters.wires.stateless import Create
from segue_schemas import models
from stateless_lab import JSON, STREAM, built, start

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WIRES = {"chat": (ChatClient(), ChatServer()), "anthropic": (AnthropicClient(), AnthropicServer())}
CREATE = Create(start("Hello"), stream=True, places=("",), usage=True)


def facts(turn: Any) -> TurnFacts:
    return TurnFacts(response_id="resp_1", created_at=1, start=turn.start, stored=False)


def essence(items: list[Any], wire: str) -> Any:
    """Return what a wire keeps of items: letters of text (items side by side may mix), and the calls by their ids."""
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    texts = ["".join(p.get(member, "") for p in parts) for member in ("text", "refusal")]
    said = [sorted(text) for text in texts] if wire == "chat" else sorted("".join(texts))
    kinds = ("function_call", "custom_tool_call") if wire == "chat" else ("function_call",)
    calls = [(item["call_id"], item["name"]) for item in items if item["type"] in kinds]
    arguments = [item.get("arguments", item.get("input")) for item in items if item["type"] in kinds]
    return said, calls, arguments


@pytest.mark.parametrize("wire", WIRES)
@QUICK
@given(data=st.data(), size=st.integers(1, 4000))
def test_answers(turns: Any, wire: str, data: st.DataObject, size: int) -> None:
    turn = data.draw(turns(known=True))
    client, server = WIRES[wire]
    stream = server.stream(facts(turn), CREATE)
    body = b"".join(stream.sse(message) for message in turn.messages) + stream.end()
    exchange = client.exchange(start("Hello"))
    exchange.head(200, STREAM)
    told = [m for at in range(0, len(body), size) for m in exchange.data(body[at : at + size])] + exchange.end()
    wanted, done = turn.messages[-1], told[-1]
    assert type(done) is type(wanted)
    if isinstance(wanted, models.TurnFailed):
        assert done.error.message == "it broke"
        return
    assert (done.status, done.reason, done.usage.total_tokens) == (wanted.status, wanted.reason, 3)
    whole = client.exchange(start("Hello"))
    whole.head(200, JSON)
    whole.data(msgspec.json.encode(stream.response()))
    answer = whole.end()
    assert (answer[-1].status, answer[-1].usage) == (done.status, done.usage)
    if done.status == "completed":  # of what was cut each side keeps what it can prove
        (said, calls, arguments), (back, again, written) = essence(turn.items, wire), essence(built(told), wire)
        assert (said, calls) == (back, again)
        if wire == "chat":
            assert arguments == written
        assert essence(built(answer), wire)[:2] == (said, calls)


def test_chunks_fit_the_types_of_the_openai_sdk(turns: Any) -> None:
    pytest.importorskip("openai", reason="the `openai` SDK is not installed: its types can't be tried")
    import pydantic
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    chunk, completion = pydantic.TypeAdapter(ChatCompletionChunk), pydantic.TypeAdapter(ChatCompletion)

    @QUICK
    @given(data=st.data())
    def fits(data: st.DataObject) -> None:
        turn = data.draw(turns(known=True))
        stream = ChatServer().stream(facts(turn), CREATE)
        lines = b"".join(stream.sse(message) for message in turn.messages).decode().split("\n\n")[:-1]
        assert len(lines) >= 2
        for line in lines:
            if '{"error"' not in line and '"custom"' not in line:  # its type of a chunk knows functions only
                chunk.validate_json(line.removeprefix("data: "), strict=True)
        if isinstance(turn.messages[-1], models.TurnCompleted) and turn.messages[-1].status == "completed":
            completion.validate_json(json.dumps(stream.response()), strict=True)

    fits()
