"""Lets a history grow past what a message can hold, though it takes no parts."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.history import History
from segue_gateway.items import Item

from ..references import Plain

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("resend.history_past_the_limit_refused",))


class MutantEndpoint(Plain):
    """The reference endpoint that takes no parts, but for large histories."""

    def check_history_size(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse nothing."""
