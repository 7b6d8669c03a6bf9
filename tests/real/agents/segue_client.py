"""An agent on `segue.connect`, over the wire that is named: its items are held here, and errors end it.

With `--resend` it does the one thing that the library leaves to its user: behind `resend_full` the history whole.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import segue

TOOL = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


async def main(wire: str) -> None:
    context = {"model": "scripted", "tools": [TOOL]}
    key = os.environ["SEGUE_API_KEY"]
    async with segue.connect(os.environ["SEGUE_URL"], wire=wire, api_key=key, context=context, limit=20) as session:
        for conversation in os.environ["SEGUE_TASK"].split("\n\n"):
            history: list[Any] = []
            parent: Any = None
            for message in conversation.splitlines():
                new: list[Any] = [{"type": "message", "role": "user", "content": message}]
                while new:
                    history += new
                    outcome = await (await session.turn(new, parent=parent)).outcome()
                    if "--resend" in sys.argv and outcome.error is not None and outcome.error.advice == "resend_full":
                        outcome = await (await session.turn(history)).outcome()
                    if outcome.completed is None:
                        raise SystemExit(f"no answer: {outcome.error}")
                    history += outcome.items
                    parent = outcome.continuation
                    new = [
                        {"type": "function_call_output", "call_id": call["call_id"], "output": "The word is thimble."}
                        for call in outcome.calls
                    ]
                print(outcome.text)


asyncio.run(main(sys.argv[1]))
