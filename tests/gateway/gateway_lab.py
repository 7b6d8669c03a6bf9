"""Fakes and short words for the tests of the gateway: a clock, engines that wait for the test, turns in one call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from segue_gateway.contexts import Context, read_context
from segue_gateway.endpoint import Endpoint, Once
from segue_gateway.engines.base import Delta, Ended, EngineEvent, EngineFailure, ItemBegun, ItemEnded, Request
from segue_gateway.history import EMPTY, History, grow
from segue_gateway.items import Item, read_item
from segue_gateway.stores.base import Bounds, Handle
from segue_schemas import models, validator

T = TypeVar("T")

PATIENCE = 20.0


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; one that hangs fails the test instead."""
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


class Clock:
    """Monotonic seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, ms: float) -> None:
        self.now += ms / 1000


# -- items, contexts, histories


def message(text: str, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text}


def call(call_id: str = "call_1", kind: str = "function_call") -> dict[str, Any]:
    member = "arguments" if kind == "function_call" else "input"
    return {"type": kind, "call_id": call_id, "name": "f", member: "{}"}


def output(call_id: str = "call_1", text: str = "42", kind: str = "function_call_output") -> dict[str, Any]:
    return {"type": kind, "call_id": call_id, "output": text}


def item(members: dict[str, Any]) -> Item:
    return read_item(json.dumps(members).encode())


def history(*members: dict[str, Any], parent: History = EMPTY) -> History:
    return grow(parent, [item(one) for one in members])


def context(**members: Any) -> Context:
    return read_context(members, json.dumps(members).encode())


def handle(
    identifier: str = "h1",
    of: History | None = None,
    *,
    turn: str = "t1",
    retention: models.Retention = "cached",
    scope: str | None = None,
    life_ms: int | None = 1_000,
    under: Context | None = None,
) -> Handle:
    return Handle(
        id=identifier,
        history=history(message("hello")) if of is None else of,
        context=under or context(model="m"),
        retention=retention,
        turn=turn,
        scope=scope,
        life_ms=life_ms,
    )


def bounds(**changed: int) -> Bounds:
    numbers = {
        "continuations": 100,
        "turns": 100,
        "state_bytes": 1_000_000,
        "replay_ms": 1_000,
        "name_ms": 2_000,
        "cached_ms": 5_000,
        "lease_ms": 10**9,
    }
    return Bounds(**{**numbers, **changed})


# -- turns


def start(name: str, *items: dict[str, Any] | str, **members: Any) -> models.TurnStart:
    """Return a start; a string among the items is a user's message, a dict as `context` is sent whole."""
    made = [message(one) if isinstance(one, str) else one for one in items]
    if isinstance(members.get("context"), (dict, str)):
        members["context"] = msgspec.Raw(json.dumps(members["context"]).encode())
    return models.TurnStart(turn=name, input=[msgspec.Raw(json.dumps(one).encode()) for one in made], **members)


@dataclass
class Told:
    """What one reading of a turn told."""

    events: list[models.ServerMessage]

    @property
    def accepted(self) -> models.TurnAccepted:
        assert isinstance(self.events[0], models.TurnAccepted)
        return self.events[0]

    @property
    def completed(self) -> models.TurnCompleted:
        last = self.events[-1]
        assert isinstance(last, models.TurnCompleted), last
        return last

    @property
    def failed(self) -> models.TurnFailed:
        last = self.events[-1]
        assert isinstance(last, models.TurnFailed), last
        return last

    @property
    def id(self) -> str:
        assert isinstance(self.completed.continuation, models.Continuation)
        return self.completed.continuation.id

    @property
    def text(self) -> str:
        appended = (event.append for event in self.events if isinstance(event, models.ItemDelta))
        return "".join(piece for piece in appended if isinstance(piece, str))

    def seqs(self) -> list[int]:
        seqs = (getattr(event, "seq", None) for event in self.events)
        return [seq for seq in seqs if isinstance(seq, int)]


ALICE = Once("alice", "segue-http")
BOB = Once("bob", "segue-http")


async def turn(endpoint: Endpoint, asked: models.TurnStart, caller: Any = ALICE) -> Told:
    """Hold a turn from its start to its end, and check every message against the schema of Segue's own wires."""
    source, fresh = await endpoint.accept(caller, asked)
    if fresh is not None:
        endpoint.spawn(fresh.run())
    return await told(endpoint.reading(source, replayed=fresh is None, start=asked))


async def told(reading: Any) -> Told:
    events = [event async for event in reading]
    for event in events:
        check(event)
    return Told(events)


def check(event: models.ServerMessage) -> None:
    """Check a message against the schema."""
    validator("native.json#/$defs/ServerMessage").validate(json.loads(msgspec.json.encode(event)))


# -- engines


class StepEngine:
    """An engine that gives what it is told, and waits at each `asyncio.Event` among its steps."""

    name = "steps"
    offered: Sequence[str] = ("steps",)
    model_input: models.ModelInput = "exact"

    def __init__(self, *steps: EngineEvent | asyncio.Event | BaseException) -> None:
        self.steps = steps
        self.asked: list[Request] = []
        self.closed = 0

    def reads(self, kind: str, issuer: str | None = None, seal: str | None = None) -> bool:
        return kind != "compaction"

    def serves(self, model: str) -> bool:
        return True

    def ignores(self, context: Mapping[str, Any]) -> Sequence[str]:
        return ()

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        self.asked.append(request)
        try:
            for step in self.steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, BaseException):
                    raise step
                else:
                    yield step
        finally:
            self.closed += 1


TEXT = ItemBegun(0, {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
CALL = ItemBegun(0, {"type": "function_call", "call_id": "call_9", "name": "f", "arguments": ""})
USAGE = models.Usage(input_tokens=1, output_tokens=2, total_tokens=3)


def says(text: str, index: int = 0) -> Delta:
    return Delta(index, "/content/0/text", append=text)


def answer(text: str) -> list[EngineEvent]:
    return [TEXT, says(text), ItemEnded(0), Ended("completed", None, USAGE)]


def upstream(effect: models.Effect = "unknown") -> EngineFailure:
    return EngineFailure(models.Error(code="upstream_failed", advice="retry", effect=effect, message="It failed."))
