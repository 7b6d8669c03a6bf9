"""Opens the store that an operator names: `memory`, `sqlite:PATH`, or `valkey://host:port/db`."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from .base import Bounds, Store, Unusable
from .memory import MemoryStore
from .sqlite import SQLiteStore, check_folder

__all__ = ["Unusable", "open_store", "shown", "store_at"]

_LEVELS = ("normal", "full")
_SERVERS = ("valkey", "valkeys", "redis", "rediss")


def open_store(address: str, bounds: Bounds) -> Store:
    """Return the store at an address; Unusable, with what is wrong with it.

    `memory` ends with the process. `sqlite:PATH` outlives it, also one that is killed; `sqlite:PATH?synchronous=full`
    also a machine that loses its power, and then `durable` is offered. `valkey://host:port/db` (or `redis://`; with TLS
    `valkeys://`) is a server that several nodes may share; what it can promise is read from its own settings.
    """
    return store_at(address)(bounds)


def store_at(address: str) -> Callable[[Bounds], Store]:
    """Return what opens the store at an address, which is looked at and not opened; Unusable as `open_store`."""
    kind, colon, place = address.partition(":")
    if kind == "memory" and not place:
        return MemoryStore
    if kind in _SERVERS and place.startswith("//"):
        return _server_at(address)
    if kind != "sqlite" or not colon:
        raise Unusable(f"{shown(address)!r} is no store: memory, sqlite:PATH, or valkey://host:port/db")
    path, _, asked = place.partition("?")
    options = dict(parse_qsl(asked, keep_blank_values=True))
    level = options.pop("synchronous", "normal").lower()
    if options or level not in _LEVELS:
        raise Unusable(f"{address!r}: behind the path only ?synchronous=normal or ?synchronous=full can stand")
    if not path:
        raise Unusable(f"{address!r} names no file: sqlite:PATH")
    check_folder(path)
    return lambda bounds: SQLiteStore(path, bounds, full=level == "full")


def _server_at(url: str) -> Callable[[Bounds], Store]:
    try:
        from .valkey import Address, ValkeyStore, first_look
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise Unusable("a store in a server needs another package: pip install 'segue-protocol[valkey]'") from None
    address = Address.of(url)
    return lambda bounds: ValkeyStore(address, bounds, promises=first_look(address))


def shown(address: str) -> str:
    """Return an address as it can be told: what stands in front of an @ may be a password."""
    return address.rpartition("@")[2]
