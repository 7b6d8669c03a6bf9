"""What must hold in every state, and what must hold where nothing is left to happen by itself.

Each property looks at a world and at the ghosts in it; its name is how traces and tests call it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from segue_model.state import (
    ENDS,
    FAILURES,
    NOBODY,
    PARENT,
    Budget,
    Model,
    Reader,
    World,
    ended,
    history,
    open_at_end,
)

__all__ = ["ALWAYS", "AT_REST", "PROPERTIES", "STEPWISE", "Property", "broken"]


@dataclass(frozen=True)
class Property:
    """A property: its name, what it says in one sentence, and the test (None: steps that break it say so)."""

    name: str
    says: str
    holds: Callable[[Model, World], bool] | None = None


def _one_end(m: Model, w: World) -> bool:
    return sum(event in ENDS for event in w.turn.record) <= 1


def _nothing_behind(m: Model, w: World) -> bool:
    record = w.turn.record
    return not ended(record[:-1]) and all(not any(e in ENDS for _, e in r.got[:-1]) for r in w.readers)


def _one_run(m: Model, w: World) -> bool:
    written = "".join(e for e in w.turn.record if e not in ENDS and e not in ("accepted", "steered"))
    return m.scenario.script.startswith(written)


def _asked_once(m: Model, w: World) -> bool:
    return w.asked <= 1


def _numbers_rise(m: Model, w: World) -> bool:
    return all(a[0] < b[0] for r in w.readers for a, b in zip(r.got, r.got[1:], strict=False))


def _readable(w: World) -> bool:
    return w.turn.name != "free" and not w.turn.lost


def _in_the_record(m: Model, w: World) -> bool:
    """An event that the record has under another number's place, or that the ended record lacks, was never in it."""
    if not _readable(w):
        return True
    record = w.turn.record
    over = ended(record)
    for reader in w.readers:
        for number, what in reader.got:
            if number >= len(record):
                if over:
                    return False
            elif len(what) != 2 and record[number] != what:
                return False
    return True


def _items(events: Iterable[str]) -> str:
    return "".join(event for event in events if event != "accepted")


def _same_items(m: Model, w: World) -> bool:
    if not _readable(w):
        return True
    record = w.turn.record
    for reader in w.readers:
        if reader.got and reader.got[-1][0] < len(record):
            upto = record[: reader.got[-1][0] + 1]
            if _items(what for _, what in reader.got) != _items(upto):
                return False
    return True


def _not_ended_by_readers(m: Model, w: World) -> bool:
    record = w.turn.record
    return ("interrupted" not in record or w.doubted) and ("cancelled" not in record or w.wished)


def _handle_is_history(m: Model, w: World) -> bool:
    return w.turn.handle is None or w.turn.handle == history(w.turn.record)


def _handle_exists(m: Model, w: World) -> bool:
    turn = w.turn
    if m.scenario.retention == "none" or turn.name != "kept":
        return True
    if m.scenario.retention == "connection" and turn.bound == NOBODY:
        return turn.handle is None
    return turn.handle is not None or not any(event in ("completed", "cancelled") for event in turn.record)


def _parent_stays(m: Model, w: World) -> bool:
    return w.parent in (None, PARENT) or not any(event in FAILURES for event in w.turn.record)


def _steers_once(m: Model, w: World) -> bool:
    entered = w.turn.record.count("steered")
    return entered <= 1 and not {"entered", "late"} <= w.told and not ("late" in w.told and entered)


def _steer_place(m: Model, w: World) -> bool:
    record = w.turn.record
    return all(event != "steered" or open_at_end(record[:at]) == "" for at, event in enumerate(record))


def _answered(reader: Reader) -> bool:
    end_seen = bool(reader.got) and reader.got[-1][1] in ENDS
    return not (reader.steer == "sent" and reader.node >= 0 and end_seen)


def _steer_before_end(m: Model, w: World) -> bool:
    return all(_answered(reader) for reader in w.readers)


def _ends(m: Model, w: World) -> bool:
    return not w.accepted or w.turn.name != "kept" or ended(w.turn.record)


def _heard_to_the_end(m: Model, w: World) -> bool:
    return not any(r.node >= 0 and (r.reads or r.cancel == "sent" or r.steer == "sent") for r in w.readers)


STEPWISE = (
    Property("conflict for other content", "nobody is given the turn, or the steer, of another content"),
    Property("refusal claims nothing", "a name that was only refused is free"),
    Property("refused means nothing ran", "who is refused with effect none has not been billed under that name"),
    Property("whole history", "the model is asked with the parent's whole history, or not at all"),
    Property("asked for somebody", "who asks the provider is the owner of the turn at that moment"),
)
ALWAYS = (
    Property("one end", "a record has at most one terminal event", _one_end),
    Property("nothing behind the end", "nothing stands, or is delivered, behind the terminal event", _nothing_behind),
    Property("asked once", "the provider is asked at most once under a name", _asked_once),
    Property("one run", "a record tells what one run said, in its order", _one_run),
    Property("numbers rise", "the numbers of a reading rise strictly", _numbers_rise),
    Property("only what is recorded", "what was delivered under a number is what the record has there", _in_the_record),
    Property("same items", "every reader builds the items that the record tells", _same_items),
    Property(
        "readers end nothing",
        "a turn is interrupted only where its owner was lost, cancelled only where a client asked",
        _not_ended_by_readers,
    ),
    Property("handle is what was seen", "a handle holds what the record tells, no more, no less", _handle_is_history),
    Property("parent stays", "a failed turn leaves its parent as it was", _parent_stays),
    Property("one answer for a steer", "a steer enters once or is too late, and is never told both", _steers_once),
    Property("steer at a boundary", "a steer stands behind whole items, and behind no open call", _steer_place),
    Property("steer before the end", "who steered hears the answer before the terminal event", _steer_before_end),
)
AT_REST = (
    Property("an end", "every accepted turn comes to its terminal event", _ends),
    Property("all hear", "every reading, cancel and steer of a living connection is answered", _heard_to_the_end),
    Property("handle exists", "`turn.completed` names a handle that exists, where one was granted", _handle_exists),
)
PROPERTIES = STEPWISE + ALWAYS + AT_REST


def broken(m: Model, w: World, at_rest: bool) -> str:
    """Return the name of a property that the world breaks, or nothing.

    Properties are about what the record and the readers tell: what nodes remember, and what may still happen, is taken
    off. So many worlds look the same, and are judged once.
    """
    if w.wrong:
        return w.wrong
    told = w._replace(nodes=(), left=Budget())
    name = m.judged.get((told, at_rest))
    if name is None:
        name = m.judged[told, at_rest] = _judge(m, told, at_rest)
    return name


def _judge(m: Model, w: World, at_rest: bool) -> str:
    for prop in ALWAYS + AT_REST if at_rest else ALWAYS:
        if prop.holds is not None and not prop.holds(m, w):
            return prop.name
    return ""
