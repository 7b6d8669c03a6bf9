"""Replays a sign of life when a record is read again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.progress_is_not_replayed",))


class _Reading(Reading):
    async def __aiter__(self) -> AsyncIterator[models.ServerMessage]:
        async for message in super().__aiter__():
            yield message
            if self.replayed and isinstance(message, models.TurnAccepted):
                yield self.progress()


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a record holds."""

    reading_type = _Reading
