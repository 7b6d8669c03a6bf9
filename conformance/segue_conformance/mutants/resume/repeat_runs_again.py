"""Runs a repeated turn again instead of attaching to the one that exists."""

from __future__ import annotations

from typing import cast

import msgspec
from segue_adapters.wires.base import turn_name
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("resume.repeat_attaches",))
ALSO = {
    "deletion.*": "a repeat of a deleted turn runs as well",
    "names.one_of_two_that_race": "the second of both is a repeat",
    "resume.other_content_conflicts": "another content runs as well",
    "wire_segue_http.conflict_is_not_retried": "another content runs as well",
    "refusals.first_fault_first": "one of its faults is a claimed name",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for names that are known."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a known name as a new one, and forget the old."""
        known = await self.store.known(caller.principal, start.turn)
        if known is None:
            return await super().accept(caller, start)
        hidden = turn_name()
        source, turn = await super().accept(caller, msgspec.structs.replace(start, turn=hidden))
        return cast(Source, _Renamed(source, start.turn)), turn


class _Renamed:
    """A source that tells its events under another name."""

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self.name = name

    def __getattr__(self, member: str) -> object:
        value = getattr(self._source, member)
        if member == "events":
            return [msgspec.structs.replace(event, turn=self.name) for event in value]
        return value
