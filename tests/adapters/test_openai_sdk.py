"""Every event that a surface of the OpenAI wires sends fits the types of the `openai` SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from segue_adapters.wires.base import Refuse, TurnFacts
from segue_adapters.wires.openai_http import OpenAIHTTPServer
from segue_adapters.wires.openai_ws import OpenAIWSServer
from segue_adapters.wires.responses_encoder import ResponsesEncoder

pytest.importorskip("openai", reason="the `openai` SDK is not installed: its types can't be tried")
import pydantic
from openai.types.responses import Response, ResponsesServerEvent, ResponseStreamEvent

ON_HTTP = pydantic.TypeAdapter(ResponseStreamEvent)
ON_WEBSOCKET = pydantic.TypeAdapter(ResponsesServerEvent)
RESPONSE = pydantic.TypeAdapter(Response)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_events(turns: Any, data: st.DataObject) -> None:
    turn = data.draw(turns(known=True))
    facts = TurnFacts(response_id="resp_1", created_at=1, start=turn.start, stored=True)
    encoder = ResponsesEncoder(facts)
    events = [event for message in turn.messages for event in encoder.feed(message)]
    assert len(events) >= 3
    for event in events:
        for types, more in ((ON_HTTP, {}), (ON_WEBSOCKET, {"stream_id": "a"})):
            types.validate_json(json.dumps({**event, **more}), strict=True)
    RESPONSE.validate_json(json.dumps(encoder.response), strict=True)


def test_error_frames() -> None:
    with pytest.raises(Refuse) as caught:
        OpenAIWSServer().receive('{"type":"response.create","model":"m","input":5,"stream_id":"a"}')
    (frame,) = OpenAIWSServer().refuse(caught.value.message, "a")
    told: Any = ON_WEBSOCKET.validate_json(frame, strict=True)
    assert (told.type, told.status, told.error.param, told.stream_id) == ("error", 400, "input", "a")


def test_pages_of_input_items() -> None:
    from openai.types.responses import ResponseItemList

    items: list[Any] = [
        {"type": "message", "role": "user", "content": "Hello"},
        {"type": "message", "role": "assistant", "content": "Hello"},
        b'{"type":"function_call_output","call_id":"call_1","output":"42","status":null}',
    ]
    answer = OpenAIHTTPServer().input_items("resp_1", items)
    page = ResponseItemList.model_validate(json.loads(answer.body))
    assert [item.id for item in page.data] == ["item_1_2", "item_1_1", "item_1_0"]
    assert (page.first_id, page.last_id, page.has_more) == ("item_1_2", "item_1_0", False)
