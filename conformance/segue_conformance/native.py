"""What checks of Segue's own wires share: starts with any member, whole turns as bare messages, errors in one line."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_adapters.client import Input, message_items
from segue_adapters.turn import Outcome, Turn
from segue_schemas import models

from .clock import now
from .segue_wire import next_message, sse_events, turn_name, valid_message
from .subject import Client, Subject, completed

__all__ = ["NATIVE", "bare_turn", "begin", "delete", "hold", "item", "told"]

NATIVE = ("segue-ws", "segue-http")


def item(text: str, role: str = "user") -> dict[str, Any]:
    """Return a message as an item."""
    return {"type": "message", "role": role, "content": text}


def told(error: models.Error | None) -> str:
    """Return an error in one line."""
    return "nothing" if error is None else f"{error.code}: {error.message}"


async def begin(client: Client, input: Input, *, context: dict[str, Any] | None = None, **members: Any) -> Turn:
    """Start a turn with members of `turn.start` beyond those that a session's own `turn` has."""
    client.subject.spend()
    members.setdefault("turn", turn_name())
    start = models.TurnStart(input=message_items(input), **members)
    given = client.subject.base_context() if context is None else context
    start.context = msgspec.Raw(msgspec.json.encode(given))
    return await client.session.start(start)


async def hold(client: Client, input: Input, what: str, **members: Any) -> Outcome:
    """Return a turn that must complete; Deviation with `what` where it does not."""
    turn = await begin(client, input, **members)
    return completed(client.judged(await turn.outcome()), what)


async def delete(client: Client, identifier: str, *, descendants: bool = False) -> models.ErrorMessage | None:
    """Delete a continuation; return the refusal, None where it was deleted."""
    client.subject.spend()
    answer = await client.session.delete(identifier, descendants=descendants or None)
    return answer if isinstance(answer, models.ErrorMessage) else None


async def bare_turn(subject: Subject, start: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a turn as JSON objects, each checked against the schema; the last one ends it."""
    if subject.wire == "segue-http":
        path = f"/turns/{start['turn']}"
        events = await sse_events(subject, "PUT", path, json.dumps(start).encode(), content_type="application/json")
        return [valid_message(event.data) for event in events]
    subject.spend()
    messages: list[dict[str, Any]] = []
    until = now() + subject.settings.timeout
    async with subject.socket() as socket:
        await socket.send(json.dumps(start))
        while True:
            message = await next_message(socket, max(0.1, until - now()))
            if message.get("turn") == start["turn"]:
                messages.append(message)
            if message["type"] in ("turn.completed", "turn.failed", "error"):
                return messages
