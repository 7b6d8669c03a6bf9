"""OpenAI Responses, bare: how a response begins, and what becomes of its items event by event, on both wires.

Spec: binding-openai-http. Each looks at every response of one short conversation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..registry import check
from ..scenes import Scene, streamed, wrong
from ..subject import Subject

OPENAI = ("openai-ws", "openai-http")

#: Events of an item that have no place behind the whole item.
_GROWS = ("_text.delta", "_text.done", "arguments.delta", "arguments.done", "part.added", "part.done", "item.added")


@check("SEG-OHTTP-029", profile="core", wires=OPENAI)
async def test_one_id(subject: Subject) -> None:
    """Every event that brings the response names the same id."""
    for scene in await streamed(subject):
        ids = [e["response"].get("id") for e in scene.events if isinstance(e.get("response"), dict)]
        named = [identifier for identifier in ids if identifier is not None]
        if len(set(map(str, named))) > 1:
            raise wrong(scene, "the id of the response", "one id in all events", ids)


@check("SEG-OHTTP-040", profile="core", wires=OPENAI)
async def test_begins_with_created(subject: Subject) -> None:
    """A response begins with response.created, in progress and without output."""
    for scene in await streamed(subject):
        kinds = [e["type"] for e in scene.events if e["type"].startswith("response.")]
        before = kinds[: kinds.index("response.created")] if "response.created" in kinds else None
        if before is None or set(before) - {"response.queued"}:
            raise wrong(scene, "the first event", "response.created, behind response.queued at most", kinds[:3])
        for event in scene.of("created", "in_progress", "queued"):
            response = event.get("response")
            if not isinstance(response, dict):
                raise wrong(scene, event["type"], "a `response`", response)
            if response.get("status", "in_progress") not in ("in_progress", "queued"):
                raise wrong(scene, f"the status in {event['type']}", "in_progress", response.get("status"))
            if response.get("output"):
                raise wrong(scene, f"the output in {event['type']}", "none yet", response["output"])


@check("SEG-OHTTP-041", "SEG-OHTTP-042", profile="core", wires=OPENAI)
async def test_items_come_once(subject: Subject) -> None:
    """An item is announced and brought whole once, as the same thing, and nothing of it comes later."""
    for scene in await streamed(subject):
        added: dict[Any, Any] = {}
        done: set[Any] = set()
        for event in scene.events:
            index, kind = event.get("output_index"), event["type"]
            if index is None:
                continue
            if index in done and (kind.endswith(_GROWS) or kind == "response.output_item.done"):
                raise wrong(scene, f"{kind} of item {index}", "nothing of an item behind it as a whole", kind)
            if kind == "response.output_item.added":
                if index in added:
                    raise wrong(scene, f"{kind} of item {index}", "one announcement", "a second one")
                added[index] = event.get("item")
            elif kind == "response.output_item.done":
                done.add(index)
                _same_thing(scene, added.get(index), event.get("item"))


def _same_thing(scene: Scene, announced: Any, whole: Any) -> None:
    if not isinstance(announced, dict) or not isinstance(whole, dict):
        return
    for member in ("type", "call_id", "name"):
        told = announced.get(member)
        if told not in (None, "", whole.get(member)):
            raise wrong(scene, f"the item's `{member}`", told, whole.get(member), "SEG-OHTTP-042")


@check("SEG-OHTTP-044", profile="core", wires=OPENAI)
async def test_indexes_are_places(subject: Subject) -> None:
    """output_index is the item's place in the output."""
    for scene in await streamed(subject):
        places = sorted(event.get("output_index", 0) for event in scene.of("output_item.done"))
        if places != list(range(len(places))):
            raise wrong(scene, "the output_index of the items", list(range(len(places))), places)


@check("SEG-OHTTP-043", profile="core", wires=OPENAI)
async def test_items_keep_their_id(subject: Subject) -> None:
    """An item bears one id, which its deltas name."""
    for scene in await streamed(subject):
        ids: dict[Any, set[str]] = {}
        for event in scene.events:
            for named in _ids(event):
                ids.setdefault(event.get("output_index"), set()).add(named)
            bare = event["type"].endswith(("_text.delta", "arguments.delta")) and event.get("item_id") is None
            if bare:
                raise wrong(scene, f"{event['type']} of item {event.get('output_index')}", "an `item_id`", event)
        for index, found in ids.items():
            if len(found) > 1:
                raise wrong(scene, f"the id of item {index}", "one id in all events", sorted(found))
            others = [place for place, told in ids.items() if place != index and told & found]
            if others:
                raise wrong(scene, f"the id of item {index}", "an id of its own", f"that of item {others[0]} as well")
        for item in scene.done:
            if item.get("type") == "message" and not isinstance(item.get("id"), str):
                raise wrong(scene, "the id of a message", "text", item.get("id"))


def _ids(event: dict[str, Any]) -> Iterator[str]:
    item = event.get("item")
    told = [event.get("item_id"), item.get("id") if isinstance(item, dict) else None]
    yield from (named for named in told if isinstance(named, str))


#: Of a part, or of arguments: what comes before what.
_ORDER = ("content_part.added", "output_text.delta", "output_text.done", "content_part.done")
_CALL_ORDER = ("function_call_arguments.delta", "function_call_arguments.done")


@check("SEG-OHTTP-047", profile="core", wires=OPENAI)
async def test_nothing_grows_behind_done(subject: Subject) -> None:
    """No delta of a text, or of arguments, comes behind the `done` of the same."""
    for scene in await streamed(subject):
        for kinds, where in _parts(scene):
            ends = [place for place, kind in enumerate(kinds) if kind.endswith(".done") and "part" not in kind]
            if ends and any(kind.endswith(".delta") for kind in kinds[ends[0] :]):
                raise wrong(scene, f"{where} grows behind its `done`", "deltas, then `done`", kinds)


@check("SEG-OHTTP-048", profile="core", wires=OPENAI)
async def test_events_in_order(subject: Subject) -> None:
    """A part is announced, grows, ends; and a response is created once, before it is in progress."""
    for scene in await streamed(subject):
        begun = [kind for event in scene.events if (kind := event["type"].removeprefix("response.")) in _BEGUN]
        if begun != sorted(set(begun), key=_BEGUN.index):
            raise wrong(scene, "how the response begins", "queued, created, in_progress, each once at most", begun)
        for kinds, where in _parts(scene):
            order = _CALL_ORDER if kinds[0] in _CALL_ORDER else _ORDER
            if kinds != sorted(kinds, key=order.index):
                raise wrong(scene, f"the events of {where}", ", ".join(sorted(set(kinds), key=order.index)), kinds)


_BEGUN = ("queued", "created", "in_progress")


def _parts(scene: Scene) -> Iterator[tuple[list[str], str]]:
    """Yield the kinds of events of each part, and of each call's arguments, in their order, repeats of one as one."""
    found: dict[tuple[Any, Any], list[str]] = {}
    for event in scene.events:
        kind = event["type"].removeprefix("response.")
        if kind in _ORDER or kind in _CALL_ORDER:
            part = "arguments" if kind in _CALL_ORDER else event.get("content_index")
            kinds = found.setdefault((event.get("output_index"), part), [])
            if kinds[-1:] != [kind]:
                kinds.append(kind)
    for (item, part), kinds in found.items():
        yield kinds, f"item {item}, {part if part == 'arguments' else f'part {part}'}"
