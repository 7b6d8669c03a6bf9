"""An agent on the OpenAI SDK's WebSocket: one connection, deltas, tools. Errors are left to the SDK."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from openai import AsyncOpenAI

TOOL: Any = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


async def ask(connection: Any, **members: Any) -> Any:
    """Hold one turn and return its Response."""
    await connection.response.create(model="gpt-5", tools=[TOOL], store=False, **members)
    async for event in connection:
        if event.type in ("response.completed", "response.incomplete"):
            return event.response
        if event.type in ("error", "response.failed"):
            raise RuntimeError(event.to_json())
    raise RuntimeError("the connection ended")


async def main() -> None:
    async with AsyncOpenAI() as client, client.responses.connect() as connection:
        for conversation in os.environ["SEGUE_TASK"].split("\n\n"):
            parent: dict[str, str] = {}
            for message in conversation.splitlines():
                new: list[Any] = [{"role": "user", "content": message}]
                while new:
                    response = await ask(connection, input=new, **parent)
                    parent = {"previous_response_id": response.id}
                    new = [
                        {"type": "function_call_output", "call_id": item.call_id, "output": "The word is thimble."}
                        for item in response.output
                        if item.type == "function_call"
                    ]
                print(response.output_text)


asyncio.run(main())
