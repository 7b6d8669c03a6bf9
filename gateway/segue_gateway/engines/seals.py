"""Items that a provider sealed for itself, under the name that says whose they are (SEG-ITEM-031 to SEG-ITEM-034)."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Seals"]

_SEALED = ("reasoning", "compaction")


class Seals:
    """Marks what the provider `name` sealed, and takes the mark off where it is asked again.

    A provider that is itself a Segue endpoint names who can open an item; that name stands before an `@`, so that it
    gets its own back, whichever endpoint the item went through.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def ours(self, issuer: str) -> bool:
        """Return whether the provider can open what bears this issuer."""
        return issuer == self.name or issuer.endswith("@" + self.name)

    def named(self, item: bytes) -> bytes:
        """Return an item of the provider's output with its issuer, where it is sealed."""
        members = _sealed(item)
        if members is None or not members.get("encrypted_content"):
            return item
        theirs = members.get("issuer")
        issuer = f"{theirs}@{self.name}" if isinstance(theirs, str) and theirs else self.name
        return msgspec.json.encode({**members, "issuer": issuer})

    def taken_off(self, item: bytes) -> bytes | None:
        """Return an item as the provider is given it, None for reasoning that it can't read.

        A provider that keeps nothing can't look thoughts up by their id: it needs the seal, or the words.
        """
        members = _sealed(item)
        if members is None:
            return item
        issuer = members.get("issuer")
        if members["type"] == "reasoning":
            if isinstance(issuer, str) and not self.ours(issuer):
                return None
            if not members.get("encrypted_content") and not members.get("content"):
                return None
        if not isinstance(issuer, str) or not self.ours(issuer):
            return item
        theirs = issuer.removesuffix(self.name).removesuffix("@")
        rest = {name: value for name, value in members.items() if name != "issuer"}
        return msgspec.json.encode({**rest, "issuer": theirs} if theirs else rest)


def _sealed(item: bytes) -> dict[str, Any] | None:
    """Return the members of an item of a kind that providers seal; most items, and the long ones, are not parsed."""
    if not any(kind.encode() in item for kind in _SEALED):
        return None
    members = msgspec.json.decode(item)
    return members if isinstance(members, dict) and members.get("type") in _SEALED else None
