"""A small agent of our own that does what the specification asks of clients; `--fault NAME` breaks one thing in it.

It speaks OpenAI's wires and Segue's, each in a plain way, and holds every item itself. What is common to the wires is
here; how a turn is asked for on each stands in `wires.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from wires import WIRES, Closed, Cut, Denied, Failure, Link

TOOL = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


class GaveUp(Exception):
    """The task could not be done."""


class Agent:
    """One conversation: its items, and the handle that the endpoint gave for them."""

    def __init__(self, link: Link, faults: frozenset[str], delta: bool) -> None:
        self.link = link
        self.faults = faults
        self.delta = delta
        self.items: list[dict] = []
        self.held = 0
        self.parent: str | None = None

    def say(self, text: str) -> str:
        """Hold the turns of one message of the user, tool calls and all; return the answer."""
        self.items.append({"type": "message", "role": "user", "content": text})
        while True:
            output = self.turn()
            calls = [item for item in output if item.get("type") == "function_call"]
            if not calls:
                return "".join(
                    part["text"] for item in output if item.get("type") == "message" for part in item["content"]
                )
            for call in calls:
                told = {"type": "function_call_output", "call_id": call["call_id"], "output": "The word is thimble."}
                self.items.append(told)
                if "doubles_output" in self.faults:
                    self.items.append(dict(told))

    def turn(self) -> list[dict]:
        """Hold one turn; repeat it where that is fair. Raises GaveUp."""
        tries = 0
        while True:
            parent, new = self.question()
            try:
                answer = self.link.ask(parent, new, TOOL)
                break
            except Failure as failure:
                tries += 1
                self.after(failure, parent, tries)
            except Cut as cut:
                tries += 1
                if "cut_is_success" in self.faults:
                    answer = (None, cut.output)
                    break
                if tries > 3:
                    raise GaveUp("cut again and again") from None
        self.parent, output = answer
        self.items += output
        self.held = len(self.items)
        return output

    def question(self) -> tuple[str | None, list[dict]]:
        """Return the parent to go on from, and the items to send beside it."""
        if self.delta and self.parent is not None:
            if "sends_all_beside_parent" in self.faults:
                return self.parent, self.items
            return self.parent, self.items[self.held :]
        if "drops_assistant" in self.faults:
            return None, [item for item in self.items if item.get("role") != "assistant"]
        return None, list(self.items)

    def after(self, failure: Failure, parent: str | None, tries: int) -> None:
        """Do what the error advises, or raise GaveUp."""
        advice = failure.advice
        if "loops" in self.faults:
            return
        if "error_is_success" in self.faults:
            sys.exit(0)
        if advice == "resend_full" and parent is not None and "never_resends" not in self.faults:
            if "repeats_lost_parent" in self.faults and tries < 3:
                return
            self.parent = None
        elif advice == "wait" and tries < 4:
            if "ignores_retry_after" not in self.faults:
                time.sleep(failure.wait or 0.2)
        elif advice == "retry" and tries < 4:
            time.sleep(0.05)
        elif advice == "reconnect" and tries < 4 and "never_reconnects" not in self.faults:
            self.link.reconnect()
        elif advice == "give_up" and "ignores_give_up" in self.faults and tries < 2:
            return
        else:
            raise GaveUp(f"{failure} (advice: {advice})")


def main() -> int:
    """Do the task of the environment; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wire", default="openai-http", choices=sorted(WIRES))
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--whole", action="store_true", help="send the history whole in each turn")
    parser.add_argument("--final", action="store_true", help="ask for whole answers, not for streams")
    parser.add_argument("--one-process", action="store_true", help="a scenario for each line of the standard input")
    options = parser.parse_args()
    if not options.one_process:
        return work(options)
    for line in sys.stdin:
        os.environ.update(json.loads(line))
        print(f"SEGUE_DONE {work(options)}", flush=True)
    return 0


def work(options: argparse.Namespace) -> int:
    """Do one task; return the exit code."""
    faults = frozenset(options.fault)
    if "does_nothing" in faults:
        return 0
    conversations = os.environ["SEGUE_TASK"].split("\n\n")
    link = WIRES[options.wire](stream=not options.final, faults=faults)
    agents = [Agent(link, faults, not options.whole) for _ in conversations]
    if "mixes_conversations" in faults:
        agents = [agents[0]] * len(agents)
    try:
        for agent, conversation in zip(agents, conversations, strict=True):
            for message in conversation.splitlines():
                print(agent.say(message))
    except (GaveUp, Closed, Denied) as reason:
        print(f"gave up: {reason}", file=sys.stderr)
        return 1
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
