"""Exports a context without its instructions."""

from __future__ import annotations

import json

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Handle
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.export_is_whole",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the context of a bundle."""

    def bundle_of(self, handle: Handle) -> models.Bundle:
        """Return a bundle with a part of the context."""
        members = {name: value for name, value in handle.context.members.items() if name != "instructions"}
        return msgspec.structs.replace(super().bundle_of(handle), context=msgspec.Raw(json.dumps(members).encode()))
