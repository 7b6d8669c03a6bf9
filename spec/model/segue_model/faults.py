"""What may go wrong, and what time does: nodes that die or stall, cut connections, leases, windows, providers."""

from __future__ import annotations

from collections.abc import Iterator

from segue_model.names import client, node, spend, with_node, with_reader
from segue_model.reading import cut
from segue_model.state import NOBODY, Budget, Model, Node, Step, Turn, World, ended

__all__ = ["faults", "recoveries"]


# From here on the members of a budget are faults and the passing of time.
_FAULTS = Budget._fields.index("cuts")


def faults(m: Model, w: World) -> Iterator[Step]:
    """Yield every fault that may still happen."""
    left = w.left
    if not any(left[_FAULTS:]):
        return
    yield from _node_faults(m, w)
    if left.cuts:
        for r, reader in enumerate(w.readers):
            if reader.node >= 0:
                yield Step(f"{client(r)} loses its connection", _lose(m, spend(w, "cuts"), r), False, (("cut", r),))
    if left.full and not w.full:
        yield Step("the store has no room left", spend(w, "full")._replace(full=True), False)
    if left.orphaned and w.parent is not None:
        yield Step("the parent expires", spend(w, "orphaned")._replace(parent=None), False)
    yield from _windows(m, w)


def _node_faults(m: Model, w: World) -> Iterator[Step]:
    left = w.left
    for k, own in enumerate(w.nodes):
        if own.state == "down":
            continue
        owner = own.epoch != 0 and own.epoch == w.turn.epoch
        # The death of a node that has neither work nor readers is noticed by nobody.
        busy = own.epoch or own.half or any(reader.node == k for reader in w.readers) or _at_home(w.turn, k)
        if left.kills and busy:
            yield Step(f"{node(k)} is killed", _kill(m, spend(w, "kills"), k), False)
        if own.state != "up":
            continue
        if left.stalls and (own.epoch or own.half):
            stalled = with_node(spend(w, "stalls"), k, own._replace(state="stalled"))
            yield Step(f"{node(k)} stalls", stalled._replace(doubted=w.doubted or owner), False)
        if own.asked and not own.fault and not own.half:
            if left.breaks:
                yield _break(m, spend(w, "breaks"), k)
            if left.silences:
                silent = with_node(spend(w, "silences"), k, own._replace(fault="silent"))
                yield Step("the provider says nothing more", silent, False)


def _break(m: Model, w: World, k: int) -> Step:
    own = w.nodes[k]
    if m.on("ask_once"):
        broken = with_node(w, k, own._replace(fault="upstream"))
        return Step(f"{node(k)}'s connection to the provider breaks", broken, False)
    again = with_node(w, k, own._replace(heard=0, held=""))._replace(asked=w.asked + 1)
    return Step(f"{node(k)}'s connection to the provider breaks, and it asks again", again, False)


def _kill(m: Model, w: World, k: int) -> World:
    own, turn = w.nodes[k], w.turn
    if own.epoch and own.epoch == turn.epoch:
        w = w._replace(doubted=True)
    if _at_home(turn, k):
        # Of one that has ended nothing is left to close; the other is closed when its lease has run out.
        name = "bare" if ended(turn.record) else turn.name
        w = w._replace(turn=turn._replace(name=name, record=(), lost=True, pinned=False))
    w = with_node(w, k, Node(state="down"))
    for r, reader in enumerate(w.readers):
        if reader.node == k:
            w = cut(w, r)
    return w


def _at_home(turn: Turn, k: int) -> bool:
    return turn.home == k and bool(turn.record)


def _lose(m: Model, w: World, r: int) -> World:
    w = cut(w, r)
    alone = all(reader.node == NOBODY for reader in w.readers)
    if not m.on("cut_cancels_nothing") and alone and w.turn.name == "kept" and not ended(w.turn.record):
        w = w._replace(turn=w.turn._replace(cancel=True))
    return w


def _windows(m: Model, w: World) -> Iterator[Step]:
    """The windows of names and records, reckoned from the end."""
    left, turn = w.left, w.turn
    if turn.name == "kept" and ended(turn.record):
        if left.aged:
            aged = turn._replace(name="bare" if m.on("name_kept") else "free", pinned=m.on("reading_pinned"))
            past = spend(w, "aged")._replace(turn=aged)
            if not m.on("reading_pinned"):
                past = past._replace(readers=tuple(reader._replace(at=-1) for reader in w.readers))
            yield Step("replay_ms passes: the record goes", past, False)
        if left.deleted and turn.handle is not None:
            gone = turn._replace(name="bare" if m.on("delete_keeps_name") else "free", handle=None)
            yield Step("the handle is deleted, and the record with it", spend(w, "deleted")._replace(turn=gone), False)
    # Years to a machine: whoever is awake has long done its work, and nobody waits.
    at_work = any(reader.reads for reader in w.readers) or any(own.state == "up" and own.epoch for own in w.nodes)
    if turn.name == "bare" and left.forgotten and not at_work:
        yield Step("name_ms passes: the name goes", _forget(m, spend(w, "forgotten")), False)


def _forget(m: Model, w: World) -> World:
    # What is promised under a name ends here; the ghosts begin anew, and so do clients, who draw another name.
    epoch = w.turn.epoch if m.on("fresh_epoch") else 0
    for r, reader in enumerate(w.readers):
        w = with_reader(w, r, reader._replace(got=(), answer="", cancel="", steer=""))
    return w._replace(
        turn=Turn(epoch=epoch),
        life=w.life + 1,
        accepted=False,
        asked=0,
        doubted=False,
        wished=False,
        told=frozenset(),
    )


def recoveries(m: Model, w: World) -> Iterator[Step]:
    """Yield what time sets right by itself: a stall ends, a node starts again, a lease runs out."""
    turn = w.turn
    for k, own in enumerate(w.nodes):
        if own.state == "stalled":
            yield Step(f"{node(k)} goes on, and has noticed nothing", with_node(w, k, own._replace(state="up")))
        elif own.state == "down":
            yield Step(f"{node(k)} starts again, its memory empty", with_node(w, k, Node()))
    if turn.lease != NOBODY and not ended(turn.record):
        own = w.nodes[turn.lease]
        if own.state != "up" or own.epoch != turn.epoch:
            yield Step(f"the lease of {node(turn.lease)} runs out", w._replace(turn=turn._replace(lease=NOBODY)))
