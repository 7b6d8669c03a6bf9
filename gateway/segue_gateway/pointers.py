"""What stands at a JSON Pointer (RFC 6901), for those who only look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["value_at"]


def value_at(value: Any, pointer: str) -> Any:
    """Return what stands at a JSON Pointer; None where nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
