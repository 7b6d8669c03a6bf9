"""Segue: stateful continuation between AI agents and model endpoints.

async with segue.connect("http://127.0.0.1:8080/v1", context={"model": "scripted"}) as session:
    chat = session.conversation()
    first = await chat.turn("Remember this word: lantern.")
    print(await first.text())
    second = await chat.turn("Which word was it?")
    print(await second.text())
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue_adapters.client import Session, connect
    from segue_adapters.conversation.answer import Answer
    from segue_adapters.conversation.conversation import Conversation
    from segue_adapters.conversation.events import Recovery
    from segue_adapters.conversation.lines import Endpoint
    from segue_adapters.conversation.rules import Patience
    from segue_adapters.errors import SegueError, TurnBroken, TurnRefused, TurnUnknown
    from segue_adapters.inputs import message_items
    from segue_adapters.turn import Outcome, Turn
    from segue_schemas import models

    from . import sync

__all__ = [
    "Answer",
    "Conversation",
    "Endpoint",
    "Outcome",
    "Patience",
    "Recovery",
    "SegueError",
    "Session",
    "Turn",
    "TurnBroken",
    "TurnRefused",
    "TurnUnknown",
    "connect",
    "message_items",
    "models",
    "sync",
]
__version__ = "0.1.0"

# Loaded when they are first used: `segue --help` lives in this package and shall not wait for a client.
_HOMES = {
    "Answer": "segue_adapters.conversation.answer",
    "Conversation": "segue_adapters.conversation.conversation",
    "Endpoint": "segue_adapters.conversation.lines",
    "Patience": "segue_adapters.conversation.rules",
    "Recovery": "segue_adapters.conversation.events",
    "TurnBroken": "segue_adapters.errors",
    "TurnRefused": "segue_adapters.errors",
    "TurnUnknown": "segue_adapters.errors",
    "message_items": "segue_adapters.inputs",
    "Outcome": "segue_adapters.turn",
    "SegueError": "segue_adapters.errors",
    "Session": "segue_adapters.client",
    "Turn": "segue_adapters.turn",
    "connect": "segue_adapters.client",
}


def __getattr__(name: str) -> Any:
    if name == "models":
        return import_module("segue_schemas.models")
    if name == "sync":
        return import_module("segue.sync")
    if name not in _HOMES:
        raise AttributeError(f"module 'segue' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
