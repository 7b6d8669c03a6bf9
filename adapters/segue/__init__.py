"""Segue: stateful continuation between AI agents and model endpoints.

async with segue.connect("http://127.0.0.1:8080/v1", context={"model": "scripted-1"}) as session:
    first = await session.turn("Remember this word: lantern.")
    print(await first.text())
    second = await session.turn("Which word was it?", parent=first.continuation)
    print(await second.text())
"""

from segue_adapters.client import Session, connect
from segue_adapters.errors import SegueError
from segue_adapters.turn import Outcome, Turn
from segue_schemas import models

__all__ = ["Outcome", "SegueError", "Session", "Turn", "connect", "models"]
__version__ = "0.1.0"
