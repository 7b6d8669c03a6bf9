"""Writes Segue messages as extended OpenAI Responses events: the server side of the Responses extension.

The events are those of the plain wire, in the same order, with `segue` in those that stand for the record. Where one
event of the record becomes several here, its number stands in the last of them: whoever has seen a number has seen
all that it stands for, and may read on behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from segue_schemas import models

from .base import TurnFacts
from .extension import PREFIX
from .responses import error_event
from .responses_encoder import ResponsesEncoder

__all__ = ["ExtensionEncoder", "prefixed", "refusal_body"]

_UNSET = msgspec.UNSET

# The events that bear a number, but for the first and the last of a response.
_NUMBERED = frozenset({
    "response.output_item.added", "response.content_part.added", "response.reasoning_summary_part.added",
    "response.output_text.delta", "response.refusal.delta", "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta", "response.output_item.done",
})  # fmt: skip

# Messages that have no event on the plain wire and go as they stand, in the stream of their response.
_PREFIXED = (models.TurnProgress, models.TurnSteered)


def prefixed(message: models.ServerMessage) -> dict[str, Any]:
    """Return a message as an event: its type with the prefix, the other members as they stand."""
    members = msgspec.json.decode(msgspec.json.encode(message), type=dict[str, msgspec.Raw])
    tag = str(type(message).__struct_config__.tag)
    return {**members, "type": PREFIX + tag}


def refusal_body(message: models.ErrorMessage) -> dict[str, Any]:
    """Return `segue` of a refusal, or of the end of a reading whose record is gone."""
    return _without(message)


class ExtensionEncoder:
    """Follows one governed turn. `behind`: a reading that `turn.resume` began, whose events name their turn.

    `flat`: errors as server-sent events have them, not as a WebSocket has.
    """

    def __init__(self, facts: TurnFacts, *, behind: bool = False, flat: bool = False) -> None:
        self.facts = facts
        self.plain = ResponsesEncoder(facts)
        self.behind = behind
        self.next = 0
        self._flat = flat
        self._digests: dict[int, str] = {}
        self._swallowed: int | None = None
        self._told: dict[str, Any] = {}

    @property
    def response(self) -> dict[str, Any]:
        """The whole Response as it stands, with what `segue` says of one that comes whole."""
        response = dict(self.plain.response)
        if self._told:
            response["segue"] = dict(self._told)
        return response

    def skip(self, messages: Iterable[models.ServerMessage]) -> None:
        """Take the part of a record that is not delivered: what follows stands on its items."""
        for message in messages:
            self.feed(message)
        self._swallowed = None

    def feed(self, message: models.ServerMessage) -> list[dict[str, Any]]:
        """Return the events that a message becomes."""
        if isinstance(message, _PREFIXED):
            if isinstance(message, models.TurnSteered):
                self.plain.feed(message)
                self._count(message)
            return [prefixed(message)]
        if isinstance(message, models.ErrorMessage):
            return [{**error_event(message.error, flat=self._flat), "segue": refusal_body(message)}]
        events = self.plain.feed(message)
        self._count(message)
        if isinstance(message, models.ItemCompleted) and isinstance(message.digest, str):
            self._digests[message.index] = message.digest
        self._number(message, events)
        self._place(message, events)
        if isinstance(message, models.TurnAccepted):
            self._told["accepted"] = events[0]["segue"]["accepted"]
        elif isinstance(message, models.TurnCompleted | models.TurnFailed):
            self._told |= events[-1]["segue"]
            dropped = getattr(message, "discarded", ())
            dropped = dropped if isinstance(dropped, list) else []
            self._told["digests"] = [self._digests[i] for i in sorted(self._digests) if i not in dropped]
        if self.behind:
            for event in events:
                event.setdefault("segue", {})["turn"] = self.facts.start.turn
        return events

    def _count(self, message: models.ServerMessage) -> None:
        seq = getattr(message, "seq", _UNSET)
        if isinstance(seq, int):
            self.next = seq + 1

    def _number(self, message: models.ServerMessage, events: list[dict[str, Any]]) -> None:
        """Put `segue` into the event that stands for a message: the first of a response, the last of all others."""
        seq = getattr(message, "seq", _UNSET)
        seq = seq if isinstance(seq, int) else None
        if isinstance(message, models.TurnAccepted):
            events[0]["segue"] = {"seq": 0 if seq is None else seq, "accepted": _without(message, "seq")}
            return
        bearing = [event for event in events if event["type"] in _NUMBERED] or (
            events if isinstance(message, models.TurnCompleted | models.TurnFailed) else []
        )
        first = getattr(message, "from_", _UNSET)
        first = first if isinstance(first, int) else None
        if not bearing:  # nothing on this wire says it: the next number tells that it came before
            self._swallowed = self._swallowed if self._swallowed is not None else seq if first is None else first
            return
        told: dict[str, Any] = {} if seq is None else {"seq": seq}
        first = self._swallowed if self._swallowed is not None else first
        if first is not None and seq is not None:
            told["from"] = first
        self._swallowed = None
        if isinstance(message, models.ItemCompleted):
            told |= {} if message.digest is _UNSET else {"digest": message.digest}
        elif isinstance(message, models.TurnCompleted):
            told["completed"] = _without(message, "turn", "seq", "usage")
        elif isinstance(message, models.TurnFailed):
            told["failed"] = message.error
        bearing[-1]["segue"] = told

    def _place(self, message: models.ServerMessage, events: list[dict[str, Any]]) -> None:
        """Say an item's index where it is not its place in `output`, since items of steers stand before it."""
        index = getattr(message, "index", None)
        if not isinstance(index, int) or self.plain.place_of(index) == index:
            return
        for event in events:
            if "output_index" in event:
                event.setdefault("segue", {})["index"] = index


def _without(message: Any, *left_out: str) -> dict[str, Any]:
    """Return the members of a message but its type and these."""
    members = msgspec.json.decode(msgspec.json.encode(message), type=dict[str, msgspec.Raw])
    return {name: value for name, value in members.items() if name not in ("type", *left_out)}
