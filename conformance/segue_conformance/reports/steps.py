"""From frames to steps: what a person tells apart in a transcript.

Events of a stream that came in one piece are told apart, a run of deltas is told as the text that it makes, and an
answer's head stands with its body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..results import Frame
from .evidence import Clue
from .wording import one_line

__all__ = ["Step", "steps"]

_HTTP = ("request", "response", "open")
_JOINED = 400


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: `count` messages from frame `place` on, `head` before `text` (a status, a method).

    A run of deltas: `of` is what they are deltas of, `text` what they make together, `raw` the last as it came.
    """

    place: int
    at_ms: int
    direction: str
    connection: str
    kind: str
    text: str
    head: str = ""
    count: int = 1
    of: tuple[str, ...] = ()
    raw: str = ""

    @property
    def searched(self) -> str:
        """All that a clue may be found in."""
        return "\n".join(part for part in (self.head, self.text, self.raw) if part)


def steps(frames: Sequence[Frame], clues: Sequence[Clue] = ()) -> list[Step]:
    """Return frames as steps: events by themselves, runs of deltas as one, heads of answers with their bodies."""
    found: list[Step] = []
    for step in _events(frames):
        last = found[-1] if found else None
        if last is not None and _is_body_of(step, last):
            found[-1] = replace(last, text=step.text)
        elif last is not None and _continues(step, last, clues):
            text = last.text if len(last.text) > _JOINED else last.text + step.text
            found[-1] = replace(last, text=text, raw=step.raw, count=last.count + 1)
        else:
            found.append(step)
    return found


def _events(frames: Sequence[Frame]) -> Iterator[Step]:
    for place, frame in enumerate(frames):
        base = Step(place, frame.at_ms, frame.direction, frame.connection, frame.kind, frame.text)
        if frame.kind in _HTTP:
            yield _http(base)
        elif frame.kind == "body" and _is_stream(frame.text):
            for event in frame.text.replace("\r\n", "\n").split("\n\n"):
                if event.strip():
                    yield _as_run(_event(base, event))
        elif frame.kind == "close":
            yield replace(base, head="close")
        else:
            yield _as_run(base)


def _http(step: Step) -> Step:
    head, _, body = step.text.partition("\n\n")
    first, *headers = head.splitlines() or [""]
    if step.kind == "response":
        kinds = [line.partition(":")[2].strip() for line in headers if line.lower().startswith("content-type:")]
        first = " ".join([first, *kinds])
    else:
        # Which host it is, is known.
        first = re.sub(r"(?<= )(?:https?|wss?)://[^/\s]+", "", first)
    return replace(step, head=one_line(first), text=body.strip())


def _is_stream(text: str) -> bool:
    return any(line.startswith("data:") for line in text.splitlines()[:4])


def _event(base: Step, event: str) -> Step:
    """Return one event of a stream: its data; its name too where that is not the type that the data says."""
    fields: dict[str, list[str]] = {}
    for row in event.splitlines():
        name, _, value = row.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    data = "\n".join(fields.get("data", []))
    name = (fields.get("event") or [""])[0]
    named = f"event: {name}" if name and f'"{name}"' not in data else ""
    return replace(base, kind="event", text=data or one_line(event), head=named)


def _as_run(step: Step) -> Step:
    """Return a delta of text as a run of one, anything else as it is."""
    if step.head or '"type"' not in step.text or "delta" not in step.text:
        return step
    try:
        value: Any = json.loads(step.text)
    except (ValueError, RecursionError):
        return step
    said = value.get("append", value.get("delta")) if isinstance(value, dict) else None
    if not isinstance(said, str) or "delta" not in str(value.get("type")):
        return step
    of = tuple(str(value.get(name, "")) for name in ("type", "turn", "index", "at", "item_id", "stream_id"))
    return replace(step, of=of, text=said, raw=step.text)


def _is_body_of(step: Step, last: Step) -> bool:
    return step.kind == "body" and last.kind == "response" and not last.text and step.connection == last.connection


def _continues(step: Step, last: Step, clues: Sequence[Clue]) -> bool:
    if not step.of or (step.of, step.direction, step.connection) != (last.of, last.direction, last.connection):
        return False
    # Where a number is what matters, it is seen in one message and not in the text of many.
    return not any(clue.number and (clue.found(step.raw) or clue.found(last.raw)) for clue in clues)
