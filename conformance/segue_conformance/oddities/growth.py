"""Oddities in how an item grows: by letters, not at all, by values, from nothing, merged unasked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Delta, Engine, EngineEvent, ItemBegun, ItemEnded, Request
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.readings import Reading
from segue_gateway.settings import Settings
from segue_schemas import models

from ..extended import SEGUE_WIRES

__all__ = [
    "BuildsFromNothing", "EmptyDeltas", "GathersDeltas", "LetterByLetter", "MergesUnasked", "NoDeltas",
    "OpensPartsWithText", "PutsWholeTexts", "SkeletonIsAll",
]  # fmt: skip

#: What one event of the engine is told as; the last argument is kept for one answer.
Retell = Callable[[EngineEvent, dict[Any, Any]], Iterator[EngineEvent]]


def _engine(retell: Retell) -> type[ScriptedEngine]:
    """Return the scripted engine whose answers are told otherwise, with the same words in them."""

    class _Retold(ScriptedEngine):
        async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
            kept: dict[Any, Any] = {}
            async for event in super().generate(request):
                for told in retell(event, kept):
                    yield told

    return _Retold


class _Growing(Endpoint):
    """The reference endpoint whose model's answers are told otherwise."""

    # OpenAI's wires tell every text in deltas of their own; what they make of these is judged as well.
    wires: ClassVar[tuple[str, ...]] = SEGUE_WIRES
    engine_type: ClassVar[type[ScriptedEngine]] = ScriptedEngine

    def make_engine(self) -> Engine:
        """Return the engine of that kind."""
        return self.engine_type(offered=(self.settings.model,), slow_seconds=self.settings.slow_ms / 1000)


def _letters(event: EngineEvent, kept: dict[Any, Any]) -> Iterator[EngineEvent]:
    if isinstance(event, Delta) and event.append:
        for letter in event.append:
            yield Delta(event.index, event.at, append=letter)
    else:
        yield event


class LetterByLetter(_Growing):
    """Each delta appends one character.

    Legal: binding-segue-ws: "how a text is parted into deltas" is one possible course.
    """

    engine_type = _engine(_letters)


def _empty(event: EngineEvent, kept: dict[Any, Any]) -> Iterator[EngineEvent]:
    yield event
    if isinstance(event, Delta) and event.append:
        yield Delta(event.index, event.at, append="")


class EmptyDeltas(_Growing):
    """Behind each delta comes one that appends nothing.

    Legal: SEG-ITEM-008 asks for the text "in order and complete"; server.json gives `append` no least length.
    """

    engine_type = _engine(_empty)


def _held(event: EngineEvent, kept: dict[Any, Any], *, whole: bool) -> Iterator[EngineEvent]:
    """Hold an item back until it is whole; it then comes beside its skeleton, or as it."""
    if isinstance(event, ItemBegun):
        items = kept[event.index] = ItemAssembler()
        items.apply(models.ItemStarted(turn="t", index=0, item=msgspec.Raw(msgspec.json.encode(event.item))))
        kept["type", event.index] = event.item["type"]
        if whole:
            yield ItemBegun(event.index, {"type": event.item["type"]})
    elif isinstance(event, Delta):
        told = models.ItemDelta(turn="t", index=0, at=event.at)
        if event.append is not None:
            told.append = event.append
        else:
            told.put = msgspec.Raw(msgspec.json.encode(event.put))
        kept[event.index].apply(told)
    elif isinstance(event, ItemEnded):
        built = kept.pop(event.index).partial(0)
        if whole:
            yield ItemEnded(event.index, event.item or msgspec.json.encode(built))
        else:
            yield ItemBegun(event.index, built)
            yield ItemEnded(event.index, event.item)
    else:
        yield event


class NoDeltas(_Growing):
    """Items come whole, behind a skeleton of no more than their type.

    Legal: SEG-ITEM-006: "MUST carry the whole item in `item.completed` where skeleton and deltas do not rebuild it".
    """

    engine_type = _engine(lambda event, kept: _held(event, kept, whole=True))


class SkeletonIsAll(_Growing):
    """The skeleton is the whole item: no delta follows, and `item.completed` bears none.

    Legal: items, Building an item: a skeleton is "an object with at least `type`, and as much more as is known".
    """

    engine_type = _engine(lambda event, kept: _held(event, kept, whole=False))


def _from_nothing(event: EngineEvent, kept: dict[Any, Any]) -> Iterator[EngineEvent]:
    if not isinstance(event, ItemBegun):
        yield event
        return
    yield ItemBegun(event.index, {"type": event.item["type"]})
    for name, value in reversed([*event.item.items()]):
        if name == "content" and event.item["type"] == "message":
            yield Delta(event.index, "/content", put=[])
            for place, part in enumerate(value):
                yield Delta(event.index, "/content/-" if place else "/content/0", put=part)
        elif name not in ("type", "arguments", "input"):  # these two begin with what is appended first
            yield Delta(event.index, f"/{name}", put=value)
        elif name in ("arguments", "input"):
            yield Delta(event.index, f"/{name}", put=None)
    yield Delta(event.index, "/vendor~1s~0note", put={"a": []})
    yield Delta(event.index, "/vendor~1s~0note/a/-", append="one ")
    yield Delta(event.index, "/vendor~1s~0note/a/-", append="two ")
    yield Delta(event.index, "/vendor~1s~0note/a/1", append="and more")


class BuildsFromNothing(_Growing):
    """An item begins as its type alone; deltas put and append the rest, some of it into members that nobody knows.

    Legal: items, Building an item: the table of places; `append` to a null begins "a string of that text"; unknown
    members of known items are kept and not digested (SEG-DIG-008).
    """

    engine_type = _engine(_from_nothing)


def _puts(event: EngineEvent, kept: dict[Any, Any], *, whole: bool) -> Iterator[EngineEvent]:
    """Put the part of a text: with its first piece, or with all of them once they are there."""
    if isinstance(event, ItemBegun) and event.item["type"] == "message":
        yield replace(event, item={**event.item, "content": []})
        kept[event.index] = [dict(event.item["content"][0]), False]
    elif isinstance(event, Delta) and event.index in kept:
        part, told = kept[event.index]
        if told:
            yield event
        else:
            part["text"] += event.append or ""
            if not whole:
                kept[event.index][1] = True
                yield Delta(event.index, "/content/0", put=part)
    elif isinstance(event, ItemEnded) and event.index in kept:
        part, told = kept.pop(event.index)
        if not told:
            yield Delta(event.index, "/content/-", put=part)
        yield event
    else:
        yield event


class OpensPartsWithText(_Growing):
    """The delta that puts a part puts the first piece of its text with it.

    Legal: binding-segue-ws, What this wire carries: its example does that.
    """

    engine_type = _engine(lambda event, kept: _puts(event, kept, whole=False))


class PutsWholeTexts(_Growing):
    """A text comes in one delta, which puts its part.

    Legal: items, Building an item: `put` adds "the value ... as a new element"; nothing says of what size.
    """

    engine_type = _engine(lambda event, kept: _puts(event, kept, whole=True))


_readings = count()


class _Merging(Reading):
    """Merges what comes within a while, each reading within another."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.coalesce = max(self.coalesce, (0.0, 0.005, 0.012, 0.03)[next(_readings) % 4])


class MergesUnasked(Endpoint):
    """Deltas are merged though nobody asked for it, in each reading others.

    Legal: resume, The record: "Neighbouring deltas may be merged on delivery"; "deltas may be merged differently for
    each, values are the same".
    """

    reading_type = _Merging


class GathersDeltas(Endpoint):
    """Deltas are gathered before they are written.

    Legal: resume, The record: "Deltas may be gathered for `limits.flush_ms` before they are written".
    """

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, flush_ms=40), **more)
