"""What a conversation tells beside the messages of its turns: each recovery, what was sent, how a turn ended."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from segue_schemas import models

from ..errors import SegueError
from ..turn import Outcome

__all__ = ["Event", "Recovery", "Sent", "Settled", "What", "log"]

log = logging.getLogger("segue")

What = Literal[
    "resend_full",
    "resend_context",
    "reconnect",
    "resume",
    "repeat",
    "retry",
    "wait",
    "fallback",
    "elsewhere",
    "reread",
]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Something went otherwise than planned, and the turn goes on: `what` is done, and `why`.

    `pause` is how long is waited before it, in seconds; `error` is what the endpoint said, or what the network did.
    """

    turn: str
    what: What
    why: str
    pause: float = 0.0
    error: models.Error | SegueError | None = None


Event = models.ServerMessage | Recovery


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent for a turn: a `delta` to what the endpoint holds or the `full` history, and why.

    `items` of the `length` items of the history; `bytes` of all starts as JSON, repeats counted in.
    """

    kind: Literal["delta", "full"]
    why: str
    items: int
    length: int
    parts: int
    bytes: int


@dataclass(slots=True)
class Settled(Outcome):
    """How a turn of a conversation ended. `events` hold no deltas: a long answer is kept once, as its items.

    `proved` says that both sides reckon the same digest over the history; `too_late` are the inputs of steers that did
    not enter the turn, for a turn of their own, and `unanswered` those of which that is not known; `sent` is None where
    nothing went out.
    """

    sent: Sent | None = None
    recoveries: list[Recovery] = field(default_factory=list)
    proved: bool = False
    too_late: list[list[msgspec.Raw]] = field(default_factory=list)
    unanswered: list[list[msgspec.Raw]] = field(default_factory=list)

    def take(self, message: models.ServerMessage) -> None:
        """Take one message into account; RemoteProtocolError where a delta has no place."""
        Outcome.take(self, message)
        if isinstance(message, models.ItemDelta | models.TurnProgress):
            self.events.pop()
