"""Takes the output of a tool that nobody called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item
from segue_schemas import models

from ..wire_fault import NATIVE, OPENAI

KILLED_BY = dict.fromkeys(NATIVE, ("items.orphan_output_refused",)) | dict.fromkeys(
    OPENAI, ("responses_requests.orphan_output_refused",)
)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for outputs without a call."""

    def check_calls(self, start: models.TurnStart, parent: History, inputs: Sequence[Item]) -> None:
        """Look only for calls that are left open."""
        super().check_calls(start, replace(parent, compacted=True), inputs)
