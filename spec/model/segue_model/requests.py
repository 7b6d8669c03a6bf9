"""What clients send and how an endpoint takes it: start, resume, cancel, steer; and the refusals.

A message that is lost on its way changes nothing and needs no step; an answer that is lost is a cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from segue_model.names import client, node, spend, with_node, with_reader
from segue_model.reading import attach, connected, receive
from segue_model.state import (
    ENDS,
    NOBODY,
    PARENT,
    Budget,
    Model,
    Node,
    Observation,
    Reader,
    Step,
    Turn,
    World,
    ended,
    open_at_end,
)

__all__ = ["accept", "may_enter", "requests"]


# The first so many members of a budget are what clients send.
_MESSAGES = Budget._fields.index("cuts")


def requests(m: Model, w: World) -> Iterator[Step]:
    """Yield every message that a client may send now, taken by the node that it reaches."""
    left = w.left
    if not any(left[:_MESSAGES]):
        return
    for r, reader in enumerate(w.readers):
        for k in _doors(m, w, r):
            if left.starts and not _done(reader):
                yield from _start(m, spend(w, "starts"), r, k, "A")
            if left.others and not _done(reader):
                yield from _start(m, spend(w, "others"), r, k, "B")
            # Who reads has no reason to resume; who has seen the end neither.
            if left.resumes and not reader.reads and reader.met and not _done(reader):
                yield _resume(m, spend(w, "resumes"), r, k)
            if left.resumes and reader.at >= 0 and len(reader.got) > 1 and not _done(reader):
                yield _resume_here(m, spend(w, "resumes"), r, k)
            if left.cancels and reader.met:
                yield _cancel(m, spend(w, "cancels"), r, k)
            if reader.met and reader.steer != "sent":
                if left.steers:
                    yield _steer(m, spend(w, "steers"), r, k, "s")
                if left.strange:
                    yield _steer(m, spend(w, "strange"), r, k, "x")


def _done(reader: Reader) -> bool:
    return bool(reader.got) and reader.got[-1][1] in ENDS


def _doors(m: Model, w: World, r: int) -> Iterator[int]:
    """The nodes that a client reaches now: that of its connection, or, without one, any that is up."""
    reader = w.readers[r]
    if reader.node >= 0:
        if w.nodes[reader.node].state == "up":
            yield reader.node
    elif not reader.met:
        # Two clients begin on two nodes: which of them is called the first does not matter.
        if w.nodes[r % m.scenario.nodes].state == "up":
            yield r % m.scenario.nodes
    else:
        yield from (k for k, other in enumerate(w.nodes) if other.state == "up")


# --- turn.start -----------------------------------------------------------------------------------


def _start(m: Model, w: World, r: int, k: int, content: str) -> Iterator[Step]:
    w = connected(w, r, k)
    turn = w.turn
    says = f"{client(r)} starts the turn{'' if content == 'A' else ' with other content'} at {node(k)}"
    seen: tuple[Observation, ...] = (("start", r, content),)
    if not m.on("name_first") and turn.name != "free" and content in m.scenario.parent and w.parent is None:
        refused = _refused(w, r, "no_parent")
        yield Step(f"{says}: its parent is gone, continuation_not_found", refused, False)
        return
    # Where a refusal claimed the name, what was refused may at least be sent again as it was.
    if turn.name == "free" or (not w.accepted and content == turn.content):
        if w.left.refusals:
            refused = _refused(spend(w, "refusals"), r, "refused")
            if not m.on("refusal_claims_nothing"):
                refused = refused._replace(turn=turn._replace(name="kept", content=content))
            yield Step(f"{says}, which refuses it for want of room", refused, False, (*seen, ("error", r, "refused")))
        if content in m.scenario.parent and w.parent is None and m.on("parent_refused"):
            refused = _refused(w, r, "no_parent")
            seen = (*seen, ("error", r, "continuation_not_found"))
            yield Step(f"{says}: its parent is gone, continuation_not_found", refused, False, seen)
        elif m.on("claim"):
            yield Step(f"{says}, which accepts it", accept(m, w, r, k, content), False, seen)
        elif not w.nodes[k].half:
            looked = with_node(w, k, w.nodes[k]._replace(half=("looked", r, content)))
            yield Step(f"{says}, which finds the name free", looked, False, seen)
    elif turn.name == "bare":
        seen = (*seen, ("error", r, "events_gone"))
        yield Step(f"{says}: the record is gone, events_gone", _refused(w, r, "gone"), False, seen)
    elif content != turn.content and m.on("conflict"):
        refused = _refused(w, r, "conflict")
        if not w.accepted:
            refused = refused._replace(wrong="refusal claims nothing")
        yield Step(f"{says}: turn_conflict", refused, False, (*seen, ("error", r, "turn_conflict")))
    elif not m.on("attach") and content == turn.content:
        yield Step(f"{says}, which runs it as a new one", accept(m, w, r, k, content), False, seen)
    else:
        attached = attach(m, w, r, 0)
        if content != turn.content:
            attached = attached._replace(wrong="conflict for other content")
        yield Step(f"{says}: it is the same turn, read from the beginning", attached, False, seen)


def accept(m: Model, w: World, r: int, k: int, content: str) -> World:
    """Return the world in which node k has claimed the name, and reader r reads the turn.

    One write: the name, its content, `turn.accepted`, the lease and its epoch.
    """
    epoch = w.turn.epoch + 1
    parent = (w.parent or ()) if content in m.scenario.parent else PARENT
    if content in m.scenario.parent and not m.on("handles_immutable"):
        w = w._replace(parent=(*parent, content))
    turn = Turn("kept", content, ("accepted",), epoch, k, home=k if m.scenario.retention == "none" else NOBODY)
    if m.scenario.retention == "connection":
        turn = turn._replace(bound=r)
    # Whatever the node still held of an earlier run goes.
    w = with_node(w, k, Node(epoch=epoch, life=w.life, sees=parent))
    return attach(m, w._replace(turn=turn, accepted=True), r, 0)


def _refused(w: World, r: int, answer: str) -> World:
    reader = w.readers[r]
    if answer in ("refused", "no_parent") and w.asked:
        w = w._replace(wrong="refused means nothing ran")
    # A refusal ends nothing: a reading of the same turn that this connection has goes on.
    return with_reader(w, r, reader._replace(answer=answer))


# --- turn.resume ----------------------------------------------------------------------------------


def _resume(m: Model, w: World, r: int, k: int) -> Step:
    w = connected(w, r, k)
    last = w.readers[r].got[-1][0] if w.readers[r].got else -1
    says = f"{client(r)} resumes the turn at {node(k)}{f', after {last}' if last >= 0 else ' from the beginning'}"
    seen: tuple[Observation, ...] = (("resume", r, last),)
    if w.turn.name == "free":
        seen = (*seen, ("error", r, "turn_not_found"))
        return Step(f"{says}: turn_not_found", _refused(w, r, "unknown"), False, seen)
    if w.turn.name == "bare":
        return Step(f"{says}: events_gone", _refused(w, r, "gone"), False, (*seen, ("error", r, "events_gone")))
    record = w.turn.record
    at = last + 1 if m.on("resume_after") else len(record) - ended(record)
    return Step(says, attach(m, w, r, at), False, seen)


def _resume_here(m: Model, w: World, r: int, k: int) -> Step:
    """A resume of what the connection reads: while it was under way, one event more has come."""
    reader = w.readers[r]
    after = reader.got[-2][0]
    says = f"{client(r)} resumes the turn at {node(k)}, after {after}, where it reads it"
    seen: tuple[Observation, ...] = (("resume", r, after),)
    if m.on("resume_marked"):
        return Step(f"{says}: invalid_request", w, False, (*seen, ("error", r, "invalid_request")))
    return Step(says, attach(m, w, r, after + 1), False, seen)


# --- turn.cancel ----------------------------------------------------------------------------------


def _cancel(m: Model, w: World, r: int, k: int) -> Step:
    w = connected(w, r, k)._replace(wished=True)
    turn, reader = w.turn, w.readers[r]
    says = f"{client(r)} cancels the turn at {node(k)}"
    seen = (("cancel", r),)
    if turn.name != "kept":
        code = "events_gone" if turn.name == "bare" else "turn_not_found"
        told = with_reader(w, r, reader._replace(cancel=code))
        return Step(f"{says}: {code}", told, False, (*seen, ("error", r, code)))
    if not ended(turn.record):
        w = w._replace(turn=turn._replace(cancel=True))
        return Step(says, with_reader(w, r, reader._replace(cancel="sent")), False, seen)
    if reader.at >= 0:
        if not m.on("cancel_answered_once"):
            w = receive(m, w, r, len(turn.record) - 1, (turn.record[-1],))
            return Step(f"{says}, which sends the end at once", w, False, seen)
        answered = with_reader(w, r, reader._replace(cancel="reading"))
        return Step(f"{says}: the end comes in the reading", answered, False, seen)
    answered = with_reader(w, r, reader._replace(cancel=turn.record[-1]))
    return Step(f"{says}: it has ended, {turn.record[-1]}", answered, False, (*seen, ("end", r, turn.record[-1])))


# --- turn.steer -----------------------------------------------------------------------------------


def _steer(m: Model, w: World, r: int, k: int, what: str) -> Step:
    w = connected(w, r, k)
    turn = w.turn
    says = f"{client(r)} steers the turn at {node(k)}{'' if what == 's' else ', same name, other input'}"
    seen = (("steer", r, what),)
    if turn.name == "free":
        return _told(w, r, what, "unknown", f"{says}: turn_not_found", seen)
    if turn.name == "bare":
        # The steer's name went with the record: whether it had entered is not known any more.
        if m.on("steer_gone"):
            return _told(w, r, what, "gone", f"{says}: events_gone", seen)
        return _told(w, r, what, "late", f"{says}: too_late", seen)
    known = turn.steer != ""
    if known and turn.input != what:
        if m.on("steer_conflict"):
            return _told(w, r, what, "conflict", f"{says}: turn_conflict", seen)
        w = w._replace(wrong="conflict for other content")
    if known and ended(turn.record) and not m.on("steer_kept"):
        return _told(w, r, what, "late", f"{says}: the turn has ended, too_late", seen)
    if known and m.on("steer_attached"):
        if turn.steer == "waits":
            return _told(w, r, what, "sent", f"{says}: it waits already", seen)
        answer = "turn.steered" if turn.steer == "entered" else "too_late"
        return _told(w, r, what, turn.steer, f"{says}: {answer}, as the first time", seen)
    if ended(turn.record) and m.on("steer_too_late"):
        w = w._replace(turn=turn._replace(steer="late", input=what))
        return _told(w, r, what, "late", f"{says}: the turn has ended, too_late", seen)
    w = w._replace(turn=turn._replace(steer="waits", input=what))
    return _told(w, r, what, "sent", f"{says}; it waits for an item boundary", seen)


_CODES = {"late": "too_late", "gone": "events_gone", "conflict": "turn_conflict", "unknown": "turn_not_found"}


def _told(w: World, r: int, what: str, answer: str, text: str, seen: tuple[Observation, ...]) -> Step:
    w = with_reader(w, r, w.readers[r]._replace(steer=answer))
    if what == "s" and answer in ("entered", "late"):
        w = w._replace(told=w.told | {answer})
    if answer == "entered":
        seen = (*seen, ("steered", r))
    elif answer != "sent":
        seen = (*seen, ("error", r, _CODES[answer]))
    return Step(text, w, False, seen)


def may_enter(m: Model, turn: Turn) -> bool:
    """Return whether a steer that waits may enter behind what is recorded: at a boundary, with no call open."""
    return not m.on("steer_boundary") or open_at_end(turn.record) == ""
