"""Steers on Segue's own wires, as bare messages: a turn that runs, what is put into it, and what is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from segue_adapters.transports.websocket import Socket

from .clock import now
from .segue_wire import next_message, sse_events, turn_name, valid_message
from .subject import Subject
from .verdicts import Inconclusive, NotOffered, Untestable

__all__ = ["Running", "answered", "elsewhere", "running", "steer_message"]

_ENDS = ("turn.completed", "turn.failed")


def steer_message(turn: str, *items: dict[str, Any], steer: str | None = None) -> dict[str, Any]:
    """Return a turn.steer as a JSON object."""
    return {"type": "turn.steer", "turn": turn, "steer": steer or turn_name(), "input": list(items)}


def answered(message: dict[str, Any]) -> str:
    """Return in a word what a steer was answered: `turn.steered`, or the code of a refusal."""
    if message["type"] == "error":
        return str(message["error"]["code"])
    return str(message["type"])


@dataclass
class Running:
    """A turn that runs, and its events so far, in order, answers to steers among them where they came so."""

    subject: Subject
    start: dict[str, Any]
    socket: Socket | None = None
    reading: asyncio.Task[list[dict[str, Any]]] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether its end was read."""
        return any(event["type"] in _ENDS for event in self.events)

    @property
    def end(self) -> dict[str, Any]:
        """The turn's end; the answer to a steer that crossed it may have come behind."""
        return next(event for event in self.events if event["type"] in _ENDS)

    async def until(self, kind: str) -> None:
        """Read until an event of a kind came; Inconclusive where the turn ends first."""
        while not any(event["type"] == kind for event in self.events):
            if self.ended:
                raise Inconclusive(f"the turn ended before its {kind}")
            await self._step()

    async def to_its_end(self) -> list[dict[str, Any]]:
        """Read to the end; return the events of the turn."""
        if self.reading is not None:
            self.events = await self.reading
        while not self.ended:
            await self._step()
        return self.events

    async def _step(self) -> None:
        if self.socket is None:
            await asyncio.sleep(0.05)  # over HTTP the events are read beside this
            assert self.reading is not None
            if self.reading.done():
                self.events = self.reading.result()
            else:
                answer = await self.subject.fetch("GET", f"/turns/{self.start['turn']}", accept="application/json")
                if answer.status < 300:
                    self.events = [{"type": "turn.accepted"}, {"type": "item.delta"}]
            return
        message = await next_message(self.socket, self.subject.settings.timeout)
        if message.get("turn") == self.start["turn"]:
            self.events.append(message)
        if message["type"] == "error" and message.get("refused") == "turn.start":
            told = message["error"]
            kind = NotOffered if told["code"] == "not_offered" else Untestable
            raise kind(f"the turn that is to be steered was refused: {told['code']}: {told['message']}")

    async def steer(self, message: dict[str, Any]) -> None:
        """Send a steer on the connection that reads the turn; over HTTP `ask` does that."""
        assert self.socket is not None
        self.subject.spend()
        await self.socket.send(json.dumps(message))

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a steer: over a WebSocket the next message that names it, after what was read."""
        if self.socket is None:
            return await _put(self.subject, message)
        await self.steer(message)
        while True:
            told = await next_message(self.socket, self.subject.settings.timeout)
            if told.get("turn") == self.start["turn"]:
                self.events.append(told)
                if told.get("steer") == message["steer"]:
                    return told


@asynccontextmanager
async def running(subject: Subject, start: dict[str, Any]) -> AsyncIterator[Running]:
    """Give a turn that was just started; its reading ends with the block."""
    if subject.wire == "segue-http":
        task = asyncio.ensure_future(_stream(subject, start))
        try:
            yield Running(subject, start, reading=task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return
    async with subject.socket() as socket:
        subject.spend()
        await socket.send(json.dumps(start))
        yield Running(subject, start, socket)


@asynccontextmanager
async def elsewhere(subject: Subject, turn: str) -> AsyncIterator[Running]:
    """Give another connection, or request, that reads nothing of a turn."""
    if subject.wire == "segue-http":
        yield Running(subject, {"turn": turn})
        return
    async with subject.socket() as socket:
        yield Running(subject, {"turn": turn}, socket)


async def _stream(subject: Subject, start: dict[str, Any]) -> list[dict[str, Any]]:
    body = json.dumps(start).encode()
    events = await sse_events(subject, "PUT", f"/turns/{start['turn']}", body, content_type="application/json")
    return [valid_message(event.data) for event in events]


async def _put(subject: Subject, message: dict[str, Any]) -> dict[str, Any]:
    """Put a steer until it is answered: 202 says that it waits."""
    path, until = f"/turns/{message['turn']}/steers/{message['steer']}", now() + subject.settings.timeout
    while True:
        answer = await subject.fetch("PUT", path, json.dumps(message).encode(), content_type="application/json")
        if answer.status >= 400:
            problem = json.loads(answer.body)
            return {"type": "error", "error": problem, "steer": message["steer"]}
        told = valid_message(answer.body.decode("utf-8", "replace"))
        if answer.status != 202 or now() > until:
            return told
        await asyncio.sleep(min(told.get("retry_after_ms", 100), 1_000) / 1000)
