"""Answers no steer whose event a reading could bring, though none is left to bring it."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("steers.repeat_gets_its_answer",)}


class _Connection(Connection):
    def _brings(self, event: models.TurnSteered) -> bool:
        return True


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for answers alone."""

    connection_type = _Connection
