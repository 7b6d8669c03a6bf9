"""What an engine is: it is given a whole history and a context, and yields what the model writes.

An engine knows nothing of turns, principals, stores or wires. It never repeats a request of which a byte may have
reached its provider (SEG-TURN-041), and reports no usage rather than a guess.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from segue_schemas import models

__all__ = [
    "DECISIVE",
    "Delta",
    "Ended",
    "Engine",
    "EngineEvent",
    "EngineFailure",
    "ItemBegun",
    "ItemEnded",
    "Progress",
    "Request",
]


#: Beginnings of pointers to the settings without which an answer is another one. Any other is a wish, such as a
#: temperature, which many clients send with every request.
DECISIVE = ("/tools/", "/tool_choice", "/text/format")


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the model: every item of the history as received, this turn's input last.

    `whole`: the answer is read at its end, so what of a text comes at the same time may be told as one piece.
    """

    items: Sequence[bytes]
    context: Mapping[str, Any]
    trace: models.Trace | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class ItemBegun:
    """An output item begins; `index` counts the engine's items from 0, `item` is its skeleton."""

    index: int
    item: Mapping[str, Any]


class Delta(msgspec.Struct, frozen=True):  # made for each piece of a text, in a tenth of a dataclass's time
    """An item grows: text appended at a JSON Pointer, or a value put there."""

    index: int
    at: str
    append: str | None = None
    put: Any = None


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """An item is whole; `item` only where skeleton and deltas do not rebuild it."""

    index: int
    item: bytes | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A sign of life: `upstream` (asked, nothing heard yet) or `thinking`."""

    phase: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The model came to its end, or was cut (`incomplete`, with a reason). Items still open then were cut."""

    status: Literal["completed", "incomplete"] = "completed"
    reason: str | None = None
    usage: models.Usage | None = None
    omitted: tuple[int, ...] = field(default=())


EngineEvent: TypeAlias = ItemBegun | Delta | ItemEnded | Progress | Ended


class EngineFailure(Exception):
    """The model or its provider failed; `error` becomes the turn's, `usage` is what was billed all the same."""

    def __init__(self, error: models.Error, usage: models.Usage | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.usage = usage


class Engine(Protocol):
    """Who generates."""

    name: str
    offered: Sequence[str]
    model_input: models.ModelInput

    def reads(self, kind: str, issuer: str | None = None, seal: str | None = None) -> bool:
        """Return whether the model can read items of this type at all; a turn that needs one is refused if not.

        `issuer` is who sealed the item, where that is told, `seal` its sealed payload.
        """
        ...

    def serves(self, model: str) -> bool:
        """Return whether it has a model of that name; True where only its provider knows (SEG-CTX-030)."""
        ...

    def ignores(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return JSON Pointers to the settings of a context that have no effect on its model (SEG-CTX-031)."""
        ...

    def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Yield what the model writes, ending with `Ended`; raise EngineFailure. Closing the iterator stops it."""
        ...

    async def close(self) -> None:
        """Give up whatever is held for requests to come."""
        ...
