"""Takes a repeat that names its context by digest for another turn."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("names.context_form_is_no_content",))
ALSO = {
    "*": "what the first start sent as bytes is no part of a repeat after it was read",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what makes two starts the same."""

    def content_of(self, start: models.TurnStart, inputs: Sequence[Item], context: str | None) -> str:
        """Count the bytes of the context, too."""
        return f"{super().content_of(start, inputs, context)} {start.context!r}"
