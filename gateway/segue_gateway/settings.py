"""The numbers that an endpoint keeps: what it declares as limits, and a few that only its operator sees."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Settings"]

_MINUTE = 60_000
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in milliseconds, sizes in bytes; the names are those of `limits` where a limit says them.

    `state_bytes` bounds items, records and contexts held for one principal, `running` the turns that run at once for
    one; `reader_ms` is for how long a client may take nothing of what it is sent, `grace_ms` how long running turns get
    when the process is asked to end, `slow_ms` how long the scripted engine takes for a text that it is asked to write
    slowly. `origins` are the browser origins that may connect: none unless listed; `hosts` the names beside those of
    this machine under which an endpoint without keys may be called.
    """

    heartbeat_ms: int = 1_000
    message_bytes: int = 16 * _MIB
    replay_ms: int = 5 * _MINUTE
    name_ms: int = 60 * _MINUTE
    flush_ms: int = 0
    cached_ms: int = 60 * _MINUTE
    connection_ms: int = 60 * _MINUTE
    draining_ms: int = 30_000
    lanes: int = 32
    turns_in_flight: int = 16
    lane_queue: int = 64
    continuations: int = 10_000
    turns_held: int = 50_000
    state_bytes: int = 512 * _MIB
    running: int = 256
    reader_ms: int = 60_000
    grace_ms: int = 400
    slow_ms: int = 1_200
    endpoint: str = "segue-reference"
    model: str = "scripted"
    origins: frozenset[str] = field(default_factory=frozenset)
    hosts: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        # A notice can't come earlier than the connection: a short life has a notice of at most half of it.
        object.__setattr__(self, "draining_ms", min(self.draining_ms, self.connection_ms // 2))
