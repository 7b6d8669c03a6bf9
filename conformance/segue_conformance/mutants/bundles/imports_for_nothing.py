"""Imports with retention `none`, and keeps the history all the same."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.broken_bundle_refused",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for imports that ask for nothing to be kept."""

    def grant_import(self, caller: Caller, message: models.ContinuationImport) -> models.Retention:
        """Grant the default where `none` was asked for."""
        if message.retention == "none":
            return self.default_retention(caller.wire)
        return super().grant_import(caller, message)
