"""What the scripted model seals for itself: its thoughts, and a history in one item. Sealed is a word here: no secret.

A payload comes back from whoever holds it and is input like any other: what can't be opened holds nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ISSUER", "opened", "opens", "seal", "wants_compaction", "wants_thoughts"]

ISSUER = "segue-scripted"
"""Who can open what it sealed (SEG-ITEM-034)."""


def seal(items: Sequence[bytes]) -> str:
    """Return items as the payload of a `compaction`."""
    return base64.b64encode(b"[" + b",".join(items) + b"]").decode()


def opened(item: Mapping[str, Any]) -> list[bytes]:
    """Return the items that a `compaction` stands for; none where it is not this model's, or broken."""
    if item.get("issuer", ISSUER) != ISSUER:
        return []
    return [json.dumps(one).encode() for one in _payload(item.get("encrypted_content")) or () if isinstance(one, dict)]


def opens(payload: str | None) -> bool:
    """Return whether a payload is one of this model's."""
    return bool(_payload(payload))


def _payload(sealed: object) -> list[Any] | None:
    try:
        held = json.loads(base64.b64decode(str(sealed), validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return held if isinstance(held, list) else None


def wants_thoughts(context: Mapping[str, Any]) -> bool:
    """Return whether the context asks for sealed reasoning."""
    include = context.get("include")
    return isinstance(include, list) and "reasoning.encrypted_content" in include


def wants_compaction(context: Mapping[str, Any], tokens: int) -> bool:
    """Return whether the context asks that a history of so many tokens be compacted."""
    for rule in context.get("context_management") or ():
        if isinstance(rule, dict) and rule.get("type") == "compaction":
            threshold = rule.get("compact_threshold")
            return isinstance(threshold, int) and tokens >= threshold
    return False
