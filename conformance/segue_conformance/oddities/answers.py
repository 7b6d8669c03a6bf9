"""Oddities in what a model answers with: items beside the text, other words, other counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Delta, Ended, Engine, EngineEvent, ItemBegun, ItemEnded, Request
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.turns import Turn
from segue_schemas import models

from ..extended import SEGUE_WIRES

__all__ = [
    "AnswersInCapitals", "AnswersInParts", "AnswersWithManners", "CallsNoTools", "CountsMore", "CountsNothing",
    "ItemsOverlap", "MessagesInFront", "NoOutputTokens", "ShortAnswers", "SlowFirstWord", "ThinksAloud",
    "VendorsItemsFirst", "WarmUpsAreCounted",
]  # fmt: skip

Events = AsyncIterator[EngineEvent]


class _Answering(Endpoint):
    """The reference endpoint with a model of another kind."""

    wires: ClassVar[tuple[str, ...]] = SEGUE_WIRES
    engine_type: ClassVar[type[ScriptedEngine]] = ScriptedEngine

    def make_engine(self) -> Engine:
        """Return the engine of that kind."""
        return self.engine_type(offered=(self.settings.model,), slow_seconds=self.settings.slow_ms / 1000)


def _in_front(*items: Mapping[str, Any]) -> type[ScriptedEngine]:
    """Return the scripted engine with items in front of every answer."""

    class _Front(ScriptedEngine):
        async def generate(self, request: Request) -> Events:
            for place, item in enumerate(items):
                yield ItemBegun(place, item)
                yield ItemEnded(place)
            async for event in super().generate(request):
                yield _moved(event, len(items))

    return _Front


def _moved(event: EngineEvent, by: int) -> EngineEvent:
    if isinstance(event, Delta):
        return Delta(event.index + by, event.at, event.append, event.put)
    return replace(event, index=event.index + by) if isinstance(event, ItemBegun | ItemEnded) else event


_THOUGHT = {"type": "summary_text", "text": "The user wants something. Which word is it? It is not said here."}


class ThinksAloud(_Answering):
    """Reasoning, summed up in words, stands in front of every answer.

    Legal: items: `reasoning` is a known type; its order among the items is the model's.
    """

    engine_type = _in_front({"type": "reasoning", "id": "rs_1", "summary": [_THOUGHT], "content": None})


class MessagesInFront(_Answering):
    """A message of commentary stands in front of every answer, calls of tools too.

    Legal: SEG-ITEM-002 numbers the items of a turn, as many as there are; nothing bounds its messages to one.
    """

    engine_type = _in_front(
        {
            "type": "message", "role": "assistant", "phase": "commentary", "status": "completed",
            "content": [{"type": "output_text", "text": "One moment. ", "annotations": [], "logprobs": []}],
        },
    )  # fmt: skip


class VendorsItemsFirst(_Answering):
    """Items of a vendor's tools stand in front of every answer.

    Legal: items: "Every other type is an *open item*"; "a type that somebody coins for Segue begins with `vendor:`".
    """

    engine_type = _in_front(
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": None}},
        {"type": "vendor:mood", "mood": 0.5, "of": ["\u2603", {"deep": {}}], "text": "good"},
    )


class _Overlapping(ScriptedEngine):
    async def generate(self, request: Request) -> Events:
        yield ItemBegun(0, {"type": "reasoning", "summary": []})
        yield Delta(0, "/summary/-", put={"type": "summary_text", "text": ""})
        count = 0
        async for event in super().generate(request):
            if isinstance(event, Ended):
                if event.status == "completed":
                    yield ItemEnded(0)
            elif isinstance(event, Delta):
                count += 1
                yield Delta(0, "/summary/0/text", append=f"{count} ")
            yield _moved(event, 1)


class ItemsOverlap(_Answering):
    """A thought grows beside the answer, and is whole behind it.

    Legal: items, Delivery: "Items may overlap; each message names its item by `index`".
    """

    # OpenAI's events tell items one after the other.
    wires = ("segue-ws", "segue-http")
    engine_type = _Overlapping


class _InParts(ScriptedEngine):
    async def generate(self, request: Request) -> Events:
        place = 0
        async for event in super().generate(request):
            if isinstance(event, ItemBegun) and event.item["type"] == "message":
                place = 0
                yield replace(event, item={**event.item, "content": []})
            elif isinstance(event, Delta) and event.at.startswith("/content"):
                part = {"type": "output_text", "text": "", "annotations": []}
                yield Delta(event.index, f"/content/{place}", put=part)
                yield Delta(event.index, f"/content/{place}/text", append=event.append)
                place += 1
            else:
                yield event


class AnswersInParts(_Answering):
    """Every word of a text is a part of its own.

    Legal: items.json: `content` is a list of parts, of any length.
    """

    engine_type = _InParts


def _saying(change: Callable[[str, bool], str]) -> type[ScriptedEngine]:
    """Return the scripted engine whose texts go through a function, piece by piece; it is told which is the first."""

    class _Saying(ScriptedEngine):
        async def generate(self, request: Request) -> Events:
            first = True
            async for event in super().generate(request):
                if isinstance(event, Delta) and event.at.startswith("/content") and event.append:
                    yield Delta(event.index, event.at, append=change(event.append, first))
                    first = False
                else:
                    yield event

    return _Saying


class AnswersInCapitals(_Answering):
    """The model answers in capitals.

    Legal: what a model says is nobody's rule; CONTRIBUTING: "A model that does not cooperate is inconclusive".
    """

    engine_type = _saying(lambda text, first: text.upper())


class AnswersWithManners(_Answering):
    """The model begins with a phrase, and marks words up.

    Legal: what a model says is nobody's rule; CONTRIBUTING: "A model that does not cooperate is inconclusive".
    """

    engine_type = _saying(lambda text, first: f"Of course! Here you are:\n\n**{text}**" if first else text)


class _NoTools(ScriptedEngine):
    async def generate(self, request: Request) -> Events:
        plain = {name: value for name, value in request.context.items() if name not in ("tools", "tool_choice")}
        async for event in super().generate(replace(request, context=plain)):
            yield event


class CallsNoTools(_Answering):
    """The model calls no tool.

    Legal: items, What is honoured: "A member that names a wish the model is free not to follow is honoured once the
    model has it".
    """

    engine_type = _NoTools


class _Brief(ScriptedEngine):
    async def generate(self, request: Request) -> Events:
        said = 0
        async for event in super().generate(request):
            if isinstance(event, Delta) and event.at.startswith("/content"):
                said += 1
                if said > 3:
                    continue
            yield event


class ShortAnswers(_Answering):
    """The model writes three words at most, at once.

    Legal: what a model says is nobody's rule; CONTRIBUTING: "A model that does not cooperate is inconclusive".
    """

    def make_engine(self) -> Engine:
        """Return an engine that stops early, and does not take its time."""
        return _Brief(offered=(self.settings.model,), slow_seconds=0)


class _Slow(ScriptedEngine):
    async def generate(self, request: Request) -> Events:
        await self.sleep(0.5)
        async for event in super().generate(request):
            yield event


class SlowFirstWord(_Answering):
    """Half a second passes before the model says anything.

    Legal: liveness: a silent model is told from a dead one by `turn.progress`; no time to the first word is promised.
    """

    engine_type = _Slow


def _counting(count: Callable[[models.Usage], models.Usage | None]) -> type[ScriptedEngine]:
    class _Counting(ScriptedEngine):
        async def generate(self, request: Request) -> Events:
            async for event in super().generate(request):
                if isinstance(event, Ended) and event.usage is not None:
                    yield replace(event, usage=count(event.usage))
                else:
                    yield event

    return _Counting


class CountsNothing(_Answering):
    """No usage is told.

    Legal: SEG-TURN-038: "MUST leave out `usage` ... that nobody reported".
    """

    engine_type = _counting(lambda usage: None)


def _more(usage: models.Usage) -> models.Usage:
    hidden = 7_000_000
    return models.Usage(
        input_tokens=usage.input_tokens + hidden,
        output_tokens=usage.output_tokens + 90,
        total_tokens=usage.total_tokens + hidden + 90,
        cached_tokens=usage.input_tokens + hidden,
        reasoning_tokens=90,
    )


class CountsMore(_Answering):
    """Every input token came from a cache, and most of the output was thought.

    Legal: server.json, Usage: `cached_tokens` are "Of the input", `reasoning_tokens` "Of the output".
    """

    engine_type = _counting(_more)


def _no_output(usage: models.Usage) -> models.Usage:
    return msgspec.structs.replace(usage, output_tokens=0, total_tokens=usage.input_tokens)


class NoOutputTokens(_Answering):
    """The provider reports 0 tokens of output.

    Legal: SEG-TURN-037 asks for the sum alone; what a provider reports is passed on.
    """

    engine_type = _counting(_no_output)


class _WarmUpCounts(Turn):
    async def _work(self) -> None:
        if not self.generates():
            self._usage = models.Usage(input_tokens=0, output_tokens=0, total_tokens=0)
        await super()._work()


class WarmUpsAreCounted(_Answering):
    """A warm-up reports a usage, of 0.

    Legal: liveness, Warm-up: "A count of 0 output tokens is legal here, and so is no `usage` at all".
    """

    turn_type = _WarmUpCounts
