"""Begins the chain of an imported history at zero, also where it begins at a compaction with `covers`."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_schemas import EMPTY_HISTORY, extend, item_digest, models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.covers_begins_the_chain",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a compaction covers."""

    def check_whole(self, bundle: models.Bundle, history: History) -> None:
        """Compare with a chain over the items alone."""
        digest = EMPTY_HISTORY
        for item in bundle.items:
            digest = extend(digest, item_digest(msgspec.json.decode(item)))
        super().check_whole(bundle, replace(history, digest=digest, length=len(bundle.items)))
