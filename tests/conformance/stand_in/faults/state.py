"""How state is lost, kept and mistaken: what the faults of continuation, isolation and retention are made of."""

from __future__ import annotations

from typing import Any

from ..endpoint import Refused
from ..seams import At, Seam

__all__ = [
    "Item",
    "by_prefix",
    "evict_foreign",
    "evict_parents",
    "first_instructed",
    "foreign",
    "forgets",
    "found",
    "instructed",
    "is_lost",
    "latin",
    "lost",
    "newest",
    "no_parent",
    "only_part",
    "parent_if",
    "remove",
    "remove_parent",
    "shorten",
    "stored_parent",
    "stored_without",
    "told_foreign",
    "unstreamed",
    "without",
    "words",
]

Item = dict[str, Any]


def without(test: Any, when: Any = lambda at: True) -> dict[str, Seam]:
    """Lose the items of a history that pass a test."""
    return {"past": lambda past, at: [i for i in past if not test(i)] if when(at) else past}


def stored_without(test: Any) -> dict[str, Seam]:
    return {"kept": lambda kept, at: [i for i in kept if not test(i)]}


def forgets(when: Any) -> dict[str, Seam]:
    """Answer without any history under a condition."""
    return {"past": lambda past, at: [] if when(at) else past}


def parent_if(when: Any, then: Any) -> dict[str, Seam]:
    return {"parent": lambda found, at: then(found, at) if when(found, at) else found}


def lost(at: At) -> Refused:
    named = at.asked.get("previous_response_id")
    told = f"Previous response with id '{named}' not found."
    return Refused(400, "previous_response_not_found", told, "previous_response_id")


def by_prefix(found: Any, at: At) -> Any:
    named = str(at.asked.get("previous_response_id"))
    for identifier, held in at.stand_in.held.items():
        if held.owner == at.principal and identifier[:-8] == named[:-8]:
            return held
    return found


def newest(found: Any, at: At) -> Any:
    newest = found
    for held in at.stand_in.held.values():
        past, back = held, held
        while back is not None and back is not found:
            back = back.parent
        if back is found:
            newest = past
    return newest


def instructed(settings: Item, at: At) -> Item:
    """Go on under the parent's instructions where there are none."""
    back = at.parent
    while back is not None and not settings.get("instructions"):
        settings = {**settings, "instructions": back.body.get("instructions")}
        back = back.parent
    return settings


def first_instructed(settings: Item, at: At) -> Item:
    told = at.parent.body.get("instructions") if at.parent else None
    return {**settings, "instructions": told} if told else settings


def shorten(items: list[Item], size: int, member: str) -> list[Item]:
    return [{**i, member: i[member][:size]} if isinstance(i.get(member), str) else i for i in items]


def latin(item: Item) -> Item:
    def mend(text: str) -> str:
        return text.encode("utf-8").decode("latin-1")

    content = item.get("content")
    return {**item, "content": mend(content)} if isinstance(content, str) else item


def only_part(item: Item) -> Item:
    content = item.get("content")
    return {**item, "content": content[:1]} if isinstance(content, list) else item


def unstreamed(at: At) -> bool:
    return not at.socket and not at.asked.get("stream")


def found(found: Any) -> bool:
    return found is not None and not isinstance(found, Refused)


def stored_parent(found: Any, at: At) -> Any:
    """Resolve for whoever asks, if it is held at all."""
    return at.stand_in.held.get(at.asked.get("previous_response_id"), found)


def no_parent(found: Any, at: At) -> Any:
    return None


def is_lost(found: Any, at: At) -> bool:
    return isinstance(found, Refused)


def evict_parents(made: Any, at: At) -> Any:
    if at.parent is not None:
        at.stand_in.held.pop(at.parent.id, None)
    return made


def remove(answer: Any, at: At) -> Any:
    at.stand_in.held.pop(at.asked["id"], None)
    return answer


def remove_parent(answer: Any, at: At) -> Any:
    if not isinstance(answer, Refused) and at.made is not None and at.made.parent is not None:
        at.stand_in.held.pop(at.made.parent.id, None)
    return answer


def foreign(found: Any, at: At) -> bool:
    held = at.stand_in.held.get(at.asked.get("previous_response_id"))
    return isinstance(found, Refused) and held is not None and held.owner != at.principal


def told_foreign(status: int, code: str | None, message: str) -> Any:
    return lambda found, at: Refused(status, code, message, "previous_response_id")


def evict_foreign(found: Any, at: At) -> Any:
    if foreign(found, at):
        del at.stand_in.held[at.asked["previous_response_id"]]
    return found


def words(item: Item) -> bool:
    return item.get("role") == "user"
