"""The client: a session with an endpoint, over whichever wire it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
from segue_schemas import models

from . import draws
from .capabilities import Capabilities, capabilities_of
from .conversation.conversation import Conversation
from .conversation.lines import Endpoint, Lines
from .conversation.rules import Patience
from .discovery import Found, Offer, find
from .errors import LocalProtocolError, RemoteProtocolError
from .inputs import Input, message_items
from .links import HTTPLink, WebSocketLink
from .transports.base import Options, Tap
from .turn import Channel, Turn
from .wires.base import turn_name
from .wires.extension import EXTENDED, is_declared

__all__ = ["Input", "Session", "connect", "message_items"]

Answered = TypeVar("Answered", models.ContinuationInfo, models.ContinuationDeleted, models.ContinuationBundle)


class Session:
    """One client of an endpoint. `async with segue.connect(url) as session`.

    `context` is used for every turn that gives none, but for one with a parent on a Segue wire, which inherits.
    """

    def __init__(
        self,
        link: WebSocketLink | HTTPLink,
        wire: str,
        *,
        context: Mapping[str, Any] | None,
        limit: float,
        lines: Lines | None = None,
    ):
        self.link = link
        self.wire = wire
        self.limit = limit
        self._context = dict(context or {})
        self._lines = lines

    @property
    def capabilities(self) -> Capabilities:
        """What can be asked for: the wire's own bounds, and what the endpoint declared."""
        return capabilities_of(self.wire, welcome=self.link.welcome) if self._lines is None else self._lines.can

    def conversation(
        self,
        *,
        context: Mapping[str, Any] | None = None,
        retention: models.Retention | None = None,
        may_repeat: bool = False,
        patience: Patience | None = None,
        limit: float | None = None,
    ) -> Conversation:
        """Return a conversation that holds its items, sends the least that is right, and recovers by itself.

        `may_repeat` allows that a turn of which nobody can say what became of it runs, and is billed, twice. Several
        conversations share the session's connections. Raises LocalProtocolError for a session that nobody connected.
        """
        if self._lines is None:
            raise LocalProtocolError("a conversation needs a session of segue.connect, which knows the way back")
        return Conversation(
            self._lines,
            context=self._context if context is None else context,
            retention=retention,
            may_repeat=may_repeat,
            patience=patience,
            limit=limit or self.limit,
        )

    @property
    def welcome(self) -> models.Welcome | None:
        """What the endpoint said of itself, on the wire that says so."""
        return self.link.welcome

    @property
    def inherits(self) -> bool:
        """Whether a turn with a parent and no context goes on with the parent's context (SEG-CTX)."""
        return self.wire.startswith("segue-")

    async def turn(
        self,
        input: Input,
        *,
        parent: models.Continuation | str | None = None,
        context: Mapping[str, Any] | str | None = None,
        retention: models.Retention | None = None,
        generate: bool | None = None,
        lane: str | None = None,
        final: bool = False,
        name: str | None = None,
        expect: models.Expectation | None = None,
        require: Iterable[str] = (),
        deadline_ms: int | None = None,
        limit: float | None = None,
    ) -> Turn:
        """Start a turn and return it at once; its events follow.

        `input` is text, an item, or a list of them; `context` an object or the digest of one already sent;
        `final` asks for whole items instead of a stream. Raises NotCarried, before anything is sent, for what the
        wire has no place for, and TransportError.
        """
        start = models.TurnStart(turn=name or turn_name(), input=message_items(input))
        if parent is not None:
            start.parent = parent.id if isinstance(parent, models.Continuation) else parent
        if context is None and self._context and not (self.inherits and parent is not None):
            context = self._context
        if context is not None:
            start.context = msgspec.Raw(msgspec.json.encode(context))
        if retention is not None:
            start.retention = retention
        if generate is not None:
            start.generate = generate
        if lane is not None:
            start.lane = lane
        if final:
            start.delivery = models.Delivery(mode="final")
        if expect is not None:
            start.expect = expect
        if require:
            start.require = list(require)
        if deadline_ms is not None:
            start.deadline_ms = deadline_ms
        return await self.start(start, limit=limit)

    async def start(self, start: models.TurnStart, *, limit: float | None = None) -> Turn:
        """Start a turn that is already a message."""
        channel = Channel()
        turn = Turn(start, channel, limit=limit or self.limit, where=self.link.where)
        await self.link.submit(start, channel)
        return turn

    async def resume(self, name: str | Turn, *, after: int | None = None, limit: float | None = None) -> Turn:
        """Read a turn's record from the beginning, or behind a sequence number.

        Given the turn whose reading was cut, it is read on behind what was seen of it, onto the items that were built;
        where this connection reads it still, it is read anew. Given a name and `after`, items that had begun before
        are known only where they come whole. Raises LocalProtocolError for `after` on a connection that reads the
        turn: nothing would mark where the new reading begins (SEG-TURN-086).
        """
        cut = name if isinstance(name, Turn) else None
        named = name.name if isinstance(name, Turn) else name
        if self.link.reads(named):
            if after is not None:
                raise LocalProtocolError(f"this connection reads the turn {named}: resume it from the beginning")
        elif cut is not None and after is None:
            after = cut.last_seq
        message = models.TurnResume(turn=named, after=msgspec.UNSET if after is None else after)
        channel = Channel(anew=after is None, after=after)
        turn = Turn(message, channel, limit=limit or self.limit, where=self.link.where)
        if cut is not None and after is not None:
            turn.continue_from(cut)
        await self.link.submit(message, channel)
        return turn

    async def cancel(self, turn: Turn) -> None:
        """Ask that a turn stop; its outcome is whatever terminal event is written first."""
        message = models.TurnCancel(turn=turn.name)
        if isinstance(self.link, WebSocketLink):
            await self.link.submit(message, turn._channel)
        else:
            await self.link.submit(message, Channel())

    async def steer(self, turn: Turn, input: Input) -> models.TurnSteered | models.ErrorMessage:
        """Add input to a running turn; returns what became of it, once that is known: it entered, or is refused."""
        message = models.TurnSteer(turn=turn.name, steer=turn_name(), input=message_items(input))
        channel = Channel()
        await self.link.submit(message, channel)
        reader = Turn(models.TurnResume(turn=turn.name), channel, limit=self.limit, where=self.link.where)
        answer = await reader.next()
        assert isinstance(answer, models.TurnSteered | models.ErrorMessage)
        return answer

    async def get(self, id: str) -> models.ContinuationInfo | models.ErrorMessage:
        """Return what a continuation holds, or the refusal."""
        return await self._ask(models.ContinuationGet(ref=_ref(), id=id), models.ContinuationInfo)

    async def delete(
        self, id: str, *, descendants: bool | None = None
    ) -> models.ContinuationDeleted | models.ErrorMessage:
        """Delete a continuation; returns the answer or the refusal."""
        message = models.ContinuationDelete(
            ref=_ref(), id=id, descendants=msgspec.UNSET if descendants is None else descendants
        )
        return await self._ask(message, models.ContinuationDeleted)

    async def export(self, id: str) -> models.ContinuationBundle | models.ErrorMessage:
        """Return a continuation's whole history as a bundle, or the refusal."""
        return await self._ask(models.ContinuationExport(ref=_ref(), id=id), models.ContinuationBundle)

    async def import_(
        self, bundle: models.Bundle, *, retention: models.Retention | None = None
    ) -> models.ContinuationInfo | models.ErrorMessage:
        """Make a continuation of a bundle; returns what it is, or the refusal."""
        message = models.ContinuationImport(
            ref=_ref(), bundle=bundle, retention=msgspec.UNSET if retention is None else retention
        )
        return await self._ask(message, models.ContinuationInfo)

    async def _ask(self, message: models.ClientMessage, wanted: type[Answered]) -> Answered | models.ErrorMessage:
        channel = Channel()
        await self.link.submit(message, channel)
        reader = Turn(models.TurnResume(turn="request"), channel, limit=self.limit, where=self.link.where)
        answer = await reader.next()
        if isinstance(answer, wanted | models.ErrorMessage):
            return answer
        raise RemoteProtocolError(
            f"a {type(answer).__struct_config__.tag} answers a {type(message).__struct_config__.tag}",
            expected=f"{wanted.__struct_config__.tag} or error",
            got=msgspec.json.encode(answer)[:300].decode(),
        )

    async def notice(self, limit: float) -> models.ServerMessage:
        """Return the next message about the connection itself; TimeoutError after `limit` seconds."""
        if not isinstance(self.link, WebSocketLink):
            raise LocalProtocolError(f"the wire {self.wire} has no connection that could tell of itself")
        async with asyncio.timeout(limit):
            return await self.link.notices.get()

    async def close(self) -> None:
        """End the session; turns that were named go on at the endpoint."""
        await self.link.close()


def _ref() -> str:
    return "r_" + draws.token_urlsafe(8)


@asynccontextmanager
async def connect(
    url: str,
    *,
    wire: str | None = None,
    api_key: str | None = None,
    context: Mapping[str, Any] | None = None,
    limit: float = 120.0,
    headers: Mapping[str, str] | None = None,
    tap: Tap | None = None,
    verify: bool = True,
    others: Sequence[str | Endpoint] = (),
    extension: bool = True,
) -> AsyncIterator[Session]:
    """Give a session with the endpoint at `url`.

    `wire` is found out where it is left out: from the discovery document, then by probing; where a WebSocket is
    blocked, HTTP is taken. `limit` is how long one turn may take, in seconds. `others` are endpoints that conversations
    go on with where the first fails; one that is a URL gets the same key. On OpenAI's wires the Responses extension is
    used where the endpoint has declared it, unless `extension` is False. Raises a TransportError that says what is
    wrong with the address or the key.
    """
    options = Options(api_key=api_key, headers=headers or {}, tap=tap, verify=verify, silence_timeout=limit)
    endpoints = [(Endpoint(url, wire), options)]
    for other in others:
        if isinstance(other, str):
            endpoints.append((Endpoint(other, wire), options))
        else:
            endpoints.append((other, replace(options, api_key=other.api_key, headers=other.headers)))
    lines = Lines(endpoints, _finder(extension))
    try:
        line = await lines.first()
        yield Session(line.link, line.link.wire, context=context, limit=limit, lines=lines)
    finally:
        await lines.close()


def _finder(extension: bool) -> Callable[[Endpoint, Options], Awaitable[Found]]:
    """Return what finds the wires of an endpoint: with the extension where it has declared it, or without."""

    async def found(endpoint: Endpoint, options: Options) -> Found:
        wires = None if endpoint.wire is None else [endpoint.wire]
        told = await find(endpoint.url, options, wires=wires, try_them=False)
        return replace(told, offers=_chosen(told, extension=extension))

    return found


def _chosen(found: Found, *, extension: bool) -> list[Offer]:
    """Return the offers to use; of an OpenAI wire that is served with the extension and without it, what is wanted."""
    if not extension:
        return [offer for offer in found.offers if offer.wire not in EXTENDED.values()] or found.offers
    best = (
        replace(offer, wire=EXTENDED[offer.wire]) if is_declared(found.document, offer.wire) else offer
        for offer in found.offers
    )
    return [*dict.fromkeys(best)]
