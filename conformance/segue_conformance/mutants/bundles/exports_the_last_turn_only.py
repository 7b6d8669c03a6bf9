"""Exports the last turn in place of the whole history."""

from __future__ import annotations

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Handle
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.export_is_whole",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for long histories."""

    def bundle_of(self, handle: Handle) -> models.Bundle:
        """Return a bundle of what the last turn added."""
        items = [msgspec.Raw(item) for item in handle.history.items]
        return msgspec.structs.replace(super().bundle_of(handle), items=items)
