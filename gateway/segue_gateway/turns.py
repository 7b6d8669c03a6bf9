"""A turn: one request to the model and what comes of it, written to its record and read from there.

Nothing is delivered before it is written; a connection that is lost changes nothing here, since a turn knows no
connection (G4). An interruption (cancel, deadline, shutdown) never cuts a write in two: it is noticed between the
engine's events.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import msgspec
from segue_adapters.errors import RemoteProtocolError
from segue_adapters.wires.base import Refuse, TurnFacts
from segue_schemas import models

from .ahead import Ahead
from .ending import Ending, Plan, sum_of
from .engines.base import Delta, Ended, Engine, EngineEvent, EngineFailure, ItemBegun, ItemEnded, Progress, Request
from .faults import report
from .news import News
from .observing.base import SILENT, Ask, Observer
from .output import Output
from .recording import Recording
from .refusals import events_gone
from .states import TERMINAL_STATES, Cause, State, step
from .steers import Steers
from .stores.base import Event, Handle, RetentionLost, StaleEpoch, Store, Unwritable

__all__ = ["Plan", "Turn"]


class Turn(Recording, Ending):
    """One turn that runs here. `spawn` starts a task that the endpoint keeps; `scope_alive` tells of its connection."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        store: Store,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        ended: Callable[[Turn], None] = lambda turn: None,
        scope_alive: Callable[[], bool] = lambda: True,
        flush_ms: int = 0,
        clock: Callable[[], float] = time.monotonic,
        observer: Observer = SILENT,
    ) -> None:
        self.plan = plan
        self.name = plan.start.turn
        self.engine = engine
        self.store = store
        self.epoch = 0
        self.state = State.QUEUED
        self.phase = "queued"
        self.events: list[Event] = []
        self.output = Output(self.name)
        self.steers = Steers(self.name)
        self.abandoned = False
        self.gone = False  # its record was deleted or lost while it ran
        self.keep = True
        self.whole = False  # whether it is read at its end alone
        self.flush = flush_ms / 1000
        self._spawn = spawn
        self._ended = ended
        self._scope_alive = scope_alive
        self._clock = clock
        self._news = News()
        self._stop: asyncio.Future[Cause] = asyncio.get_running_loop().create_future()
        self._deadline: asyncio.TimerHandle | None = None
        self._indexes: dict[int, int] = {}
        self._ahead: Ahead | None = None
        self._pending: models.ItemDelta | None = None
        self._noted: list[Event] = []
        self._pending_until = 0.0
        self._usage: models.Usage | None = None
        self._billed: list[models.Usage | None] = []
        self._omitted: tuple[int, ...] = ()
        self._ends: float | None = None
        self._received = clock()
        self._begun: float | None = None
        self._first_output: float | None = None
        self.observer = observer
        self.asks = 0  # questions to the model, and how long their answers took
        self.provider_seconds = 0.0
        trace = plan.start.trace
        self.trace_id = trace.traceparent[3:35] if isinstance(trace, models.Trace) else None

    # -- being read

    @property
    def finished(self) -> bool:
        """Whether the terminal event is written, or nothing more will be."""
        return self.abandoned or self.state in TERMINAL_STATES

    @property
    def news(self) -> News:
        """Set when something happens after this was asked for."""
        return self._news

    def left_ms(self) -> int | None:
        """Return what is left of the continuation that the terminal event names."""
        # The store's number is exact and rounded here alone, down as everywhere: so it never rises (SEG-LIVE-025).
        return None if self._ends is None else max(0, int((self._ends - self._clock()) * 1000))

    def facts(self) -> TurnFacts:
        """Return what a foreign wire has to echo."""
        plan = self.plan
        # A context that was inherited or sent by its digest is echoed as what it is.
        start = msgspec.structs.replace(plan.start, context=msgspec.Raw(plan.context.raw))
        return TurnFacts(plan.continuation, plan.created_at, start, plan.retention in ("cached", "durable"))

    # -- the beginning

    def accepted(self) -> models.TurnAccepted:
        """Return the first event of the record (SEG-TURN-006)."""
        plan = self.plan
        event = models.TurnAccepted(
            turn=self.name, seq=0, lane=plan.start.lane, context=plan.context.digest, retention=plan.retention
        )
        if plan.ignored:
            event.ignored = [*plan.ignored]
        if plan.parent_id is not None:
            event.parent = plan.parent_id
            event.reused = models.Reused(items=plan.parent.count)
            if plan.parent_tier is not None:
                event.reused.tier = plan.parent_tier
        return event

    def claimed(self, epoch: int, accepted: models.TurnAccepted) -> None:
        """Take note that the name is this turn's, its first event written; the deadline runs from here."""
        self.epoch = epoch
        self.events.append(accepted)
        deadline = self.plan.start.deadline_ms
        if isinstance(deadline, int):
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(deadline / 1000, self.interrupt, Cause.DEADLINE)
        self.observer.accepted(self)

    def cancel(self, *, keep: bool = True) -> None:
        """Ask that the turn stop; `keep=False` where its wire says that nothing of it be kept."""
        self.keep = self.keep and keep
        self.interrupt(Cause.CANCEL)

    def interrupt(self, cause: Cause) -> None:
        """Stop the turn for a reason; the first one counts, and a finished turn takes none."""
        if self.finished or self._stop.done():
            return
        self._stop.set_result(cause)
        if self._ahead is not None:
            self._ahead.wake()
        if self.state is State.QUEUED:  # nobody runs it yet: it ends where it waits
            self._spawn(self._guarded(self.conclude(cause)))

    # -- the run

    async def run(self) -> None:
        """Run the turn to its end; returns at once where it ended while it waited."""
        if self._stop.done() or self.finished:
            await self._settled()
            return
        self._advance(Cause.BEGUN)
        self.phase = "upstream"
        self._begun = self._clock()
        await self._guarded(self._work())

    async def _work(self) -> None:
        await self.enter()  # what came while it waited stands in front of the output
        if not self.generates():
            await self.conclude(Cause.ENDED)
            return
        while await self._generate():
            pass

    def generates(self) -> bool:
        """Return whether the model is asked; a warm-up only makes the input history (SEG-LIVE-041)."""
        return self.plan.start.generate is not False

    def request(self) -> Request:
        """Return what the model is asked: the whole history, this turn's input last."""
        items = [*self.plan.parent.whole(), *(item.raw for item in (*self.plan.inputs, *self.output.items()))]
        trace = self.plan.start.trace
        return Request(items, self.plan.context.members, trace if isinstance(trace, models.Trace) else None, self.whole)

    async def _generate(self) -> bool:
        """Ask the model and write what it says; return whether it is to be asked again, since a steer has entered."""
        await self.store.renew(self.plan.principal, self.name, self.epoch)  # SEG-TURN-135
        request = self.request()
        with Ask(self, request.trace, self._clock) as ask:
            if ask.trace is not request.trace:
                request = replace(request, trace=ask.trace)
            return await self._hear(request, ask)

    async def _hear(self, request: Request, ask: Ask) -> bool:
        """Write what the model says to a question; return whether it is to be asked again."""
        self._ahead = ahead = Ahead(self.engine.generate(request))
        self._indexes = {}
        try:
            while not self._stop.done():
                for event in ahead.take():
                    if isinstance(event, Ended):
                        ahead.ended = True
                        ask.over("answered", usage=event.usage)
                        return await self._model_ended(event)
                    if isinstance(event, ItemBegun) and self.output.begun and await self.enter():
                        self._billed.append(None)  # what the model wrote up to here is billed, and nobody says how much
                        return True
                    await self.take(event)
                await self.commit()
                if not self._stop.done():
                    await ahead.wait(max(0.0, self._pending_until - self._clock()) if self._pending else None)
                    if self._pending and self._clock() >= self._pending_until:
                        self._gathered()
                        await self.commit()
            await ahead.close()  # the model stops first
            ask.over("stopped")
            await self.conclude(self._stop.result())
            return False
        finally:
            self._ahead = None
            if not ahead.ended:
                await ahead.close()
            elif not ahead.over:
                self._spawn(ahead.rest())

    async def _model_ended(self, event: Ended) -> bool:
        """Conclude, but where a steer waits; return whether the model is to be asked again."""
        self._billed, self._omitted = [*self._billed, event.usage], event.omitted
        self._usage = sum_of(self._billed)
        if event.status == "completed" and await self.enter():
            return True
        await self.conclude(Cause.ENDED if event.status == "completed" else Cause.CUT, event.reason)
        return False

    async def take(self, event: EngineEvent) -> None:
        """Note what one event of the engine says; it is written with what came at the same time."""
        if isinstance(event, Delta):
            if self._first_output is None:
                self._first_output = self._clock()
                self.observer.first_output(self)
            self.note_delta(self.output.grow(self._indexes[event.index], event.at, event.append, event.put))
        elif isinstance(event, Progress):
            self.phase = event.phase
        elif isinstance(event, ItemBegun):
            self.phase = "thinking"
            started = self.output.begin(event.item)
            self._indexes[event.index] = started.index
            self.note(started)
        elif isinstance(event, ItemEnded):
            index = self._indexes[event.index]
            self.note(*self.output.end(index, self.covering(index, event.item)))

    def covering(self, index: int, whole: bytes | None) -> bytes | None:
        """Return a compaction with what it stands for, so that a full resend that begins at it agrees (SEG-DIG-011)."""
        item = self.output.partial(index) if whole is None else msgspec.json.decode(whole)
        if item.get("type") != "compaction" or "covers" in item:
            return whole
        before = self.history()
        return msgspec.json.encode({**item, "covers": {"digest": before.digest, "length": before.length}})

    def written(self) -> None:
        """Take note that there is something new to read."""
        self._advance(Cause.OUTPUT)

    # -- steers

    def taking(self) -> Turn | None:
        """Return this turn while steers may still enter it."""
        return None if self.finished else self

    async def enter(self) -> bool:
        """Let what waits enter, where no item and no call is open; return whether anything did (SEG-TURN-120)."""
        if not self.steers.waiting or self.output.growing or self.history().open:
            return False
        while self.steers.waiting:
            steer = self.steers.waiting[0]
            event = self.output.insert(steer.name, steer.items)
            await self.write(event)
            self.steers.waiting.popleft()
            steer.settle(event)
        return True

    # -- the end

    async def conclude(self, cause: Cause, reason: str | None = None, error: models.Error | None = None) -> None:
        """Write the terminal event that a cause leads to, with the continuation of what was seen."""
        to = step(self.state, cause)
        if to is None:
            return
        self.steers.close()  # each is answered before the end can be read (SEG-TURN-121)
        if to is State.FAILED:
            self._gathered()
            await self._finish(to, self.failed(error or self.error_of(cause)), None)
            return
        closing, discarded = self.output.cut()
        self.note(*closing)
        handle = self.handle() if self.keep else None
        terminal = self.completed(to, reason, discarded, handle)
        if handle is not None:
            handle = replace(handle, terminal=terminal)
        try:
            await self._finish(to, terminal, handle)
        except RetentionLost:
            to = step(self.state, Cause.RETENTION_LOST) or to
            await self._finish(to, self.completed(to, "retention_lost", discarded, None), None)

    async def _finish(
        self, to: State, terminal: models.TurnCompleted | models.TurnFailed, handle: Handle | None
    ) -> None:
        if handle is not None and handle.scope is not None and not self._scope_alive():
            raise RetentionLost  # the connection ended first, and a `connection` handle with it (SEG-TURN-039)
        if self.store.shared:
            await self.commit()
        terminal.seq = len(self.events) + len(self._noted)
        # What the model said last is written in the same step as the end.
        left = await self.store.finish(self.plan.principal, self.name, self.epoch, terminal, handle, self._noted)
        self._ends = None if left is None else self._clock() + left / 1000
        self.events += (*self._noted, terminal)
        self._noted = []
        self.state = to
        self._over()

    # -- helpers

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work; whatever goes wrong ends the turn with the one terminal event that fits."""
        try:
            try:
                await work
            except EngineFailure as failure:
                self._usage = failure.usage
                await self.conclude(Cause.FAILURE, error=failure.error)
            except (RemoteProtocolError, Refuse) as error:
                text = f"The model's answer could not be read: {error}"[:300]
                told = models.Error(code="upstream_failed", advice="retry", effect="unknown", message=text)
                await self.conclude(Cause.FAILURE, error=told)
            except StaleEpoch:
                raise
            except Exception as error:
                report("a turn failed", error)
                await self.conclude(Cause.FAILURE)
        except StaleEpoch:
            with contextlib.suppress(Unwritable):
                await self._adopt()
            self.abandon()
        except Exception as error:
            report("a turn's record could not be written", error)
            self.abandon()

    async def _adopt(self) -> None:
        """Take the end that somebody else wrote, so that the readers get the record as it was closed."""
        record = await self.store.read(self.plan.principal, self.name, len(self.events) - 1)
        self.gone = record is None or record.gone
        if record is not None and record.finished:
            self.events.extend(record.events)

    def abandon(self) -> None:
        """Deliver nothing more: somebody else owns the record now."""
        self.abandoned = True
        self.steers.close(lambda: events_gone(self.name))
        self._over()

    def _over(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._ended(self)
        self.observer.ended(self)
        self._notify()

    async def _settled(self) -> None:
        while not self.finished:
            await self.news.wait()

    def _advance(self, cause: Cause) -> None:
        self.state = step(self.state, cause) or self.state
        self._notify()

    def _notify(self) -> None:
        news, self._news = self._news, News()
        news.set()
