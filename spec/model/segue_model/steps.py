"""The successor function: all that may happen next, by whomever."""

from __future__ import annotations

from collections.abc import Iterator

from segue_model.faults import faults, recoveries
from segue_model.owner import owners, take_over
from segue_model.reading import readings
from segue_model.requests import requests
from segue_model.state import Model, Step, World

__all__ = ["steps"]


def steps(m: Model, w: World) -> Iterator[Step]:
    """Yield every step out of a world. Fair ones happen sooner or later; the others may, as the budget allows."""
    yield from owners(m, w)
    yield from readings(m, w)
    yield from take_over(m, w)
    yield from recoveries(m, w)
    yield from requests(m, w)
    yield from faults(m, w)
