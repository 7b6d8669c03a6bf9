"""Keeps handles of retention `connection` for other connections too."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint

KILLED_BY = dict.fromkeys(
    ("segue-ws", "openai-ws"),
    ("retention.connection_handle_ends_with_it", "warm_up.unstored_ends_with_its_connection"),
)
ALSO = {
    "readings.connection_that_ends_first": "its handle has to end with a connection",
}


class _Connection(Connection):
    """A connection whose handles live in one scope with those of every other."""

    @property
    def scope(self) -> str:
        """One scope for all."""
        return "one-for-all"

    @scope.setter
    def scope(self, value: str) -> None:
        pass

    async def lost(self) -> None:
        """Forget nothing."""
        for task in list(self._readings.values()):
            task.cancel()


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for connections."""

    connection_type = _Connection
