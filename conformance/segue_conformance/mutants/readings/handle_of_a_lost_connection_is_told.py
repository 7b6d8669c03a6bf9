"""Tells a handle of retention `connection` also where that connection has ended."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("readings.connection_that_ends_first",)}


class _Connection(Connection):
    def turn_alive(self) -> bool:
        """Return that handles can be used, whatever has become of the connection."""
        return True


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for handles that nobody can use."""

    connection_type = _Connection
