"""Readings: how a connection attaches to a turn, what is delivered to it, and what its client makes of that."""

from __future__ import annotations

from collections.abc import Iterator

from segue_model.names import client, node, with_reader
from segue_model.state import ENDS, NOBODY, Model, Reader, Step, World, ended, is_delta

__all__ = ["attach", "connected", "cut", "readings", "receive"]


def connected(w: World, r: int, k: int) -> World:
    """Return the world in which reader r has a connection to node k."""
    reader = w.readers[r]
    return w if reader.node == k else with_reader(w, r, reader._replace(node=k, met=True))


def cut(w: World, r: int) -> World:
    """Return the world in which reader r has lost its connection; what it has received stays with it."""
    reader = w.readers[r]
    if w.turn.bound == r:
        w = w._replace(turn=w.turn._replace(bound=NOBODY, handle=None))  # the handle ends with its connection
    # An answer that was under way is lost: its client does not know it.
    return with_reader(w, r, reader._replace(node=NOBODY, at=-1, also=-1, reads=False, cancel="", steer=""))


def attach(m: Model, w: World, r: int, at: int) -> World:
    """Return the world in which reader r reads the turn from the number `at` on its connection."""
    reader = w.readers[r]
    also = reader.at if reader.at >= 0 and not m.on("reading_replaced") else -1
    if not m.on("many_readers"):
        w = w._replace(readers=tuple(other._replace(at=-1) for other in w.readers))
    return with_reader(w, r, reader._replace(at=at, also=also, reads=True, answer=""))


def receive(m: Model, w: World, r: int, number: int, events: tuple[str, ...]) -> World:
    """Return the world in which reader r's client has received the events under one number."""
    reader = w.readers[r]
    what = "".join(events)
    if what == "accepted" and m.on("begin_anew"):
        got: tuple[tuple[int, str], ...] = ((number, what),)
    elif not m.on("begin_anew") and reader.got and number <= reader.got[-1][0]:
        got = reader.got  # it has seen that number, and leaves it out
    else:
        got = (*reader.got, (number, what))
    reader = reader._replace(got=got)
    if what in ENDS:
        # The turn's end ends the reading, and answers a cancel that this connection sent.
        reader = reader._replace(reads=False, cancel=what if reader.cancel else "")
    if what == "steered" and reader.steer == "sent":
        reader = reader._replace(steer="entered")
        w = w._replace(told=w.told | {"entered"})
    return with_reader(w, r, reader)


def readings(m: Model, w: World) -> Iterator[Step]:
    """Yield every delivery that may happen next, and the answers that come apart from a reading."""
    for r, reader in enumerate(w.readers):
        if reader.node < 0 or w.nodes[reader.node].state != "up":
            continue
        if reader.at >= 0:
            yield from _deliver(m, w, r, reader.at, "at")
        if reader.also >= 0:
            yield from _deliver(m, w, r, reader.also, "also")
        yield from _answers(m, w, r)


def _deliver(m: Model, w: World, r: int, at: int, which: str) -> Iterator[Step]:
    reader, turn = w.readers[r], w.turn
    if turn.name != "kept" and not turn.pinned:
        if not m.on("reading_told"):
            return
        # Deleted under the reading, or lost with the memory that held it.
        gone = with_reader(w, r, reader._replace(at=-1, also=-1, reads=False, answer="gone"))
        yield Step(f"{client(r)} is told the record is gone, events_gone", gone, True, (("error", r, "events_gone"),))
        return
    owner = w.nodes[reader.node]
    if at == len(turn.record) and not m.on("written_first") and owner.epoch and owner.held:
        early = receive(m, _moved(w, r, which, at + 1), r, at, (owner.held,))
        yield Step(f"{node(reader.node)} delivers `{owner.held}` as number {at}, not written yet", early)
    if at >= len(turn.record):
        return
    event = turn.record[at]
    if event in ENDS and reader.steer == "sent" and m.on("steer_answered_first"):
        return
    if at == 0 and reader.got:
        text = f"{client(r)} receives 0 `accepted`, replayed"
    else:
        text = f"{client(r)} receives {at} `{event}`"
    if m.scenario.final and is_delta(event):
        yield Step(f"{client(r)}'s reading passes over {at}", _moved(w, r, which, at + 1))
    moved = _moved(w, r, which, -1 if event in ENDS else at + 1)
    yield Step(text, receive(m, moved, r, at, (event,)), True, (("event", r, at, event, at),))
    if m.scenario.merge and is_delta(event) and at + 1 < len(turn.record) and is_delta(turn.record[at + 1]):
        both = (event, turn.record[at + 1])
        number = at + 1 if m.on("merged_numbers") else at
        moved = _moved(w, r, which, at + 2)
        text = f"{client(r)} receives {number} `{''.join(both)}`, merged from {at} to {at + 1}"
        yield Step(text, receive(m, moved, r, number, both), True, (("event", r, number, "".join(both), at),))


def _moved(w: World, r: int, which: str, at: int) -> World:
    reader = w.readers[r]
    return with_reader(w, r, reader._replace(at=at) if which == "at" else reader._replace(also=at))


def _answers(m: Model, w: World, r: int) -> Iterator[Step]:
    reader, turn = w.readers[r], w.turn
    if reader.cancel == "sent" and reader.at < 0 and ended(turn.record) and turn.name != "free":
        end = next(event for event in turn.record if event in ENDS)
        told = with_reader(w, r, reader._replace(cancel=end))
        yield Step(f"{client(r)} is told the end alone: {end}", told, True, (("end", r, end),))
    if reader.cancel == "sent" and turn.lost:
        told = with_reader(w, r, reader._replace(cancel="gone"))
        yield Step(f"{client(r)}'s cancel is answered by events_gone", told, True, (("error", r, "events_gone"),))
    if reader.steer != "sent":
        return
    if turn.lost:
        told = with_reader(w, r, reader._replace(steer="gone"))
        yield Step(f"{client(r)}'s steer is answered by events_gone", told, True, (("error", r, "events_gone"),))
    elif turn.steer == "late":
        told = with_reader(w, r, reader._replace(steer="late"))._replace(told=w.told | {"late"})
        yield Step(f"{client(r)}'s steer is refused, too_late", told, True, (("error", r, "too_late"),))
    elif turn.steer == "entered" and m.on("steer_answered_alone") and not _will_read_steered(reader, turn.record):
        told = with_reader(w, r, reader._replace(steer="entered"))._replace(told=w.told | {"entered"})
        yield Step(f"{client(r)}'s steer is answered alone, turn.steered", told, True, (("steered", r),))


def _will_read_steered(reader: Reader, record: tuple[str, ...]) -> bool:
    return 0 <= reader.at <= record.index("steered")
