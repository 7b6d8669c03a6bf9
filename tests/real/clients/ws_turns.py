"""The OpenAI SDK over its WebSocket connection: turns on one socket, lanes, a warm-up, and a miss that it survives.

Prints one line of JSON: what the client saw. Runs in the SDK's own environment and knows nothing of Segue.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from openai import AsyncOpenAI
from openai.types.responses import ResponsesServerEvent
from pydantic import TypeAdapter, ValidationError

MODEL = "scripted-1"
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
ASK = "Which word did I ask you to remember?"
TOOL: Any = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


async def end_of(connection: Any, *, lane: str | None = None) -> Any:
    """Return the terminal event of a lane's response; what other lanes say meanwhile is passed over."""
    async for event in connection:
        if event.type in ENDS and getattr(event, "stream_id", None) == lane:
            return event
    raise AssertionError("the connection ended before the response did")


async def turn(connection: Any, input: Any, **members: Any) -> Any:
    """Hold a turn and return its terminal event."""
    await connection.response.create(model=MODEL, input=input, **members)
    return await end_of(connection, lane=members.get("stream_id"))


async def chain(connection: Any) -> dict[str, Any]:
    """A chain with store=False, which only the connection holds: the word stands in the first turn alone."""
    first = await turn(connection, "Remember this word: walnut-4821. Answer only with OK.", store=False)
    second = await turn(
        connection, [{"role": "user", "content": "Repeat after me: good."}], store=False,
        previous_response_id=first.response.id,
    )  # fmt: skip
    third = await turn(connection, ASK, store=False, previous_response_id=second.response.id)
    events = (first, second, third)
    return {"texts": [e.response.output_text for e in events], "store": [e.response.to_dict()["store"] for e in events]}


async def whole_stream(connection: Any) -> dict[str, Any]:
    """Every event of one response."""
    await connection.response.create(model=MODEL, input="Count from 1 to 5.")
    events = []
    async for event in connection:
        events.append(event)
        if event.type in ENDS:
            break
    numbers = [event.sequence_number for event in events]
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    misfits = []
    for event in events:
        # The SDK takes anything from the wire; strict clients validate with its types.
        try:
            TypeAdapter(ResponsesServerEvent).validate_python(event.to_dict())
        except ValidationError as error:
            misfits.append(str(error)[:500])
    return {
        "types": [event.type for event in events],
        "rises": numbers == sorted(set(numbers)),
        "deltas": deltas,
        "misfits": misfits,
    }


async def tool(connection: Any) -> dict[str, Any]:
    """A call, its output in the next turn, and the word of the tool a turn later."""
    asked = await turn(connection, "Call the tool get_word now.", tools=[TOOL])
    call = next(item for item in asked.response.output if item.type == "function_call")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "The word is thimble-7001."}
    told = await turn(connection, [output], tools=[TOOL], previous_response_id=asked.response.id)
    later = await turn(
        connection, "Which word did the tool return?", tools=[TOOL], previous_response_id=told.response.id
    )
    return {"name": call.name, "told": told.response.output_text, "later": later.response.output_text}


async def miss(connection: Any) -> dict[str, Any]:
    """A parent that never was: an error event, and the socket goes on."""
    error = await turn(connection, "x", previous_response_id="resp_" + "0" * 32)
    after = await turn(connection, "Repeat after me: still here.")
    return {
        "type": error.type,
        "status": error.status,
        "code": error.error.code,
        "param": error.error.param,
        "after": after.response.output_text,
    }


async def lanes(connection: Any) -> dict[str, Any]:
    """A long text in one lane and a short one in another: the short one ends first, and each event names its lane."""
    await connection.response.create(model=MODEL, input="Write a long text slowly.", stream_id="slow")
    await connection.response.create(model=MODEL, input="Say hello.", stream_id="quick")
    order: list[str] = []
    named = True
    async for event in connection:
        named = named and event.stream_id in ("slow", "quick")
        if event.type in ENDS:
            order.append(event.stream_id)
        if len(order) == 2:
            break
    base = await turn(connection, "Remember this word: cobalt-1717. Answer only with OK.", stream_id="one")
    fork = await turn(connection, ASK, stream_id="two", previous_response_id=base.response.id)
    fresh = await turn(connection, ASK, stream_id="one")
    return {"order": order, "named": named, "fork": fork.response.output_text, "fresh": fresh.response.output_text}


async def warm_up(connection: Any) -> dict[str, Any]:
    """A create with generate=False, which the SDK's method has no parameter for: sent as a plain message."""
    message = {"role": "user", "content": "Remember this word: garnet-2222."}
    await connection.send({"type": "response.create", "model": MODEL, "input": [message], "generate": False})
    warm = await end_of(connection)
    after = await turn(connection, ASK, previous_response_id=warm.response.id)
    return {"type": warm.type, "output": len(warm.response.output), "after": after.response.output_text}


async def main(url: str) -> None:
    seen: dict[str, Any] = {}
    async with AsyncOpenAI(base_url=url, max_retries=0, timeout=20) as client:
        async with client.responses.connect() as connection:
            for part in (chain, whole_stream, tool, miss, lanes, warm_up):
                seen[part.__name__] = await part(connection)
            kept = await turn(connection, "Remember this word: raven-3141.", store=True)
            unkept = await turn(connection, "Remember this word: raven-2718.", store=False)
        # A second socket: what was stored is known on it, what the first one held alone is not.
        async with client.responses.connect() as connection:
            found = await turn(connection, ASK, previous_response_id=kept.response.id)
            lost = await turn(connection, ASK, previous_response_id=unkept.response.id)
        seen["next_socket"] = {"found": found.response.output_text, "lost": [lost.type, lost.error.code]}
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
