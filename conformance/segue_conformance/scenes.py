"""A short conversation over a bare OpenAI wire, recorded once a run and read by every check of what events bear.

A fault in an answer often shows only behind a parent, in a call of a tool, or where the output was cut: so each of
these is looked at, not the plain turn alone. The recording is shared, since it says the same to all of them.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from .attempts import aside
from .oracle import TOOL
from .recorder import Frame
from .responses_wire import Asking, asking, create, terminal_of
from .subject import Budget, Subject
from .verdicts import Deviation, Untestable

__all__ = ["Scene", "scenes", "streamed", "wrong"]

_CALL = "Call the tool get_word now. Do not answer with text."
_NAMES = ("get_first", "get_second")
_CALLS = "Call the tools get_first and get_second now, both at once. Do not answer with text."
_LONGS = ("Write a long text of at least 200 words about the sea.", "Count from 1 to 120.")
_LIMIT = 16


@dataclass(frozen=True)
class Scene:
    """One response: what was asked, the events that told it, and the Response at its end.

    `events` is empty where the answer came whole; `parent` is the scene that it goes on from; `frames` are its own.
    """

    name: str
    asked: dict[str, Any]
    events: list[dict[str, Any]]
    response: dict[str, Any]
    parent: Scene | None = None
    frames: tuple[Frame, ...] = ()

    @property
    def output(self) -> list[dict[str, Any]]:
        """The items of the Response that are objects."""
        told = self.response.get("output")
        return [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events of these types, without `response.`."""
        return [event for event in self.events if event["type"].removeprefix("response.") in kinds]

    @property
    def done(self) -> list[dict[str, Any]]:
        """The whole items, as their events brought them."""
        return [e["item"] for e in self.of("output_item.done") if isinstance(e.get("item"), dict)]


@dataclass
class _Recording:
    scenes: list[Scene]
    frames: list[Frame]


_kept: WeakKeyDictionary[Budget, dict[str, _Recording]] = WeakKeyDictionary()
_locks: WeakKeyDictionary[Budget, dict[tuple[str, int], asyncio.Lock]] = WeakKeyDictionary()


async def scenes(subject: Subject) -> list[Scene]:
    """Return the recorded conversation; the first turn of it has to work, what else is refused is left out."""
    loop = id(asyncio.get_running_loop())
    async with _locks.setdefault(subject.budget, {}).setdefault((subject.wire, loop), asyncio.Lock()):
        kept = _kept.setdefault(subject.budget, {})
        recording = kept.get(subject.wire)
        if recording is not None:
            subject.recorder.note("what follows was recorded earlier in this run, for another check")
            subject.recorder.frames.extend(recording.frames)
            return recording.scenes
        before = len(subject.recorder.frames)
        with aside(f"scenes@{subject.wire}"):
            found = await _record(subject)
        kept[subject.wire] = _Recording(found, subject.recorder.frames[before:])
        return found


async def streamed(subject: Subject) -> list[Scene]:
    """Return those scenes that were streamed."""
    return [scene for scene in await scenes(subject) if scene.events]


async def _record(subject: Subject) -> list[Scene]:
    async with asking(subject) as ask:
        return await _played(subject, ask)


async def _played(subject: Subject, ask: Asking) -> list[Scene]:
    body = create(subject)
    before = len(subject.recorder.frames)
    events = await ask(body)
    plain = Scene("a plain turn", body, events, terminal_of(events), frames=_since(subject, before))
    found = [plain]

    async def add(name: str, parent: Scene | None = None, **members: Any) -> Scene | None:
        body = create(subject, **members)
        if parent is not None:
            body["previous_response_id"] = parent.response.get("id")
        scene = await _scene(name, ask, body, parent, subject)
        found.extend([scene] if scene else [])
        return scene

    await add("a turn behind another", plain, input="Say hello.")
    called = await add("a call of a tool", input=_CALL, tools=[TOOL])
    calls = [item for item in called.done if item.get("type") == "function_call"] if called else []
    if called and calls:
        outputs = [{"type": "function_call_output", "call_id": c.get("call_id"), "output": "The word is ready."}
                   for c in calls]  # fmt: skip
        await add("a turn with a tool's output", called, input=outputs, tools=[TOOL])
    # Two items in one output: what has to be in order can be out of it.
    await add("two calls of tools", input=_CALLS, tools=[{**TOOL, "name": name} for name in _NAMES])
    for question in _LONGS:
        cut = await add("a turn that is cut", input=question, max_output_tokens=_LIMIT)
        if cut is None or cut.response.get("status") == "incomplete":
            break
        found.remove(cut)
    await add("a turn that is not stored", input="Say hello.", store=False)
    if not subject.is_stream:
        for scene in [s for s in found if s.name in ("a plain turn", "a call of a tool", "a turn behind another")]:
            found.extend(await _whole(subject, scene))
    return found


def _since(subject: Subject, before: int) -> tuple[Frame, ...]:
    return tuple(subject.recorder.frames[before:])


async def _scene(name: str, ask: Asking, body: dict[str, Any], parent: Scene | None, subject: Subject) -> Scene | None:
    """Return a scene; None where it was refused or failed, which is for other checks to judge."""
    before = len(subject.recorder.frames)
    try:
        events = await ask(body)
        return Scene(name, body, events, terminal_of(events), parent, _since(subject, before))
    except Untestable:
        return None


async def _whole(subject: Subject, scene: Scene) -> list[Scene]:
    """Ask for the same once more, not streamed."""
    before = len(subject.recorder.frames)
    answer = await subject.fetch(
        "POST", "/responses", json.dumps(scene.asked).encode(), content_type="application/json"
    )
    try:
        response = json.loads(answer.body)
    except ValueError:
        return []
    if answer.status != 200 or not isinstance(response, dict):
        return []
    name = f"{scene.name}, answered whole"
    return [Scene(name, scene.asked, [], response, scene.parent, _since(subject, before))]


def wrong(scene: Scene, what: str, expected: Any, actual: Any, requirement: str | None = None) -> Deviation:
    """Return the deviation of one scene, with what is no text shown as JSON."""
    shown = [value if isinstance(value, str) else json.dumps(value) for value in (expected, actual)]
    return Deviation(
        f"{scene.name}: {what}",
        expected=shown[0][:300],
        actual=shown[1][:300],
        requirement=requirement,
        frames=scene.frames,
    )
