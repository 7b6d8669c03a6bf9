"""Imports a bundle whose digest and length are not those of its items."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.damaged_bundle_refused",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for damaged bundles."""

    def check_whole(self, bundle: models.Bundle, history: History) -> None:
        """Believe what the bundle says."""
