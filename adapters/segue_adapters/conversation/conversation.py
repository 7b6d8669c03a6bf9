"""A conversation: its items are held here, so that it goes on whatever an endpoint loses.

It has one turn at a time, each from the end of the one before. A fork is a conversation of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from segue_schemas import VERSION, models

from ..errors import HistoryDiffers, LocalProtocolError, SegueError, Unsettled
from ..inputs import Input, message_items
from .answer import Answer
from .commands import Ended
from .driver import Driver
from .events import Settled
from .history import History, entry_of
from .lines import Lines
from .memory import Memory, entries_of
from .plan import Ask, Context, Handle
from .rules import Patience

__all__ = ["Conversation"]


class Conversation:
    """A history and whoever holds it. Made by `session.conversation()`.

    `context` is used for every turn that gives none; it may be replaced between turns. `may_repeat` allows that a turn
    of which nobody can say what became of it is sent again, though it may then run, and be billed, twice.
    """

    def __init__(
        self,
        lines: Lines,
        *,
        context: Mapping[str, Any],
        retention: models.Retention | None = None,
        may_repeat: bool = False,
        patience: Patience | None = None,
        limit: float = 120.0,
    ) -> None:
        self.context = dict(context)
        self.retention = retention
        self.may_repeat = may_repeat
        self.patience = patience or Patience()
        self.limit = limit
        self._lines = lines
        self._memory = Memory()
        self._answer: Answer | None = None

    # -- what it holds

    @property
    def items(self) -> list[bytes]:
        """The items as JSON bytes, as they were received or sent."""
        return self._memory.history.items

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The items, parsed."""
        return [msgspec.json.decode(item) for item in self._memory.history.items]

    @property
    def digest(self) -> str | None:
        """The digest of the history; None where an item has none."""
        return self._memory.history.mark().digest

    @property
    def length(self) -> int:
        """How many items the history counts, those that a compaction stands for among them."""
        return self._memory.history.mark().length

    @property
    def continuation(self) -> models.Continuation | None:
        """The handle of the last turn, where one was issued."""
        return self._memory.continuation

    # -- turns

    async def turn(
        self,
        input: Input = (),
        *,
        history: Iterable[Any] | None = None,
        context: Mapping[str, Any] | None = None,
        retention: models.Retention | None = None,
        final: bool = False,
        coalesce_ms: int | None = None,
        deadline_ms: int | None = None,
        lane: str | None = None,
        limit: float | None = None,
    ) -> Answer:
        """Start a turn with what is new and return it at once; its events follow as they are read.

        `input` is text, an item, or a list of them. With `history` the caller gives all items instead, and only what
        the endpoint does not hold is sent. `final` asks for whole items instead of a stream, `coalesce_ms` for fewer
        and larger deltas. Raises NotOffered for what the wire or the endpoint can't do, and Unsettled where the turn
        before has not ended; both before anything is sent.
        """
        ask = self._ask(
            input,
            history,
            context,
            retention=retention or self.retention,
            final=final,
            coalesce_ms=coalesce_ms,
            deadline_ms=deadline_ms,
            lane=lane,
        )
        return await self._begin(ask, limit)

    async def warm_up(self, input: Input = (), *, context: Mapping[str, Any] | None = None) -> Settled:
        """Let the endpoint read input into the history, and generate nothing."""
        ask = self._ask(input, None, context, retention=self.retention, generate=False)
        return await (await self._begin(ask, None)).outcome()

    def fork(self, at: int | None = None) -> Conversation:
        """Return a conversation that goes on from here, or from behind so many items; both live."""
        other = Conversation(
            self._lines,
            context=self.context,
            retention=self.retention,
            may_repeat=self.may_repeat,
            patience=self.patience,
            limit=self.limit,
        )
        other._memory = self._memory.fork(at)
        return other

    def abandon(self) -> None:
        """Give up the turn that has not ended; what comes of it is not waited for, and is no part of the history."""
        if self._answer is not None:
            self._answer.give_up()
            self._answer = None

    # -- carrying it elsewhere

    def export(self) -> models.Bundle:
        """Return the history as a bundle that any endpoint, or another conversation, can go on from."""
        mark = self._memory.history.mark()
        if mark.digest is None:
            raise LocalProtocolError("an item of the history has no digest, so no bundle can prove that it is whole")
        return models.Bundle(
            segue=VERSION,
            digest=mark.digest,
            length=mark.length,
            items=[msgspec.Raw(item) for item in self._memory.history.items],
            context=msgspec.Raw(msgspec.json.encode(self.context)),
        )

    def import_(self, bundle: models.Bundle, continuation: models.Continuation | None = None) -> None:
        """Take over the history and context of a bundle; a `continuation` of it spares the endpoint a full resend.

        Raises LocalProtocolError where the conversation has items already, and HistoryDiffers for a damaged bundle.
        """
        if len(self._memory.history) or self._answer is not None:
            raise LocalProtocolError("a bundle is taken over by a conversation that has just begun")
        history = History(bytes(item) for item in bundle.items)
        mark = history.mark()
        if mark.digest != bundle.digest or mark.length != bundle.length:
            raise HistoryDiffers("of the bundle", mine=str(mark.digest), theirs=bundle.digest)
        self.context = msgspec.json.decode(bundle.context, type=dict[str, Any])
        self._memory = Memory(history)
        if continuation is None:
            return
        if isinstance(continuation.digest, str) and continuation.digest != mark.digest:
            raise HistoryDiffers("of the continuation", mine=str(mark.digest), theirs=continuation.digest)
        self._memory.continuation = continuation
        if continuation.retention != "connection":
            place, settings = self._lines.roads.at, Context.of(self.context).digest
            self._memory.handles = [Handle(continuation.id, len(history), mark, settings, place)]

    def move(self) -> bool:
        """Go on with the next endpoint that the session was given; False where there is none."""
        return self._lines.roads.move()

    # -- inside

    def _ask(
        self,
        input: Input,
        history: Iterable[Any] | None,
        context: Mapping[str, Any] | None,
        **settings: Any,
    ) -> Ask:
        new = entries_of(message_items(input))
        if history is None:
            whole, begin = self._memory.extended(new)
        elif new:
            raise LocalProtocolError("a turn is given either what is new or the whole history, not both")
        else:
            whole, begin = self._memory.replaced(entries_of(message_items(list(history))))
        return Ask(whole, begin, Context.of(self.context if context is None else context), **settings)

    async def _begin(self, ask: Ask, limit: float | None) -> Answer:
        before = self._answer
        if before is not None and not before.ended:
            if not before.broken or not ask.repeats(before.ask):
                raise Unsettled(before.name)
            before.extend(limit or self.limit)
            return before  # it may have run: asked for again under its name, and not beside it
        if self._lines.known:  # else it is looked at when that is known, before anything is sent as well
            ask.check(self._lines.can)
        handles = [handle for handle in self._memory.handles if handle.id not in self._lines.gone]
        driver = Driver(
            ask,
            handles,
            clock=asyncio.get_running_loop().time,
            jitter=random.random,
            patience=self.patience,
            may_repeat=self.may_repeat,
            places=self._lines.roads.left,
        )
        prefer = next((handle.line for handle in handles if handle.line is not None), None)
        self._answer = Answer(driver, self._lines, limit=limit or self.limit, prefer=prefer, ended=self._turn_ended)
        await self._answer.begin()
        return self._answer

    async def _turn_ended(self, answer: Answer, ended: Ended) -> SegueError | None:
        """Take over what a turn brought; return the error that its caller is to see."""
        self._memory.settle(answer.driver, ended)
        if ended.settled:
            self._answer = None
        if isinstance(ended.error, HistoryDiffers) and ended.error.index is None:
            return await self._located(ended.error, answer)
        return ended.error

    async def _located(self, error: HistoryDiffers, answer: Answer) -> HistoryDiffers:
        """Ask the endpoint what it holds, where it can say so, and name the first item in which it differs."""
        handle = answer.continuation
        items = None if handle is None else await answer.exported(handle.id)
        if items is None:
            return error
        mine = self._memory.history.entries()
        theirs = [entry_of(item) for item in items]
        pairs = zip(mine, theirs, strict=False)
        shorter = min(len(mine), len(theirs))
        index = next((index for index, (a, b) in enumerate(pairs) if a.digest != b.digest), shorter)
        return HistoryDiffers(error.turn, mine=error.mine, theirs=error.theirs, index=index)
