"""What a turn's machine says to do next: have a connection, send, listen, or that it is over."""

from __future__ import annotations

from dataclasses import dataclass

from segue_schemas import models

from ..errors import SegueError

__all__ = ["Command", "Connect", "Ended", "Listen", "Submit"]


@dataclass(frozen=True, slots=True)
class Connect:
    """Find a connection, not before `at` (clock): not `avoid`, over another wire, or of the next endpoint."""

    at: float = 0.0
    avoid: int | None = None
    other_wire: str = ""
    elsewhere: bool = False
    leaving: int | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """Send a start or a resume, not before `at`, and read what comes; `repeated` where an older reading may linger."""

    message: models.TurnStart | models.TurnResume
    at: float = 0.0
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for the next message of the turn."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over: `outcome`, or an error to raise. `settled`: nothing more can be learned of the turn."""

    error: SegueError | None = None
    settled: bool = True


Command = Connect | Submit | Listen | Ended
