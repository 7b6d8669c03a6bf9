"""What the tests of the two wires without state share: an answer read in pieces, and short names for what came."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_adapters.errors import NotCarried
from segue_adapters.wires.anthropic import AnthropicClient
from segue_adapters.wires.base import Answer
from segue_adapters.wires.chat import ChatClient
from segue_schemas import models

__all__ = ["JSON", "STREAM", "answered", "built", "carried", "sent", "start", "tags"]

STREAM = {"content-type": "Text/Event-Stream; charset=utf-8"}
JSON = {"content-type": "application/json"}
Client = ChatClient | AnthropicClient


def start(*items: Any, context: Any = None, **members: Any) -> models.TurnStart:
    """Return a turn.start; a string among the items is a message of the user."""
    raws = [
        {"type": "message", "role": "user", "content": item} if isinstance(item, str) else item for item in items
    ]  # fmt: skip
    given = {"model": "m"} if context is None else {"model": "m", **context}
    return models.TurnStart(
        turn="t",
        input=[msgspec.Raw(json.dumps(item).encode()) for item in raws],
        context=msgspec.Raw(json.dumps(given).encode()),
        **members,
    )


def sent(client: Client, *items: Any, context: Any = None, **members: Any) -> dict[str, Any]:
    """Return the body of the request that says a turn."""
    body: dict[str, Any] = json.loads(client.exchange(start(*items, context=context, **members)).request.body)
    return body


def carried(client: Client, *items: Any, context: Any = None, **members: Any) -> str:
    """Return what is said where the wire has no place for it; empty where it has one."""
    try:
        sent(client, *items, context=context, **members)
    except NotCarried as refused:
        return refused.what
    return ""


def answered(client: Client, answer: Answer, *items: Any, step: int = 11, **members: Any) -> list[models.ServerMessage]:
    """Return what an answer says, read in pieces."""
    exchange = client.exchange(start(*(items or ("Hello",)), **members))
    exchange.head(answer.status, answer.headers)
    told = [m for at in range(0, len(answer.body), step) for m in exchange.data(answer.body[at : at + step])]
    assert (exchange.ask_again_ms, exchange.elsewhere) == (None, False)
    return told + exchange.end()


def tags(messages: list[models.ServerMessage]) -> str:
    """Return the types of messages, in one line."""
    return " ".join(str(type(message).__struct_config__.tag).removeprefix("turn.") for message in messages)


def built(messages: list[models.ServerMessage]) -> list[Any]:
    """Return the whole items that messages build."""
    items = ItemAssembler()
    for message in messages:
        items.apply(message)
    return [json.loads(items.whole(index)) for index in items.completed]
