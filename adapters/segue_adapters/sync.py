"""The client for programs that do not use asyncio: the same names, and each call waits for its answer.

There is one implementation. It runs on an event loop in a thread of the session's; what is here hands calls over. A
face may be used by several threads, one conversation by one at a time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from segue_schemas import models

from . import client, turn
from .capabilities import Capabilities
from .conversation import answer, conversation
from .conversation.events import Event, Settled
from .conversation.plan import Ask

__all__ = ["Answer", "Conversation", "Session", "Turn", "connect"]

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")
F = TypeVar("F", bound="Face[Any]")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="segue", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine there and wait for it; a wait that is broken off gives the work up too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread; what still runs there is given up."""
        self.run(_wind_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _wind_up() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class Face(Generic[A]):
    """What stands for an object of the loop."""

    def __init__(self, inner: A, loop: Loop) -> None:
        self._inner = inner
        self._loop = loop


def _plain(value: Any) -> Any:
    return value._inner if isinstance(value, Face) else value


def _waits(method: Callable[Concatenate[A, P], Coroutine[Any, Any, R]]) -> Callable[Concatenate[Face[A], P], R]:
    """Return a method that waits for what the asynchronous one brings."""

    @wraps(method)
    def call(self: Face[A], /, *args: P.args, **kwargs: P.kwargs) -> R:
        given: Any = [_plain(arg) for arg in args]
        named: Any = {name: _plain(arg) for name, arg in kwargs.items()}
        return self._loop.run(method(self._inner, *given, **named))

    return call


def _waits_for(
    face: Callable[[R, Loop], F], method: Callable[Concatenate[A, P], Coroutine[Any, Any, R]]
) -> Callable[Concatenate[Face[A], P], F]:
    """Return a method whose result has a face of its own."""
    waiting = _waits(method)

    @wraps(method)
    def call(self: Face[A], /, *args: P.args, **kwargs: P.kwargs) -> F:
        return face(waiting(self, *args, **kwargs), self._loop)

    return call


def _at_once(method: Callable[Concatenate[A, P], R]) -> Callable[Concatenate[Face[A], P], R]:
    """Return a method that is no coroutine, run on the loop all the same: its objects belong to that thread."""

    @wraps(method)
    def call(self: Face[A], /, *args: P.args, **kwargs: P.kwargs) -> R:
        async def work() -> R:
            return method(self._inner, *args, **kwargs)

        return self._loop.run(work())

    return call


class Told(Generic[A, R]):
    """A property of the object that a face stands for."""

    def __init__(self, get: Callable[[A], R]) -> None:
        self._get = get

    @overload
    def __get__(self, face: None, kind: type[Any]) -> Told[A, R]: ...

    @overload
    def __get__(self, face: Face[A], kind: type[Any]) -> R: ...

    def __get__(self, face: Face[A] | None, kind: type[Any]) -> R | Told[A, R]:
        """Return what it is just now."""
        return self if face is None else self._get(face._inner)


class Turn(Face[turn.Turn]):
    """A turn that was started. Iterate it for its events, or ask for `outcome()`, `text()`."""

    name: Told[turn.Turn, str] = Told(lambda inner: inner.name)
    result: Told[turn.Turn, turn.Outcome] = Told(lambda inner: inner.result)
    last_seq: Told[turn.Turn, int | None] = Told(lambda inner: inner.last_seq)
    continuation: Told[turn.Turn, models.Continuation | None] = Told(lambda inner: inner.continuation)
    next = _waits(turn.Turn.next)
    outcome = _waits(turn.Turn.outcome)
    text = _waits(turn.Turn.text)
    catch_up = _at_once(turn.Turn.catch_up)
    continue_from = _at_once(turn.Turn.continue_from)

    def __iter__(self) -> Iterator[models.ServerMessage]:
        """Yield the turn's messages up to its end."""
        while not self._inner.result.ended:
            yield self.next()


class Answer(Face[answer.Answer]):
    """A turn of a conversation. Iterate it for its events, or ask for `outcome()`, `text()`."""

    name: Told[answer.Answer, str] = Told(lambda inner: inner.name)
    ask: Told[answer.Answer, Ask] = Told(lambda inner: inner.ask)
    result: Told[answer.Answer, Settled] = Told(lambda inner: inner.result)
    ended: Told[answer.Answer, bool] = Told(lambda inner: inner.ended)
    broken: Told[answer.Answer, bool] = Told(lambda inner: inner.broken)
    continuation: Told[answer.Answer, models.Continuation | None] = Told(lambda inner: inner.continuation)
    next = _waits(answer.Answer.next)
    outcome = _waits(answer.Answer.outcome)
    text = _waits(answer.Answer.text)
    cancel = _waits(answer.Answer.cancel)
    steer = _waits(answer.Answer.steer)
    extend = _at_once(answer.Answer.extend)

    def __iter__(self) -> Iterator[Event]:
        """Yield messages and recoveries up to the turn's end."""
        while (event := self.next()) is not None:
            yield event


class Conversation(Face[conversation.Conversation]):
    """A history and whoever holds it. Made by `session.conversation()`."""

    items: Told[conversation.Conversation, list[bytes]] = Told(lambda inner: inner.items)
    objects: Told[conversation.Conversation, list[dict[str, Any]]] = Told(lambda inner: inner.objects)
    digest: Told[conversation.Conversation, str | None] = Told(lambda inner: inner.digest)
    length: Told[conversation.Conversation, int] = Told(lambda inner: inner.length)
    continuation: Told[conversation.Conversation, models.Continuation | None] = Told(lambda inner: inner.continuation)
    turn = _waits_for(Answer, conversation.Conversation.turn)
    warm_up = _waits(conversation.Conversation.warm_up)
    abandon = _at_once(conversation.Conversation.abandon)
    export = _at_once(conversation.Conversation.export)
    import_ = _at_once(conversation.Conversation.import_)
    move = _at_once(conversation.Conversation.move)

    def fork(self, at: int | None = None) -> Conversation:
        """Return a conversation that goes on from here, or from behind so many items; both live."""
        return Conversation(self._inner.fork(at), self._loop)

    @property
    def context(self) -> dict[str, Any]:
        """The settings of turns that give none of their own; they may be replaced between turns."""
        return self._inner.context

    @context.setter
    def context(self, context: dict[str, Any]) -> None:
        self._inner.context = context


class Session(Face[client.Session]):
    """One client of an endpoint. `with segue.sync.connect(url) as session`."""

    wire: Told[client.Session, str] = Told(lambda inner: inner.wire)
    limit: Told[client.Session, float] = Told(lambda inner: inner.limit)
    welcome: Told[client.Session, models.Welcome | None] = Told(lambda inner: inner.welcome)
    inherits: Told[client.Session, bool] = Told(lambda inner: inner.inherits)
    capabilities: Told[client.Session, Capabilities] = Told(lambda inner: inner.capabilities)
    turn = _waits_for(Turn, client.Session.turn)
    start = _waits_for(Turn, client.Session.start)
    resume = _waits_for(Turn, client.Session.resume)
    cancel = _waits(client.Session.cancel)
    steer = _waits(client.Session.steer)
    get = _waits(client.Session.get)
    delete = _waits(client.Session.delete)
    export = _waits(client.Session.export)
    import_ = _waits(client.Session.import_)
    notice = _waits(client.Session.notice)
    close = _waits(client.Session.close)

    @wraps(client.Session.conversation)
    def conversation(self, **settings: Any) -> Conversation:
        """Return a conversation that holds its items, sends the least that is right, and recovers by itself."""
        return Conversation(self._inner.conversation(**settings), self._loop)


def _connect(open_session: Callable[P, Any]) -> Callable[P, Any]:
    @wraps(open_session)
    def connect(*args: P.args, **kwargs: P.kwargs) -> Iterator[Session]:
        loop = Loop()
        try:
            manager = open_session(*args, **kwargs)
            session = loop.run(manager.__aenter__())
            try:
                yield Session(session, loop)
            finally:
                loop.run(manager.__aexit__(None, None, None))
        finally:
            loop.close()

    return contextmanager(connect)


connect = _connect(client.connect)
