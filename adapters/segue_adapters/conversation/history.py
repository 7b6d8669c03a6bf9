"""The items of a conversation, as received, and the chain of digests over them (spec: digest)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from segue_schemas import EMPTY_HISTORY, extend, item_digest
from segue_schemas.digest import chain

__all__ = ["Entry", "History", "Mark"]


class Mark(NamedTuple):
    """A place in the chain: the digest of all that stands before it, and how many items that counts.

    The digest is None behind an item that has none: what was received is kept all the same, and proves nothing then.
    """

    digest: str | None
    length: int


class Entry(NamedTuple):
    """One item: its bytes, its digest, and its sealed payload, which the digest leaves out."""

    item: bytes
    digest: str | None
    sealed: Any

    def agrees(self, other: Entry) -> bool:
        """Whether they are the same item: bytes may differ, as an SDK writes them. A payload may be left out."""
        if self.digest is None or other.digest is None:
            return self.item == other.item
        return self.digest == other.digest and (other.sealed is None or self.sealed == other.sealed)


class History:
    """Items in order. It only grows; a copy is cheap, and grows by itself."""

    def __init__(self, items: Iterable[bytes] = ()) -> None:
        self._entries: list[Entry] = []
        self._marks = [Mark(EMPTY_HISTORY, 0)]
        self.extend(entry_of(item) for item in items)

    def __len__(self) -> int:
        return len(self._entries)

    def copy(self, until: int | None = None) -> History:
        """Return one that begins as this one, up to so many items."""
        other = History()
        other._entries = self._entries[:until]
        other._marks = self._marks[: len(other._entries) + 1]
        return other

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add items at the end."""
        for entry in entries:
            self._entries.append(entry)
            self._marks.append(_next(self._marks[-1], entry))

    def mark(self, at: int | None = None) -> Mark:
        """Return the place in the chain behind so many items; behind all of them without."""
        return self._marks[len(self) if at is None else at]

    def entries(self, begin: int = 0) -> list[Entry]:
        """Return the items from one on."""
        return self._entries[begin:]

    @property
    def items(self) -> list[bytes]:
        """The items as received."""
        return [entry.item for entry in self._entries]

    def common(self, entries: Sequence[Entry]) -> int:
        """Return with how many items of this history another one begins."""
        count = 0
        for mine, theirs in zip(self._entries, entries, strict=False):
            if not mine.agrees(theirs):
                break
            count += 1
        return count


class _Sealed(msgspec.Struct):
    encrypted_content: Any = None


def entry_of(item: bytes) -> Entry:
    """Return an item with its digest, where it has one."""
    try:
        return Entry(item, item_digest(item), msgspec.json.decode(item, type=_Sealed).encrypted_content)
    except ValueError:  # a number that nobody can write twice in the same way, say
        return Entry(item, None, None)


def _next(mark: Mark, entry: Entry) -> Mark:
    if mark.digest is None or entry.digest is None:
        return Mark(None, mark.length + 1)
    if mark.digest != EMPTY_HISTORY:
        return Mark(extend(mark.digest, entry.digest), mark.length + 1)
    try:  # the first item may stand for a history before it
        return Mark(*chain([entry.item]))
    except ValueError:  # `covers` that covers nothing
        return Mark(None, mark.length + 1)
