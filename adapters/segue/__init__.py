"""Segue: stateful continuation between AI agents and model endpoints.

async with segue.connect("http://127.0.0.1:8080/v1", context={"model": "scripted"}) as session:
    first = await session.turn("Remember this word: lantern.")
    print(await first.text())
    second = await session.turn("Which word was it?", parent=first.continuation)
    print(await second.text())
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue_adapters.client import Session, connect
    from segue_adapters.errors import SegueError
    from segue_adapters.turn import Outcome, Turn
    from segue_schemas import models

__all__ = ["Outcome", "SegueError", "Session", "Turn", "connect", "models"]
__version__ = "0.1.0"

# Loaded when they are first used: `segue --help` lives in this package and shall not wait for a client.
_HOMES = {
    "Outcome": "segue_adapters.turn",
    "SegueError": "segue_adapters.errors",
    "Session": "segue_adapters.client",
    "Turn": "segue_adapters.turn",
    "connect": "segue_adapters.client",
}


def __getattr__(name: str) -> Any:
    if name == "models":
        return import_module("segue_schemas.models")
    if name not in _HOMES:
        raise AttributeError(f"module 'segue' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
