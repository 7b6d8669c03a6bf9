"""A turn of a conversation as its caller sees it. It runs the driver on the connections, as far as it is read.

Nothing runs behind the caller's back: what is not read is not fetched, so a slow reader slows the endpoint down and
fills no memory. Giving up a wait (a timeout around it, say) loses nothing: the next call goes on where it stood.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import msgspec
from segue_schemas import models

from ..errors import ConnectionCut, LocalProtocolError, SegueError, TimedOut, TurnBroken, TurnRefused
from ..links import WebSocketLink
from ..turn import Channel, is_end
from ..wires.base import turn_name
from .commands import Connect, Ended, Listen, Submit
from .driver import Driver
from .events import Event, Settled
from .lines import Line, Lines
from .plan import Ask

__all__ = ["Answer"]

#: A connection is taken for dead after twice its heartbeat, and not sooner than that, in seconds.
_PATIENT = 5.0


class Answer:
    """A turn that was started. Iterate it for its events, or ask for `outcome()`, `text()`."""

    def __init__(
        self,
        driver: Driver,
        lines: Lines,
        *,
        limit: float,
        prefer: int | None,
        ended: Callable[[Answer, Ended], Awaitable[SegueError | None]],
    ) -> None:
        self.driver = driver
        self._lines = lines
        self._prefer = prefer
        self._ended = ended
        self._line: Line | None = None
        self._lane: str | None = None
        self._channel: Channel | None = None
        self._over = False  # the reading has come to its end: what carries it is not broken off
        self._limit = limit
        self._deadline = asyncio.get_running_loop().time() + limit
        self._told: Ended | None = None
        self._canceled = asyncio.Event()
        self._steers: dict[str, tuple[models.TurnSteer, Channel]] = {}

    @property
    def ask(self) -> Ask:
        """What was asked for."""
        return self.driver.ask

    @property
    def name(self) -> str:
        """The turn's name; another one where the turn failed before it ran and was tried again."""
        return self.driver.name

    @property
    def result(self) -> Settled:
        """What is known of the turn so far."""
        return self.driver.outcome

    @property
    def ended(self) -> bool:
        """Whether the turn has ended, and nothing more can be learned of it."""
        return self._told is not None and self._told.settled

    @property
    def broken(self) -> bool:
        """Whether an error ended the wait and what became of the turn is open: asked again, it is read again."""
        return self._told is not None and not self._told.settled

    @property
    def continuation(self) -> models.Continuation | None:
        """The handle that the turn issued, once it has completed."""
        return self.result.continuation

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield messages and recoveries up to the turn's end; raises what nothing could be done about."""
        while (event := await self.next()) is not None:
            yield event

    async def next(self) -> Event | None:
        """Return the next message or recovery, None behind the last; TimedOut when the turn's limit has passed."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._next()
        except TimeoutError:
            where = self._line.link.where if self._line is not None else self._lines.roads.places[0].name
            hint = "the turn may still run: extend() the limit and read on, or cancel it"
            raise TimedOut(f"the turn {self.name} has not ended within {self._limit:g} s", where, hint) from None

    async def outcome(self) -> Settled:
        """Return what became of the turn, once it has ended; a refusal or failure is an outcome, not an exception."""
        while await self.next() is not None:
            pass
        return self.result

    async def text(self) -> str:
        """Return the answer's text; raises TurnRefused or TurnBroken where there is none."""
        result = await self.outcome()
        if result.failed is not None:
            raise TurnBroken(result.failed.error)
        if result.refused is not None:
            raise TurnRefused(result.refused)
        return result.text

    def extend(self, seconds: float) -> None:
        """Let the turn take so many seconds from now."""
        self._limit = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds

    async def cancel(self) -> None:
        """Ask that the turn stop; its outcome is whatever terminal event is written first."""
        if self._line is not None:
            self._line.can.require("cancel")
        self.driver.cancel()
        self._canceled.set()
        await self._say_extras()

    async def steer(self, input: list[msgspec.Raw]) -> str:
        """Add input to the running turn; returns the steer's name.

        What enters comes as `turn.steered`; what comes too late stands in the outcome, under `too_late`. Raises
        NotOffered, and LocalProtocolError for a turn that does not run.
        """
        line = self._line
        if line is not None:
            line.can.require("steer")
        if line is None or not self.driver.running:
            raise LocalProtocolError(f"the turn {self.name} does not run: what it is to hear goes into another turn")
        message = models.TurnSteer(turn=self.name, steer=turn_name(), input=input)
        await self._say_steer(message)
        return message.steer

    def give_up(self) -> None:
        """Read no more of the turn; it goes on at the endpoint."""
        self._leave()

    # -- one step after another

    async def _next(self) -> Event | None:
        if self._told is not None and self._told.error is not None and not self._told.settled:
            self._told = None  # asked again: so there is another try to learn of it
            self.driver.retry()
        while not self.driver.events:
            command = self.driver.command
            if isinstance(command, Ended):
                await self._finish(command)
                return None
            await self._step(command)
        return self.driver.events.popleft()

    async def begin(self) -> None:
        """Send the turn, as far as that goes without waiting for an answer or for better times."""
        now = asyncio.get_running_loop().time()
        while isinstance(command := self.driver.command, Connect | Submit) and command.at <= now:
            await self._step(command)

    async def _step(self, command: Connect | Submit | Listen) -> None:
        if isinstance(command, Connect):
            await self._connect(command)
        elif isinstance(command, Submit):
            await self._submit(command)
        else:
            await self._listen()

    async def _connect(self, command: Connect) -> None:
        await self._until(command.at)
        if command.other_wire and self._line is not None and not self._lines.other_wire(self._line, command.other_wire):
            self.driver.no_other_wire()
            return
        self._leave()
        try:
            line, notes = await self._lines.take(self.name, command, self._prefer)
        except SegueError as fault:
            self.driver.unreachable(fault)
            return
        self._line = line
        facts = self._lines.facts(line, self.driver.ask.lane)
        self._lane = facts.lane
        if self.driver.command is command:
            self.driver.connected(facts, notes)

    async def _submit(self, command: Submit) -> None:
        await self._until(command.at)
        line = self._line
        assert line is not None
        if self.driver.command is not command:
            return
        if line.fault is not None:
            self.driver.failed(line.fault, line.said)  # nothing was sent
            return
        message = command.message
        after = message.after if isinstance(message, models.TurnResume) and isinstance(message.after, int) else None
        self._drop_reading()
        self._over = False
        self._channel = Channel(anew=command.repeated and after is None, after=after)
        self.driver.submitting()
        try:
            await line.link.submit(message, self._channel)
        except SegueError as fault:
            self.driver.failed(fault, line.said)
            return
        except asyncio.CancelledError:
            self.driver.failed(ConnectionCut("the wait was given up while the turn was sent", line.link.where))
            raise
        self.driver.submitted()
        for steer, _ in list(self._steers.values()):
            await self._say_steer(steer)  # its answer may have been lost with the connection

    async def _listen(self) -> None:
        line, channel = self._line, self._channel
        assert line is not None
        assert channel is not None
        await self._say_extras()
        # Only a wire that promises signs of life may be taken for dead without them; a whole answer has none over HTTP.
        promised = line.can.proves and (line.can.connected or not self.ask.final)
        silence = line.can.silence if promised else None
        try:
            async with asyncio.timeout(None if silence is None else max(silence, _PATIENT)):
                message = await channel.get()
        except TimeoutError:
            fault = TimedOut("nothing was heard of the turn for twice the heartbeat", line.link.where)
            self._lines.suspect(line, fault)
            self.driver.failed(fault)
            return
        except SegueError as fault:
            self.driver.failed(fault, line.said)
            return
        self._lines.answered(line)
        self._over = is_end(message)
        if isinstance(message, models.TurnSteered | models.ErrorMessage) and isinstance(message.steer, str):
            self._answered(message.steer, message)
        self.driver.received(message)

    async def _say_extras(self) -> None:
        line = self._line
        while self.driver.extras and line is not None and self._channel is not None:
            extra = self.driver.extras.popleft()
            # Over a WebSocket the answer is the terminal event of the reading; over HTTP an answer of its own.
            channel = self._channel if isinstance(line.link, WebSocketLink) else Channel(keep=1)
            await line.link.submit(extra, channel)

    async def _say_steer(self, message: models.TurnSteer) -> None:
        assert self._line is not None
        channel = Channel()
        self._steers[message.steer] = (message, channel)
        await self._line.link.submit(message, channel)

    def _answered(self, name: str, message: models.TurnSteered | models.ErrorMessage) -> None:
        steer = self._steers.pop(name, None)
        if steer is not None and isinstance(message, models.ErrorMessage):
            self.result.too_late.append(steer[0].input)

    async def _settle_steers(self) -> None:
        """Wait for the answers of steers that did not come in the turn's own reading."""
        for name, (message, channel) in list(self._steers.items()):
            try:
                async with asyncio.timeout(_PATIENT):
                    answer = await channel.get()
            except (SegueError, TimeoutError):
                self.result.unanswered.append(message.input)
                del self._steers[name]
            else:
                assert isinstance(answer, models.TurnSteered | models.ErrorMessage)
                self._answered(name, answer)

    async def exported(self, id: str) -> list[bytes] | None:
        """Return the items that the endpoint holds behind a continuation; None where it can't say."""
        line = self._line
        if line is None or not line.can.offers("export"):
            return None
        channel = Channel()
        try:
            async with asyncio.timeout(_PATIENT):
                await line.link.submit(models.ContinuationExport(ref=turn_name(), id=id), channel)
                told = await channel.get()
        except (SegueError, TimeoutError):
            return None
        return [bytes(item) for item in told.bundle.items] if isinstance(told, models.ContinuationBundle) else None

    async def _finish(self, ended: Ended) -> None:
        if self._told is None:
            await self._settle_steers()
            error = await self._ended(self, ended)
            self._told = Ended(error, ended.settled)
            self._leave()
        if self._told.error is not None:
            raise self._told.error

    def _leave(self) -> None:
        if self._line is None:
            return
        self._drop_reading()
        self._lines.release(self._line, self._lane)
        self._line = self._channel = self._lane = None

    def _drop_reading(self) -> None:
        """Let go of a reading that was left before its end; one that ended is read out, for its connection's sake."""
        if self._line is not None and self._channel is not None and not self._over:
            self._line.link.forget(self._channel)

    async def _until(self, at: float) -> None:
        """Wait until that time, or until the turn is cancelled."""
        if at > asyncio.get_running_loop().time():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._canceled.wait()
