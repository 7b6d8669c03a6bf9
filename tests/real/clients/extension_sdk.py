"""The OpenAI SDK on responses in the form of the extension: read as a stream, by the helper, and over the WebSocket.

Prints one line of JSON: what each reading of the server came to. Knows nothing of Segue and declares nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from typing import Any

from openai import AsyncOpenAI, OpenAI
from openai.types.responses import ResponsesServerEvent, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError

ENDS = ("response.completed", "response.incomplete", "response.failed")
URL = sys.argv[1]
client = OpenAI(base_url=f"{URL}/v1")


def fits(event: Any, adapter: TypeAdapter[Any]) -> bool:
    """Whether an event is one of the SDK's types."""
    try:
        adapter.validate_python(event.to_dict())
    except ValidationError:
        return False
    return True


def summed(events: list[Any], adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return what events came to, from the deltas and from the last one."""
    end = events[-1]
    return {
        "end": end.type,
        "events": len(events),
        "misfits": [event.type for event in events if not fits(event, adapter)],
        "deltas": "".join(event.delta for event in events if event.type == "response.output_text.delta"),
        "text": end.response.output_text,
        "items": [item.type for item in end.response.output],
        "extended": sum("segue" in event.to_dict() for event in events),
    }


def raw(name: str) -> dict[str, Any]:
    """Read the plain stream."""
    adapter = TypeAdapter[Any](ResponseStreamEvent)
    return summed(list(client.responses.create(model=name, input="x", stream=True)), adapter)


def helper(name: str) -> dict[str, Any]:
    """Read by the stream helper, which puts the response together."""
    seen, text = [], ""
    try:
        with client.responses.stream(model=name, input="x") as stream:
            for event in stream:
                seen.append(event.type)
                if event.type == "response.output_text.delta":
                    text += event.delta
                    snapshot = event.snapshot
            if seen[-1] == "response.completed":
                final = stream.get_final_response()
                return {
                    "end": seen[-1], "deltas": text, "text": final.output_text,
                    "items": [item.type for item in final.output],
                }  # fmt: skip
            return {"end": seen[-1], "deltas": text, "text": text, "snapshot": snapshot if text else ""}
    except Exception as error:
        return {"broken": type(error).__name__, "after": len(seen), "why": str(error)[:120]}


async def over_websocket(names: list[str]) -> dict[str, Any]:
    """Read all of them on one connection."""
    adapter = TypeAdapter[Any](ResponsesServerEvent)
    found = {}
    async with AsyncOpenAI(base_url=f"{URL}/v1").responses.connect() as connection:
        for name in names:
            await connection.response.create(model=name, input="x")
            events = []
            async for event in connection:
                events.append(event)
                if event.type in ENDS:
                    break
            found[name] = summed(events, adapter)
    return found


def main() -> None:
    """Print what was seen."""
    with urllib.request.urlopen(f"{URL}/readings") as answer:
        names = list(json.load(answer))
    whole = next(name for name in names if name.startswith("first-turn"))
    print(json.dumps({
        "raw": {name: raw(name) for name in names},
        "helper": {name: helper(name) for name in names},
        "ws": asyncio.run(over_websocket(names)),
        "foreign": {place: {"raw": raw_end(f"{whole}+{place}"), "helper": helper(f"{whole}+{place}")}
                    for place in ("first", "later")},
    }))  # fmt: skip


def raw_end(name: str) -> str:
    """Return how the plain stream of a reading ends."""
    return [event.type for event in client.responses.create(model=name, input="x", stream=True)][-1]


if __name__ == "__main__":
    main()
