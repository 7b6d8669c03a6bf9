"""What is held weighs something, in bytes, roughly: counted alike by every store, so that a bound means the same."""

from __future__ import annotations

import msgspec
from segue_schemas import models

from ..contexts import Context
from ..history import History
from .base import Event

__all__ = ["context_weight", "event_weight", "node_weight"]

_CONTEXT_COST = 512  # beside its bytes
_EVENT_COST = 160  # beside the text that it bears
_NODE_COST = 256
_ENTRY_COST = 48  # an item, or an entry of a set, beside its bytes


def context_weight(context: Context) -> int:
    """Return what holding a context costs, in bytes."""
    return _CONTEXT_COST + context.size


def event_weight(event: Event) -> int:
    """Return what an event of a record costs, in bytes."""
    if isinstance(event, models.ItemDelta) and isinstance(event.append, str):
        return _EVENT_COST + len(event.append)
    weight = _EVENT_COST
    for member in ("append", "put", "item"):
        value = getattr(event, member, None)
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, msgspec.Raw):
            weight += len(bytes(value))
    if isinstance(event, models.TurnSteered):
        weight += sum(len(bytes(item)) for item in event.items)
    return weight


def node_weight(history: History) -> int:
    """Return what one turn of a history costs, in bytes, without what came before it."""
    parent = history.parent
    own = len(history.items) + len(history.calls)
    if parent is None or history.open is not parent.open:
        own += len(history.open)
    if parent is None or history.omitted is not parent.omitted:
        own += len(history.omitted)
    return history.size + _NODE_COST + _ENTRY_COST * own
