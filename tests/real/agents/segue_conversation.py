"""An agent on conversations of `segue.connect`, over the wire that is named: recovery is the library's.

With `--sync` on the synchronous face, with `--plain` without the Responses extension, with `--may-repeat` a turn of
which nobody knows what became of it runs again.
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
CONTEXT = {"model": "scripted", "tools": [TOOL]}
OPTIONS: dict[str, Any] = {"context": CONTEXT, "limit": 20, "extension": "--plain" not in sys.argv}
SETTINGS: dict[str, Any] = {"may_repeat": "--may-repeat" in sys.argv}


def outputs(outcome: Any) -> list[Any]:
    """Return what answers the calls of an outcome; ends the program where there is no answer."""
    if outcome.completed is None:
        raise SystemExit(f"no answer: {outcome.error}")
    return [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "The word is thimble."}
        for call in outcome.calls
    ]


async def main(wire: str | None) -> None:
    key, url = os.environ["SEGUE_API_KEY"], os.environ["SEGUE_URL"]
    async with segue.connect(url, wire=wire, api_key=key, **OPTIONS) as session:
        for conversation in os.environ["SEGUE_TASK"].split("\n\n"):
            chat = session.conversation(**SETTINGS)
            for message in conversation.splitlines():
                outcome = await (await chat.turn(message)).outcome()
                while new := outputs(outcome):
                    outcome = await (await chat.turn(new)).outcome()
                print(outcome.text)


def main_sync(wire: str | None) -> None:
    key, url = os.environ["SEGUE_API_KEY"], os.environ["SEGUE_URL"]
    with segue.sync.connect(url, wire=wire, api_key=key, **OPTIONS) as session:
        for conversation in os.environ["SEGUE_TASK"].split("\n\n"):
            chat = session.conversation(**SETTINGS)
            for message in conversation.splitlines():
                outcome = chat.turn(message).outcome()
                while new := outputs(outcome):
                    outcome = chat.turn(new).outcome()
                print(outcome.text)


named = None if sys.argv[1] == "any" else sys.argv[1]
try:
    if "--sync" in sys.argv:
        main_sync(named)
    else:
        asyncio.run(main(named))
except segue.SegueError as fault:
    raise SystemExit(f"no answer: {fault}") from None
