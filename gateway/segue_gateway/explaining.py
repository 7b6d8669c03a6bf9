"""What a store holds, told turn by turn: what was sent, what was saved against a resend in full, what the model saw.

Sizes are bytes of items and contexts as JSON, as in the log of the gateway. A context counts as sent where it is not
the parent's. Of content nothing is told but by `effective`, which is asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from segue_schemas import models

from .history import History
from .stores.sqlite.looking import Kept

__all__ = ["Conversation", "Step", "conversations", "effective", "told"]


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a conversation; `kept` None where its continuation is held no more, and only its items are."""

    kept: Kept | None
    history: History
    sent: int
    saved: int

    @property
    def written(self) -> int:
        """Bytes of what the model wrote."""
        return sum(map(len, self.history.outputs()))

    @property
    def given(self) -> int:
        """How many items the model was given."""
        before = self.history.count - len(self.history.outputs())
        return before - sum(1 for place in omitted(self) if place < before)


@dataclass(slots=True)
class Conversation:
    """A continuation from which nothing goes on, and the turns that led to it, the first one first."""

    last: Kept
    steps: list[Step] = field(default_factory=list)


def conversations(kept: Sequence[Kept]) -> list[Conversation]:
    """Return the conversations of a store, the oldest first; a fork is one of its own, its beginning in both."""
    by_node = {id(one.history): one for one in kept}
    inner = {id(node) for one in kept for node in _above(one.history)}
    found = []
    for one in kept:
        if id(one.history) not in inner:
            conversation = Conversation(one)
            for node in reversed(list(one.history.nodes())):
                conversation.steps.append(_step(node, by_node))
            found.append(conversation)
    return found


def _above(history: History) -> Iterator[History]:
    nodes = history.nodes()
    next(nodes)
    return nodes


def _step(node: History, by_node: dict[int, Kept]) -> Step:
    kept = by_node.get(id(node))
    parent = None if node.parent is None else by_node.get(id(node.parent))
    context = kept.context if kept is not None else None
    inherited = parent is not None and context is not None and parent.context == context
    size = 0 if context is None else len(context.raw)
    inputs = sum(map(len, node.items[: node.inputs]))
    above = 0 if node.parent is None else node.parent.total
    return Step(kept, node, inputs + (0 if inherited else size), above + (size if inherited else 0))


def omitted(step: Step) -> Sequence[int]:
    """Return the places of what the model was not shown."""
    terminal = step.kept.terminal if step.kept is not None else None
    if terminal is not None and isinstance(terminal.omitted, list):
        return terminal.omitted
    return step.history.omitted


def told(kept: Sequence[Kept]) -> Iterator[str]:
    """Yield lines for people: a table for each conversation, and what all of it comes to."""
    sent, saved = 0, 0
    counted: set[int] = set()
    found = conversations(kept)
    for conversation in found:
        last = conversation.last
        yield f"{last.principal}  {last.id}  turns: {len(conversation.steps)}, history: {_size(last.history.total)}"
        yield f"  {'turn':<28} {'sent':>9} {'saved':>9} {'written':>9} {'given':>6}  end"
        for step in conversation.steps:
            yield f"  {_line(step)}"
            if id(step.history) not in counted:
                counted.add(id(step.history))
                sent, saved = sent + step.sent, saved + step.saved
        yield ""
    whole = sent + saved
    share = f", {100 * saved / whole:.1f} % less than {_size(whole)} with resends in full" if whole else ""
    yield f"conversations: {len(found)}, turns: {len(counted)}, sent: {_size(sent)}{share}"


def _line(step: Step) -> str:
    name, end = "(held no more)", ""
    if step.kept is not None:
        name = step.kept.turn
        moment = datetime.fromtimestamp(step.kept.created_at, UTC)
        end = f"{_end(step.kept.terminal)}, {step.kept.retention}, {moment:%Y-%m-%d %H:%M:%S}Z"
    missing = len(omitted(step))
    left_out = f", {missing} omitted" if missing else ""
    numbers = f"{_size(step.sent):>9} {_size(step.saved):>9} {_size(step.written):>9} {step.given:>6}"
    return f"{name:<28} {numbers}  {end}{left_out}"


def _end(terminal: models.TurnCompleted | None) -> str:
    if terminal is None:
        return "imported"
    return terminal.status + (f" ({terminal.reason})" if isinstance(terminal.reason, str) else "")


def effective(kept: Sequence[Kept], name: str) -> Iterator[str] | None:
    """Return what the model saw in a turn, named by itself or by its continuation: the context, then items, as JSON.

    What was left out is not among them. None where no such turn is held.
    """
    found = next((one for one in kept if name in (one.id, one.turn)), None)
    return None if found is None else _effective(found)


def _effective(kept: Kept) -> Iterator[str]:
    if kept.context is not None:
        yield msgspec.json.encode({"context": msgspec.Raw(kept.context.raw)}).decode()
    left_out = set(omitted(Step(kept, kept.history, 0, 0)))
    for place, item in enumerate(kept.history.before_output()):
        if place not in left_out:
            yield msgspec.json.encode({"place": place, "item": msgspec.Raw(item)}).decode()


def _size(number: int) -> str:
    """Return a size as people read it."""
    if number < 10_000:
        return f"{number} B"
    return f"{number / 1000:.1f} kB" if number < 10_000_000 else f"{number / 1_000_000:.1f} MB"
