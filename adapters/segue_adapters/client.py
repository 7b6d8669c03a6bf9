"""The client: a session with an endpoint, over whichever wire it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from segue_schemas import models

from . import draws
from .discovery import Found, Offer, find
from .errors import LocalProtocolError, RemoteProtocolError
from .links import HTTPLink, WebSocketLink, open_link
from .transports.base import Options, Tap
from .turn import Channel, Turn
from .wires.base import turn_name
from .wires.extension import EXTENDED, is_declared

__all__ = ["Session", "connect", "message_items"]

Answered = TypeVar("Answered", models.ContinuationInfo, models.ContinuationDeleted, models.ContinuationBundle)
# A list holds what can stand alone: text, an item, an item as bytes.
Input = str | Mapping[str, Any] | bytes | msgspec.Raw | Sequence[Any]


def message_items(value: Input) -> list[msgspec.Raw]:
    """Return input as items: a string is a message of the user, a mapping an item, bytes an item as received."""
    alone = isinstance(value, str | bytes | msgspec.Raw | Mapping)
    return [_item(item) for item in ([value] if alone else value)]


def _item(value: Any) -> msgspec.Raw:
    if isinstance(value, str):
        return msgspec.Raw(msgspec.json.encode({"type": "message", "role": "user", "content": value}))
    if isinstance(value, bytes | msgspec.Raw):
        return msgspec.Raw(bytes(value))
    return msgspec.Raw(msgspec.json.encode(value))


class Session:
    """One client of an endpoint. `async with segue.connect(url) as session`.

    `context` is used for every turn that gives none, but for one with a parent on a Segue wire, which inherits.
    """

    def __init__(self, link: WebSocketLink | HTTPLink, wire: str, *, context: Mapping[str, Any] | None, limit: float):
        self.link = link
        self.wire = wire
        self.limit = limit
        self._context = dict(context or {})

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
        message = models.TurnResume(
            turn=name.name if isinstance(name, Turn) else name, after=msgspec.UNSET if after is None else after
        )
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
    extension: bool = True,
) -> AsyncIterator[Session]:
    """Give a session with the endpoint at `url`.

    `wire` is found out where it is left out: from the discovery document, then by probing. `limit` is how long one
    turn may take, in seconds. On OpenAI's wires the Responses extension is declared and, where the endpoint has
    declared it too, used; without `extension` nothing is said of it. Raises a TransportError that says what is wrong
    with the address or the key.
    """
    options = Options(api_key=api_key, headers=headers or {}, tap=tap, verify=verify, silence_timeout=limit)
    found = await find(url, options, wires=None if wire is None else [wire])
    offer = _chosen(found, extension=extension)
    declare = extension and offer.wire in EXTENDED
    link = await open_link(offer.wire, offer.url, options, routes=offer.routes, declare=declare)
    session = Session(link, link.wire, context=context, limit=limit)
    try:
        yield session
    finally:
        await session.close()


def _chosen(found: Found, *, extension: bool) -> Offer:
    """Return the best offer; of an OpenAI wire that is served with the extension and without it, what is wanted."""
    best = found.offers[0]
    if not extension:
        return next((offer for offer in found.offers if offer.wire not in EXTENDED.values()), best)
    if found.document is not None and is_declared(found.document, best.wire):
        return Offer(EXTENDED[best.wire], best.url, best.routes)
    return best
