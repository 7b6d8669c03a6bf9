"""The Anthropic SDK, as its users write it: a history sent again, streaming, tools, refusals.

Prints one line of JSON: what the client saw. Runs in the SDK's own environment and knows nothing of Segue.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from anthropic import Anthropic, APIStatusError
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

MODEL = "scripted-1"
TOOL: Any = {"name": "get_word", "description": "Returns a word.", "input_schema": {"type": "object", "properties": {}}}
ASK = "Which word did I ask you to remember?"


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def misfits(kind: Any, values: list[BaseModel]) -> list[str]:
    """Return why values don't fit the SDK's own type: it takes anything from the wire, strict clients don't."""
    found = []
    for value in values:
        try:
            TypeAdapter(kind).validate_python(value.to_dict())
        except ValidationError as error:
            found.append(str(error)[:500])
    return found


def conversation(client: Anthropic) -> dict[str, Any]:
    """Two turns, the second with the whole history in it; instructions of their own."""
    asked: Any = {"model": MODEL, "max_tokens": 500}
    messages = [user("Remember this word: walnut-4821. Answer only with OK.")]
    first = client.messages.create(**asked, messages=messages)
    told: Any = {"role": "assistant", "content": first.content}
    second = client.messages.create(**asked, messages=[*messages, told, user(ASK)])
    alone = client.messages.create(**asked, messages=[user(ASK)])
    instructed = client.messages.create(
        **asked, system="The code word is garnet-2222.", messages=[user("What is the code word in your instructions?")]
    )
    return {
        "texts": [text_of(message) for message in (first, second, alone, instructed)],
        "stop": second.stop_reason,
        "usage": second.usage.input_tokens > 0 and second.usage.output_tokens > 0,
        "misfits": misfits(Message, [first, second, alone]),
    }


def streamed(client: Anthropic) -> dict[str, Any]:
    """The plain stream and the stream helper."""
    asked: Any = {"model": MODEL, "max_tokens": 500, "messages": [user("Repeat after me: one two three.")]}
    events = list(client.messages.create(**asked, stream=True))
    with client.messages.stream(**asked) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    kinds = [event.type for event in events]
    return {
        "types": [kind for n, kind in enumerate(kinds) if n == 0 or kinds[n - 1] != kind],
        "text": "".join(event.delta.text for event in events if event.type == "content_block_delta"),
        "helper": ["".join(pieces), text_of(final), final.stop_reason, final.usage.output_tokens],
        "misfits": misfits(RawMessageStreamEvent, events),
    }


def tool(client: Anthropic) -> dict[str, Any]:
    """A call, its result, and what the model makes of it; then the call streamed."""
    asked: Any = {"model": MODEL, "max_tokens": 500, "tools": [TOOL]}
    messages = [user("Call the tool get_word now. Do not answer with text.")]
    first = client.messages.create(**asked, messages=messages)
    (call,) = [block for block in first.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "The word is thimble-7001."}
    told: Any = {"role": "assistant", "content": first.content}
    later = client.messages.create(**asked, messages=[*messages, told, user([result])])
    with client.messages.stream(**asked, messages=messages) as stream:
        final = stream.get_final_message()
    return {
        "stop": first.stop_reason,
        "name": call.name,
        "input": call.input,
        "told": text_of(later),
        "streamed": [(block.name, block.input) for block in final.content if block.type == "tool_use"],
    }


def cut(client: Anthropic) -> list[Any]:
    asked = [user("Write a text of 60 words.")]
    told = client.messages.create(model=MODEL, max_tokens=7, messages=asked)
    return [told.stop_reason, len(text_of(told).split())]


def fault(call: Any) -> dict[str, Any]:
    """Return the exception that a call raises, as a user's `except` sees it."""
    try:
        call()
    except APIStatusError as error:
        body: Any = error.body
        kind = body["error"]["type"] if isinstance(body, dict) else None
        return {"is": type(error).__name__, "status": error.status_code, "type": kind}
    return {"is": "nothing"}


def refusals(client: Anthropic, url: str) -> dict[str, Any]:
    def create(content: Any, asking: Anthropic = client, **more: Any) -> Any:
        return asking.messages.create(model=MODEL, max_tokens=500, messages=[user(content)], **more)

    return {
        "broken": fault(lambda: create(7)),
        "failed": fault(lambda: create("Fail now.")),
        "failed_streamed": fault(lambda: list(create("Fail now.", stream=True))),
        "stranger": fault(lambda: create("Hello", Anthropic(base_url=url, api_key="nobody", max_retries=0))),
        "bearer": fault(lambda: create("Hello", Anthropic(base_url=url, auth_token=client.api_key, api_key=None))),
    }


def main(url: str) -> None:
    base = url.removesuffix("/v1")  # the SDK puts it into its own paths
    client = Anthropic(base_url=base, max_retries=0)
    parts = {"conversation": conversation, "streamed": streamed, "tool": tool, "cut": cut}
    told = {name: part(client) for name, part in parts.items()}
    print(json.dumps({**told, "refusals": refusals(client, base)}))


main(sys.argv[1])
