"""Offers to merge deltas, and merges none."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("merging.merged_deltas_are_neighbours",))


class _Reading(Reading):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.coalesce = 0.0


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `coalesce_ms`."""

    reading_type = _Reading
