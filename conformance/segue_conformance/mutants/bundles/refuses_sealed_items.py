"""Refuses a bundle with an item that is sealed for somebody else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_gateway.refusals import invalid_request

KILLED_BY = dict.fromkeys(
    ("segue-ws", "segue-http"), ("bundles.each_import_has_its_own_id", "bundles.covers_begins_the_chain")
)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for sealed items in bundles."""

    async def read_all(self, raws: Sequence[msgspec.Raw], member: str) -> list[Item]:
        """Return items, or refuse a bundle that has a sealed one."""
        items = await super().read_all(raws, member)
        if member != "input" and any(item.seal is not None for item in items):
            raise invalid_request("This item can't be read here.", member)
        return items
