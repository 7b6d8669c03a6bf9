"""What checks of Segue's own wires share: starts with any member, whole turns as bare messages, errors in one line."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_adapters import draws
from segue_adapters.client import Input, message_items
from segue_adapters.turn import Outcome, Turn
from segue_schemas import models

from .clock import now
from .made_up import like
from .segue_wire import next_message, sse_events, turn_name, valid_message
from .subject import Client, Subject, completed, handle_of
from .verdicts import NotOffered

__all__ = [
    "NATIVE", "bare_turn", "begin", "delete", "hold", "honoured", "item", "keeps_names", "keeps_records", "lost_parent",
    "told",
]  # fmt: skip

NATIVE = ("segue-ws", "segue-http")
_LOST = "continuation_not_found"
#: Within so many milliseconds a check asks for what has ended.
_SOON = 5_000


def keeps_records(subject: Subject) -> None:
    """Skip the check where a turn that ended can't be read again for as long as that takes."""
    limits = subject.limits
    if limits is not None and limits.replay_ms < _SOON:
        raise NotOffered(f"limits.replay_ms is {limits.replay_ms}: records are gone before they are asked for")


def keeps_names(subject: Subject) -> None:
    """Skip the check where the name of a turn that ended, whose record may be gone, is free too soon."""
    limits = subject.limits
    if limits is not None and limits.name_ms < _SOON:
        raise NotOffered(f"limits.name_ms is {limits.name_ms}: names are free before they are asked for")


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
    if client.subject.kept_tier is not None:
        members.setdefault("retention", client.subject.kept_tier)
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


def honoured(outcome: Outcome, *settings: str) -> Outcome:
    """Return an outcome, unless a setting that its check stands on was refused or has no effect (SEG-CTX-031)."""
    error, accepted = outcome.refused, outcome.accepted
    if error is not None and error.code == "not_offered" and str(error.param).startswith("/context/"):
        raise NotOffered(f"a setting that the check stands on is not honoured: {told(error)}")
    ignored = accepted.ignored if accepted is not None and isinstance(accepted.ignored, list) else []
    without = [place for place in ignored if any((place + "/").startswith(f"/{name}/") for name in settings)]
    if without:
        raise NotOffered(f"a setting that the check stands on has no effect here: {', '.join(without)}")
    return outcome


async def lost_parent(client: Client) -> tuple[str, tuple[str, ...]]:
    """Return an id that stands for nothing, and the codes that are right for a turn from it.

    It is that of a continuation which was deleted, where that can be had. Else it is made up, and an endpoint whose ids
    have a form may see that it was never one (SEG-CONT-011).
    """
    subject = client.subject
    tier = next((tier for tier in ("cached", "durable", "connection") if tier in subject.tiers()), None)
    if tier is None:
        return f"c_{draws.token_hex(16)}", (_LOST, "invalid_request")
    held = handle_of(await client.say("Say hello.", retention=tier))
    if "delete" in subject.features() and await delete(client, held.id) is None:
        return held.id, (_LOST,)
    return like(held.id), (_LOST, "invalid_request")


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
