"""The readings that the committed sessions (schemas/1.0/sessions) tell, each from turn.accepted to its end."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from segue_adapters.wires.base import TERMINAL
from segue_adapters.wires.segue_ws import client_message, server_message
from segue_schemas import models

__all__ = ["readings"]

SESSIONS = Path(__file__).resolve().parents[2] / "schemas" / "1.0" / "sessions"


def readings() -> dict[str, tuple[models.TurnStart, list[models.ServerMessage]]]:
    """Return every reading that a session tells whole, by name, with the start that its turn was begun by."""
    found: dict[str, tuple[models.TurnStart, list[models.ServerMessage]]] = {}
    for path in sorted(SESSIONS.glob("*.ndjson")):
        starts: dict[str, models.TurnStart] = {}
        under_way: dict[tuple[str, str], list[models.ServerMessage]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            text = json.dumps(told.get("message", {}))
            if told.get("from") == "client" and told["message"]["type"] == "turn.start":
                start = client_message(text)
                assert isinstance(start, models.TurnStart)
                starts[start.turn] = start
            if told.get("from") != "server":
                continue
            message = server_message(text)
            turn = getattr(message, "turn", None)
            if message is None or not isinstance(turn, str) or isinstance(message, models.ErrorMessage):
                continue
            key = (told["connection"], turn)
            if isinstance(message, models.TurnAccepted):
                under_way[key] = []
            elif key not in under_way and (cut := _cut(under_way, message)) is not None:
                under_way[key] = under_way.pop(cut)  # read on over another connection
            if key in under_way:
                under_way[key].append(message)
            if isinstance(message, TERMINAL) and key in under_way:
                found[f"{path.stem}.{len(found)}"] = (starts[turn], under_way.pop(key))
    return found


def _cut(
    under_way: dict[tuple[str, str], list[models.ServerMessage]], message: models.ServerMessage
) -> tuple[str, str] | None:
    """Return the reading that a message goes on with, where one was cut right in front of it."""
    first = getattr(message, "from_", msgspec.UNSET)
    first = first if isinstance(first, int) else getattr(message, "seq", None)
    for key, messages in under_way.items():
        numbers = [n for n in (getattr(m, "seq", None) for m in messages) if isinstance(n, int)]
        if key[1] == getattr(message, "turn", "") and isinstance(first, int) and max(numbers) + 1 == first:
            return key
    return None
