"""The states of a turn, as a table: which cause leads where. A diagram is drawn from it; code asks it.

Whatever is written first counts: a terminal state has no way out, so of a cancel and an end that race one is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["TABLE", "TERMINAL_STATES", "Cause", "State", "step"]


class State(StrEnum):
    """Where a turn is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Cause(StrEnum):
    """What happens to a turn."""

    BEGUN = "begun"
    OUTPUT = "output"
    ENDED = "ended"
    CUT = "cut"
    CANCEL = "cancel"
    FAILURE = "failure"
    DEADLINE = "deadline"
    INTERRUPTION = "interruption"
    RETENTION_LOST = "retention_lost"


TABLE: Mapping[State, Mapping[Cause, State]] = {
    State.QUEUED: {
        Cause.BEGUN: State.RUNNING,
        Cause.CANCEL: State.CANCELLED,
        Cause.DEADLINE: State.FAILED,
        Cause.INTERRUPTION: State.FAILED,
        Cause.RETENTION_LOST: State.INCOMPLETE,
    },
    State.RUNNING: {
        Cause.OUTPUT: State.RUNNING,
        Cause.ENDED: State.COMPLETED,
        Cause.CUT: State.INCOMPLETE,
        Cause.CANCEL: State.CANCELLED,
        Cause.FAILURE: State.FAILED,
        Cause.DEADLINE: State.FAILED,
        Cause.INTERRUPTION: State.FAILED,
        Cause.RETENTION_LOST: State.INCOMPLETE,
    },
    State.COMPLETED: {},
    State.INCOMPLETE: {},
    State.CANCELLED: {},
    State.FAILED: {},
}

TERMINAL_STATES = frozenset(state for state, ways in TABLE.items() if not ways)


def step(state: State, cause: Cause) -> State | None:
    """Return the state that a cause leads to; None where it comes too late, or has no place there."""
    return TABLE[state].get(cause)
