"""What a scenario may do with a request of the agent, or with its wish for a WebSocket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Action", "Answer", "Deny", "Drop", "Frames", "Rewrite", "Through"]

#: From one event to those that are sent instead.
Rewrite: TypeAlias = Callable[[dict[str, Any]], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Over HTTP: this answer, and the endpoint behind is not asked."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frames:
    """Over a WebSocket: these messages, then perhaps a close; the endpoint behind is not asked."""

    messages: Sequence[Mapping[str, Any]]
    close: int | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is cut before any answer."""


@dataclass(frozen=True, slots=True)
class Deny:
    """A wish for a WebSocket is answered by this status."""

    status: int
    body: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class Through:
    """The endpoint behind answers, and its answer is changed on its way.

    `cut_at` says behind which event it ends (a whole answer is asked for as an empty one): without a word, or (`clean`)
    as if all had been said. `rewrite` and `body` change events and whole answers; `first` and `between` are pauses in
    seconds; `close` is a code with which a WebSocket is closed behind the end of the answer.
    """

    cut_at: Callable[[dict[str, Any]], bool] | None = None
    clean: bool = False
    rewrite: Rewrite | None = None
    body: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    first: float = 0.0
    between: float = 0.0
    close: int | None = None


Action: TypeAlias = Answer | Frames | Drop | Through
