"""Opens the store that an operator names: `memory`, or `sqlite:PATH`."""

from __future__ import annotations

from urllib.parse import parse_qsl

from .base import Bounds, Store
from .memory import MemoryStore
from .sqlite import SQLiteStore, Unusable

__all__ = ["Unusable", "open_store"]

_LEVELS = ("normal", "full")


def open_store(address: str, bounds: Bounds) -> Store:
    """Return the store at an address; Unusable, with what is wrong with it.

    `memory` ends with the process. `sqlite:PATH` outlives it, also one that is killed; `sqlite:PATH?synchronous=full`
    also a machine that loses its power, and then `durable` is offered.
    """
    kind, colon, place = address.partition(":")
    if kind == "memory" and not place:
        return MemoryStore(bounds)
    if kind != "sqlite" or not colon:
        raise Unusable(f"{address!r} is no store: memory, or sqlite:PATH")
    path, _, asked = place.partition("?")
    options = dict(parse_qsl(asked, keep_blank_values=True))
    level = options.pop("synchronous", "normal").lower()
    if options or level not in _LEVELS:
        raise Unusable(f"{address!r}: behind the path only ?synchronous=normal or ?synchronous=full can stand")
    if not path:
        raise Unusable(f"{address!r} names no file: sqlite:PATH")
    return SQLiteStore(path, bounds, full=level == "full")
