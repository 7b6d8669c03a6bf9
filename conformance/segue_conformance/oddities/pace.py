"""Oddities in time: signs of life, answers that do not wait or wait for ever, windows, notices that come and go."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from segue_adapters.wires.base import TERMINAL
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.settings import Settings
from segue_schemas import models

from ..mutants.wire_fault import Told, WireFault

__all__ = [
    "AnswersAtOnce",
    "DrainsTwice",
    "EvictsWhatNobodyKnows",
    "KeepsNoRecords",
    "KeepsRecordsForEver",
    "KeepsTheNameAlone",
    "LivesForEver",
    "NeverAsksAgain",
    "ProgressEverywhere",
    "ProgressWhenItIsDue",
    "TellsLimitsBetween",
]  # fmt: skip

_HTTP = ("segue-http",)
_NATIVE = ("segue-ws", "segue-http")
_LARGE = (
    "replay_ms", "name_ms", "cached_ms", "connection_ms", "message_bytes", "lanes", "turns_in_flight", "lane_queue",
    "continuations", "turns_held",
)  # fmt: skip


class _Chatty(Reading):
    async def __aiter__(self) -> AsyncIterator[models.ServerMessage]:
        async for message in super().__aiter__():
            yield message
            if not (isinstance(message, (*TERMINAL, models.ErrorMessage)) or self.source.finished):
                yield self.progress()
                yield self.progress()


class ProgressEverywhere(Endpoint):
    """Two signs of life follow every event of a turn that runs.

    Legal: SEG-LIVE-010: "at least every `limits.heartbeat_ms`"; it comes "neither before `turn.accepted` nor behind
    the terminal event".
    """

    reading_type = _Chatty


class _Due(Reading):
    def __init__(self, *args: Any, heartbeat_ms: int, **more: Any) -> None:
        super().__init__(*args, heartbeat_ms=heartbeat_ms, **more)
        self.heartbeat = heartbeat_ms / 1000


class ProgressWhenItIsDue(Endpoint):
    """A sign of life comes when the declared interval is over, and no sooner.

    Legal: SEG-LIVE-010: "at least every `limits.heartbeat_ms`".
    """

    reading_type = _Due


class AnswersAtOnce(Endpoint):
    """A whole answer never waits: it is 202 until the turn has ended.

    Legal: SEG-HTTP-041; the number of milliseconds is "of the endpoint's choice".
    """

    wires: ClassVar[tuple[str, ...]] = _HTTP

    def patience_ms(self) -> float:
        """Return no time at all."""
        return 0.0


class NeverAsksAgain(Endpoint):
    """A whole answer is waited for, however long it takes.

    Legal: SEG-HTTP-043 is a recommendation; SEG-HTTP-041 binds "where it does not wait for the end of a turn".
    """

    wires: ClassVar[tuple[str, ...]] = _HTTP
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.no_long_silence": "SEG-HTTP-043 is left aside"}

    def patience_ms(self) -> float:
        """Return an hour."""
        return 3_600_000.0


class KeepsNoRecords(Endpoint):
    """A record is read again for a second, and no name is kept beyond it.

    Legal: resume, How long they last: both windows are the endpoint's to declare; of `name_ms` 0 is one.
    """

    wires: ClassVar[tuple[str, ...]] = _NATIVE

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, replay_ms=1_000, name_ms=0), **more)


class KeepsTheNameAlone(Endpoint):
    """A record is read again for a second, and its name is kept for ever.

    Legal: resume, How long they last: both windows are the endpoint's to declare.
    """

    wires: ClassVar[tuple[str, ...]] = _NATIVE

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, replay_ms=1_000, name_ms=2**53 - 1), **more)


class KeepsRecordsForEver(Endpoint):
    """Every limit is as large as a limit can be.

    Legal: common.json: a count and a duration go up to 2^53 - 1.
    """

    wires: ClassVar[tuple[str, ...]] = _NATIVE

    def limits(self) -> models.Limits:
        """Return limits that nobody reaches; the interval of signs of life stays what it is."""
        told = msgspec.to_builtins(super().limits())
        most = {name: 2**53 - 1 for name in told if name not in ("heartbeat_ms", "flush_ms", "draining_ms")}
        return models.Limits(**{**told, **most})

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        most: Any = dict.fromkeys(_LARGE, 2**40)
        super().__init__(settings=replace(settings, **most), **more)


class _Immortal(Connection):
    async def live(self) -> None:
        await asyncio.Event().wait()


class LivesForEver(Endpoint):
    """A connection has no set end, and says nothing of one.

    Legal: SEG-LIVE-003 binds "an endpoint that ends connections after a time"; server.json: absent, "it has no set
    end".
    """

    wires: ClassVar[tuple[str, ...]] = ("segue-ws",)
    connection_type = _Immortal

    def limits(self) -> models.Limits:
        """Return the limits but for a connection's."""
        unset = msgspec.UNSET
        return msgspec.structs.replace(super().limits(), connection_ms=unset, draining_ms=unset)

    def welcome(self, expires_in_ms: int, wire: str = "segue-ws") -> models.Welcome:
        """Return the welcome without a word of an end."""
        return msgspec.structs.replace(super().welcome(expires_in_ms, wire), expires_in_ms=msgspec.UNSET)

    def life_ms(self, caller: Any, retention: models.Retention) -> int | None:
        """Return no life for what ends with its connection."""
        return None if retention == "connection" else super().life_ms(caller, retention)


class _Twice(Connection):
    async def live(self) -> None:
        settings = self.endpoint.settings
        notice, rest = settings.draining_ms, settings.draining_ms / 1000
        await asyncio.sleep(settings.connection_ms / 1000 - rest)
        await self.drain("connection_lifetime", notice, elsewhere=True)
        await asyncio.sleep(rest / 2)
        later = models.ConnectionDraining(reason="put off", close_in_ms=notice, resumable_elsewhere=True)
        await self.deliver(later)
        await asyncio.sleep(rest)
        await self._close(1001)


class DrainsTwice(Endpoint):
    """The end of a connection is put off by a second notice, and comes with 1001.

    Legal: liveness, Endings: "A second `connection.draining` may put the end off"; SEG-WS-021: "with 4410, 1000 or
    1001".
    """

    wires: ClassVar[tuple[str, ...]] = ("segue-ws",)
    connection_type = _Twice

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, connection_ms=1_600, draining_ms=600), **more)


class EvictsWhatNobodyKnows(WireFault):
    """Evictions are told of continuations that this client has not seen, between all its messages.

    Legal: SEG-LIVE-026: "the open Segue WebSocket connections of the principal", whichever of them knows the id.
    """

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Tell of one behind each message that is no notice itself."""
        if event["type"] == "limits.updated":
            return event
        return [event, {"type": "continuation.evicted", "id": "resp_" + secrets.token_hex(16)}]


class TellsLimitsBetween(WireFault):
    """What is left of rate limits is told between all messages.

    Legal: liveness, Endings: "`limits.updated` may come at any time".
    """

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Tell of one behind each message, and then of none at all."""
        left = state["left"] = not state.get("left")
        limits = [{"name": "requests", "remaining": 0, "reset_ms": 0}] if left else []
        return [event, {"type": "limits.updated", "limits": limits}]
