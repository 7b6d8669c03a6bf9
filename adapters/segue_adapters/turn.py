"""A turn as its client sees it: events while it runs, an outcome when it has ended."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from segue_schemas import models

from .assembly import ItemAssembler
from .errors import SegueError, TimedOut, TurnBroken, TurnRefused
from .wires.base import TERMINAL

__all__ = ["Channel", "Outcome", "Turn"]


#: Of so many bytes that wait in a channel its connection stops to read; a message that is larger comes alone.
BOUND = 1024 * 1024


class Channel:
    """Where a link puts what belongs to one turn or one request; ends with a fault or with `close`.

    A reading that replaces an older one on its connection is still met by what was under way of the old one: `anew`
    says that it begins with turn.accepted, `after` which numbers were seen. What belongs to the old one is dropped.

    What waits is bounded by whoever fills it: behind `full` it awaits `room`. With `keep` no more than so many messages
    wait and the oldest go, for what nobody has to read.
    """

    def __init__(
        self, *, anew: bool = False, after: int | None = None, keep: int | None = None, bound: int = BOUND
    ) -> None:
        self._queue: deque[tuple[models.ServerMessage | SegueError, int]] = deque()
        self._anew = anew
        self._seen = after
        self._keep = keep
        self._bound = bound
        self._held = 0
        self._came = asyncio.Event()
        self.hungry = 0
        """How many readers wait for a message."""
        self.stir: asyncio.Event | None = None
        """Set where a message was taken, or a reader begins to wait: what whoever waits for room looks at."""

    def put(self, message: models.ServerMessage | SegueError, size: int = 0) -> bool:
        """Add a message of so many bytes, or the fault that ends it all; return whether it belongs here."""
        if self._stale(message):
            return False
        self._queue.append((message, size))
        self._held += size
        if self._keep is not None and len(self._queue) > self._keep:
            self._take()
        self._came.set()
        return True

    @property
    def full(self) -> bool:
        """Whether more waits than should."""
        return self._held > self._bound

    async def room(self) -> None:
        """Wait until less waits than may: what fills the channel stops meanwhile."""
        self.stir = self.stir or asyncio.Event()
        while self.full:
            self.stir.clear()
            await self.stir.wait()

    def _stale(self, message: models.ServerMessage | SegueError) -> bool:
        if isinstance(message, SegueError | models.ErrorMessage):
            return False
        if self._anew:
            self._anew = not isinstance(message, models.TurnAccepted)
            return self._anew
        if self._seen is None:
            return False
        seq = getattr(message, "seq", None)
        if not isinstance(seq, int):
            return False
        if seq <= self._seen:
            return True
        self._seen = seq
        return False

    def _take(self) -> models.ServerMessage | SegueError:
        message, size = self._queue.popleft()
        self._held -= size
        return message

    def _stirred(self) -> None:
        if self.stir is not None:
            self.stir.set()

    async def get(self) -> models.ServerMessage:
        """Return the next message; raises the fault."""
        while not self._queue:
            self._came.clear()
            self.hungry += 1
            self._stirred()
            try:
                await self._came.wait()
            finally:
                self.hungry -= 1
        message = self._queue[0][0]
        if isinstance(message, SegueError):
            raise message  # it stays: whoever asks again gets the same answer
        self._take()
        self._stirred()
        return message

    def waiting(self) -> list[models.ServerMessage]:
        """Take out and return the messages that wait, up to a fault."""
        messages: list[models.ServerMessage] = []
        while self._queue and not isinstance(self._queue[0][0], SegueError):
            message = self._take()
            assert not isinstance(message, SegueError)
            messages.append(message)
        self._stirred()
        return messages


@dataclass(slots=True)
class Outcome:
    """All that is known of a turn: exactly one of `completed`, `failed`, `refused` once it has ended.

    `items` are the output items as JSON bytes in order of their index; `events` every message, as it came.
    """

    start: models.TurnStart | models.TurnResume
    accepted: models.TurnAccepted | None = None
    completed: models.TurnCompleted | None = None
    failed: models.TurnFailed | None = None
    refused: models.Error | None = None
    events: list[models.ServerMessage] = field(default_factory=list)
    assembler: ItemAssembler = field(default_factory=ItemAssembler)

    @property
    def items(self) -> list[bytes]:
        """The output items that are whole."""
        return self.assembler.items

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The output items, parsed."""
        return [msgspec.json.decode(item) for item in self.items]

    @property
    def text(self) -> str:
        """What the assistant said: the text of all its messages, joined."""
        return "".join(_text_of(item) for item in self.objects if item.get("type") == "message")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The tool calls among the items."""
        return [item for item in self.objects if item.get("type") in ("function_call", "custom_tool_call")]

    @property
    def continuation(self) -> models.Continuation | None:
        """The handle to go on from, where one was issued."""
        if self.completed is None or not isinstance(self.completed.continuation, models.Continuation):
            return None
        return self.completed.continuation

    @property
    def usage(self) -> models.Usage | None:
        """What it cost, where that was reported."""
        ended = self.completed or self.failed
        return ended.usage if ended is not None and isinstance(ended.usage, models.Usage) else None

    @property
    def error(self) -> models.Error | None:
        """Why there is no answer, where there is none."""
        return self.failed.error if self.failed else self.refused

    @property
    def ended(self) -> bool:
        """Whether a terminal event or a refusal has come."""
        return bool(self.completed or self.failed or self.refused)

    def take(self, message: models.ServerMessage) -> None:
        """Take one message into account; RemoteProtocolError where a delta has no place."""
        self.events.append(message)
        if isinstance(message, models.TurnAccepted) and self.accepted is not None:
            self.assembler = ItemAssembler()  # what was built goes: it is told from the beginning (SEG-TURN-085)
        self.assembler.apply(message)
        if isinstance(message, models.TurnAccepted):
            self.accepted = message
        elif isinstance(message, models.TurnCompleted):
            self.completed = message
        elif isinstance(message, models.TurnFailed):
            self.failed = message
        elif isinstance(message, models.ErrorMessage) and not leaves_turn(message):
            self.refused = message.error


def _text_of(item: dict[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    return "".join(
        part["text"] for part in content or [] if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


class Turn:
    """A turn that was started. Iterate it for its events, or ask for `outcome()`, `text()`.

    Every wait is limited by `limit` seconds, counted from the start of the turn.
    """

    def __init__(self, start: models.TurnStart | models.TurnResume, channel: Channel, *, limit: float, where: str):
        self.name = start.turn
        behind = isinstance(start, models.TurnResume) and isinstance(start.after, int)
        self.result = Outcome(start, assembler=ItemAssembler(continued=behind))
        self._channel = channel
        self._limit = limit
        self._where = where
        self._deadline = asyncio.get_running_loop().time() + limit

    @property
    def last_seq(self) -> int | None:
        """The highest number among the events that were read; None before the first."""
        numbers = [getattr(event, "seq", None) for event in self.result.events]
        return max((n for n in numbers if isinstance(n, int)), default=None)

    def continue_from(self, earlier: Turn) -> None:
        """Go on with the items and events that an earlier reading of the same turn has."""
        self.result.events = [*earlier.result.events, *self.result.events]
        self.result.accepted = earlier.result.accepted
        self.result.assembler = earlier.result.assembler

    async def __aiter__(self) -> AsyncIterator[models.ServerMessage]:
        """Yield the turn's messages up to its end; raises TransportError or RemoteProtocolError."""
        while not self.result.ended:
            yield await self.next()

    async def next(self) -> models.ServerMessage:
        """Return the turn's next message; TimedOut when the turn's limit has passed."""
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._channel.get()
        except TimeoutError:
            last = self.result.events[-1] if self.result.events else None
            seen = f"the last event was {type(last).__struct_config__.tag}" if last is not None else "no event came"
            raise TimedOut(
                f"no terminal event within {self._limit:g} s; {seen}", self._where, "raise --timeout if it is slow"
            ) from None
        self.result.take(message)
        return message

    def catch_up(self) -> None:
        """Take into account what has come already; waits for nothing."""
        for message in self._channel.waiting():
            self.result.take(message)

    async def outcome(self) -> Outcome:
        """Return what became of the turn, once it has ended; a refusal or failure is an outcome, not an exception."""
        async for _ in self:
            pass
        return self.result

    async def text(self) -> str:
        """Return the answer's text; raises TurnRefused or TurnBroken where there is none."""
        result = await self.outcome()
        if result.refused is not None:
            raise TurnRefused(result.refused)
        if result.failed is not None:
            raise TurnBroken(result.failed.error)
        return result.text

    @property
    def continuation(self) -> models.Continuation | None:
        """The handle to go on from, once the turn has completed."""
        return self.result.continuation


def leaves_turn(message: models.ServerMessage) -> bool:
    """Whether this refuses a cancel or a steer, which does not touch the turn (SEG-TURN-025)."""
    return isinstance(message, models.ErrorMessage) and message.refused in ("turn.cancel", "turn.steer")


def is_end(message: models.ServerMessage) -> bool:
    """Whether nothing of a turn or request follows this message."""
    return isinstance(message, _ENDS) and not leaves_turn(message)


_ENDS = (
    *TERMINAL,
    models.ErrorMessage,
    models.ContinuationInfo,
    models.ContinuationBundle,
    models.ContinuationDeleted,
)
