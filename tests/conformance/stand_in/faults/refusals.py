"""How refusals and lanes go wrong: what the faults around the answers are made of."""

from __future__ import annotations

from typing import Any

from ..endpoint import Refused
from ..model import text_of
from ..seams import At, Seam

__all__ = [
    "LOST",
    "Told",
    "any_",
    "code",
    "cut_words",
    "evict",
    "frame",
    "gone",
    "held",
    "lane",
    "last_named",
    "lost",
    "named",
    "over",
    "own_",
    "refuse",
    "refused",
    "silent",
    "takes",
    "told",
    "warm_parent",
    "words",
    "wrong",
]

Told = dict[str, Any]
LOST = "previous_response_not_found"


def code(refused: Refused) -> Any:
    return refused.error["code"]


def refused(when: Any, status: int, **members: Any) -> dict[str, Seam]:
    """Refuse with another status, and other members of the error."""

    def seam(refused: Any, at: At) -> Any:
        if isinstance(refused, Refused) and when(refused):
            refused.status = status or refused.status
            refused.error.update(members)
        return refused

    return {"refused": seam}


def lost(refused: Refused) -> bool:
    return code(refused) == LOST


def any_(refused: Refused) -> bool:
    return True


def wrong(refused: Refused) -> bool:
    return code(refused) in ("invalid_type", "invalid_value", "missing_required_parameter")


def told(change: Any, *, socket: bool | None = None) -> dict[str, Seam]:
    """Change the body of a refusal."""
    return {"told": lambda told, at: change(told) if told and socket in (None, "type" in told) else told}


def takes(name: str, when: Any, instead: Any = None) -> dict[str, Seam]:
    """Take a member's wrong value as absent, or as something else."""

    def seam(asked: Told, at: At) -> Told:
        if name in asked and when(asked[name]):
            asked = {n: v for n, v in asked.items() if n != name}
            asked |= {} if instead is None else {name: instead}
        return asked

    return {"asked": seam}


def frame(change: Any) -> dict[str, Seam]:
    return {"frame": lambda told, at: change(told, at) if isinstance(told, dict) else told}


def lane(change: Any) -> dict[str, Seam]:
    """Give events another stream_id; None: none."""

    def seam(told: Any, at: At) -> Any:
        if not isinstance(told, dict) or not told["type"].startswith("response."):
            return told
        bare = {n: v for n, v in told.items() if n != "stream_id"}
        name = change(told, at)
        return bare if name is None else {**bare, "stream_id": name}

    return {"frame": seam}


def own_(told: Told) -> Any:
    return told.get("stream_id")


def last_named(told: Told, at: At) -> Any:
    return at.notes.get("named", own_(told))


def named(asked: Told, at: At) -> Told:
    at.notes["named"] = asked.get("stream_id")
    return asked


def silent(at: At) -> bool:
    return at.asked.get("generate") is False


def warm_parent(at: At) -> bool:
    return at.parent is not None and at.parent.at.asked.get("generate") is False


def gone(at: At) -> Refused:
    named = at.asked.get("previous_response_id")
    return Refused(400, LOST, f"Previous response with id '{named}' not found.", "previous_response_id")


def held(found: Any) -> bool:
    return found is not None and not isinstance(found, Refused)


def over(at: At, limit: int) -> bool:
    return at.socket and len(at.connection.lanes) > limit


def words(items: list[Told]) -> int:
    return sum(len(text_of(i)) for i in items)


def cut_words(output: list[Told], size: int) -> list[Told]:
    for item in output:
        for part in item.get("content") or ():
            part["text"] = " ".join(part["text"].split(" ")[:size])
    return output


def refuse(refused: Refused) -> Any:
    raise refused


def evict(at: At) -> None:
    if at.socket:
        named = at.asked.get("previous_response_id")
        for lane, held in list(at.connection.latest.items()):
            if held.id == named:
                del at.connection.latest[lane]
