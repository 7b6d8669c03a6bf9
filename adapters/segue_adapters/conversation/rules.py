"""What to do about an error: tables, by where it came from and by its advice. Pure.

A client that knows no codes at all can act on advice and effect (spec: errors); codes are read in two places only, both
below. Each move doubles nothing: what may have run is asked for again under its name, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from segue_schemas import models

from ..errors import (
    ConnectionCut,
    CutShort,
    ReaderTooSlow,
    RemoteProtocolError,
    SegueError,
    TimedOut,
    TLSFault,
    Unauthorised,
    Unreachable,
    WrongKind,
)

__all__ = ["Counts", "Move", "Patience", "Trouble", "advised", "decide", "network_trouble"]

Where = Literal["refused", "resume refused", "failed", "reading ended", "connection"]
Move = Literal["full", "context", "reconnect", "again", "wait", "other wire", "stop"]


class Trouble(NamedTuple):
    """An error in the words that every one of them has; `pause` in seconds, where one was asked for."""

    where: Where
    advice: str
    effect: str
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How often each is tried for one turn, and how long is waited in all, in seconds.

    Pauses grow from `first` to `longest`, each drawn between nothing and that (full jitter). What has brought the turn
    further counts anew, but never beyond `total` recoveries.
    """

    full: int = 2
    context: int = 1
    reconnects: int = 6
    repeats: int = 4
    waits: int = 6
    total: int = 40
    first: float = 0.1
    longest: float = 10.0
    waiting: float = 120.0


@dataclass(slots=True)
class Counts:
    """What was tried already."""

    full: int = 0
    context: int = 0
    reconnects: int = 0
    repeats: int = 0
    waits: int = 0
    total: int = 0
    waited: float = 0.0

    def progress(self) -> None:
        """Something new came: what is tried over and over counts anew."""
        self.reconnects = self.repeats = self.waits = 0


# What follows from an advice, by where it stands. What is not here stops.
_REFUSED: Mapping[str, Move] = {
    "resend_full": "full",
    "resend_context": "context",
    "reconnect": "reconnect",
    "retry": "again",
    "wait": "wait",
}
_READING: Mapping[str, Move] = {"reconnect": "reconnect", "retry": "reconnect", "wait": "wait"}
_CONNECTION: Mapping[str, Move] = {
    "reconnect": "reconnect",
    "wait": "wait",
    "retry": "reconnect",
    "other": "other wire",
}
_MOVES: Mapping[Where, Mapping[str, Move]] = {
    "refused": _REFUSED,
    # Behind turn.failed the same, under another name: the old one is claimed.
    "failed": _REFUSED,
    # Nothing of the turn can be read: whether it is started again is the driver's to say, who knows what was seen.
    "resume refused": {"reconnect": "reconnect", "retry": "again", "wait": "wait", "resend_full": "again"},
    "reading ended": _READING,
    "connection": _CONNECTION,
}

# Where the model may have run, a start is not sent again: that might bill twice. A reading may always be begun again.
_ONLY_WITHOUT_EFFECT: frozenset[Where] = frozenset({"refused", "failed"})

# Codes whose effect is `none` whenever they refuse (spec: errors, Codes): a wire that names no effects says "unknown".
_NEVER_RAN = frozenset({"continuation_not_found", "draining", "lane_full", "overloaded", "rate_limited"})

# WebSocket close code -> advice (spec: binding-segue-ws, Closing). 44xx is this side's fault, 45xx the endpoint's.
_CLOSES: Mapping[int, str] = {
    1007: "fix",
    1008: "other",
    1009: "other",
    4401: "authenticate",
    4403: "give_up",
    4408: "reconnect",
    4410: "reconnect",
    4429: "wait",
    4503: "wait",
}


def advised(where: Where, error: models.Error) -> Trouble:
    """Return an endpoint's error as trouble."""
    effect = "none" if where == "refused" and error.code in _NEVER_RAN else error.effect
    pause = error.retry_after_ms / 1000 if isinstance(error.retry_after_ms, int) else None
    return Trouble(where, error.advice, effect, pause)


def network_trouble(fault: SegueError, *, sent: bool) -> Trouble | None:
    """Return what the network did as trouble; None for what is no matter of the network: that is raised as it is.

    `sent` says that something of the turn may have reached the endpoint.
    """
    effect = "unknown" if sent else "none"
    if isinstance(fault, Unreachable):
        return Trouble("connection", "reconnect", effect)
    if isinstance(fault, ConnectionCut):
        code = fault.code or 0
        by_hundreds = "fix" if 4400 <= code < 4500 else "reconnect"
        advice = _CLOSES.get(code, by_hundreds)
        # A message that was too large was not read, and what was closed for its bytes did not run.
        return Trouble("connection", advice, "none" if code in (1007, 1009, 4413) else effect)
    if isinstance(fault, CutShort | TimedOut | ReaderTooSlow):
        return Trouble("connection", "reconnect", effect)
    if isinstance(fault, RemoteProtocolError) and fault.status is not None and fault.status >= 500:
        return Trouble("connection", "reconnect", effect)  # a proxy spoke in the endpoint's place
    return None


def decide(trouble: Trouble, counts: Counts, patience: Patience, *, may_repeat: bool) -> Move:
    """Return what to do, and count it; `stop` where nothing is left to try."""
    move = _MOVES[trouble.where].get(trouble.advice, "stop")
    if trouble.where in _ONLY_WITHOUT_EFFECT and trouble.effect != "none" and not may_repeat:
        return "stop"
    if counts.total >= patience.total:
        return "stop"
    used, allowed = {
        "full": (counts.full, patience.full),
        "context": (counts.context, patience.context),
        "reconnect": (counts.reconnects, patience.reconnects),
        "again": (counts.repeats, patience.repeats),
        "wait": (counts.waits, patience.waits),
    }.get(move, (0, 1))
    if used >= allowed or (move == "wait" and counts.waited + (trouble.pause or 0.0) > patience.waiting):
        return "stop"
    counts.total += 1
    counts.full += move == "full"
    counts.context += move == "context"
    counts.reconnects += move == "reconnect"
    counts.repeats += move == "again"
    counts.waits += move == "wait"
    return move


def pause_for(move: Move, trouble: Trouble, counts: Counts, patience: Patience, jitter: float) -> float:
    """Return how long to wait before a move, in seconds; `jitter` is drawn from 0 to 1."""
    tried = {"reconnect": counts.reconnects - 1, "again": counts.repeats, "wait": counts.waits}.get(move, 0)
    drawn = jitter * min(patience.longest, patience.first * 2.0**tried) if tried > 0 else 0.0
    asked = trouble.pause or 0.0
    pause = asked + drawn if move in ("wait", "again", "reconnect") else 0.0
    counts.waited += pause
    return pause


class Verdict(NamedTuple):
    """What a connection that could not be opened says of its wire."""

    rule_out: bool
    """Another wire is to be taken, and this one not tried again."""
    final: bool = False
    """No other attempt will go better, over whatever wire."""


def opening_verdict(fault: SegueError, failures: int) -> Verdict:
    """Return what follows where a WebSocket could not be opened, `failures` times in a row."""
    if isinstance(fault, TLSFault):
        return Verdict(False, final=True)
    if isinstance(fault, Unauthorised):
        # A proxy that blocks an upgrade says 403; a key that is not accepted is not over HTTP either.
        return Verdict(fault.status == 403, final=fault.status == 401)
    if isinstance(fault, WrongKind):
        # What is no HTTP at all may be a proxy whose endpoint is down just now, as may be these: so once is no proof.
        later = fault.status in (None, 408, 425, 429, 500, 502, 503, 504)
        return Verdict(not later or failures > 1)
    if isinstance(fault, TimedOut | RemoteProtocolError):
        return Verdict(True)
    return Verdict(failures > 1)
