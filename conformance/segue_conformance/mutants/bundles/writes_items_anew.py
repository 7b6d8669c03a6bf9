"""Exports items as it would write them itself: the same values in other bytes."""

from __future__ import annotations

import json

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Handle
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.export_is_whole",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the spelling of items."""

    def bundle_of(self, handle: Handle) -> models.Bundle:
        """Return a bundle whose items went through a parser."""
        items = [msgspec.Raw(json.dumps(json.loads(item)).encode()) for item in handle.history.whole()]
        return msgspec.structs.replace(super().bundle_of(handle), items=items)
