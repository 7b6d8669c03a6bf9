"""Holds for a continuation only what its own turn added, where the parent was for its connection."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws",), ("resend.history_outlives_its_parent",))


class _Turn(Turn):
    def history(self) -> History:
        whole = super().history()
        if self.plan.parent_tier == "connection" and self.plan.retention != "connection":
            return replace(whole, parent=None)
        return whole


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for parents of a weaker tier."""

    turn_type = _Turn
