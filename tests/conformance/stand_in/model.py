"""A tiny deterministic model: answers the suite's sentences honestly from the history that it is given."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Reply", "reply", "text_of"]

Item = dict[str, Any]

_CHOICES = ("marigold", "peregrine", "tamarind", "obsidian", "wisteria", "cormorant")
#: A question, and where in the history its answer stands: the last match there is the answer.
_FACTS = (
    ("word did I ask you to remember", "user", r"Remember this word: ([\w-]+)"),
    ("animal code did I tell you", "user", r"The animal code is ([\w-]+)"),
    ("word did the tool return", "output", r"The word is ([\w-]+)"),
    ("word did you tell me", "assistant", r"([\w-]+-\d+)"),
    ("code word in your instructions", "instructions", r"The code word is ([\w-]+)"),
)
_STYLES: dict[str, Callable[[str], str]] = {
    "answers_in_sentences": lambda text: f"The word is {text}." if re.fullmatch(r"[\w-]+", text) else text,
    "answers_in_capitals": str.upper,
    "answers_in_markdown": lambda text: f"**“{text}”** 🌊",
    "answers_with_preamble": lambda text: f"Sure, of course! Here is what you asked for:\n\n{text}",
}


@dataclass(frozen=True)
class Reply:
    """What the model does: it says a text (slowly, if it was asked to), or calls tools."""

    text: str = ""
    calls: tuple[str, ...] = ()
    slow: bool = False


def text_of(item: Item) -> str:
    """Return the text of a message or of a tool's output."""
    content = item.get("output", item.get("content"))
    parts = [{"text": content}] if isinstance(content, str) else content or []
    return "".join(str(part.get("text", "")) for part in parts)


def reply(history: Sequence[Item], settings: dict[str, Any], on: frozenset[str]) -> Reply:
    """Return what the model makes of a history and the settings of one request."""
    if history[-1].get("type") == "function_call_output":
        return Reply(_styled("Thank you.", on))
    question = text_of(history[-1])
    if "Call the tool" in question:
        offered = [tool["name"] for tool in settings.get("tools") or () if tool["name"] in question]
        if settings.get("tool_choice") == "none" and "choice_none_is_ignored" not in on:
            return Reply(_styled("I may not.", on))
        one = settings.get("parallel_tool_calls") is False and "parallel_false_is_ignored" not in on
        calls = () if "calls_no_tools" in on else offered[:1] if one or "calls_one_tool" in on else offered
        return Reply("I would rather not.", tuple(calls))
    return Reply(_styled(_said(question, history, settings, on), on), slow="slowly" in question)


def _said(question: str, history: Sequence[Item], settings: dict[str, Any], on: frozenset[str]) -> str:
    if match := re.search(r"Repeat after me: (.+?)\.?$", question):
        return match[1]
    if match := re.search(r"Count from (\d+) to (\d+)", question):
        return ", ".join(str(n) for n in range(int(match[1]), int(match[2]) + 1))
    if "Answer only with OK" in question:
        return "OK"
    if question.startswith("Choose a"):
        return secrets.choice(_CHOICES)
    if "Write a long text" in question:
        short = "short_where_limited" in on and settings.get("max_output_tokens")
        return "The sea is wide." if short else " ".join(f"wave{n}" for n in range(40 if "slowly" in question else 90))
    if "word did you choose" in question:
        return _chosen(history)
    for asked, where, pattern in _FACTS:
        if asked in question:
            found = re.findall(pattern, _told(where, history, settings))
            return str(found[-1]) if found else "I don't know."
    return "Hello there." if "Say hello" in question else "I don't know."


def _told(where: str, history: Sequence[Item], settings: dict[str, Any]) -> str:
    roles = {"user": ("user",), "assistant": ("assistant",), "instructions": ("developer", "system")}.get(where, ())
    wanted = [i for i in history if i.get("role") in roles or (where == "output" and "output" in i)]
    told = [str(settings.get("instructions") or "")] if where == "instructions" else []
    return "\n".join([*map(text_of, wanted), *told])


def _chosen(history: Sequence[Item]) -> str:
    """Return the last word of what the assistant said to the question to choose."""
    asked, answer = False, "I don't know."
    for item in history:
        if item.get("role") == "user":
            asked = text_of(item).startswith("Choose a")
        elif item.get("role") == "assistant" and asked:
            answer = text_of(item)
    last = re.search(r"([\w-]+)\W*$", answer)
    return last[1] if last and answer != "I don't know." else answer


def _styled(text: str, on: frozenset[str]) -> str:
    for name, style in _STYLES.items():
        if name in on:
            text = style(text)
    return text
