"""What the endpoint saw of an agent: its requests, what each of them held, and how each ended.

All of it is read from the messages on the wires, in both directions. An item is compared by what it means (`key`), so
that a client may send it without the ids and the members that only an endpoint gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_schemas import models

from ..results import Frame

__all__ = ["Ask", "Item", "Log", "Record", "Upgrade", "input_items", "key", "text_of"]

Item = Mapping[str, Any]
Key = tuple[str, ...]

_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
_LONGEST = 4_000
_MOST = 300


def text_of(item: Item) -> str:
    """Return the text of a message or an output."""
    content = item.get("content", item.get("output"))
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def key(item: Item) -> Key:
    """Return what an item is, whoever sends it: two items with one key are one item twice."""
    kind = str(item.get("type", "message"))
    if kind == "message":
        return ("message", str(item.get("role")), " ".join(text_of(item).split()))
    if "call_id" in item:
        return (kind, str(item["call_id"]))
    kept = {name: value for name, value in item.items() if name not in ("id", "status")}
    return (kind, msgspec.json.encode(kept, order="deterministic").decode())


def input_items(value: Any) -> list[Item]:
    """Return the input of a request as items; what is none is left out, the endpoint refuses it."""
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@dataclass(slots=True)
class Record:
    """How one turn went: `id` is the handle that it issued, `end` how it ended (empty: not yet, or cut)."""

    id: str | None = None
    begun: bool = False
    end: str = ""
    code: str = ""
    output: list[Item] = field(default_factory=list)
    numbered: dict[int, bytes] = field(default_factory=dict)
    #: Numbers of the event that began each reading: a client has to build anew from there.
    readings: int = 0

    def take(self, event: dict[str, Any]) -> None:
        """Take one message of either family of wires."""
        kind = str(event.get("type"))
        if kind.startswith("response."):
            self._response(kind, event)
        elif kind == "error":
            self._refused(event)
        elif kind.startswith(("turn.", "item.")):
            self._turn(kind, event)

    def _response(self, kind: str, event: dict[str, Any]) -> None:
        self.begun = True
        told = event.get("response")
        if isinstance(told, dict) and kind in ("response.created", *_ENDS):
            self.id = told.get("id")
        if kind == "response.output_item.done" and isinstance(event.get("item"), dict):
            self.output.append(event["item"])
        self.end = _ENDS.get(kind, self.end)

    def whole(self, body: dict[str, Any]) -> None:
        """Take a whole answer: a Response, a snapshot, or an error in any envelope."""
        if body.get("object") == "response":
            self.id, self.begun = body.get("id"), True
            self.output = list(input_items(body.get("output")))
            self.end = str(body.get("status", ""))
        elif body.get("type") == "turn.snapshot":
            self.begun = True
            ended = body.get("completed") or body.get("failed") or {}
            self.output = list(input_items(body.get("items")))
            self.end = "failed" if body.get("failed") else str(ended.get("status", ""))
            self.id = (ended.get("continuation") or {}).get("id")
        else:
            self._refused(body)

    def _refused(self, told: dict[str, Any]) -> None:
        error = told.get("error")
        error = error if isinstance(error, dict) else told
        self.code = str(error.get("code") or error.get("type") or "error")
        self.end = "failed" if self.begun else "refused"

    def _turn(self, kind: str, event: dict[str, Any]) -> None:
        seq = event.get("seq")
        if isinstance(seq, int):
            for merged in range(event.get("from", seq), seq):
                self.numbered.pop(merged, None)
            self.numbered[seq] = msgspec.json.encode(event)
        if kind == "turn.accepted":
            self.begun = True
            self.readings += 1
            if self.end == "refused":  # what was refused claims no name: the same one may be accepted later
                self.end = self.code = ""
        elif kind == "turn.failed":
            self.end = "failed"
            self.code = str((event.get("error") or {}).get("code", ""))
        elif kind == "turn.completed":
            self.end = str(event.get("status", "completed"))
            self.id = (event.get("continuation") or {}).get("id")
            self.output = self._assembled()

    def _assembled(self) -> list[Item]:
        assembler = ItemAssembler()
        for _, raw in sorted(self.numbered.items()):
            assembler.apply(msgspec.json.decode(raw, type=models.ServerMessage))
        return [msgspec.json.decode(item) for item in assembler.items]


@dataclass(slots=True)
class Ask:
    """One request for a turn. `at` is in seconds since the run began; `done_at` is when its answer was over.

    `history` is what the model saw of it: what the parent holds and the input. None: the parent is not held.
    `fault` says in a few words what the scenario did to it. `kind` is `start`, or `resume` for a reading.
    """

    number: int
    wire: str
    connection: str
    at: float
    size: int
    message: dict[str, Any]
    raw: str
    record: Record
    kind: str = "start"
    parent: str | None = None
    items: list[Item] = field(default_factory=list)
    history: list[Item] | None = None
    turn: str | None = None
    lane: str | None = None
    fault: str = ""
    cut: bool = False
    done_at: float | None = None

    @property
    def generates(self) -> bool:
        """Whether the model is to answer; a warm-up only brings input."""
        return self.kind == "start" and self.message.get("generate") is not False

    @property
    def end(self) -> str:
        """How it ended for the agent: `cut` where the answer was cut before its end."""
        return "cut" if self.cut else self.record.end

    @property
    def answered(self) -> bool:
        """Whether it had an answer to go on from."""
        return self.record.end in ("completed", "incomplete") and not (self.cut and self.wire.startswith("openai"))


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One wish for a WebSocket, and the status that it was answered with (101: opened)."""

    wire: str
    at: float
    status: int


class Log:
    """Everything that one run of an agent showed; `most` requests are the bound behind which it counts as a loop."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.asks: list[Ask] = []
        self.upgrades: list[Upgrade] = []
        self.frames: list[Frame] = []
        self.held: dict[str, list[Item]] = {}
        self.turns: dict[str, Record] = {}
        self.most = most
        self.discovered = False
        self.last_at = 0.0
        self.on_loop: Callable[[], None] = lambda: None
        self._clock = clock
        self._began = clock()

    def now(self) -> float:
        """Return the seconds since the run began."""
        return self._clock() - self._began

    @property
    def contacts(self) -> int:
        """How often the agent asked for a turn or for a WebSocket."""
        return len(self.asks) + len(self.upgrades)

    @property
    def looped(self) -> bool:
        """Whether the agent asked more often than any patience explains."""
        return self.contacts > self.most

    def ask(self, wire: str, connection: str, raw: bytes, message: dict[str, Any], **more: Any) -> Ask:
        """Take note of a request and return it."""
        openai = wire.startswith("openai")
        parent = message.get("previous_response_id" if openai else "parent")
        parent = parent if isinstance(parent, str) else None
        items = input_items(message.get("input"))
        turn = more.pop("turn", None) or (None if openai else message.get("turn"))
        record = self.turns.setdefault(turn, Record()) if isinstance(turn, str) else Record()
        past = [] if parent is None else self.held.get(parent)
        ask = Ask(
            number=len(self.asks) + 1, wire=wire, connection=connection, at=self.now(), size=len(raw), message=message,
            raw=raw.decode("utf-8", "replace"), record=record, parent=parent, items=items, turn=turn,
            history=None if past is None else [*past, *items],
            lane=message.get("stream_id") if openai else None, **more,
        )  # fmt: skip
        self.asks.append(ask)
        self._contact()
        return ask

    def upgrade(self, wire: str, status: int) -> None:
        """Take note of a wish for a WebSocket."""
        self.upgrades.append(Upgrade(wire, self.now(), status))
        self._contact()

    def _contact(self) -> None:
        self.last_at = self.now()
        if self.looped:
            self.on_loop()

    def done(self, ask: Ask) -> None:
        """Take note that nothing more comes for a request; once: what the agent sends next may be here already."""
        if ask.done_at is not None:
            return
        ask.done_at = self.last_at = self.now()
        record = ask.record
        # A turn that was cut may come to its end in a reading that was begun behind it: then that start has its answer.
        for start in (other for other in self.asks if other.record is record and other.kind == "start"):
            if record.id is not None and start.answered and start.history is not None:
                self.held.setdefault(record.id, [*start.history, *record.output])

    def frame(self, direction: str, connection: str, kind: str, text: str) -> None:
        """Add to the transcript, which tells it from the agent's side: `sent` is what the agent sent."""
        if len(self.frames) >= _MOST:
            del self.frames[_MOST // 4]
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text) - _LONGEST} more characters)"
        at = round(self.now() * 1000)
        self.frames.append(Frame(at_ms=at, direction=direction, connection=connection, kind=kind, text=shown))

    def own_fault(self) -> str | None:
        """Return where the endpoint itself failed, which is nothing to accuse an agent of."""
        for ask in self.asks:
            # A turn that is repeated under its name shares its record with the one that was refused as ordered.
            ordered = any(other.fault for other in self.asks if other.record is ask.record)
            if ask.record.code == "internal_error" and not ordered:
                return f"the suite's endpoint failed on request {ask.number}: {ask.raw[:200]}"
        return None

    def wires(self) -> list[str]:
        """Return the wires on which turns were asked for, in the order of their first use."""
        return list(dict.fromkeys(ask.wire for ask in self.asks))

    def of(self, kinds: Iterable[str] = ("start",)) -> list[Ask]:
        """Return the requests of some kinds."""
        return [ask for ask in self.asks if ask.kind in kinds]
