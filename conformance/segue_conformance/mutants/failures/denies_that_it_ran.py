"""Says of a turn that failed behind its first words that the model did not run."""

from __future__ import annotations

from msgspec.structs import replace
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.failed_turn_has_no_handle",))


class _Turn(Turn):
    def failed(self, error: models.Error) -> models.TurnFailed:
        event = super().failed(error)
        event.error = replace(event.error, effect="none")
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for effects."""

    turn_type = _Turn
