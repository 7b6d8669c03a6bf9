"""Writes schemas/1.0/sessions/*.ndjson and docs/model.md; with --check, says whether they would change.

A session is a whole conversation, both sides, one message a line, told by a small endpoint that is here for nothing
else: its ids are drawn from the session's name, its clock goes on with each line, and its digests are true. The page
tells what the executable model in spec/model says, and which sessions it covers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import segue_schemas

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "spec" / "model"))

from segue_model import ALL, RULES, SCENARIOS, Result, explore  # noqa: E402
from segue_model.page import page  # noqa: E402

__all__ = ["Session", "Turn", "main", "pages", "sessions", "write"]

SESSIONS = ROOT / "schemas" / "1.0" / "sessions"
PAGE = ROOT / "docs" / "model.md"

Message = dict[str, Any]

CACHED_MS = 3_600_000
CONTEXT: Message = {
    "model": "scripted-1",
    "instructions": "Answer in one sentence.",
    "tools": [
        {
            "type": "function",
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }
    ],
}
WELCOME: Message = {
    "type": "welcome",
    "protocol": "1.0",
    "endpoint": "segue-sessions",
    "capabilities": {
        "model_input": "exact",
        "principal": "key",
        "names_survive": "node_loss",
        "retention": ["none", "connection", "cached"],
        "default_retention": "cached",
        "features": [
            *("warm_up", "resume", "cancel", "steer", "lanes"),
            *("contexts", "coalesce", "resend_in_parts", "final", "delete"),
        ],
    },
    "limits": {
        "heartbeat_ms": 5000,
        "message_bytes": 65536,
        "replay_ms": 60000,
        "name_ms": 86400000,
        "cached_ms": CACHED_MS,
        "lanes": 8,
    },
}


def user(text: str) -> Message:
    """Return what a user says, as an item."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def assistant(text: str) -> Message:
    """Return what the model said, as an item that a client sends."""
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def call(name: str, call_id: str, arguments: str) -> Message:
    """Return a call of a tool, as an item."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, text: str) -> Message:
    """Return what a tool gave, as an item."""
    return {"type": "function_call_output", "call_id": call_id, "output": text}


class Turn:
    """A turn of the small endpoint: its record, its items, and who reads it."""

    def __init__(self, session: Session, start: Message, parent: Turn | None) -> None:
        self.session = session
        self.start = start
        self.name: str = start["turn"]
        self.base = parent.history if parent else []
        self.context: Message = start.get("context", parent.context if parent else {})
        self.retention: str = start.get("retention", "cached")
        self.items: list[Message] = []
        self.record: list[Message] = []
        self.reading: dict[str, bool] = {}  # by connection: whether the reading replays
        self.final: set[str] = set()  # the connections that read whole items
        self.id = session.drawn("c", self.name)

    @property
    def history(self) -> list[Message]:
        """The items behind the turn, its own included."""
        return [*self.base, *self.start["input"], *self.items]

    def write(self, **event: Any) -> None:
        """Write an event into the record, and deliver it to the connections that read."""
        self.record.append({**event, "turn": self.name, "seq": len(self.record)})
        for connection in self.reading:
            self.session.deliver(self, connection, self.record[-1])

    def read(self, connection: str, after: int = -1, merge: tuple[int, int] = (0, 0)) -> None:
        """Deliver the record behind a number, two deltas merged where it says, and go on with what comes."""
        self.reading[connection] = True
        self.final.discard(connection)
        for event in self.record[after + 1 :]:
            if event["seq"] == merge[0] and merge[1]:
                continue
            if event["seq"] == merge[1] and merge[1]:
                event = {**event, "append": self.record[merge[0]]["append"] + event["append"], "from": merge[0]}
            self.session.deliver(self, connection, event)

    def accept(self, connection: str, tier: str = "cached") -> Turn:
        """Accept the turn, and let the connection read it."""
        event: Message = {"type": "turn.accepted"}
        event |= {name: self.start[name] for name in ("lane", "parent") if name in self.start}
        event |= {"context": segue_schemas.context_digest(self.context), "retention": self.retention}
        if self.base:
            event["reused"] = {"items": len(self.base), "tier": tier}
        self.reading[connection] = False
        if self.start.get("delivery", {}).get("mode") == "final":
            self.final.add(connection)
        self.write(**event)
        return self

    def begin(self, item: Message) -> int:
        """Begin an output item with a skeleton; return its index."""
        self.items.append(json.loads(json.dumps(item)))
        self.write(type="item.started", index=len(self.items) - 1, item=item)
        return len(self.items) - 1

    def delta(self, index: int, text: str) -> None:
        """Add text to the open item: to its one part, or to its arguments."""
        item = self.items[index]
        if item["type"] == "message":
            item["content"][0]["text"] += text
            self.write(type="item.delta", index=index, at="/content/0/text", append=text)
        else:
            item["arguments"] = item.get("arguments", "") + text
            self.write(type="item.delta", index=index, at="/arguments", append=text)

    def whole(self, index: int) -> None:
        """Say that the item is whole, and its digest."""
        self.write(type="item.completed", index=index, digest=segue_schemas.item_digest(self.items[index]))

    def cut(self, index: int) -> None:
        """Close an item whose text was cut: it says so, and stays."""
        self.items[index]["status"] = "incomplete"
        self.write(type="item.delta", index=index, at="/status", put="incomplete")
        self.whole(index)

    def say(self, *texts: str) -> None:
        """Answer by one message, a delta for each text."""
        index = self.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
        for text in texts:
            self.delta(index, text)
        self.whole(index)

    def calls(self, name: str, call_id: str, *arguments: str) -> None:
        """Call a tool, a delta for each piece of the arguments."""
        index = self.begin({"type": "function_call", "call_id": call_id, "name": name})
        for text in arguments:
            self.delta(index, text)
        self.whole(index)

    def steered(self, steer: str, *given: Message) -> None:
        """Let the items of a steer enter, behind what is there."""
        self.write(type="turn.steered", steer=steer, index=len(self.items), items=list(given))
        self.items += given

    def complete(self, status: str = "completed", discard: Iterable[int] = (), **more: Any) -> None:
        """End the turn with `turn.completed`, its digest and, where one was granted, its handle."""
        gone = list(discard)
        kept = [item for index, item in enumerate(self.items) if index not in gone]
        self.items = kept
        history = self.history
        facts = {"digest": segue_schemas.history_digest(history), "length": len(history)}
        event: Message = {"type": "turn.completed", "status": status, **facts, **more}
        if gone:
            event["discarded"] = gone
        if self.retention != "none":
            event["continuation"] = {
                "id": self.id,
                **facts,
                "context": segue_schemas.context_digest(self.context),
                "retention": self.retention,
                "expires_in_ms": CACHED_MS + self.session.clock,  # what is left is reckoned at each delivery
            }
        self.write(**event)
        self.reading.clear()

    def fail(self, code: str, advice: str, effect: str, message: str) -> None:
        """End the turn with `turn.failed`; what was begun is no history."""
        self.write(type="turn.failed", error={"code": code, "advice": advice, "effect": effect, "message": message})
        self.reading.clear()


class Session:
    """The lines of one session, and the clock and the ids of its endpoint."""

    def __init__(self, name: str, story: str, uncovered: str = "") -> None:
        self.name = name
        self.story = story
        self.uncovered = uncovered  # what of it the model says nothing of
        self.clock = 0
        self.lines: list[Message] = [{"story": story}]
        self.turns: dict[str, Turn] = {}

    def drawn(self, prefix: str, label: str) -> str:
        """Return an id that looks drawn and is the same each time."""
        digest = hashlib.sha256(f"{self.name}/{prefix}/{label}".encode()).digest()[:16]
        return f"{prefix}_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def open(self, connection: str) -> None:
        """Open a connection; the endpoint speaks first."""
        self.server(connection, WELCOME)

    def end(self, connection: str, how: str | int) -> None:
        """End a connection: `cut`, or with a close code."""
        self.lines.append({"connection": connection, "end": how})
        for turn in self.turns.values():
            turn.reading.pop(connection, None)

    def client(self, connection: str, **message: Any) -> None:
        """Let the client send a message."""
        self.clock += 40
        self.lines.append({"from": "client", "connection": connection, "message": message})

    def server(self, connection: str, message: Message) -> None:
        """Let the endpoint send a message."""
        self.clock += 40
        self.lines.append({"from": "server", "connection": connection, "message": message})

    def deliver(self, turn: Turn, connection: str, event: Message) -> None:
        """Deliver an event of a record: `replayed` and durations are written now."""
        event = dict(event)
        if connection in turn.final and event["type"] == "item.delta":
            return
        if connection in turn.final and event["type"] == "item.completed":
            event["item"] = turn.items[event["index"]]
        if event["type"] == "turn.accepted" and turn.reading[connection]:
            event["replayed"] = True
        if "continuation" in event:
            left = event["continuation"]["expires_in_ms"] - self.clock
            event["continuation"] = {**event["continuation"], "expires_in_ms": left}
        first = ("type", "turn", "seq")
        self.server(connection, {**{key: event[key] for key in first}, **event})

    def start(self, connection: str, label: str, *given: Message, parent: Turn | None = None, **more: Any) -> Turn:
        """Let the client start a turn; the endpoint has not answered yet."""
        message: Message = {"type": "turn.start", "turn": self.drawn("t", label)}
        if parent:
            message["parent"] = parent.id
            if more.pop("expect", True):
                digest = segue_schemas.history_digest(parent.history)
                message["expect"] = {"digest": digest, "length": len(parent.history)}
        message |= {"input": list(given), **more}
        self.client(connection, **message)
        turn = Turn(self, message, parent)
        self.turns.setdefault(turn.name, turn)
        return turn

    def take(self, connection: str, label: str, *given: Message, parent: Turn | None = None, **more: Any) -> Turn:
        """Let the client start a turn, and accept it."""
        turn = self.start(connection, label, *given, parent=parent, **more)
        self.turns[turn.name] = turn
        return turn.accept(connection)

    def refuse(self, connection: str, refused: str, code: str, advice: str, message: str, **more: Any) -> None:
        """Refuse a client's message."""
        effect = more.pop("effect", "none")
        about: Message = {name: more.pop(name) for name in ("turn", "steer") if name in more}
        error = {"code": code, "advice": advice, "effect": effect, "message": message, **more}
        self.server(connection, {"type": "error", "refused": refused, **about, "error": error})


# --- the sessions ---------------------------------------------------------------------------------


def _first_turn() -> Session:
    s = Session("first-turn-and-continuation", "A first turn calls a tool; two more send what is new and a reference.")
    s.open("c1")
    asks = s.take("c1", "asks", user("How is the weather in Oslo?"), context=CONTEXT, retention="cached")
    asks.calls("get_weather", "call_1", '{"city"', ':"Oslo"}')
    asks.complete(usage={"input_tokens": 61, "output_tokens": 14, "total_tokens": 75})
    answers = s.take("c1", "answers", output("call_1", "4 degrees, rain"), parent=asks)
    answers.say("It is 4 degrees ", "and raining in Oslo.")
    answers.complete(usage={"input_tokens": 88, "output_tokens": 12, "total_tokens": 100, "cached_tokens": 64})
    thanks = s.take("c1", "thanks", user("And what should I wear?"), parent=answers)
    thanks.say("A raincoat.")
    thanks.complete()
    return s


def _cut() -> Session:
    s = Session("cut-and-resume", "A connection is cut in mid-turn; the client reads on where it was, and pays once.")
    s.open("c1")
    turn = s.take("c1", "tells", user("Tell me of the sea."), context=CONTEXT)
    s.server("c1", {"type": "turn.progress", "turn": turn.name, "phase": "upstream"})
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "The sea ")
    s.end("c1", "cut")
    turn.delta(index, "is wide ")
    turn.delta(index, "and ")
    s.open("c2")
    s.client("c2", type="turn.resume", turn=turn.name, after=2)
    turn.read("c2", after=2, merge=(3, 4))
    turn.delta(index, "salt.")
    turn.whole(index)
    turn.complete()
    return s


def _lost_parent() -> Session:
    s = Session(
        "lost-parent-and-full-resend",
        "A continuation is evicted; the turn from it is refused before any output, and sent again in full.",
        "the notice of the eviction",
    )
    s.open("c1")
    first = s.take("c1", "first", user("My boat is called Luna."), context=CONTEXT)
    first.say("A fine name.")
    first.complete()
    s.server("c1", {"type": "continuation.evicted", "id": first.id, "reason": "capacity"})
    lost = s.start("c1", "second", user("What is my boat called?"), parent=first)
    text = "That continuation is not held; send the history in full."
    s.refuse(
        "c1", "turn.start", "continuation_not_found", "resend_full", text, turn=lost.name, param="/parent"
    )  # fmt: skip
    # The refusal claimed nothing: the same name, other content.
    whole = [*first.start["input"], assistant("A fine name."), *lost.start["input"]]
    again = s.take("c1", "second", *whole, context=CONTEXT)
    again.say("It is called ", "Luna.")
    again.complete()
    return s


def _in_parts() -> Session:
    s = Session(
        "full-resend-in-parts",
        "A history too large for one message comes in three turns, each the parent of the next; the last generates.",
        "that the parts make one history: the digests say so",
    )
    s.open("c1")
    one = s.take(
        "c1", "one", user("Which files are there?"), call("list_files", "call_1", "{}"), context=CONTEXT, generate=False
    )  # fmt: skip
    one.complete()
    two = s.take(
        "c1", "two", output("call_1", "a.txt"), assistant("There is a.txt."), parent=one, generate=False
    )  # fmt: skip
    two.complete()
    last = s.take("c1", "last", user("Is that all?"), parent=two)
    last.say("Yes.")
    last.complete()
    return s


def _fork() -> Session:
    s = Session(
        "fork-on-two-lanes",
        "Two turns go on from one continuation, each on its lane; one fails, the other and the parent stay.",
        "lanes, and that no branch sees another",
    )
    s.open("c1")
    root = s.take("c1", "root", user("Let us name a cat."), context=CONTEXT)
    root.say("Gladly.")
    root.complete()
    left = s.take("c1", "left", user("Something short."), parent=root, lane="short")
    right = s.take("c1", "right", user("Something grand."), parent=root, lane="grand")
    texts = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]} for _ in "lr"]
    a, b = left.begin(texts[0]), right.begin(texts[1])
    right.delta(b, "Maximilian ")
    left.delta(a, "B")
    left.fail("upstream_failed", "retry", "partial", "The provider ended its answer in the middle.")
    right.delta(b, "the Third.")
    right.whole(b)
    right.complete()
    again = s.take("c1", "left again", user("Something short."), parent=root, lane="short")
    again.say("Bo.")
    again.complete()
    return s


def _draining() -> Session:
    s = Session(
        "draining-and-moving",
        "A node drains: it refuses what is new; the turn that runs is read to its end at another node.",
        "the notice of the draining",
    )
    s.open("c1")
    turn = s.take("c1", "runs", user("Count to four."), context=CONTEXT)
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "One, two, ")
    notice = {"reason": "shutdown", "close_in_ms": 2000, "resumable_elsewhere": True}
    s.server("c1", {"type": "connection.draining", **notice})
    other = s.start("c1", "new", user("And now in French."), context=CONTEXT)
    s.refuse("c1", "turn.start", "draining", "reconnect", "This node is about to end.", turn=other.name)
    turn.delta(index, "three, ")
    s.end("c1", 4410)
    turn.delta(index, "four.")
    s.open("c2")
    s.client("c2", type="turn.resume", turn=turn.name, after=3)
    turn.read("c2", after=3)
    turn.whole(index)
    turn.complete()
    other = s.take("c2", "new", user("And now in French."), context=CONTEXT)
    other.say("Un, deux, trois, quatre.")
    other.complete()
    return s


def _stores_nothing() -> Session:
    s = Session(
        "store-nothing",
        "Retention none, no window: no handle, each turn a full resend; one ends unread, and a repeat runs nothing.",
    )
    s.open("c1")
    first = s.take("c1", "first", user("My code is 7."), context=CONTEXT, retention="none")
    first.say("Noted.")
    first.complete()
    whole = [*first.start["input"], assistant("Noted."), user("What is it?")]
    second = s.take("c1", "second", *whole, context=CONTEXT, retention="none")
    index = second.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    second.delta(index, "It ")
    s.end("c1", "cut")
    second.delta(index, "is 7.")
    second.whole(index)
    second.complete()
    s.open("c2")
    s.start("c2", "second", *whole, context=CONTEXT, retention="none")
    text = "That turn ran, and its record is gone."
    s.refuse("c2", "turn.start", "events_gone", "give_up", text, turn=second.name, effect="partial")
    # Its user was asked whether to pay again: another name, since this one is claimed.
    third = s.take("c2", "third", *whole, context=CONTEXT, retention="none")
    third.say("It is 7.")
    third.complete()
    return s


def _repeat() -> Session:
    s = Session(
        "repeat-attaches",
        "An answer is lost, the client repeats its start over another connection, and gets the turn that runs.",
    )
    s.open("c1")
    turn = s.take("c1", "tells", user("Tell me of the moon."), context=CONTEXT, lane="main")
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    s.end("c1", "cut")
    turn.delta(index, "The moon ")
    turn.delta(index, "is ")
    s.open("c2")
    # The context by its digest and no lane: the content is the same.
    digest = segue_schemas.context_digest(CONTEXT)
    s.start("c2", "tells", user("Tell me of the moon."), context=digest, delivery={"coalesce_ms": 200})
    turn.read("c2", merge=(2, 3))
    turn.delta(index, "far.")
    turn.whole(index)
    turn.complete()
    return s


def _mid_reading() -> Session:
    s = Session(
        "repeat-in-mid-reading",
        "A connection that reads a turn asks for it again: refused behind a number, and from the beginning begun anew.",
    )
    s.open("c1")
    turn = s.take("c1", "tells", user("Tell me of the wind."), context=CONTEXT)
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "The wind ")
    s.client("c1", type="turn.resume", turn=turn.name, after=1)
    text = "This connection reads the turn already."
    s.refuse("c1", "turn.resume", "invalid_request", "fix", text, turn=turn.name, param="/after")
    turn.delta(index, "goes ")
    s.start("c1", "tells", user("Tell me of the wind."), context=CONTEXT)
    turn.read("c1")
    turn.delta(index, "round.")
    turn.whole(index)
    turn.complete()
    return s


def _whole_items() -> Session:
    s = Session(
        "whole-items",
        "A start asks for whole items: no deltas, and gaps in their place; cut off, the rest is read as a stream.",
    )
    s.open("c1")
    turn = s.take("c1", "plans", user("Plan my day."), context=CONTEXT, delivery={"mode": "final"})
    turn.say("First ", "a run at six.")
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "Then ")
    s.end("c1", "cut")
    turn.delta(index, "a swim.")
    s.open("c2")
    s.client("c2", type="turn.resume", turn=turn.name, after=5)
    turn.read("c2", after=5)
    turn.whole(index)
    turn.complete()
    return s


def _cut_text() -> Session:
    s = Session(
        "cancel-in-a-text",
        "A turn is cancelled in a text: what was read stays in the history, marked incomplete, and the talk goes on.",
    )
    s.open("c1")
    turn = s.take("c1", "tells", user("Tell me of the rain."), context=CONTEXT)
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "The rain falls ")
    s.client("c1", type="turn.cancel", turn=turn.name)
    turn.cut(index)
    turn.complete("cancelled")
    after = s.take("c1", "after", user("On whom?"), parent=turn)
    after.say("On all ", "alike.")
    after.complete()
    return s


def _conflict() -> Session:
    s = Session("conflict", "A name is used for other content: a conflict, and the turn that has the name runs on.")
    s.open("c1")
    turn = s.take("c1", "name", user("Say one."), context=CONTEXT)
    s.start("c1", "name", user("Say two."), context=CONTEXT)
    text = "This name is claimed by a turn of other content."
    s.refuse("c1", "turn.start", "turn_conflict", "fix", text, turn=turn.name, param="/turn")
    turn.say("One.")
    turn.complete()
    other = s.take("c1", "another", user("Say two."), context=CONTEXT)
    other.say("Two.")
    other.complete()
    return s


def _cancel() -> Session:
    s = Session(
        "cancel",
        "A turn is cancelled in a call: what was said stays, half a call goes; a second cancel gets the same end.",
    )
    s.open("c1")
    turn = s.take("c1", "weather", user("How is the weather in Oslo?"), context=CONTEXT)
    turn.say("I will look.")
    index = turn.begin({"type": "function_call", "call_id": "call_1", "name": "get_weather"})
    turn.delta(index, '{"ci')
    s.client("c1", type="turn.cancel", turn=turn.name)
    turn.complete("cancelled", discard=[index])
    s.client("c1", type="turn.cancel", turn=turn.name)
    s.deliver(turn, "c1", turn.record[-1])
    after = s.take("c1", "after", user("Never mind."), parent=turn)
    after.say("As you like.")
    after.complete()
    return s


def _steer() -> Session:
    s = Session(
        "steer",
        "A steer enters behind an item and counts in the history; another is too late and becomes a turn of its own.",
    )
    s.open("c1")
    turn = s.take("c1", "plans", user("Plan my day."), context=CONTEXT)
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "First ")
    added = user("I sleep until ten.")
    s.client("c1", type="turn.steer", turn=turn.name, steer=s.drawn("s", "late riser"), input=[added])
    turn.delta(index, "a run at six.")
    turn.whole(index)
    turn.steered(s.drawn("s", "late riser"), added)
    turn.say("Then a run ", "at eleven.")
    turn.complete()
    more = s.take("c1", "more", user("And the evening?"), parent=turn)
    more.say("A film.")
    steer = s.drawn("s", "no films")
    s.client("c1", type="turn.steer", turn=more.name, steer=steer, input=[user("No films.")])
    text = "The turn came to its end before the steer could enter."
    s.refuse("c1", "turn.steer", "too_late", "fix", text, turn=more.name, steer=steer)
    more.complete()
    then = s.take("c1", "then", user("No films."), parent=more)
    then.say("A book.")
    then.complete()
    return s


def _two_readers() -> Session:
    s = Session(
        "steer-with-two-readers",
        "Two connections read a turn and one steers it: both get its items, and go on from the same history.",
    )
    s.open("c1")
    turn = s.take("c1", "plans", user("Plan my day."), context=CONTEXT)
    index = turn.begin({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})
    turn.delta(index, "A run at six.")
    s.open("c2")
    s.start("c2", "plans", user("Plan my day."), context=CONTEXT)
    turn.read("c2")
    added = [user("I have"), user("no shoes.")]
    s.client("c1", type="turn.steer", turn=turn.name, steer=s.drawn("s", "shoes"), input=added)
    turn.whole(index)
    turn.steered(s.drawn("s", "shoes"), *added)
    turn.say("Then a swim.")
    turn.complete()
    # The second reader knows every item, and answers from the handle.
    more = s.take("c2", "more", user("And then?"), parent=turn)
    more.say("Breakfast.")
    more.complete()
    return s


def _deleted() -> Session:
    s = Session(
        "deleted-while-read",
        "A continuation is deleted while a second connection reads its turn: that reading ends, nothing comes back.",
        "what else a deletion does",
    )
    s.open("c1")
    turn = s.take("c1", "secret", user("Tell me a secret."), context=CONTEXT)
    turn.say("The key ", "lies under ", "the mat.")
    turn.complete()
    s.open("c2")
    s.start("c2", "secret", user("Tell me a secret."), context=CONTEXT)
    turn.reading["c2"] = True
    for event in turn.record[:3]:
        s.deliver(turn, "c2", event)
    s.client("c1", type="continuation.delete", ref="r_1", id=turn.id)
    s.server("c1", {"type": "continuation.deleted", "ref": "r_1", "id": turn.id, "count": 1})
    turn.reading.clear()
    text = "This turn's record was deleted."
    error = {"code": "events_gone", "advice": "give_up", "effect": "partial", "message": text}
    s.server("c2", {"type": "error", "turn": turn.name, "error": error})
    s.client("c2", type="turn.resume", turn=turn.name, after=2)
    text = "That turn ran, and its record is gone."
    s.refuse("c2", "turn.resume", "events_gone", "give_up", text, turn=turn.name, effect="partial")
    return s


TELLERS: tuple[Callable[[], Session], ...] = (
    _first_turn, _cut, _lost_parent, _in_parts, _fork, _draining, _stores_nothing, _repeat, _conflict, _cancel, _steer,
    _two_readers, _deleted, _mid_reading, _whole_items, _cut_text,
)  # fmt: skip


def sessions() -> list[Session]:
    """Tell every session."""
    return [tell() for tell in TELLERS]


def write(session: Session) -> str:
    """Return the text of a session's file."""
    lines = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in session.lines)
    return "".join(f"{line}\n" for line in lines)


def pages(whole: dict[str, Result], without: dict[str, Result]) -> dict[Path, str]:
    """Return every generated file with its text, from what the explorations found."""
    told = sessions()
    files = {SESSIONS / f"{session.name}.ndjson": write(session) for session in told}
    files[PAGE] = page(whole, without, [(s.name, s.story, s.uncovered) for s in told])
    return files


def main() -> int:
    """Generate, or with --check compare; return the exit code."""
    whole = {name: explore(scenario, ALL) for name, scenario in SCENARIOS.items()}
    without = {name: explore(SCENARIOS[rule.scenario], ALL - {name}) for name, rule in RULES.items()}
    files = pages(whole, without)
    unknown = [path for path in SESSIONS.glob("*") if path not in files]
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: differs from a fresh generation; run ./dev gen")
        for path in unknown:
            print(f"{path.relative_to(ROOT)}: no session of that name is generated")
        return 1 if stale or unknown else 0
    SESSIONS.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
    for path in unknown:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
