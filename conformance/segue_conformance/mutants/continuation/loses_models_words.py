"""Loses what the model itself said in earlier turns, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.models_words", "history.words_given_as_the_models"))
ALSO = {
    "continuation.users_words_four_hops": "the model takes a repeated word for a new one",
    "warm_up.in_a_chain": "a word of the model is asked for",
}


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        kept = [item for place, item in enumerate(whole.items) if place >= earlier or not _is_answer(item)]
        return replace(whole, items=kept)


def _is_answer(item: bytes) -> bool:
    return bool(msgspec.json.decode(item).get("role") == "assistant")


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for its own words."""

    turn_type = _Turn
