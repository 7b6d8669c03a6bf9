"""Whether an endpoint that wants keys looks at them, on any wire of single requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from segue_adapters.wires.base import Answer

from .subject import Subject
from .verdicts import Deviation, NotOffered

__all__ = ["refuses_wrong_key"]


async def refuses_wrong_key(subject: Subject, ask: Callable[[str], Awaitable[Answer]]) -> None:
    """Raise a Deviation where a plain request under a key that nobody has is answered; `ask` sends it under a key."""
    subject.needs_keys()
    if subject.settings.api_key is None:
        raise NotOffered("no key was given, so a wrong one proves nothing")
    answer = await ask("wrong-key")
    if answer.status not in (401, 403):
        raise Deviation("a wrong key was sent", expected="401 or 403", actual=str(answer.status))
