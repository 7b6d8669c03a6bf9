"""Measures the time of a turn from the beginning of each reading."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("observability.timing_stays",))


class _Reading(Reading):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.began = asyncio.get_running_loop().time()

    def with_time_left(self, event: models.TurnCompleted) -> models.TurnCompleted:
        took = round((asyncio.get_running_loop().time() - self.began) * 1000)
        return replace(super().with_time_left(event), timing=models.Timing(total_ms=took))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the time of later readings."""

    reading_type = _Reading
