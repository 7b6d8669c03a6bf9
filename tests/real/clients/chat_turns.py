"""The OpenAI SDK over Chat Completions, as its users write it: a history sent again, streaming, tools, refusals.

Prints one line of JSON: what the client saw. Runs in the SDK's own environment and knows nothing of Segue.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from openai import APIError, APIStatusError, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, TypeAdapter, ValidationError

MODEL = "scripted-1"
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_word",
        "description": "Returns a word.",
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    },
}
ASK = "Which word did I ask you to remember?"


def user(text: str) -> Any:
    return {"role": "user", "content": text}


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
    """Two turns, the second with the whole history in it."""
    messages = [user("Remember this word: walnut-4821. Answer only with OK.")]
    first = client.chat.completions.create(model=MODEL, messages=messages)
    told = first.choices[0].message
    second = client.chat.completions.create(model=MODEL, messages=[*messages, told.to_dict(), user(ASK)])
    alone = client.chat.completions.create(model=MODEL, messages=[user(ASK)])
    return {
        "texts": [answer.choices[0].message.content for answer in (first, second, alone)],
        "finish": second.choices[0].finish_reason,
        "usage": second.usage is not None and second.usage.total_tokens > 0,
        "misfits": misfits(ChatCompletion, [first, second, alone]),
    }


def streamed(client: OpenAI) -> dict[str, Any]:
    """The plain stream, with usage, and the stream helper."""
    asked: Any = {"model": MODEL, "messages": [user("Repeat after me: one two three.")]}
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    plain = list(client.chat.completions.create(**asked, stream=True))
    with client.chat.completions.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion().choices[0].message.content
    return {
        "text": "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices),
        "first": chunks[0].choices[0].delta.role,
        "finish": [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason],
        "usage": [len(chunk.choices) for chunk in chunks if chunk.usage is not None],
        "unasked": any(chunk.usage is not None for chunk in plain),
        "helper": [kinds[-1], final],
        "misfits": misfits(ChatCompletionChunk, [*chunks, *plain]),
    }


def tool(client: OpenAI) -> dict[str, Any]:
    """A call, its output, and what the model makes of it; then the call streamed."""
    messages = [user("Call the tool get_word now. Do not answer with text.")]
    asked = client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    message = asked.choices[0].message
    (call,) = message.tool_calls or []
    output: Any = {"role": "tool", "tool_call_id": call.id, "content": "The word is thimble-7001."}
    later = client.chat.completions.create(model=MODEL, messages=[*messages, message.to_dict(), output], tools=[TOOL])
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[TOOL]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
    return {
        "content": message.content,
        "finish": asked.choices[0].finish_reason,
        "name": call.function.name,
        "arguments": call.function.arguments,
        "told": later.choices[0].message.content,
        "streamed": [(event.name, event.arguments) for event in done],
    }


def cut(client: OpenAI) -> list[Any]:
    asked = [user("Write a text of 60 words.")]
    told = client.chat.completions.create(model=MODEL, messages=asked, max_completion_tokens=7).choices[0]
    return [told.finish_reason, len((told.message.content or "").split())]


def fault(call: Any) -> dict[str, Any]:
    """Return the exception that a call raises, as a user's `except` sees it."""
    try:
        call()
    except APIStatusError as error:
        return {"is": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
    except APIError as error:
        return {"is": type(error).__name__, "message": error.message}
    return {"is": "nothing"}


def refusals(client: OpenAI, url: str) -> dict[str, Any]:
    create = client.chat.completions.create
    open_call: Any = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    stranger = OpenAI(base_url=url, api_key="nobody", max_retries=0)
    bad: Any = [{"role": "user", "content": 7}]
    return {
        "broken": fault(lambda: create(model=MODEL, messages=bad)),
        "two": fault(lambda: create(model=MODEL, messages=[user("Hello")], n=2)),
        "open_call": fault(lambda: create(model=MODEL, messages=[{"role": "assistant", "tool_calls": [open_call]}])),
        "failed": fault(lambda: create(model=MODEL, messages=[user("Fail now.")])),
        "failed_streamed": fault(lambda: list(create(model=MODEL, messages=[user("Fail now.")], stream=True))),
        "stranger": fault(lambda: stranger.chat.completions.create(model=MODEL, messages=[user("Hello")])),
    }


def main(url: str) -> None:
    client = OpenAI(base_url=url, max_retries=0)
    parts = {"conversation": conversation, "streamed": streamed, "tool": tool, "cut": cut}
    told = {name: part(client) for name, part in parts.items()}
    print(json.dumps({**told, "refusals": refusals(client, url)}))


main(sys.argv[1])
