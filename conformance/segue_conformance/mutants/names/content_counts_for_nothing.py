"""Takes any start under a known name as a repeat, whatever it says."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_schemas import models

KILLED_BY = {
    "segue-ws": ("resume.other_content_conflicts",),
    "segue-http": (
        "resume.other_content_conflicts",
        "wire_segue_http.conflict_is_not_retried",
    ),
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what makes two starts the same."""

    def content_of(self, start: models.TurnStart, inputs: Sequence[Item], context: str | None) -> str:
        """Count nothing."""
        return ""
