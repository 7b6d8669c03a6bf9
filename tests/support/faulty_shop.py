"""An endpoint in a few lines, without sockets and clock, that may lose, cut, drain, double and crash to order.

It runs turns as the specification says: names are claimed, records kept, parents resolved or refused. What a test
orders on top of that are the faults that an honest endpoint, or the network, may have.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
from segue_adapters.capabilities import Capabilities, capabilities_of
from segue_adapters.conversation.history import History
from segue_schemas import context_digest, models

UNSET = msgspec.UNSET
FEATURES = ["warm_up", "resume", "cancel", "contexts", "lanes", "final", "resend_in_parts", "export", "steer"]


def capabilities(wire: str = "segue-ws", **changes: Any) -> Capabilities:
    """What such an endpoint declares."""
    features = changes.pop("features", FEATURES)
    said = models.Capabilities(
        model_input="exact",
        principal="single",
        names_survive=changes.pop("names_survive", "process"),
        retention=changes.pop("retention", ["none", "connection", "cached"]),
        features=features,
        default_retention=changes.pop("default_retention", "cached"),
    )
    limits = models.Limits(heartbeat_ms=1000, message_bytes=1 << 20, replay_ms=1000, name_ms=1000, **{})
    for name, value in changes.items():
        setattr(limits, name, value)
    document = models.Discovery(versions=["1.0"], endpoint="e", bindings=[], capabilities=said, limits=limits)
    return capabilities_of(wire, document=document)


def error(code: str, advice: Any, effect: Any = "none", **members: Any) -> models.Error:
    return models.Error(code=code, advice=advice, effect=effect, message=f"{code} was ordered", **members)


def refused(message: Any, code: str, advice: Any, effect: Any = "none", **members: Any) -> models.ErrorMessage:
    told = error(code, advice, effect, **members)
    return models.ErrorMessage(error=told, refused=message.__struct_config__.tag, turn=message.turn)


@dataclass
class Held:
    """A history that a continuation stands for."""

    history: History
    context: str
    line: int | None


@dataclass
class Record:
    """What a name was claimed for, and its events."""

    content: Any
    events: list[Any] = field(default_factory=list)


class Shop:
    """The endpoint. `ran` counts, by name, how often a model was asked with an effect."""

    def __init__(self, can: Capabilities | None = None, prefix: str = "c") -> None:
        self.prefix = prefix
        self.can = can or capabilities()
        self.held: dict[str, Held] = {}
        self.contexts: dict[str, bytes] = {}
        self.names: dict[str, Record] = {}
        self.ran: Counter[str] = Counter()
        self.saw: list[list[str | None]] = []
        self.fails: models.Error | None = None
        self.lies = False
        self._ids = 0

    # -- faults

    def lose_handles(self) -> None:
        self.held.clear()

    def lose_contexts(self) -> None:
        self.contexts.clear()

    def crash(self) -> None:
        """Lose what a process loses; where names survive, running turns are closed by whoever starts again."""
        self.lose_handles()
        self.lose_contexts()
        if self.can.names_survive == "process":
            self.names.clear()
        for record in self.names.values():
            if not isinstance(record.events[-1], models.TurnCompleted | models.TurnFailed):
                seq = record.events[-1].seq + 1
                told = error("interrupted", "retry", "unknown")
                record.events.append(models.TurnFailed(turn=record.events[0].turn, seq=seq, error=told))

    def end_line(self, line: int) -> None:
        for name in [name for name, held in self.held.items() if held.line == line]:
            del self.held[name]

    # -- messages

    def hear(self, message: Any, line: int) -> list[Any]:
        """Return what a reading brings that a start or a resume begins."""
        if isinstance(message, models.TurnResume):
            record = self.names.get(message.turn)
            if record is None:
                return [refused(message, "turn_not_found", "resend_full", "unknown")]
            after = message.after if isinstance(message.after, int) else -1
            return [event for event in record.events if event.seq > after]
        content = (message.parent, message.expect, [bytes(i) for i in message.input], message.context,
                   message.retention, message.generate)  # fmt: skip
        if (record := self.names.get(message.turn)) is not None:
            if repr(record.content) != repr(content):
                return [refused(message, "turn_conflict", "fix")]
            return list(record.events)
        return self._run(message, content, line)

    def _run(self, message: models.TurnStart, content: Any, line: int) -> list[Any]:
        if len(msgspec.json.encode(message)) > (self.can.message_bytes or 0):
            return [refused(message, "message_too_large", "fix")]
        history, context = History(), context_digest({})
        if isinstance(message.parent, str):
            held = self.held.get(message.parent)
            if held is None:
                return [refused(message, "continuation_not_found", "resend_full")]
            history, context = held.history.copy(), held.context
            if isinstance(message.expect, models.Expectation) and message.expect.digest != history.mark().digest:
                return [refused(message, "history_mismatch", "resend_full")]
        if isinstance(message.context, msgspec.Raw):
            members = msgspec.json.decode(message.context)
            if isinstance(members, str):
                if members not in self.contexts:
                    return [refused(message, "context_not_found", "resend_context")]
                context = members
            else:
                context = context_digest(members)
                self.contexts[context] = bytes(message.context)
        history.extend(entry for entry in History(bytes(item) for item in message.input).entries())
        record = self.names[message.turn] = Record(content)
        accepted = models.TurnAccepted(turn=message.turn, seq=0, context=context, retention="cached")
        record.events.append(accepted)
        if self.fails is not None:
            if self.fails.effect != "none":
                self.ran[message.turn] += 1
            record.events.append(models.TurnFailed(turn=message.turn, seq=1, error=self.fails))
            self.fails = None
            return list(record.events)
        if message.generate is not False:
            self.ran[message.turn] += 1
            self.saw.append([entry.digest for entry in history.entries()])
            self._answer(record, message.turn, history)
        self._end(record, message, history, context, line)
        return list(record.events)

    def _answer(self, record: Record, turn: str, history: History) -> None:
        text = f"answer {len(history)}"
        begun = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]}
        item = {**begun, "content": [{"type": "output_text", "text": text}]}
        history.extend(History([msgspec.json.encode(item)]).entries())
        digest = history.entries()[-1].digest
        assert digest is not None
        record.events += [
            models.ItemStarted(turn=turn, seq=1, index=0, item=msgspec.Raw(msgspec.json.encode(begun))),
            models.ItemDelta(turn=turn, seq=2, index=0, at="/content/0/text", append=text[:4]),
            models.ItemDelta(turn=turn, seq=3, index=0, at="/content/0/text", append=text[4:]),
            models.ItemCompleted(turn=turn, seq=4, index=0, digest=digest),
        ]

    def _end(self, record: Record, message: models.TurnStart, history: History, context: str, line: int) -> None:
        self._ids += 1
        mark, tier = history.mark(), message.retention if isinstance(message.retention, str) else "cached"
        assert mark.digest is not None
        digest = "segue1-sha256:" + "B" * 42 + "A" if self.lies else mark.digest
        end = models.TurnCompleted(
            turn=message.turn, seq=len(record.events), status="completed", digest=digest, length=mark.length
        )
        if tier != "none":
            handle = models.Continuation(
                id=f"{self.prefix}{self._ids}", retention=tier, digest=digest, length=mark.length, context=context
            )
            end.continuation = handle
            self.held[handle.id] = Held(history, context, line if tier == "connection" else None)
            self.contexts.setdefault(context, b"{}")
        record.events.append(end)
