"""What both surfaces of the Responses extension need: the frame of a response whose turn may have begun elsewhere."""

from __future__ import annotations

import hashlib

import msgspec
from segue_adapters.wires.base import TurnFacts
from segue_schemas import models

from ..endpoint import Endpoint
from ..readings import Source
from ..turns import Turn

__all__ = ["facts_of"]


async def facts_of(endpoint: Endpoint, principal: str, source: Source) -> TurnFacts:
    """Return what a response echoes of its turn, from the turn that runs here or from its record.

    The id is that of the continuation; of a turn that ended without one it follows from the name.
    """
    if isinstance(source, Turn):
        return source.facts()
    accepted, last = source.events[0], source.events[-1]
    assert isinstance(accepted, models.TurnAccepted)
    told = last.continuation if isinstance(last, models.TurnCompleted) else None
    held = None
    if isinstance(told, models.Continuation):
        held = await endpoint.store.resolve(principal, told.id, None)
    context = None
    if isinstance(accepted.context, str):
        context = await endpoint.store.context(principal, accepted.context)
    drawn = "resp_" + hashlib.sha256(source.name.encode()).hexdigest()[:32]
    start = models.TurnStart(
        turn=source.name,
        input=[],
        parent=accepted.parent,
        context=msgspec.Raw(b"{}" if context is None else context.raw),
    )
    return TurnFacts(
        told.id if isinstance(told, models.Continuation) else drawn,
        held.handle.created_at if held is not None else int(endpoint.wall()),
        start,
        accepted.retention in ("cached", "durable"),
    )
