"""What a conversation holds between its turns: the items, and the continuations that stand for the first of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from segue_schemas import models

from ..errors import LocalProtocolError
from .commands import Ended
from .driver import Driver
from .history import Entry, History, entry_of
from .plan import Handle

__all__ = ["Memory", "entries_of"]

#: So many continuations are remembered to go back to; what stood before them costs a full resend.
_HANDLES = 64


class Memory:
    """History and handles, the newest handle first."""

    def __init__(self, history: History | None = None, handles: Iterable[Handle] = ()) -> None:
        self.history = history or History()
        self.handles = list(handles)
        self.continuation: models.Continuation | None = None

    def extended(self, new: Sequence[Entry]) -> tuple[History, int]:
        """Return the history with what is new, and from which item on that is."""
        whole = self.history.copy()
        whole.extend(new)
        return whole, len(self.history)

    def replaced(self, given: Sequence[Entry]) -> tuple[History, int]:
        """Return another history as this one as far as they agree, and from which item on they do not.

        Where they agree the items stay as they were received: an SDK that rebuilt them writes other bytes.
        """
        begin = self.history.common(given)
        whole = self.history.copy(begin)
        whole.extend(given[begin:])
        return whole, begin

    def settle(self, driver: Driver, ended: Ended) -> None:
        """Take over what a turn brought: its items where it completed, and the handles that hold."""
        self.handles = [handle for handle in self.handles if handle.id not in driver.dropped]
        fresh = [handle for handle in reversed(driver.issued) if handle.id not in driver.dropped]
        self.handles = [*fresh, *self.handles][:_HANDLES]
        if driver.outcome.completed is not None:
            self.history = driver.ask.history.copy()
            self.history.extend(driver.output)
            self.continuation = driver.outcome.continuation if ended.error is None else None

    def fork(self, at: int | None) -> Memory:
        """Return a memory that goes on from behind so many items; handles never change, so it shares them."""
        history = self.history.copy(at)
        other = Memory(history, [handle for handle in self.handles if handle.at <= len(history)])
        if len(history) == len(self.history):
            other.continuation = self.continuation
        return other


class _Typed(msgspec.Struct):
    type: str


def entries_of(items: Iterable[msgspec.Raw]) -> list[Entry]:
    """Return items that are to be sent; LocalProtocolError where one is none, or has no digest."""
    entries = []
    for item in items:
        try:
            kind = msgspec.json.decode(item, type=_Typed).type
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LocalProtocolError(f"an item is a JSON object with a `type`: {error}; nothing was sent") from None
        entry = entry_of(bytes(item))
        if entry.digest is None:
            raise LocalProtocolError(f"an item of type {kind[:80]!r} has no digest; nothing was sent")
        entries.append(entry)
    return entries
