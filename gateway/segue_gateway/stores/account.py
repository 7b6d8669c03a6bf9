"""What the memory store holds for one principal, counted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from ..contexts import Context
from .base import Event, Handle
from .weights import context_weight

__all__ = ["Account", "HandleKept", "TurnKept"]


@dataclass(slots=True)
class TurnKept:
    """A claimed name; `events` is None once only the name is left."""

    content: str
    epoch: int
    serial: int  # tells a name from the same name claimed again after it was forgotten
    events: list[Event] | None
    contexts: list[Context]
    size: int = 0
    finished: bool = False
    handle: str | None = None


@dataclass(slots=True)
class HandleKept:
    """A continuation and the monotonic second at which it ends, None where only its scope ends it."""

    handle: Handle
    ends: float | None


@dataclass(slots=True)
class Account:
    """What is held for one principal, counted."""

    turns: dict[str, TurnKept] = field(default_factory=dict)
    used: OrderedDict[str, None] = field(default_factory=OrderedDict)  # ids, least recently used first
    contexts: dict[str, tuple[Context, int]] = field(default_factory=dict)
    parked: dict[str, float] = field(default_factory=dict)  # held without a handle: digest, and when that ends
    size: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing at all is held."""
        return not self.turns and not self.used and not self.contexts

    def pin(self, context: Context) -> Context:
        """Hold a context once more; return the one that is held, so that equal ones are kept once, as counted."""
        held, pins = self.contexts.get(context.digest, (context, 0))
        self.contexts[context.digest] = (held, pins + 1)
        if pins == 0:
            self.size += context_weight(held)
        return held

    def unpin(self, context: Context) -> None:
        """Hold a context once less; the last one frees it."""
        held, pins = self.contexts[context.digest]
        if pins > 1:
            self.contexts[context.digest] = (held, pins - 1)
        else:
            del self.contexts[context.digest]
            self.size -= context_weight(held)
