"""The endpoint's model: calls a tool where it is asked to, remembers words, and never says the same thing twice.

Unlike the scripted engine of the reference endpoint it draws a fresh `call_id` for each call and numbers its answers:
an item that is in a history twice is then one that the agent sent twice.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from segue_gateway.engines.base import Delta, Ended, EngineEvent, ItemBegun, ItemEnded, Request
from segue_gateway.engines.recall import text_of
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.engines.tools import arguments_for
from segue_schemas import models

from .task import CALL

__all__ = ["TOOL", "PlainModel"]

#: The tool that is called where the agent has it; else its only one.
TOOL = "get_word"
#: Calls, one after the other, before it answers a message that asks for them.
ROUNDS = 2


class _AnyName(tuple[str, ...]):
    """A list of models that holds whichever name an agent asks for."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


class PlainModel(ScriptedEngine):
    """An engine of the reference endpoint. `tool` is the name of the one to call; `arguments` are given to it."""

    name = "plain"

    def __init__(self, tool: str | None = None, arguments: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.offered: Sequence[str] = _AnyName(("scripted",))
        self.tool = tool
        self.arguments = arguments
        self._place = 0
        #: The next answer is cut at a budget of tokens; or has an item of a type before it that nobody knows.
        self.cut_next = False
        self.odd_next = False
        #: Why no tool was called though the task asks for it; empty where one was.
        self.no_tool = ""

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Yield a call, or a numbered answer in a few pieces."""
        items = [json.loads(item) for item in request.items]
        call = self._planned(items, request.context)
        if call is not None:
            yield ItemBegun(0, {**call, "arguments": ""})
            arguments = call["arguments"]
            middle = len(arguments) // 2
            for piece in (arguments[:middle], arguments[middle:]):
                yield Delta(0, "/arguments", append=piece)
                await asyncio.sleep(0)
        else:
            async for event in self._text(items):
                yield event
            if self.cut_next:
                self.cut_next = False
                yield Ended("incomplete", "max_output_tokens", _usage(items))
                return
            yield ItemEnded(self._place)
            yield Ended("completed", None, _usage(items))
            return
        yield ItemEnded(0)
        yield Ended("completed", None, _usage(items))

    async def _text(self, items: Sequence[Mapping[str, Any]]) -> AsyncIterator[EngineEvent]:
        self._place = 0
        if self.odd_next:
            self.odd_next = False
            yield ItemBegun(0, {"type": "vendor:note", "note": f"of no concern, {secrets.token_hex(4)}"})
            yield ItemEnded(0)
            self._place = 1
        yield ItemBegun(self._place, {"type": "message", "role": "assistant", "content": [_PART]})
        pieces = _pieces(self._said(items))
        for piece in pieces[: len(pieces) // 2] if self.cut_next else pieces:
            yield Delta(self._place, "/content/0/text", append=piece)
            await asyncio.sleep(0)

    def _planned(self, items: Sequence[Mapping[str, Any]], context: Mapping[str, Any]) -> dict[str, Any] | None:
        asked = _last_user(items)
        if CALL not in text_of(items[asked]) if asked is not None else True:
            return None
        assert asked is not None
        if sum(item.get("type") == "function_call_output" for item in items[asked:]) >= ROUNDS:
            return None
        tool = self._chosen(context)
        if tool is None:
            return None
        arguments = self.arguments if self.arguments is not None else arguments_for(tool.get("parameters"))
        return {
            "type": "function_call",
            "call_id": f"call_{secrets.token_hex(12)}",
            "name": tool["name"],
            "arguments": json.dumps(arguments),
        }

    def _chosen(self, context: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the tool to call. Where there are several and none was named, none: one of them may do harm."""
        offered = [t for t in context.get("tools") or [] if isinstance(t, dict) and t.get("type") == "function"]
        named = {tool.get("name"): tool for tool in offered}
        wanted = self.tool or TOOL
        if context.get("tool_choice") == "none" or not offered:
            self.no_tool = "it offered no tool"
        elif wanted in named:
            return named[wanted]
        elif self.tool is not None:
            self.no_tool = f"it offered no tool {self.tool}"
        elif len(offered) == 1:
            return offered[0]
        else:
            self.no_tool = "it offered several tools; name a harmless one with --tool"
        return None

    def _said(self, items: Sequence[Mapping[str, Any]]) -> str:
        said = sum(item.get("type") == "message" and item.get("role") == "assistant" for item in items)
        asked = _last_user(items)
        question = text_of(items[asked]) if asked is not None else ""
        if "Which word" in question:
            told = [text_of(item) for item in items if item.get("role") == "user" and "Remember" in text_of(item)]
            word = told[-1].partition("word: ")[2].partition(".")[0] if told else "unknown"
            return f"The word is {word or 'unknown'}, and this is answer {said + 1} of mine."
        return f"I am still here, and this is answer {said + 1} of mine."


def _usage(items: Sequence[Mapping[str, Any]]) -> models.Usage:
    words = sum(len(text_of(item).split()) for item in items)
    return models.Usage(input_tokens=words, output_tokens=8, total_tokens=words + 8)


_PART = {"type": "output_text", "text": ""}


def _last_user(items: Sequence[Mapping[str, Any]]) -> int | None:
    places = [place for place, item in enumerate(items) if item.get("role") == "user"]
    return places[-1] if places else None


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    return [word if place == 0 else f" {word}" for place, word in enumerate(words)]
