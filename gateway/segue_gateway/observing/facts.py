"""What is told of a turn: outcomes, sizes and places, and nothing of what was said in it (SEG-OBS-030)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import msgspec
from segue_schemas import models

if TYPE_CHECKING:
    from ..turns import Turn

__all__ = ["brought", "error_of", "outcome_of", "place_of", "type_of", "usage_of", "written"]

#: The head of a place in a message: names that the protocol has, and numbers. Behind it stand the client's own names.
_PLACE = re.compile(r"(?:/(?:input|parent|require)/\d+|/[a-z_]+(?=/|\Z))")


_TYPES = frozenset(str(one.__struct_config__.tag) for one in get_args(models.ClientMessage))


def brought(turn: Turn) -> tuple[int, int]:
    """Return the bytes of items and contexts, as JSON, that a start brought, and those that it was spared.

    The latter are what a resend in full would have brought besides: the parent's history, and a context that was not
    sent whole.
    """
    plan = turn.plan
    context = plan.start.context
    sent = 0 if context is msgspec.UNSET else len(bytes(context))
    received = sent
    for item in plan.inputs:
        received += len(item.raw)
    return received, plan.parent.total + max(0, len(plan.context.raw) - sent)


def written(turn: Turn) -> int:
    """Return the bytes of what the model wrote, and of steers that stand in between."""
    return sum(len(item.raw) for item in turn.output.items())


def outcome_of(turn: Turn) -> str:
    """Return how a turn ended: the status of its terminal event, `failed`, or `abandoned` (it is another node's)."""
    return "abandoned" if turn.abandoned else turn.state.value


def error_of(turn: Turn) -> models.Error | None:
    """Return the error of a turn that failed."""
    last = turn.events[-1] if turn.events else None
    return last.error if isinstance(last, models.TurnFailed) else None


def usage_of(turn: Turn) -> models.Usage | None:
    """Return what a turn cost, where that was reported."""
    last = turn.events[-1] if turn.events else None
    usage = getattr(last, "usage", None)
    return usage if isinstance(usage, models.Usage) else None


def place_of(error: models.Error) -> str | None:
    """Return where an error lies, as far as the words are the protocol's and not the client's."""
    found = _PLACE.match(error.param) if isinstance(error.param, str) else None
    return found[0] if found else None


def type_of(refused: models.ErrorMessage) -> str | None:
    """Return which message was refused, where its type is one of the protocol's and not a word of the client's own."""
    return refused.refused if isinstance(refused.refused, str) and refused.refused in _TYPES else None
