"""An agent on the OpenAI SDK over HTTP, in the way its documents show: streams, tools, `previous_response_id`.

Errors are left to the SDK: whatever it raises ends the agent. `--whole` sends the history in each turn instead, and
`--helper` reads the stream by the SDK's helper.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from openai import OpenAI

TOOL: Any = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}
ENDS = ("response.completed", "response.incomplete", "response.failed")
WHOLE, HELPER = "--whole" in sys.argv, "--helper" in sys.argv


def ask(client: OpenAI, **members: Any) -> Any:
    """Hold one turn and return its Response."""
    if HELPER:
        with client.responses.stream(model="gpt-5", tools=[TOOL], **members) as stream:
            return stream.get_final_response()
    response = None
    for event in client.responses.create(model="gpt-5", tools=[TOOL], stream=True, **members):
        if event.type in ENDS:
            response = event.response
    if response is None or response.status == "failed":
        raise RuntimeError(f"no answer: {response.error if response else 'the stream ended'}")
    return response


def main() -> None:
    with OpenAI() as client:  # OPENAI_BASE_URL and OPENAI_API_KEY
        for conversation in os.environ["SEGUE_TASK"].split("\n\n"):
            history: list[Any] = []
            parent: str | None = None
            for message in conversation.splitlines():
                new: list[Any] = [{"role": "user", "content": message}]
                while new:
                    history += new
                    if WHOLE:
                        response = ask(client, input=history)
                    else:
                        response = ask(client, input=new, **({"previous_response_id": parent} if parent else {}))
                    parent = response.id
                    history += [item.to_dict() for item in response.output]
                    new = [
                        {"type": "function_call_output", "call_id": item.call_id, "output": "The word is thimble."}
                        for item in response.output
                        if item.type == "function_call"
                    ]
                print(response.output_text)


main()
