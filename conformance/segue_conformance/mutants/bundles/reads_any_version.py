"""Imports a bundle of a major version that it does not know."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.broken_bundle_refused",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for versions of bundles."""

    def check_version(self, bundle: models.Bundle) -> None:
        """Take every version."""
