"""The OpenAI SDK over HTTP, as its users write it: turns, streaming, tools, stored responses and what is refused.

Prints one line of JSON: what the client saw. Runs in the SDK's own environment and knows nothing of Segue.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from openai import APIStatusError, OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

MODEL = "scripted-1"
TOOL: Any = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


def fault(call: Any) -> dict[str, Any]:
    """Return the exception that a call raises, as a user's `except` sees it."""
    try:
        call()
    except APIStatusError as error:
        return {"is": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
    return {"is": "nothing"}


def misfits(kind: Any, values: list[BaseModel]) -> list[str]:
    """Return why values don't fit the SDK's own type: it takes anything from the wire, strict clients don't."""
    found = []
    for value in values:
        try:
            TypeAdapter(kind).validate_python(value.to_dict())
        except ValidationError as error:
            found.append(str(error)[:500])
    return found


def conversation(client: OpenAI) -> dict[str, Any]:
    """Three turns; the word is told in the first and asked for in the third."""
    first = client.responses.create(model=MODEL, input="Remember this word: walnut-4821. Answer only with OK.")
    second = client.responses.create(
        model=MODEL, input=[{"role": "user", "content": "Repeat after me: good."}], previous_response_id=first.id
    )
    third = client.responses.create(
        model=MODEL, input="Which word did I ask you to remember?", previous_response_id=second.id
    )
    return {
        "texts": [first.output_text, second.output_text, third.output_text],
        "statuses": [first.status, second.status, third.status],
        "parents": [second.previous_response_id == first.id, third.previous_response_id == second.id],
        "usage": third.usage is not None and third.usage.total_tokens > 0,
        "misfits": misfits(Response, [first, second, third]),
        "ids": [first.id, second.id, third.id],
    }


def streamed(client: OpenAI, parent: str) -> dict[str, Any]:
    """A turn by the stream helper, and one by create(stream=True), from a parent of before."""
    with client.responses.stream(
        model=MODEL, input="Which word did I ask you to remember?", previous_response_id=parent
    ) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    numbers = [event.sequence_number for event in events]
    plain = list(client.responses.create(model=MODEL, input="Say hello.", previous_response_id=final.id, stream=True))
    return {
        "types": [event.type for event in events],
        "rises": numbers == sorted(set(numbers)),
        "deltas": deltas,
        "final": final.output_text,
        "last": plain[-1].type,
        # The helper's events carry more than the wire's, so those of the plain stream are looked at.
        "misfits": misfits(ResponseStreamEvent, plain),
    }


def tool(client: OpenAI) -> dict[str, Any]:
    """A call, its output in the next turn, and the word of the tool a turn later."""
    asked = client.responses.create(model=MODEL, input="Call the tool get_word now.", tools=[TOOL])
    call = next(item for item in asked.output if item.type == "function_call")
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "The word is thimble-7001."}
    told = client.responses.create(model=MODEL, input=[output], tools=[TOOL], previous_response_id=asked.id)
    later = client.responses.create(
        model=MODEL, input="Which word did the tool return?", tools=[TOOL], previous_response_id=told.id
    )
    return {"name": call.name, "arguments": call.arguments, "told": told.output_text, "later": later.output_text}


def stored(client: OpenAI, first: str, second: str) -> dict[str, Any]:
    """What can be read of stored responses (input items newest first), and what is left of one that was deleted."""
    read = client.responses.retrieve(second)
    items = [item.to_dict() for item in client.responses.input_items.list(second)]
    texts = [part["text"] for item in items for part in item.get("content", []) if "text" in part]
    passing = client.responses.create(model=MODEL, input="Say hello.")
    client.responses.delete(passing.id)
    unkept = client.responses.create(model=MODEL, input="Say hello.", store=False)
    return {
        "read": [read.id == second, read.output_text, read.previous_response_id == first],
        "items": texts,
        "deleted_read": fault(lambda: client.responses.retrieve(passing.id)),
        "deleted_parent": fault(
            lambda: client.responses.create(model=MODEL, input="x", previous_response_id=passing.id)
        ),
        "deleted_again": fault(lambda: client.responses.delete(passing.id)),
        "unkept_parent": fault(lambda: client.responses.create(model=MODEL, input="x", previous_response_id=unkept.id)),
    }


def refusals(url: str, client: OpenAI) -> dict[str, Any]:
    """What is refused: a parent that never was (whole and streamed), a key that is none, a broken input."""

    def lost() -> None:
        client.responses.create(model=MODEL, input="x", previous_response_id="resp_" + "0" * 32)

    def lost_streamed() -> None:
        with client.responses.stream(model=MODEL, input="x", previous_response_id="resp_" + "0" * 32) as stream:
            stream.until_done()

    def broken() -> None:
        message: Any = {"type": "message", "role": "user", "content": 7}
        client.responses.create(model=MODEL, input=[message])

    stranger = OpenAI(base_url=url, api_key="a-key-of-nobody", max_retries=0)
    return {
        "lost": fault(lost),
        "lost_streamed": fault(lost_streamed),
        "broken": fault(broken),
        "stranger": fault(lambda: stranger.responses.create(model=MODEL, input="x")),
    }


def main(url: str) -> None:
    with OpenAI(base_url=url, max_retries=0, timeout=20) as client:
        said = conversation(client)
        first, second, third = said.pop("ids")
        seen = {
            "conversation": said,
            "streamed": streamed(client, third),
            "fork": client.responses.create(
                model=MODEL, input="Which word did I ask you to remember?", previous_response_id=first
            ).output_text,
            "tool": tool(client),
            "stored": stored(client, first, second),
            "refusals": refusals(url, client),
        }
    print(json.dumps(seen))


main(sys.argv[1])
