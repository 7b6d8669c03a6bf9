"""Tells a message whose feature it does not offer as one that does not exist."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse, refusal
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("lanes.unlisted_feature_refused",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint without steers, but for how it refuses one."""

    def features(self, wire: str | None = None) -> list[str]:
        """Return the features, without steers."""
        return [feature for feature in super().features(wire) if feature != "steer"]

    def unoffered(self, message: models.ClientMessage) -> Refuse:
        """Return the refusal of an unknown message."""
        return refusal("unsupported_message", "fix", "That message is not known.")
