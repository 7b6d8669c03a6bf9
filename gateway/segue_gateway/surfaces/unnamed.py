"""Wires on which nobody names a turn: an exchange is a turn, and a caller that goes away before its end cancels it.

Their clients know a refusal by the status of the answer, or by an error in place of the first event. So the beginning
of an answer waits until the model was heard, or until silence has to be filled: what a provider refused is refused.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import Any, Generic, Protocol, TypeVar

from segue_adapters.sse import encode_comment
from segue_adapters.wires.base import Answer, Refuse, TurnFacts
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from ..endpoint import Once
from ..readings import TOGETHER, Reading
from ..refusals import slow_reader
from ..turns import Turn
from .admission import to_response
from .http import EventStream, Gone, HTTPSurface, unless_gone

__all__ = ["UnnamedTurns", "Writer", "feed", "heard"]


class Writer(Protocol):
    """What writes a turn on such a wire, as events or whole."""

    @property
    def encoder(self) -> Any:
        """What takes in a message without saying it at once: `feed(message)`."""
        ...

    def sse(self, message: models.ServerMessage) -> bytes:
        """Return the events of a message; no bytes where the wire has none for it."""
        ...

    def end(self) -> bytes:
        """Return what stands behind the last event."""
        ...


W = TypeVar("W", bound=Writer)


class UnnamedTurns(HTTPSurface, Generic[W]):
    """The part of a surface that runs a turn for one exchange."""

    def whole(self, writer: W) -> Answer:
        """Return the answer of a turn that was written to its end."""
        raise NotImplementedError

    def farewell(self, writer: W, message: models.ErrorMessage) -> bytes:
        """Return the last event of a stream that ends before its turn has."""
        raise NotImplementedError

    async def run(
        self, caller: Once, start: models.TurnStart, write: Callable[[TurnFacts], W], *, stream: bool, http: Request
    ) -> Response:
        """Run a turn and answer by events, or whole at its end; Refuse what its provider refuses to run."""
        _, turn = await self.endpoint.accept(caller, start)
        assert turn is not None, "a name drawn by the surface is never a repeat"
        turn.whole = not stream
        self.endpoint.spawn(turn.run())
        writer = write(turn.facts())
        reading = self.endpoint.reading(turn)
        messages = heard(reading)
        try:
            if not stream:
                await unless_gone(http.receive, feed(writer, messages))
                return to_response(self.whole(writer))
            first = await unless_gone(http.receive, anext(messages))
        except Gone:
            self.lost(turn)
            raise
        return EventStream(
            self._events(writer, reading, _begun(first, messages)),
            farewell=lambda: self.farewell(writer, slow_reader().message),
            patience=self.endpoint.settings.reader_ms / 1000,
            lost=lambda: self.lost(turn),
        )

    def lost(self, turn: Turn) -> None:
        """Stop a turn whose caller went away: on this wire nobody can ask for it any more."""
        turn.cancel(keep=False)

    async def _events(
        self, writer: W, reading: Reading, messages: AsyncGenerator[models.ServerMessage, None]
    ) -> AsyncGenerator[bytes, None]:
        """Yield a turn's events; a comment, or whatever the wire has for that, where it is silent."""
        together: list[bytes] = []  # what is there at the same time goes out in one piece
        async with aclosing(messages):
            async for message in messages:
                if isinstance(message, models.ErrorMessage):  # the record is gone, or can be written no more
                    together.append(self.endpoint.gives_event(self.name, self.farewell(writer, message), writer))
                    yield b"".join(together)
                    return
                said = writer.sse(message)
                if not said and isinstance(message, models.TurnProgress):
                    said = encode_comment()
                if said:
                    together.append(self.endpoint.gives_event(self.name, said, writer))
                if together and not (reading.more and len(together) < TOGETHER):
                    yield b"".join(together)
                    together = []
        yield b"".join(together) + self.endpoint.gives_event(self.name, writer.end(), writer)


async def heard(reading: AsyncIterable[models.ServerMessage]) -> AsyncGenerator[models.ServerMessage, None]:
    """Yield a turn's messages, the acceptance not before something follows; Refuse where that says that nothing ran."""
    held: models.TurnAccepted | None = None
    async for message in reading:
        if isinstance(message, models.TurnAccepted):
            held = message
            continue
        if held is not None:
            if isinstance(message, models.TurnFailed) and message.error.effect == "none":
                raise Refuse(models.ErrorMessage(error=message.error, refused="turn.start"))
            yield held
            held = None
        yield message


async def _begun(
    first: models.ServerMessage, rest: AsyncGenerator[models.ServerMessage, None]
) -> AsyncGenerator[models.ServerMessage, None]:
    """Yield the message that was waited for, and what follows it."""
    async with aclosing(rest):
        yield first
        async for message in rest:
            yield message


async def feed(writer: Writer, messages: AsyncIterable[models.ServerMessage]) -> None:
    """Let a turn be written to its end; Refuse where it can be read no further: half an answer is none."""
    async for message in messages:
        if isinstance(message, models.ErrorMessage):
            raise Refuse(message)
        writer.encoder.feed(message)
