"""How much the agent sent, against the least with which it could have done the same: information, no verdict."""

from __future__ import annotations

from typing import Any

import msgspec

from .judging import Run
from .seen import Ask, Item, Key, key

__all__ = ["Weight", "weigh"]

#: `"previous_response_id":"…",` with an id of this endpoint.
_REFERENCE = 66


class Weight(msgspec.Struct, frozen=True):
    """Bytes of all requests for turns, the least possible, and the ratio of the two."""

    sent: int
    least: int

    @property
    def ratio(self) -> float:
        """How many times the least was sent."""
        return self.sent / self.least if self.least else 1.0


def weigh(run: Run) -> Weight:
    """Return what the requests of a run weigh.

    The least is what was sent, without the items that the endpoint held already, with a reference instead; on Segue's
    wires also without a context that was sent before. Requests that brought nothing new are left out of the least.
    """
    sent = least = 0
    held: set[Key] = set()
    contexts: set[bytes] = set()
    for ask in run.log.asks:
        if ask.kind != "start":
            sent += ask.size
            continue
        sent += ask.size
        known = [item for item in ask.items if key(item) in held]
        least += max(2, ask.size - sum(map(_size, known)) + (_REFERENCE if known and ask.parent is None else 0))
        least -= _context(ask, contexts)
        if ask.answered:
            held |= {key(item) for item in [*ask.items, *ask.record.output]}
    return Weight(sent, least)


def _size(item: Item) -> int:
    return len(msgspec.json.encode(item)) + 1


def _context(ask: Ask, seen: set[bytes]) -> int:
    """Return what a context that was sent before weighs; OpenAI's wires inherit nothing, so there it has to come."""
    context: Any = ask.message.get("context")
    if not ask.wire.startswith("segue") or not isinstance(context, dict):
        return 0
    raw = msgspec.json.encode(context, order="deterministic")
    if raw in seen:
        return len(raw) + len('"context":,')
    seen.add(raw)
    return 0
