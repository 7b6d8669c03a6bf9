"""An answer over HTTP in one line, as a report shows what came."""

from __future__ import annotations

import json
from typing import Any, Protocol

__all__ = ["shown"]

_ROOM = 200


class _Answer(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...


def shown(answer: _Answer) -> str:
    """Return status and gist of an answer: what an error says, what kind of object it is, else how its body begins."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    gist = _gist(told) if isinstance(told, dict) else ""
    return f"{answer.status}: {gist or answer.body[:_ROOM].decode('utf-8', 'replace')}"


def _gist(told: dict[str, Any]) -> str:
    error = told.get("error") if isinstance(told.get("error"), dict) else told
    assert isinstance(error, dict)
    if isinstance(error.get("message"), str):
        name = next((error[key] for key in ("code", "type") if isinstance(error.get(key), str)), "an error")
        return f"{name}: {error['message']}"[:_ROOM]
    kind = told.get("object") or told.get("type")
    if not isinstance(kind, str):
        return ""
    parts = [kind, *(f"{key} {told[key]}" for key in ("status", "id", "turn") if isinstance(told.get(key), str))]
    return ", ".join(parts)[:_ROOM]
