"""The owner of a turn: it asks the provider, writes what comes and then the end, and looks at its epoch at each write.

A rule that is off makes two steps of one, or leaves a look out. A node acts on what its memory says, right or wrong:
one that was taken for dead still believes that it owns the turn.
"""

from __future__ import annotations

from collections.abc import Iterator

from segue_model.names import client, node, with_node
from segue_model.requests import accept, may_enter
from segue_model.state import NOBODY, PARENT, Model, Node, Step, Turn, World, ended, history

__all__ = ["owners"]

_SAYS = {
    "completed": "turn.completed",
    "cancelled": "turn.completed, cancelled",
    "upstream": "turn.failed, upstream_failed",
    "deadline": "turn.failed, deadline_exceeded",
}


def owners(m: Model, w: World) -> Iterator[Step]:
    """Yield every step of a node that has work: a claim that is half made, or a turn that it believes to own."""
    for k, own in enumerate(w.nodes):
        if own.state != "up":
            continue
        if own.half:
            yield from _second_half(m, w, k)
        elif own.epoch:
            yield from _provider(m, w, k)
            yield from _writes(m, w, k)


# --- the provider ---------------------------------------------------------------------------------


def _provider(m: Model, w: World, k: int) -> Iterator[Step]:
    own, script = w.nodes[k], m.scenario.script
    if own.fault:
        return
    if not own.asked:
        if own.epoch != w.turn.epoch and m.on("epoch_before_ask"):
            idle = with_node(w, k, Node(half=own.half))
            yield Step(f"{node(k)} finds its epoch stale: it asks nobody and stops", idle)
        else:
            yield Step(f"{node(k)} asks the provider", _ask(m, w, k))
        return
    if own.heard < len(script) and not own.held:
        event = script[own.heard]
        heard = with_node(w, k, own._replace(held=event, heard=own.heard + 1))
        yield Step(f"the provider says `{event}` to {node(k)}", heard)


def _ask(m: Model, w: World, k: int) -> World:
    own = w.nodes[k]
    sees = own.sees
    named = w.turn.content in m.scenario.parent if w.turn.content else False
    if named and not m.on("parent_at_acceptance"):
        sees = w.parent or ()
    if named and (sees or ())[: len(PARENT)] != PARENT:
        w = w._replace(wrong="whole history")
    if own.epoch != w.turn.epoch:
        w = w._replace(wrong="asked for somebody")
    # An owner of an earlier life of the name asks on that life's account.
    w = w._replace(asked=w.asked + (own.life == w.life))
    return with_node(w, k, own._replace(asked=True, heard=0, held="", sees=sees, fault=""))


# --- what it writes -------------------------------------------------------------------------------


def _writes(m: Model, w: World, k: int) -> Iterator[Step]:
    own, turn = w.nodes[k], w.turn
    over = ended(turn.record)
    if own.held:
        yield from _write(m, w, k, ("event", own.held))
    elif turn.steer == "waits" and may_enter(m, turn) and _current(m, w, k) and not over:
        yield from _write(m, w, k, ("steered", "steered"))
    for end in _ends(m, w, k):
        yield from _write(m, w, k, ("end", end))
    last = turn.cancel or (own.asked and own.heard == len(m.scenario.script) and not own.held)
    if turn.steer == "waits" and last and _current(m, w, k) and not over:
        late = w._replace(turn=turn._replace(steer="late"))
        yield Step(f"{node(k)} sees no boundary ahead, and keeps too_late for the steer", late)


def _ends(m: Model, w: World, k: int) -> Iterator[str]:
    own, turn = w.nodes[k], w.turn
    if ended(turn.record) and not m.on("first_end"):
        if turn.cancel and turn.record[-1] == "completed":
            yield "cancelled"
        return
    if turn.cancel:
        yield "cancelled"
    if own.fault == "upstream":
        yield "upstream"
    elif own.asked and own.heard == len(m.scenario.script) and not own.held and not own.fault:
        yield "completed"
    if m.scenario.deadline and m.on("deadline"):
        yield "deadline"


def _current(m: Model, w: World, k: int) -> bool:
    return w.nodes[k].epoch == w.turn.epoch or not m.on("epoch")


def _write(m: Model, w: World, k: int, what: tuple[str, str]) -> Iterator[Step]:
    if not _current(m, w, k):
        idle = with_node(w, k, Node(half=w.nodes[k].half))
        yield Step(f"{node(k)} finds its epoch stale: it writes nothing and stops", idle)
    elif m.on("check_in_write"):
        yield _written(m, w, k, what)
    else:
        checked = with_node(w, k, w.nodes[k]._replace(half=("checked", *what)))
        yield Step(f"{node(k)} looks at its epoch, it is current", checked)


def _written(m: Model, w: World, k: int, what: tuple[str, str]) -> Step:
    kind, event = what
    own, turn = w.nodes[k], w.turn
    if kind == "end":
        return _write_end(m, w, k, event)
    record = (*turn.record, event)
    w = w._replace(turn=turn._replace(record=record, steer="entered" if kind == "steered" else turn.steer))
    w = with_node(w, k, own._replace(half=(), held=own.held if kind == "steered" else ""))
    text = "turn.steered" if kind == "steered" else f"`{event}`"
    return Step(f"{node(k)} writes {text} as number {len(record) - 1}", w)


def _write_end(m: Model, w: World, k: int, end: str) -> Step:
    own, turn = w.nodes[k], w.turn
    handle = turn.handle
    owed: tuple[str, ...] = ()
    text = _SAYS[end]
    if end in ("completed", "cancelled") and m.scenario.retention != "none":
        lost = m.scenario.retention == "connection" and turn.bound == NOBODY and m.on("connection_lost")
        if w.full or lost:
            if m.on("retention_lost"):
                end, text = "incomplete", "turn.completed, incomplete, retention_lost"
        elif m.on("handle_in_write"):
            handle = _history(m, w, k)
            text += " and its handle"
        else:
            owed = ("owed",)
    record = (*turn.record, end)
    steer = "late" if turn.steer == "waits" and m.on("steer_settled") else turn.steer
    w = w._replace(turn=turn._replace(record=record, lease=NOBODY, handle=handle, steer=steer))
    idle = Node(half=owed, epoch=own.epoch if owed else 0, heard=own.heard if owed else 0)
    # Without the rule another task of the node, the cancel's, still believes that the turn runs.
    left = own._replace(half=(), held="", fault="over") if not m.on("first_end") else idle
    return Step(f"{node(k)} writes {text} as number {len(record) - 1}", with_node(w, k, left))


def _history(m: Model, w: World, k: int) -> tuple[str, ...]:
    own, record = w.nodes[k], w.turn.record
    if not m.on("seen_is_history") and own.held:
        record = (*record, own.held)
    return history(record, discard=m.on("half_call"))


# --- steps that a rule makes one ------------------------------------------------------------------


def _second_half(m: Model, w: World, k: int) -> Iterator[Step]:
    own, turn = w.nodes[k], w.turn
    what, *rest = own.half
    if what == "looked":
        r, content = rest
        claimed = accept(m, w, r, k, content)
        yield Step(f"{node(k)} claims the name for {client(r)}", claimed)
    elif what == "checked":
        yield _written(m, w, k, (rest[0], rest[1]))
    elif what == "owed":
        kept = w._replace(turn=turn._replace(handle=history(turn.record)))
        yield Step(f"{node(k)} writes the handle", with_node(kept, k, Node()))


def take_over(m: Model, w: World) -> Iterator[Step]:
    """Yield what nodes do about a turn whose owner is gone: its lease has run out, and nobody has ended it."""
    turn = w.turn
    if turn.name != "kept" or ended(turn.record) or not w.accepted:
        return
    for k, own in enumerate(w.nodes):
        if own.state != "up" or own.half or own.epoch == turn.epoch:
            continue
        if turn.lease == NOBODY:
            if m.on("close_lost"):
                yield _close(m, w, k) if m.on("no_rerun") else _rerun(w, k)
        elif not m.on("lease") and any(r.node == k and r.at >= 0 for r in w.readers):
            yield _close(m, w, k)


def _close(m: Model, w: World, k: int) -> Step:
    turn = w.turn
    steer = "late" if turn.steer == "waits" and m.on("steer_settled") else turn.steer
    closed = turn._replace(epoch=turn.epoch + 1, lease=NOBODY, steer=steer)
    if m.scenario.retention == "none" and m.on("memory_record"):
        # What lay in the owner's memory only can be told by nobody else, dead or asleep: the name is bare.
        closed = closed._replace(name="bare", record=(), lost=True)
        return Step(f"{node(k)} closes the turn: its record is lost, its name stays", w._replace(turn=closed))
    if turn.lost:
        closed = closed._replace(record=("accepted", "interrupted"), lost=False)
        return Step(f"{node(k)} closes the turn with a record of its own", w._replace(turn=closed))
    closed = closed._replace(record=(*turn.record, "interrupted"))
    text = f"{node(k)} closes the turn: turn.failed, interrupted, as number {len(turn.record)}"
    return Step(text, w._replace(turn=closed))


def _rerun(w: World, k: int) -> Step:
    epoch = w.turn.epoch + 1
    taken = w._replace(turn=w.turn._replace(epoch=epoch, lease=k))
    own = Node(epoch=epoch, life=w.life, sees=PARENT)
    return Step(f"{node(k)} runs the turn again", with_node(taken, k, own))


def unowned(turn: Turn) -> bool:
    """Return whether nobody holds the lease of a turn that has not ended."""
    return turn.name == "kept" and turn.lease == NOBODY and not ended(turn.record)
