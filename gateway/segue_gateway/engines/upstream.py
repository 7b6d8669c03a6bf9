"""An engine that asks a provider: each request is the whole history over one of the wires, and nothing is kept there.

One engine for every wire: the adapters say what a message is on each, a way (`ways`, `sockets`) how it gets there. The
answer is pulled event by event, so a reader that is slow slows the provider down, and an engine that is closed gives
the answer up: that is how a cancel reaches it. A provider is asked once (SEG-TURN-041): what of it may be asked again,
the error says, and the client decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import msgspec
from segue_adapters.discovery import offer_at
from segue_adapters.errors import NotCarried, RemoteProtocolError, SegueError
from segue_adapters.links import EXCHANGE_WIRES
from segue_adapters.transports.base import Options
from segue_adapters.wires.base import WIRE_NAMES, turn_name
from segue_schemas import models

from .base import Delta, Ended, EngineEvent, EngineFailure, ItemBegun, ItemEnded, Progress, Request
from .provider_faults import failure_of, fault_of, refusal_of, unsent_of
from .seals import Seals
from .sockets import Sockets
from .unheeded import Unheeded
from .ways import Exchanges, Unsent, Way

__all__ = ["UpstreamEngine"]


class UpstreamEngine:
    """Asks the provider at `url` over `wire`, one of the six.

    `url` is a base URL (`https://host/v1`) or that of the wire itself. `issuer` names who can open what the provider
    sealed, by default its host (SEG-ITEM-034); `offered` are the models to list, which is no bound: a name that the
    provider does not know is its own to refuse.
    """

    # Some providers cut a history that is too long and tell nobody; which one this is nobody knows (design: G1).
    model_input: models.ModelInput = "unknown"

    def __init__(
        self,
        url: str,
        wire: str,
        *,
        options: Options | None = None,
        issuer: str | None = None,
        offered: Sequence[str] = (),
    ) -> None:
        if wire not in WIRE_NAMES:
            raise NotCarried(wire, "what a gateway asks its provider")
        self.name = f"upstream:{wire}"
        self.url = offer_at(url, wire).url
        self.offered: Sequence[str] = list(offered)
        self._way: Way = (Exchanges if wire in EXCHANGE_WIRES else Sockets)(self.url, wire, options or Options())
        self._unheeded = Unheeded()
        self._seals = Seals(issuer or urlsplit(url).netloc.rpartition("@")[2])

    async def close(self) -> None:
        """Close every connection to the provider."""
        await self._way.close()

    def reads(self, kind: str, issuer: str | None = None, seal: str | None = None) -> bool:
        """Return whether items of this type may be in a turn: all but a compaction that somebody else sealed.

        Foreign reasoning is left out and told (SEG-ITEM-032); without a compaction the model would lack the history.
        """
        return kind != "compaction" or issuer is None or self._seals.ours(issuer)

    def serves(self, model: str) -> bool:
        """Return True: which models there are the provider says, and refuses those that it does not know."""
        return True

    def ignores(self, context: Mapping[str, Any]) -> Sequence[str]:
        """Return what has no place on the provider's wire, or what it said that it ignores; it is given all else."""
        try:
            return [*self._way.ignored(context), *self._unheeded.among(context)]
        except NotCarried:  # asking will fail as well, and say why
            return ()

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        """Yield what the provider sends, as it comes; raises EngineFailure for a refusal, a failure, or a cut."""
        items, omitted = self._given(request.items)
        start = models.TurnStart(
            turn=turn_name(), input=items, context=msgspec.Raw(msgspec.json.encode(request.context)), retention="none"
        )
        if request.trace is not None:
            start.trace = request.trace
        known = request.context
        reading = _Reading(self._seals, omitted, lambda told: self._unheeded.told(known, told, self.ignores(known)))
        try:
            yield Progress("upstream")
            async with aclosing(self._way.ask(start)) as answer:
                async for messages in answer:
                    for event in reading.take(_joined(messages) if request.whole else messages):
                        yield event
        except Unsent as unsent:
            raise EngineFailure(unsent_of(unsent.fault)) from unsent.fault
        except SegueError as fault:
            if not reading.ended:  # what goes wrong behind the end is nobody's loss
                raise EngineFailure(fault_of(fault, heard=reading.heard), reading.usage) from fault

    def _given(self, items: Sequence[bytes]) -> tuple[list[msgspec.Raw], tuple[int, ...]]:
        """Return what the provider is given, and the places of what it could not open (SEG-CTX-021)."""
        given: list[msgspec.Raw] = []
        omitted: list[int] = []
        for place, item in enumerate(items):
            theirs = self._seals.taken_off(item)
            if theirs is None:
                omitted.append(place)
            else:
                given.append(msgspec.Raw(theirs))
        return given, tuple(omitted)


class _Reading:
    """One answer as it is read: messages of a wire in, events of an engine out.

    `hear_ignored` takes the settings of which the provider says that they have no effect.
    """

    def __init__(self, seals: Seals, omitted: tuple[int, ...], hear_ignored: Callable[[Sequence[str]], None]) -> None:
        self.ended = False
        self.heard = False
        self.usage: models.Usage | None = None
        self._seals = seals
        self._omitted = omitted
        self._hear_ignored = hear_ignored

    def take(self, messages: Sequence[models.ServerMessage]) -> list[EngineEvent]:
        """Return the events that messages say; raises EngineFailure for one that ends in none."""
        events: list[EngineEvent] = []
        for message in messages:
            if not self.ended and (event := self._event(message)) is not None:
                events.append(event)
        return events

    def _event(self, message: models.ServerMessage) -> EngineEvent | None:
        match message:
            case models.ItemDelta():  # first: nearly all of them are
                if isinstance(message.append, str):
                    return Delta(message.index, message.at, message.append)
                put = None if message.put is msgspec.UNSET else msgspec.json.decode(message.put)
                return Delta(message.index, message.at, put=put)
            case models.ErrorMessage():
                raise EngineFailure(refusal_of(message.error))
            case models.TurnFailed():
                raise EngineFailure(failure_of(message.error), _usage(message.usage))
            case models.TurnCompleted():
                self.ended = True
                return self._end(message)
            case models.TurnAccepted():
                self.heard = True
                if isinstance(message.ignored, list):
                    self._hear_ignored(message.ignored)
                return Progress("upstream")
            case models.TurnProgress():
                return Progress("thinking")
            case models.ItemStarted():
                return ItemBegun(message.index, msgspec.json.decode(message.item))
            case models.ItemCompleted():
                return ItemEnded(message.index, self._whole(message))
        return None

    def _whole(self, message: models.ItemCompleted) -> bytes | None:
        """Return the item where it came whole; a sealed one says who can open it."""
        return None if message.item is msgspec.UNSET else self._seals.named(bytes(message.item))

    def _end(self, message: models.TurnCompleted) -> Ended:
        if message.status == "cancelled":
            told = models.Error(
                code="upstream_failed", advice="retry", effect="partial", message="The provider cancelled the request."
            )
            raise EngineFailure(told, _usage(message.usage))
        reason = message.reason if isinstance(message.reason, str) else None
        theirs = message.omitted if isinstance(message.omitted, list) else []
        if theirs and self._omitted:
            raise RemoteProtocolError("places of what was omitted can't be told: the provider was sent fewer items")
        return Ended(
            "incomplete" if message.status == "incomplete" else "completed",
            reason,
            _usage(message.usage),
            (*self._omitted, *theirs),
        )


def _usage(usage: models.Usage | msgspec.UnsetType) -> models.Usage | None:
    return usage if isinstance(usage, models.Usage) else None


def _joined(messages: Sequence[models.ServerMessage]) -> list[models.ServerMessage]:
    """Return messages, text that goes on at the same place in one."""
    joined: list[models.ServerMessage] = []
    pieces: list[str] = []
    first: models.ItemDelta | None = None
    for message in messages:
        if isinstance(message, models.ItemDelta) and isinstance(message.append, str):
            if first is not None and message.index == first.index and message.at == first.at:
                pieces.append(message.append)
                continue
            if not message.at.endswith("/-"):  # there each adds one more element
                if first is not None:
                    joined.append(msgspec.structs.replace(first, append="".join(pieces)))
                first, pieces = message, [message.append]
                continue
        if first is not None:
            joined.append(msgspec.structs.replace(first, append="".join(pieces)))
            first = None
        joined.append(message)
    if first is not None:
        joined.append(msgspec.structs.replace(first, append="".join(pieces)))
    return joined
