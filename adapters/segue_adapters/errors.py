"""What can go wrong, by whose fault it is.

SegueError
├── LocalProtocolError      you misused this library
│   └── NotCarried          the wire has no place for what was asked
├── RemoteProtocolError     the peer broke a rule of the protocol
├── TransportError          nothing, or nothing usable, came over the network
│   ├── Unreachable         no such host, refused port
│   ├── TLSFault            the certificate or the handshake failed
│   ├── TimedOut            connected, but silent for too long
│   ├── Unauthorised        401 or 403
│   ├── WrongKind           something answers, but not this wire (404, an HTML page, no upgrade)
│   ├── ConnectionCut       the connection ended before its turn did
│   └── AnswerTooLarge      more bytes than the limit that was set
└── TurnRefused, TurnBroken what `Turn.text()` raises for a turn that has no answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_schemas import models

__all__ = [
    "AnswerTooLarge",
    "ConnectionCut",
    "LocalProtocolError",
    "NotCarried",
    "RemoteProtocolError",
    "SegueError",
    "TLSFault",
    "TimedOut",
    "TransportError",
    "TurnBroken",
    "TurnRefused",
    "Unauthorised",
    "Unreachable",
    "WrongKind",
]


class SegueError(Exception):
    """Base of every error that this library raises on purpose."""


class LocalProtocolError(SegueError):
    """You asked for something that the protocol does not allow."""


class NotCarried(LocalProtocolError):
    """The wire has no place for what was asked; nothing was sent."""

    def __init__(self, wire: str, what: str) -> None:
        super().__init__(f"the wire {wire} can't carry {what}; nothing was sent")
        self.wire = wire
        self.what = what


class RemoteProtocolError(SegueError):
    """The peer broke a rule: `expected` says which, `got` what came instead."""

    def __init__(self, message: str, *, requirement: str | None = None, expected: str = "", got: str = "") -> None:
        super().__init__(message)
        self.requirement = requirement
        self.expected = expected
        self.got = got


class TransportError(SegueError):
    """Nothing usable came: `what` happened, `where`, and a `hint` what to try."""

    def __init__(self, what: str, where: str, hint: str = "") -> None:
        super().__init__(f"{what} ({where})" + (f"; {hint}" if hint else ""))
        self.what = what
        self.where = where
        self.hint = hint


class Unreachable(TransportError):
    """No such host, or nothing listens there."""


class TLSFault(TransportError):
    """The certificate was not accepted, or the TLS handshake failed."""


class TimedOut(TransportError):
    """The peer was silent for longer than the limit that was set."""


class Unauthorised(TransportError):
    """The peer answered 401 or 403."""

    def __init__(self, what: str, where: str, hint: str = "", *, status: int = 401) -> None:
        super().__init__(what, where, hint)
        self.status = status


class WrongKind(TransportError):
    """Something answers, but it does not speak this wire."""

    def __init__(self, what: str, where: str, hint: str = "", *, status: int | None = None) -> None:
        super().__init__(what, where, hint)
        self.status = status


class ConnectionCut(TransportError):
    """The connection ended; `code` and `reason` are the WebSocket close's, where there was one."""

    def __init__(self, what: str, where: str, hint: str = "", *, code: int | None = None, reason: str = "") -> None:
        super().__init__(what, where, hint)
        self.code = code
        self.reason = reason


class AnswerTooLarge(TransportError):
    """The peer sent more bytes than the limit that was set."""


class TurnRefused(SegueError):
    """The turn was refused before it was accepted; nothing ran under its name."""

    def __init__(self, error: models.Error) -> None:
        super().__init__(f"{error.code}: {error.message} (advice: {error.advice})")
        self.error = error


class TurnBroken(SegueError):
    """The turn was accepted and failed."""

    def __init__(self, error: models.Error) -> None:
        super().__init__(f"{error.code}: {error.message} (effect: {error.effect}, advice: {error.advice})")
        self.error = error
