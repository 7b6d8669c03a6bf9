"""Bounds that are reached: what is given up, for whom, and what is told (spec: capabilities, liveness, isolation).

Only an endpoint that declares few `limits.continuations` is brought to them: elsewhere it would cost many turns.
"""

from __future__ import annotations

from typing import Any

from segue_adapters.links import WebSocketLink
from segue_schemas import models

from ..clock import now
from ..native import NATIVE, told
from ..oracle import word
from ..registry import check
from ..subject import Client, Subject, completed
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

#: Continuations that a check makes at most.
_MOST = 32
#: Seconds that a notice may take beside the answers of other requests.
_LINE = 2.0


@check("SEG-LIVE-026", profile="live", wires=("segue-ws",))
async def test_eviction_is_told(subject: Subject) -> None:
    """What is given up before its expiry is told to every open connection of the principal."""
    bound = _bound(subject)
    subject.needs("get")
    async with subject.open() as client, subject.open() as watcher:
        held = [await _keep(client, "cached") for _ in range(bound + 1)]
        lost = [handle for handle in held if handle is not None and not await _resolves(client, handle)]
        if not lost:
            raise Inconclusive(f"{bound + 1} continuations were made, and none was given up")
        for handle in lost:
            for who, line in (("that stored", client), ("beside it", watcher)):
                if not await _told_of(line, handle.id):
                    raise Deviation(
                        f"a continuation was given up, and the connection {who} is open",
                        expected=f"continuation.evicted of {handle.id}",
                        actual="no notice",
                    )


@check("SEG-ISO-009", profile="isolated", wires=NATIVE, needs_second_key=True)
async def test_eviction_stays_at_home(subject: Subject) -> None:
    """A principal that stores more than its bound loses its own continuations, and nobody else's."""
    bound = _bound(subject)
    subject.needs("get")
    async with subject.open() as owner, subject.open(second=True) as other:
        mine = await _keep(owner, "cached")
        if mine is None:
            raise Untestable("a continuation could not be made")
        for _ in range(bound + 1):
            await _keep(other, "cached")
        if not await _resolves(owner, mine):
            raise Deviation(
                f"another principal made {bound + 1} continuations, its bound being {bound}",
                expected="those of this principal are untouched",
                actual="one of them is gone",
            )


@check("SEG-CAP-021", "SEG-TURN-039", profile="core", wires=("segue-ws",))
async def test_full_store(subject: Subject) -> None:
    """A turn for which there is no room is refused with effect none, or ends without the handle that it was granted."""
    bound = _bound(subject)
    subject.needs("get")
    subject.needs_tier("connection")
    async with subject.open() as client:
        held: list[models.Continuation] = []
        for _ in range(bound + 1):
            outcome = await client.session.turn("Say hello.", context=subject.base_context(), retention="connection")
            subject.spend()
            result = await outcome.outcome()
            if result.refused is not None:
                if result.refused.effect != "none":
                    raise Deviation(
                        f"a turn beyond {bound} continuations was refused",
                        expected="effect none",
                        actual=f"effect {result.refused.effect}: {told(result.refused)}",
                    )
                return
            done = completed(result, "a turn within its bound").completed
            assert done is not None
            if result.continuation is None:
                if (done.status, done.reason) != ("incomplete", "retention_lost") or not result.items:
                    raise Deviation(
                        f"a turn beyond {bound} continuations has no handle",
                        expected="status incomplete, reason retention_lost, its output readable",
                        actual=f"status {done.status}, reason {done.reason}, {len(result.items)} items",
                        requirement="SEG-TURN-039",
                    )
                return
            held.append(result.continuation)
        for handle in held:
            if not await _resolves(client, handle):
                raise Deviation(
                    f"{len(held)} turns were granted retention `connection`, the bound being {bound}",
                    expected="each handle resolves, or its turn ends with retention_lost",
                    actual=f"{handle.id} is gone",
                    requirement="SEG-TURN-039",
                )
        raise NotOffered("more is held than was declared")


@check("SEG-TURN-083", profile="resumable", wires=NATIVE)
async def test_unkept_turn_is_read_to_its_end(subject: Subject) -> None:
    """Every reading that began while a turn of retention none ran is delivered to its end."""
    subject.needs("resume")
    subject.needs_tier("none")
    async with subject.open() as client, subject.open() as other:
        turn = await client.start(SLOW, retention="none")
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before a second reading could begin")
        subject.spend()
        second = await other.session.resume(turn.name)
        for reading in (second, turn):
            completed(client.judged(await reading.outcome()), "a reading began while the turn ran")


def _bound(subject: Subject) -> int:
    bound = subject.limits.continuations if subject.limits is not None else None
    if not isinstance(bound, int) or bound > _MOST:
        raise NotOffered(f"no bound of at most {_MOST} continuations is declared")
    return bound


async def _keep(client: Client, tier: models.Retention) -> models.Continuation | None:
    """Make a continuation as cheaply as can be; None where it is refused."""
    client.subject.needs_tier(tier)
    warm: dict[str, Any] = {"generate": False} if "warm_up" in client.subject.features() else {}
    turn = await client.start(f"Remember this word: {word()}.", retention=tier, **warm)
    return (await turn.outcome()).continuation


async def _resolves(client: Client, handle: models.Continuation) -> bool:
    client.subject.spend()
    return isinstance(await client.session.get(handle.id), models.ContinuationInfo)


async def _told_of(client: Client, identifier: str) -> bool:
    """Whether a connection is told of an eviction; what it was told before is looked at again."""
    link = client.session.link
    assert isinstance(link, WebSocketLink)
    seen: list[models.ServerMessage] = link.notices.waiting()
    until = now() + _LINE
    try:
        while not any(isinstance(m, models.ContinuationEvicted) and m.id == identifier for m in seen):
            seen.append(await client.session.notice(max(0.01, until - now())))
    except TimeoutError:
        return False
    finally:
        for message in seen:
            link.notices.put(message)
    return True
