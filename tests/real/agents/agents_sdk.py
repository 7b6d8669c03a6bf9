"""An agent on openai-agents, unmodified: `Runner.run` with a tool and, by the flag, a session or chained responses.

`--chain`: `auto_previous_response_id`, the endpoint holds the history. Without it a session in memory holds it.
`--ws`: the WebSocket transport.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from agents import (
    Agent,
    Runner,
    SQLiteSession,
    function_tool,
    set_default_openai_responses_transport,
    set_tracing_disabled,
)

CHAIN = "--chain" in sys.argv


@function_tool
def get_word() -> str:
    """Return a word."""
    return "The word is thimble."


async def main() -> None:
    set_tracing_disabled(True)
    if "--ws" in sys.argv:
        set_default_openai_responses_transport("websocket")
    agent = Agent(name="Agent", model="gpt-5", tools=[get_word])
    for number, conversation in enumerate(os.environ["SEGUE_TASK"].split("\n\n")):
        session = SQLiteSession(f"conversation-{number}")
        parent: str | None = None
        for message in conversation.splitlines():
            more: dict[str, Any] = {"session": session}
            if CHAIN:
                more = {"previous_response_id": parent, "auto_previous_response_id": parent is None}
            if "--stream" in sys.argv:
                result: Any = Runner.run_streamed(agent, message, **more)
                async for _ in result.stream_events():
                    pass
            else:
                result = await Runner.run(agent, message, **more)
            parent = result.last_response_id
            print(result.final_output)


asyncio.run(main())
