"""Loses the last letter of what it merges."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.stores.base import Event
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("merging.merged_deltas_are_neighbours",))


class _Reading(Reading):
    async def _gather(self, first: Event) -> Event:
        merged = await super()._gather(first)
        if merged is not first and isinstance(merged, models.ItemDelta) and isinstance(merged.append, str):
            merged.append = merged.append[:-1]
        return merged


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for merged deltas."""

    reading_type = _Reading
