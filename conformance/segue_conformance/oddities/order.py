"""Oddities in what runs beside what on a connection, with lanes and without them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.lanes import Lanes, Place
from segue_gateway.refusals import lane_full
from segue_gateway.settings import Settings
from segue_schemas import models

__all__ = ["NewestFirst", "OneAtATime", "OneLane", "SideBySide"]

_WS = ("segue-ws", "openai-ws+segue")


class _Without(Endpoint):
    """The reference endpoint without lanes; what it does with several turns of a connection is its subclass's."""

    # On OpenAI's wire turns have an order without them, too (SEG-OWS-028).
    wires: ClassVar[tuple[str, ...]] = ("segue-ws",)

    def features(self, wire: str | None = None) -> list[str]:
        """Return all features but `lanes`."""
        return [feature for feature in super().features(wire) if feature != "lanes"]

    def limits(self) -> models.Limits:
        """Return the limits without those of lanes."""
        unset = msgspec.UNSET
        return msgspec.structs.replace(super().limits(), lanes=unset, lane_queue=unset, turns_in_flight=unset)


def _connection(lanes: type[Lanes]) -> type[Connection]:
    """Return a connection that runs turns otherwise on Segue's own wire."""

    class _Connection(Connection):
        def __init__(self, endpoint: Endpoint, principal: str, wire: str, *more: Any) -> None:
            super().__init__(endpoint, principal, wire, *more)
            if wire in _WS:
                kept = endpoint.settings
                self.lanes = lanes(
                    named=kept.lanes, queue=kept.lane_queue, in_flight=kept.turns_in_flight, spawn=endpoint.spawn
                )

    return _Connection


class _Beside(Lanes):
    def check(self, lane: str | None) -> None:
        """Refuse nothing."""

    def reserve(self, lane: str | None) -> Place:
        alone = deque([Place()])
        self._spawn(self._serve(alone))
        return alone[0]


class SideBySide(_Without):
    """Turns of a connection run side by side, without lanes.

    Legal: turns, From start to end: "without it there is no order, in the default lane neither, and an endpoint may
    run them side by side or one after the other".
    """

    connection_type = _connection(_Beside)


class _Single(Lanes):
    def check(self, lane: str | None) -> None:
        if any(self._lanes.values()):
            raise lane_full(0, self.retry_after_ms)


class OneAtATime(_Without):
    """A second turn in flight is refused.

    Legal: SEG-TURN-012: "or refuse it, and leave the running turn as it is"; "Where a start is refused only because
    another turn of the connection runs, the code is `lane_full`, whether lanes are offered or not".
    """

    connection_type = _connection(_Single)


class _Stack(Lanes):
    def enter(self, places: deque[Place]) -> Place:
        place = Place()
        places.insert(1, place)  # behind the one that runs
        return place


class NewestFirst(_Without):
    """Of the turns that wait, without lanes, the newest runs first.

    Legal: turns, From start to end: "without it there is no order, in the default lane neither".
    """

    connection_type = _connection(_Stack)


class OneLane(Endpoint):
    """One lane has a name, nothing waits in any, and one turn of a connection runs at once.

    Legal: capabilities, Limits: "An endpoint keeps the numbers that it declares"; no least number is asked for.
    """

    wires: ClassVar[tuple[str, ...]] = _WS
    PASSES: ClassVar[Mapping[str, int]] = {}

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, lanes=1, lane_queue=0, turns_in_flight=1), **more)
