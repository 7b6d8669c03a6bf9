"""The measure of what turn N costs."""

from __future__ import annotations

import asyncio

from segue_bench.chain import measure
from segue_gateway import Settings
from segue_gateway.stores.base import Bounds
from segue_gateway.stores.memory import MemoryStore


def test_each_turn_goes_on_from_the_last_and_is_measured() -> None:
    settings = Settings()
    store = MemoryStore(Bounds.of(settings))
    costs = asyncio.run(measure(store, settings, 5))
    assert len(costs) == 5
    assert all(cost.acceptance > 0 and cost.run > 0 for cost in costs)
    assert store.held("bench")["continuations"] == 5
