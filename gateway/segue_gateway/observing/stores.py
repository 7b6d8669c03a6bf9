"""A store whose steps are watched: how often, how long, and what failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, cast

from ..stores.base import Store
from .base import Observer

__all__ = ["OPERATIONS", "watched"]

#: The steps that are told of; the rest are attributes, or wait for somebody.
OPERATIONS = (
    "known", "claim", "append", "finish", "renew", "interrupt", "read", "ask", "resolve", "delete", "context",
    "put_context", "close_scope", "sweep",
)  # fmt: skip

Step = Callable[..., Awaitable[Any]]


class _Watched:
    """Stands for a store: everything is the store's, and its steps are told of."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self.__dict__.update(_store=store, **{name: _told(name, getattr(store, name), observer) for name in OPERATIONS})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._store, name, value)


def watched(store: Store, observer: Observer) -> Store:
    """Return a store that is this one, whose steps the observer is told of."""
    return cast(Store, _Watched(store, observer))


def _told(name: str, step: Step, observer: Observer) -> Step:
    stored = observer.stored

    async def told(*arguments: Any, **named: Any) -> Any:
        begun = perf_counter()
        try:
            return await step(*arguments, **named)
        except Exception as error:
            observer.store_failed(name, error)
            raise
        finally:
            stored(name, perf_counter() - begun)

    return told
