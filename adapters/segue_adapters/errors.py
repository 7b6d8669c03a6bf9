"""What can go wrong, by whose fault it is.

SegueError
├── LocalProtocolError      you misused this library
│   ├── NotCarried          the wire has no place for what was asked
│   ├── NotOffered          the endpoint does not offer what was asked
│   ├── TooLarge            it fits into no message that the endpoint takes
│   └── Unsettled           an earlier turn may have run: it is asked for again, or given up, before another
├── RemoteProtocolError     the peer broke a rule of the protocol
│   ├── CutShort            the answer ended before its turn did
│   └── HistoryDiffers      both sides hold another history
├── TransportError          nothing, or nothing usable, came over the network
│   ├── Unreachable         no such host, refused port
│   ├── TLSFault            the certificate or the handshake failed
│   ├── TimedOut            connected, but silent for too long
│   ├── Unauthorised        401 or 403
│   ├── WrongKind           something answers, but not this wire (404, an HTML page, no upgrade)
│   ├── ConnectionCut       the connection ended before its turn did
│   ├── AnswerTooLarge      more bytes than the limit that was set
│   └── ReaderTooSlow       a turn was not read while others wanted to be
├── TurnUnknown             nobody can say what became of a turn; it may have run
└── TurnRefused, TurnBroken what `Turn.text()` raises for a turn that has no answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_schemas import models

__all__ = [
    "AnswerTooLarge",
    "ConnectionCut",
    "CutShort",
    "HistoryDiffers",
    "LocalProtocolError",
    "NotCarried",
    "NotOffered",
    "ReaderTooSlow",
    "RemoteProtocolError",
    "SegueError",
    "TLSFault",
    "TimedOut",
    "TooLarge",
    "TransportError",
    "TurnBroken",
    "TurnRefused",
    "TurnUnknown",
    "Unauthorised",
    "Unreachable",
    "Unsettled",
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


class NotOffered(LocalProtocolError):
    """The endpoint does not offer what was asked; nothing was sent."""

    def __init__(self, feature: str, wire: str) -> None:
        super().__init__(f"{feature} is not offered over {wire} (see session.capabilities); nothing was sent")
        self.feature = feature
        self.wire = wire


class TooLarge(LocalProtocolError):
    """What was to be sent fits into no message that the endpoint takes; nothing was sent. Sizes in bytes."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} takes {size} bytes, and the endpoint takes messages of {limit}; nothing was sent")
        self.size = size
        self.limit = limit


class Unsettled(LocalProtocolError):
    """A turn of the conversation has no known end: ask for it again, or give it up with `abandon()`."""

    def __init__(self, turn: str) -> None:
        super().__init__(
            f"the turn {turn} of this conversation has not ended: read it to its end, or give it up with abandon()"
        )
        self.turn = turn


class RemoteProtocolError(SegueError):
    """The peer broke a rule: `expected` says which, `got` what came instead; `status` is HTTP's, where it matters."""

    def __init__(
        self,
        message: str,
        *,
        requirement: str | None = None,
        expected: str = "",
        got: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.requirement = requirement
        self.expected = expected
        self.got = got
        self.status = status


class CutShort(RemoteProtocolError):
    """An answer ended in good order and before its turn did: it was cut on the way (SEG-TURN-150)."""


class HistoryDiffers(RemoteProtocolError):
    """The endpoint holds another history: both digests, and the place of the first item that differs where known."""

    def __init__(self, turn: str, *, mine: str, theirs: str, index: int | None = None) -> None:
        where = "which item differs is not known" if index is None else f"the first item that differs is {index}"
        super().__init__(
            f"after the turn {turn} the endpoint's history is {theirs}, and here it is {mine}; {where}",
            requirement="SEG-DIG-002",
            expected=mine,
            got=theirs,
        )
        self.turn = turn
        self.mine = mine
        self.theirs = theirs
        self.index = index


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
    """Something answers, but it does not speak this wire.

    `headers` (names in lower case) and `body` are those of the answer that denied an upgrade: a pause may stand there.
    """

    def __init__(
        self,
        what: str,
        where: str,
        hint: str = "",
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(what, where, hint)
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.body = body


class ConnectionCut(TransportError):
    """The connection ended; `code` and `reason` are the WebSocket close's, where there was one."""

    def __init__(self, what: str, where: str, hint: str = "", *, code: int | None = None, reason: str = "") -> None:
        super().__init__(what, where, hint)
        self.code = code
        self.reason = reason


class AnswerTooLarge(TransportError):
    """The peer sent more bytes than the limit that was set."""


class ReaderTooSlow(TransportError):
    """A turn was not read while its connection had more for others; it goes on, and can be resumed."""


class TurnUnknown(SegueError):
    """Nobody can say what became of a turn: it may have run. `cause` says why; nothing was sent again."""

    def __init__(self, turn: str, cause: Exception | str, hint: str) -> None:
        super().__init__(f"what became of the turn {turn} is not known: {cause}; {hint}")
        self.turn = turn
        self.cause = cause


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
