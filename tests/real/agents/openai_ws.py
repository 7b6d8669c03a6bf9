"""An agent on the OpenAI SDK's WebSocket: one connection, deltas, tools. Errors are left to the SDK.

With `--again` the SDK reconnects, the turn that was under way is sent again as it does, and responses are stored.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from openai import AsyncOpenAI

TOOL: Any = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


AGAIN = "--again" in sys.argv


class Agent:
    """Its connection, and the turn that is under way."""

    connection: Any = None
    turn: dict[str, Any]
    repeating: Any = None

    async def send(self) -> None:
        """Send the turn; while the SDK reconnects, it keeps what is sent for the new connection."""
        await self.connection.response.create(model="gpt-5", tools=[TOOL], store=AGAIN, **self.turn)

    def reconnecting(self, event: Any) -> None:
        """Send the turn again."""
        self.repeating = asyncio.ensure_future(self.send())


async def ask(agent: Agent, **members: Any) -> Any:
    """Hold one turn and return its Response."""
    agent.turn = members
    await agent.send()
    async for event in agent.connection:
        if event.type in ("response.completed", "response.incomplete"):
            return event.response
        if event.type in ("error", "response.failed"):
            raise RuntimeError(event.to_json())
    raise RuntimeError("the connection ended")


async def main() -> None:
    agent = Agent()
    more = {"on_reconnecting": agent.reconnecting} if AGAIN else {}
    async with AsyncOpenAI() as client, client.responses.connect(**more) as agent.connection:
        for conversation in os.environ["SEGUE_TASK"].split("\n\n"):
            parent: dict[str, str] = {}
            for message in conversation.splitlines():
                new: list[Any] = [{"role": "user", "content": message}]
                while new:
                    response = await ask(agent, input=new, **parent)
                    parent = {"previous_response_id": response.id}
                    new = [
                        {"type": "function_call_output", "call_id": item.call_id, "output": "The word is thimble."}
                        for item in response.output
                        if item.type == "function_call"
                    ]
                print(response.output_text)


asyncio.run(main())
