"""Lets a call without its output enter a turn."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("steers.open_call_in_a_steer",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a steer leaves open."""

    def check_steer(self, items: Sequence[Item], history: History | None) -> None:
        """Take everything."""
