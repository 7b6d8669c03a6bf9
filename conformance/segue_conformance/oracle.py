"""The context-loss oracle: words that only an earlier turn knows, asked for later, with a control arm.

An id in an answer proves nothing; a word does. Where the word does not come back, the same question with the whole
history in one request tells "the server lost it" from "the model forgot".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from segue_adapters import draws
from segue_adapters.turn import Outcome

from .subject import Client, completed, own_items
from .verdicts import Deviation, Inconclusive, Untestable

__all__ = ["ASK", "ASK_CHOSEN", "ASK_CODE", "ASK_TOOL", "TOOL", "Story", "call_tool", "plant", "says", "word"]

# Nouns that no model says by itself in an answer to these questions; the number makes luck impossible.
_NOUNS = (
    "anvil", "badger", "bonnet", "cactus", "cedar", "cobalt", "dagger", "ember", "falcon", "ferry", "garnet", "gravel",
    "hammock", "harbor", "hazel", "jasmine", "kettle", "lantern", "lobster", "magnet", "marble", "mitten", "nutmeg",
    "orchid", "oyster", "paddle", "parrot", "pebble", "pepper", "piston", "pollen", "quartz", "raven", "ribbon",
    "saddle", "sapphire", "shovel", "spindle", "thimble", "timber", "trumpet", "tulip", "velvet", "walnut", "willow",
)  # fmt: skip

ASK = "Which word did I ask you to remember? Answer with the word only."
ASK_CHOSEN = "Which word did you choose? Answer with the word only."
ASK_CODE = "What is the code word in your instructions? Answer with the word only."
_CALL = "Call the tool get_word now. Do not answer with text."
ASK_TOOL = "Which word did the tool return? Answer with the word only."

TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_word",
    "description": "Returns a word. Takes no arguments.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    "strict": False,
}


def word() -> str:
    """Return a fresh word, such as `walnut-4821`."""
    return f"{draws.choice(_NOUNS)}-{1000 + draws.randbelow(9000)}"


def plant(secret: str) -> str:
    """Return the sentence that tells a word."""
    return f"Remember this word: {secret}. Answer only with OK."


def says(text: str, secret: str) -> bool:
    """Whether an answer has the word in it, however it is written."""
    return _bare(secret) in _bare(text)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


class Story:
    """A conversation that remembers its items, so that a control arm can tell it again in one request."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.items: list[dict[str, Any]] = []

    def fork(self) -> Story:
        """Return a second story that begins as this one."""
        other = Story(self.client)
        other.items = list(self.items)
        return other

    def add(self, outcome: Outcome) -> Outcome:
        """Take a turn's input and output into the story."""
        start = outcome.start
        self.items += own_items(getattr(start, "input", []))
        self.items += own_items(outcome.items)
        return outcome

    async def say(self, input: Any, **options: Any) -> Outcome:
        """Hold a turn that has to work, and take it into the story."""
        return self.add(await self.client.say(input, **options))

    async def recalls(
        self,
        secret: str,
        question: str = ASK,
        *,
        others: Sequence[str] = (),
        requirement: str | None = None,
        **options: Any,
    ) -> Outcome:
        """Ask for a word and judge the answer; none of the `others` may be in it.

        Deviation where the endpoint lost it, Inconclusive where the model does not know it either with everything
        before it. `requirement` is the one that a loss breaks; a word of the others breaks the check's own.
        """
        answer = self.client.excuse(await self.client.turn(question, **options))
        return await self.judges(answer, secret, question, others=others, requirement=requirement, **options)

    async def judges(
        self,
        answer: Outcome,
        secret: str,
        question: str,
        *,
        others: Sequence[str] = (),
        requirement: str | None = None,
        **options: Any,
    ) -> Outcome:
        """Judge the answer to a question that was asked already, as `recalls` does; `options` are those of its turn."""
        outcome = completed(answer, "a turn from a parent must run", requirement=requirement)
        leaked = [other for other in others if says(outcome.text, other)]
        if leaked:
            raise Deviation(
                "a word of another history came back",
                expected=f"nothing but {secret!r}",
                actual=repr(outcome.text[:200]),
            )
        if says(outcome.text, secret):
            return self.add(outcome)
        if outcome.calls and not outcome.text and isinstance(options.get("context"), dict):
            # A model that calls tools wherever it has any is asked without.
            options["context"] = {name: value for name, value in options["context"].items() if name != "tools"}
        self.client.subject.recorder.note("the word did not come: the same question once more")
        again = await self.client.turn(question, **options)
        if again.refused is not None and outcome.continuation is not None:
            # An older response may be gone meanwhile: from the answer, then, which stands for the same history.
            again = await self.client.turn(question, **{**options, "parent": outcome.continuation})
        if says(again.text, secret) and not any(says(again.text, other) for other in others):
            return self.add(again)
        await self._control(secret, question, outcome, requirement, options)
        raise AssertionError("the control arm always ends a check")

    async def stands(self, secret: str, **options: Any) -> None:
        """Make sure that a handle means its history before something is done to it; Untestable where it does not.

        A history that was not there to begin with is a loss that other checks tell, and no fault of what comes next.
        """
        # What OpenAI's WebSocket has in memory is gone on from once and then an older response: the second look shows
        # whether the endpoint reads it from its store, as it need not.
        looks = 2 if self.client.subject.wire == "openai-ws" else 1
        try:
            for _ in range(looks):
                await self.fork().recalls(secret, **options)
        except Deviation as lost:
            raise Untestable(f"the history is not there to begin with: {lost.message}") from None

    async def _control(
        self, secret: str, question: str, outcome: Outcome, requirement: str | None, options: dict[str, Any]
    ) -> None:
        self.client.subject.recorder.note("control arm: the same question, with the whole history in one request")
        message = {"type": "message", "role": "user", "content": question}
        kept = {name: value for name, value in options.items() if name in ("context", "final")}
        control = await self.client.turn([*self.items, message], **kept)
        answer = control.text if control.completed else f"no answer ({control.error.code if control.error else '?'})"
        if control.completed and says(control.text, secret):
            raise Deviation(
                "the word is lost: the endpoint answered without the history that the parent stands for",
                expected=repr(secret),
                actual=repr(outcome.text[:200]),
                requirement=requirement,
                control="with the whole history in one request the answer was "
                f"{_around(answer, secret)!r}: the endpoint lost the word, not the model",
            )
        raise Inconclusive(
            f"the model did not say {secret!r}, and neither did it with the whole history before it: {answer[:120]!r}"
        )


def _around(answer: str, secret: str) -> str:
    """Return the part of an answer in which a word stands."""
    place = max(0, answer.lower().find(secret.lower()))
    begin, end = max(0, place - 30), place + len(secret) + 30
    return ("…" if begin else "") + answer[begin:end] + ("…" if end < len(answer) else "")


async def call_tool(story: Story, **options: Any) -> tuple[Outcome, dict[str, Any]]:
    """Bring the model to call the tool; Inconclusive where it will not."""
    context = options.pop("context", None) or story.client.subject.base_context(tools=[TOOL])
    outcome = await story.client.say(_CALL, context=context, **options)
    calls = [call for call in outcome.calls if call.get("type") == "function_call"]
    if not calls:
        # A weak model may call what it has to, though not what it was asked to.
        forced = {**context, "tool_choice": {"type": "function", "name": TOOL["name"]}}
        again = await story.client.turn(_CALL, context=forced, **options)
        calls = [call for call in again.calls if call.get("type") == "function_call"]
        outcome = again if calls else outcome
    if not calls:
        raise Inconclusive(f"the model was asked to call a tool and did not: {outcome.text[:120]!r}")
    return story.add(outcome), calls[0]


def tool_output(call: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the item that answers a call."""
    return {"type": "function_call_output", "call_id": call["call_id"], "output": text}


__all__ += ["tool_output"]
