"""Other models than the honest one: weak, wordy, forgetful. Which of them answers is no fault of an endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .model import Item, Reply, reply, text_of

__all__ = ["MODELS"]

_TOKEN = r"[a-z]+-\d{4}"

Model = Callable[[Sequence[Item], dict[str, Any], int], Reply]


def _honest(history: Sequence[Item], settings: dict[str, Any]) -> Reply:
    return reply(history, settings, frozenset())


def _minimal(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    """Know what it is to remember a word, to be asked for one, and to call a tool; say OK to all else."""
    question = text_of(history[-1])
    if "call the tool" in question.lower() and (tools := settings.get("tools")):
        return Reply(calls=(tools[0]["name"],))
    told = "\n".join([str(settings.get("instructions") or ""), *map(text_of, history)])
    if "word" in question and "?" in question:
        found = re.findall(_TOKEN, told)
        return Reply(found[-1] if found else "I do not know.")
    return Reply("OK.")


def _transcript(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    """Say all that it was given."""
    return Reply("\n".join([str(settings.get("instructions") or ""), *map(text_of, history)]).strip() or "Nothing.")


def _echo(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    return Reply(f"You said: {text_of(history[-1])}")


def _forgetful(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    said = _honest(history, settings)
    return Reply("I am not sure.") if asked % 3 == 2 and not said.calls else said


def _wordy(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    said = _honest(history, settings)
    if said.calls:
        return said
    question = text_of(history[-1])
    return Reply(
        f'You asked me: "{question}" Let me think. It could be walnut-0000, but it is not. So:\n\n'
        f"- **Answer:** “{said.text}”\n\nIs there anything else that I can do for you today?",
        slow=said.slow,
    )


def _terse(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    """Never say more than four words."""
    said = _honest(history, settings)
    return Reply(" ".join(said.text.split()[:4]) or "OK", said.calls)


def _eager(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    """Call a tool wherever one is offered and the turn did not bring its output."""
    tools = [tool for tool in settings.get("tools") or [] if tool.get("name")]
    if tools and history[-1].get("type") != "function_call_output":
        return Reply(calls=(tools[0]["name"],))
    return _honest(history, settings)


def _blank(history: Sequence[Item], settings: dict[str, Any], asked: int) -> Reply:
    """Say nothing at all now and then."""
    said = _honest(history, settings)
    return Reply("") if asked % 5 == 4 and not said.calls else said


MODELS: dict[str, tuple[str, Model]] = {
    "model_minimal": ("a model that knows words and tools, and says OK to all else", _minimal),
    "model_transcript": ("a model that says all that it was given", _transcript),
    "model_echo": ("a model that says what was said last", _echo),
    "model_forgetful": ("a model that does not know, one time in three", _forgetful),
    "model_wordy": ("a model that repeats the question, thinks aloud and names words that are not it", _wordy),
    "model_terse": ("a model that never says more than four words", _terse),
    "model_eager": ("a model that calls tools wherever they are offered", _eager),
    "model_blank": ("a model that says nothing, one time in five", _blank),
}
