"""Which endpoint and which wire a conversation uses, and which were ruled out: once found blocked, never tried again.

Pure: what happened goes in, the next road comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import SegueError
from .rules import opening_verdict

__all__ = ["Place", "Road", "Roads"]

#: So many connections that ended before anything was answered rule a wire out.
_EARLY = 2


@dataclass(frozen=True, slots=True)
class Road:
    """One wire of an endpoint; `place` counts those. `routes`: where Segue over HTTP is, beside an OpenAI wire."""

    place: int
    wire: str
    url: str
    routes: str | None = None


@dataclass(slots=True)
class Place:
    """An endpoint: what it is called, and its roads, the best first; none as long as it was not asked."""

    name: str
    roads: list[Road] = field(default_factory=list)


@dataclass(slots=True)
class Roads:
    """The roads of all endpoints. `ruled_out` says of each that is closed why, `at` is the endpoint that is used."""

    places: list[Place]
    at: int = 0
    ruled_out: dict[Road, str] = field(default_factory=dict)
    _failures: dict[Road, int] = field(default_factory=dict)
    _early: dict[Road, int] = field(default_factory=dict)

    def choose(self) -> Road:
        """Return the best road that is open; the last one stays so."""
        roads = self.places[self.at].roads
        return next((road for road in roads if road not in self.ruled_out), roads[0])

    def other(self, road: Road) -> bool:
        """Whether the endpoint has another road that is open."""
        return any(r != road and r not in self.ruled_out for r in self.places[road.place].roads)

    def rule_out(self, road: Road, why: str) -> bool:
        """Close a road for good, if there is another; return whether it was."""
        if road in self.ruled_out or not self.other(road):
            return False
        self.ruled_out[road] = why
        return True

    def failed(self, road: Road, fault: SegueError) -> bool:
        """Note that a road could not be opened; return whether another is to be tried at once."""
        self._failures[road] = self._failures.get(road, 0) + 1
        verdict = opening_verdict(fault, self._failures[road])
        return verdict.rule_out and not verdict.final and self.rule_out(road, str(fault))

    def ended_early(self, road: Road, fault: SegueError) -> bool:
        """Note that a connection ended before it answered anything; return whether that rules its road out."""
        self._early[road] = self._early.get(road, 0) + 1
        return self._early[road] >= _EARLY and self.rule_out(road, f"{_EARLY} connections ended early: {fault}")

    def served(self, road: Road) -> None:
        """Note that an answer came over a road."""
        self._failures.pop(road, None)
        self._early.pop(road, None)

    @property
    def left(self) -> int:
        """How many endpoints there are from the one that is used on."""
        return len(self.places) - self.at

    def move(self) -> bool:
        """Go on to the next endpoint; False where there is none."""
        if self.at + 1 >= len(self.places):
            return False
        self.at += 1
        return True
