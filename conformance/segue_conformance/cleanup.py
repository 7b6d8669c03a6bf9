"""Deletes at the end of a run what it made the endpoint keep, where a wire can: best effort, and never a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from segue_adapters.client import Session
from segue_adapters.discovery import Offer
from segue_adapters.errors import SegueError
from segue_adapters.links import open_link
from segue_schemas import models

from .account import Kept
from .budget import Budget, Pace
from .connecting import options_of
from .results import Cleanup
from .settings import Settings
from .verdicts import Inconclusive

__all__ = ["Leavings", "clean"]

#: Seconds that the whole of it may take.
LIMIT = 10.0
#: So many refusals in a row, and the endpoint is taken for one that deletes nothing.
_IN_VAIN = 3
#: OpenAI's WebSocket has no way to delete; what it keeps is reached by the HTTP wire beside it.
_BY = {"openai-ws": "openai-http"}


class Leavings:
    """What the run made the endpoint keep, in order."""

    def __init__(self) -> None:
        self._kept: dict[Kept, None] = {}

    def add(self, kept: Kept) -> None:
        """Remember a continuation."""
        self._kept[kept] = None

    def __len__(self) -> int:
        return len(self._kept)

    def by_owner(self) -> dict[tuple[str, str], list[str]]:
        """Return the ids by wire and principal, children before their parents."""
        found: dict[tuple[str, str], list[str]] = {}
        for kept in reversed(self._kept):
            found.setdefault((kept.wire, kept.principal), []).append(kept.id)
        return found


async def clean(
    leavings: Leavings,
    offers: Mapping[str, Offer],
    settings: Settings,
    budget: Budget,
    *,
    pace: Pace | None = None,
    limit: float = LIMIT,
) -> Cleanup:
    """Delete what was left, within `limit` seconds and the budget, on the wires that were found."""
    counts = [0, 0]  # deleted, requests
    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
            for (wire, principal), ids in leavings.by_owner().items():
                way = _BY.get(wire, wire)
                if way in offers:
                    group.create_task(_delete(offers[way], principal, ids, settings, budget, pace, counts))
    except TimeoutError:
        pass
    deleted, requests = counts
    return Cleanup(deleted=deleted, left=len(leavings) - deleted, requests=requests)


async def _delete(
    offer: Offer,
    principal: str,
    ids: Sequence[str],
    settings: Settings,
    budget: Budget,
    pace: Pace | None,
    counts: list[int],
) -> None:
    """Delete one principal's continuations on one wire, one after the other."""
    key = settings.second_api_key if principal == "second" else settings.api_key
    session: Session | None = None
    in_vain, works = 0, False
    try:
        options = options_of(settings, key=key, pace=pace)
        link = await open_link(offer.wire, offer.url, options, label="cleanup", routes=offer.routes)
        session = Session(link, offer.wire, context=None, limit=min(settings.timeout, LIMIT))
        for id in ids:
            budget.spend()
            counts[1] += 1
            answer = await session.delete(id)
            done = isinstance(answer, models.ContinuationDeleted)
            works = works or done
            # What a check has deleted itself is gone as well; where nothing is ever deleted, there is no such route.
            gone = isinstance(answer, models.ErrorMessage) and answer.error.code == "continuation_not_found"
            counts[0] += done or (works and gone)
            in_vain = 0 if done else in_vain + 1
            if not works and in_vain >= _IN_VAIN:
                return
    except (SegueError, Inconclusive):
        return
    finally:
        if session is not None:
            await session.close()
