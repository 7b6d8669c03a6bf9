"""Takes no notice of a reading of a turn that the connection reads already."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading

KILLED_BY = {"segue-ws": ("names.new_reading_replaces_the_old",)}


class _Connection(Connection):
    def read(self, reading: Reading) -> None:
        """Deliver a reading, unless there is one."""
        if reading.source.name not in self._readings:
            super().read(reading)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for readings that begin anew."""

    connection_type = _Connection
