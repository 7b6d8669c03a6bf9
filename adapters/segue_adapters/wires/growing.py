"""Writes the output of a stateless wire as item messages: what begins, grows and ends, in the order of its begin."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_schemas import models

__all__ = ["Growing"]


class Growing:
    """The items of one turn while they come. Each method returns the messages that say what happened."""

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self.count = 0
        self.message: int | None = None
        self.discarded: list[int] = []
        self._parts: list[str] = []

    def begin(self, skeleton: dict[str, Any]) -> tuple[int, list[models.ServerMessage]]:
        """Begin an item; return its index too."""
        index = self.count
        self.count += 1
        return index, [models.ItemStarted(turn=self.turn, index=index, item=_raw(skeleton))]

    def append(self, index: int, at: str, text: str) -> list[models.ServerMessage]:
        """Append text at a place of an item."""
        return [models.ItemDelta(turn=self.turn, index=index, at=at, append=text)]

    def put(self, index: int, at: str, value: Any) -> list[models.ServerMessage]:
        """Set a value at a place of an item."""
        return [models.ItemDelta(turn=self.turn, index=index, at=at, put=_raw(value))]

    def end(self, index: int, item: Any = msgspec.UNSET) -> list[models.ServerMessage]:
        """Complete an item, with the whole of it where the deltas do not say that."""
        whole = item if item is msgspec.UNSET else _raw(item)
        return [models.ItemCompleted(turn=self.turn, index=index, item=whole)]

    # -- the message of the assistant: parts of text and refusals, one behind the other

    def part(self, kind: str, role: str = "assistant") -> list[models.ServerMessage]:
        """Begin a part of the message, and the message with its first."""
        told: list[models.ServerMessage] = []
        if self.message is None:
            self._parts = []
            self.message, told = self.begin({"type": "message", "role": role, "content": []})
        member = "refusal" if kind == "refusal" else "text"
        self._parts.append(kind)
        return told + self.put(self.message, f"/content/{len(self._parts) - 1}", {"type": kind, member: ""})

    def say(self, kind: str, text: str, role: str = "assistant") -> list[models.ServerMessage]:
        """Append to the last part, or to a new one where that is of another kind."""
        told = [] if self.message is not None and self._parts[-1] == kind else self.part(kind, role)
        assert self.message is not None
        member = "refusal" if kind == "refusal" else "text"
        return told + self.append(self.message, f"/content/{len(self._parts) - 1}/{member}", text)

    def end_message(self, *, cut: bool = False) -> list[models.ServerMessage]:
        """Complete the message, where one is open; marked where it was cut (SEG-TURN-033)."""
        if self.message is None:
            return []
        index, self.message = self.message, None
        told = self.put(index, "/status", "incomplete") if cut else []
        return told + self.end(index)

    def end_call(self, index: int, arguments: str, *, cut: bool) -> list[models.ServerMessage]:
        """Complete a call, or discard it where the answer was cut and its arguments are not whole (SEG-TURN-034)."""
        if cut and not is_object(arguments):
            self.discarded.append(index)
            return []
        return self.end(index)


def is_object(text: str) -> bool:
    """Whether this is a whole JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _raw(value: Any) -> msgspec.Raw:
    return value if isinstance(value, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(value))
