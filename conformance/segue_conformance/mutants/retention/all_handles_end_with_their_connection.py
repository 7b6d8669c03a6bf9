"""Lets every handle end with the connection on which it was issued, whatever its tier."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Handle
from segue_gateway.turns import Turn

KILLED_BY = {"segue-ws": ("retention.kept_handle_on_another_connection",)}
ALSO = {
    "both_wires.socket_to_http": "a stored response ends with its socket on OpenAI's wire, too",
    "resend.history_outlives_its_parent": "it goes on over another connection",
    "lost_connections.vanished_is_no_history": "the connection of the parent has ended",
}


class _Turn(Turn):
    def handle(self) -> Handle | None:
        handle = super().handle()
        return None if handle is None else replace(handle, scope=self.plan.scope)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for handles that should outlive their connection."""

    turn_type = _Turn
