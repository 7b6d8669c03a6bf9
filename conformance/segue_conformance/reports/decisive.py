"""Which steps decided a failure: what was asked, what came, where the lost thing was said, and the control arm."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..results import CheckResult
from .essence import essence
from .evidence import ACTUAL, EXPECTED, Clue, Span, clues_of, marked
from .steps import Step, steps
from .wording import cut, one_line

__all__ = ["CONTROL", "Story", "line", "story"]

#: How the note begins behind which a control arm stands.
CONTROL = "control arm"
#: So many steps at most are shown before the control arm, and so many of it.
_SHOWN, _CONTROL = 4, 2


@dataclass(frozen=True, slots=True)
class Story:
    """The decisive steps of a result, and those of its control arm; `clues` are what is marked in them."""

    steps: tuple[Step, ...]
    control: tuple[Step, ...]
    clues: tuple[Clue, ...]
    frames: int


def story(result: CheckResult, *, most: int = _SHOWN) -> Story:
    """Return what to show of a result's frames."""
    clues = clues_of(result)
    arms = [place for place, f in enumerate(result.frames) if f.kind == "note" and f.text.startswith(CONTROL)]
    split = arms[-1] if arms else len(result.frames)
    told = steps(result.frames[:split], clues)
    after = [replace(step, place=step.place + split) for step in steps(result.frames[split + 1 :], clues)]
    return Story(_chosen(told, clues, most), _control(after, clues), clues, len(result.frames))


# -- from steps to those that decided


def _chosen(told: Sequence[Step], clues: Sequence[Clue], most: int) -> tuple[Step, ...]:
    if not told:
        return ()
    asked = max((n for n, step in enumerate(told) if step.direction == "sent" and step.kind != "open"), default=0)
    borne = [_borne(step, clues) for step in told]
    weights = [_weight(found, ACTUAL) for found in borne]
    # The last one that bears most of what was seen, among what came; before what was asked only if nothing came behind.
    came = [n for n, step in enumerate(told) if step.direction == "received"]
    behind = [n for n in came if n > asked]
    best = max((n for n in behind or came), key=lambda n: (weights[n], n), default=None)
    if best is not None and not weights[best] and any(weights[n] for n in came):
        best = max(came, key=lambda n: (weights[n], n))
    picked: list[int] = []

    def pick(place: int | None) -> None:
        if place is not None and place not in picked and 0 <= place < len(told) and len(picked) < most:
            picked.append(place)

    pick(_question(told, best, asked))
    pick(best)
    if best is not None and any(clue.number and clue.mark == ACTUAL for clue in borne[best]):
        pick(_before(told, best))
    if best is not None:
        pick(_twin(told, weights, best))
    pick(_planted(borne))
    pick(len(told) - 1 if not _idle(told[-1]) or len(picked) < 2 else None)
    pick(asked)
    pick(_most_told(borne))
    return tuple(told[place] for place in sorted(picked))


def _question(told: Sequence[Step], best: int | None, asked: int) -> int:
    """Return what was asked last before the answer that decided."""
    if best is None or best > asked:
        return asked
    sent = [n for n in range(best) if told[n].direction == "sent" and told[n].kind != "open"]
    return sent[-1] if sent else asked


def _borne(step: Step, clues: Sequence[Clue]) -> list[Clue]:
    """Return the clues that stand in a step; a status only where one stands."""
    words = step.searched
    status = step.head.partition(" ")[0] if step.kind == "response" else step.text if step.kind == "close" else ""
    return [clue for clue in clues if clue.found(status if clue.status else words)]


def _weight(borne: Sequence[Clue], mark: str) -> int:
    return sum(clue.weight for clue in borne if clue.mark == mark)


def _before(told: Sequence[Step], best: int) -> int | None:
    """Return the message of the same kind of source before it: a number is odd only beside its neighbour."""
    return next((n for n in range(best - 1, -1, -1) if told[n].direction == "received"), None)


def _twin(told: Sequence[Step], weights: Sequence[int], best: int) -> int | None:
    """Return an earlier message of the same type that bears as much of what was seen: what came twice."""
    if not weights[best] or told[best].of:
        return None
    same = [n for n in range(best) if weights[n] == weights[best] and _type(told[n]) == _type(told[best])]
    return same[-1] if same else None


def _type(step: Step) -> tuple[str, str]:
    match = re.search(r'"type"\s*:\s*"([^"]{1,60})"', step.text[:300])
    return step.direction, match[1] if match else step.head


def _planted(borne: Sequence[Sequence[Clue]]) -> int | None:
    """Return where what is missing was said first, or else what was seen was: the turn that planted the word."""
    for mark in (EXPECTED, ACTUAL):
        for place, found in enumerate(borne):
            if any(c.mark == mark and c.weight >= 3 and not c.number and _of_both(c) for c in found):
                return place
    return None


def _of_both(clue: Clue) -> bool:
    """Whether what a clue means is the same in what was sent: a plain word of an answer is there by chance."""
    return clue.mark != ACTUAL or any(character.isdigit() for character in clue.words)


def _most_told(borne: Sequence[Sequence[Clue]]) -> int | None:
    weights = [(sum(clue.weight for clue in found if not clue.status), place) for place, found in enumerate(borne)]
    weight, place = max(weights, default=(0, 0))
    return place if weight else None


def _idle(step: Step) -> bool:
    """Whether a step is the usual end of a turn, which says nothing about what went wrong in it."""
    return any(f'"{name}"' in step.text[:300] for name in ("turn.completed", "response.completed"))


def _control(after: Sequence[Step], clues: Sequence[Clue]) -> tuple[Step, ...]:
    sent = [step for step in after if step.direction == "sent" and step.kind != "open"][-1:]
    came = [step for step in after if step.direction == "received"]
    if not came:
        return tuple(sent)
    answer = max(came, key=lambda step: (_weight(_borne(step, clues), EXPECTED), bool(step.of), step.place))
    return (*sent, answer)[:_CONTROL]


# -- a step in words


def line(step: Step, room: int, clues: Sequence[Clue] = ()) -> list[Span]:
    """Return a step in at most `room` characters, marked where a clue stands."""
    if step.direction == "sent":
        clues = [clue for clue in clues if _of_both(clue)]
    if step.of:
        if step.count == 1 and any(clue.number and clue.found(step.raw) for clue in clues):
            return marked(essence(step.raw, room, clues), clues)
        head = f"{step.of[0]} {f'× {step.count} ' if step.count > 1 else ''}"
        tail = _numbers(step, clues)
        text = json.dumps(cut(one_line(step.text), max(8, room - len(head) - len(tail) - 2)), ensure_ascii=False)
        return [*marked(head, clues), *marked(text, clues), *([Span(tail)] if tail else [])]
    if not step.head:
        return marked(essence(step.text, room, clues), clues)
    head = cut(step.head, room if not step.text else max(20, room * 2 // 3))
    spans = marked(head, clues, status=step.kind == "response")
    left = room - len(head) - 1
    if not step.text or left < 8:
        return spans
    return [*spans, Span(" "), *marked(essence(step.text, left, clues), clues, status=step.kind == "close")]


def _numbers(step: Step, clues: Sequence[Clue]) -> str:
    """Return the numbers of a run's last message that bear the name of one that matters."""
    names = dict.fromkeys(clue.words.partition(" ")[0] for clue in clues if clue.number)
    found = [m[0] for name in names if (m := re.search(rf'"{re.escape(name)}"\s*:\s*\d+', step.raw))]
    return f" ({', '.join(found)})" if found else ""
