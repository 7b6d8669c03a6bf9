"""Retention: what is granted is kept, what was not granted is gone, and a miss is told (spec: continuation; G1, G8)."""

from __future__ import annotations

from segue_schemas import models

from ..oracle import Story, plant, word
from ..registry import check
from ..subject import Client, Subject, completed, handle_of, refused
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable

STREAMS = ("segue-ws", "openai-ws")
NATIVE = ("segue-ws", "segue-http")


@check("SEG-CONT-045", profile="continuation")
async def test_kept_handle_on_another_connection(subject: Subject) -> None:
    """A handle that outlives its connection is good on the next one."""
    tier = subject.needs_tier("cached", "durable")
    secret = word()
    async with subject.open() as client:
        story = Story(client)
        first = await story.say(plant(secret), retention=tier)
    async with subject.open() as other:
        story.client = other
        await story.recalls(secret, parent=handle_of(first), retention=tier)


@check("SEG-CONT-044", profile="continuation", wires=STREAMS)
async def test_connection_handle_ends_with_it(subject: Subject) -> None:
    """A handle of retention `connection` does not resolve on another connection."""
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        first = await client.say(plant(word()), retention=tier)
    async with subject.open() as other:
        outcome = await other.turn("Say hello.", parent=handle_of(first), retention=tier)
        refused(
            outcome,
            "the parent was kept for its connection only, and that has ended",
            "continuation_not_found",
            native=subject.native,
        )


@check("SEG-CONT-043", profile="live", wires=STREAMS)
async def test_connection_handle_on_its_connection(subject: Subject) -> None:
    """A handle of retention `connection` is good on its connection."""
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier)
        second = await story.say("Repeat after me: good.", parent=handle_of(first), retention=tier)
        await story.recalls(secret, parent=handle_of(second), retention=tier)


@check("SEG-CONT-010", "SEG-CONT-030", profile="continuation", wires=STREAMS)
async def test_older_connection_handle(subject: Subject) -> None:
    """A handle of retention `connection` that was gone on from means its own history, or is told to be lost."""
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        story, secret, later = Story(client), word(), word()
        first = await story.say(plant(secret), retention=tier)
        await client.say(plant(later), parent=handle_of(first), retention=tier)
        if not subject.native:
            # Only the latest of a lane has to be held there, so that a miss is right; a newer history never is.
            probe = await client.turn("Repeat after me: fine.", parent=handle_of(first), retention=tier)
            if probe.refused is not None:
                refused(probe, "an older response was named", "continuation_not_found", native=False)
                return
        await story.recalls(secret, others=[later], parent=handle_of(first), retention=tier, requirement="SEG-CONT-030")


@check("SEG-CONT-002", profile="continuation", wires=("segue-ws", "segue-http", "openai-http"))
async def test_unkept_turn_has_no_handle(subject: Subject) -> None:
    """A turn that is not kept has no handle that resolves."""
    subject.needs_tier("none")
    async with subject.open() as client:
        outcome = await client.turn(plant(word()), retention="none")
        if not subject.native and outcome.refused is not None:
            raise NotOffered(f"`store: false` is refused: {outcome.refused.message[:120]}")
        completed(outcome, "a turn that is not kept must run")
        handle = outcome.continuation
        if subject.native:
            if handle is not None:
                raise Deviation("a turn of retention none", expected="no continuation", actual=handle.id)
            return
        if handle is None:
            return
        again = await client.turn("Say hello.", parent=handle, retention="none")
        refused(again, "the parent was sent with `store: false`", "continuation_not_found", native=False)


@check("SEG-CONT-041", "SEG-CONT-040", "SEG-CONT-004", "SEG-CONT-005", profile="continuation", wires=NATIVE)
async def test_each_tier_is_granted(subject: Subject) -> None:
    """Every declared tier is granted when asked for, and named as granted."""
    async with subject.open() as client:
        for tier in subject.tiers():
            outcome = completed(
                await client.turn("Say hello.", retention=tier), f"retention {tier} is declared and was asked for"
            )
            accepted = outcome.accepted
            assert accepted is not None
            if accepted.retention != tier:
                raise Deviation(
                    f"{tier} was asked for", expected=tier, actual=str(accepted.retention), requirement="SEG-CONT-040"
                )
            handle = outcome.continuation
            most = subject.limits.cached_ms if subject.limits is not None else None
            if handle is not None and tier == "cached" and isinstance(most, int):
                left = handle.expires_in_ms
                if not isinstance(left, int) or left > most:
                    raise Deviation(
                        f"a cached continuation, cached_ms being {most}",
                        expected=f"expires_in_ms, {most} at most",
                        actual=str(left) if isinstance(left, int) else "none",
                        requirement="SEG-CONT-005",
                    )
            if handle is not None and handle.retention != tier:
                raise Deviation(
                    "the continuation names another tier",
                    expected=tier,
                    actual=handle.retention,
                    requirement="SEG-CONT-004",
                )


@check("SEG-CONT-040", profile="continuation", wires=NATIVE)
async def test_other_tiers_are_refused(subject: Subject) -> None:
    """A tier that is not offered is refused, never replaced by less."""
    missing: list[models.Retention] = [t for t in ("durable", "connection", "none") if t not in subject.tiers()]
    if not missing:
        raise NotOffered("every tier is offered, so none can be refused")
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", retention=missing[0])
        refused(outcome, f"retention {missing[0]} is not offered and was asked for", "retention_unavailable")


@check("SEG-CONT-042", profile="continuation", wires=NATIVE)
async def test_default_tier(subject: Subject) -> None:
    """A turn that asks for no tier gets the declared default."""
    default = subject.default_tier
    if default is None:
        raise NotOffered("no tier is declared for this wire")
    async with subject.open() as client:
        subject.spend()
        turn = await client.session.turn("Say hello.", context=subject.base_context())
        outcome = client.judged(await turn.outcome())
        if outcome.accepted is None:
            raise Untestable("a plain turn was not accepted")
        if outcome.accepted.retention != default:
            raise Deviation(
                "no tier was asked for",
                expected=default,
                actual=str(outcome.accepted.retention),
            )


@check("SEG-CONT-071", "SEG-CONT-016", "SEG-HTTP-008", profile="continuation")
async def test_deleted_handle_is_gone(subject: Subject) -> None:
    """A deleted handle is refused as not found."""
    tier = _deletes(subject)
    async with subject.open() as client:
        first = await client.say(plant(word()), retention=tier)
        await _delete(client, handle_of(first).id)
        outcome = await client.turn("Say hello.", parent=handle_of(first), retention=tier)
        refused(outcome, "the parent was deleted", "continuation_not_found", native=subject.native)


@check("SEG-CONT-010", "SEG-CONT-072", profile="continuation")
async def test_child_of_a_deleted_parent(subject: Subject) -> None:
    """After its parent was deleted, a turn's handle still means the whole history, or is refused: never a part."""
    tier = _deletes(subject)
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier)
        second = await story.say("Repeat after me: good.", parent=handle_of(first), retention=tier)
        await _delete(client, handle_of(first).id)
        if not subject.native:
            # What becomes of the children is not documented on OpenAI's wires: refusing them is honest too.
            probe = await client.turn("Repeat after me: fine.", parent=handle_of(second), retention=tier)
            if probe.refused is not None:
                refused(probe, "the parent's parent was deleted", "continuation_not_found", native=False)
                return
        await story.recalls(secret, parent=handle_of(second), retention=tier)


@check("SEG-CONT-073", profile="continuation", wires=NATIVE)
async def test_descendants_can_go_too(subject: Subject) -> None:
    """Deleting with descendants takes what went on from the handle as well."""
    tier = _deletes(subject)
    async with subject.open() as client:
        first = await client.say("Say hello.", retention=tier)
        second = await client.say("Say hello.", parent=handle_of(first), retention=tier)
        subject.spend()
        answer = await client.session.delete(handle_of(first).id, descendants=True)
        if isinstance(answer, models.ErrorMessage):
            raise Deviation("a delete with descendants", expected="deleted", actual=answer.error.message)
        outcome = await client.turn("Say hello.", parent=handle_of(second), retention=tier)
        refused(outcome, "its ancestor was deleted with all descendants", "continuation_not_found")


@check("SEG-CONT-070", "SEG-HTTP-007", profile="continuation", wires=NATIVE)
async def test_get_says_what_was_issued(subject: Subject) -> None:
    """continuation.get answers with the digest and the length that were issued."""
    subject.needs("get")
    async with subject.open() as client:
        handle, _ = await client.handle("Say hello.")
        client.subject.spend()
        answer = await client.session.get(handle.id)
        if not isinstance(answer, models.ContinuationInfo):
            raise Deviation("the handle is held", expected="continuation.info", actual=answer.error.message)
        told = answer.continuation
        if (told.id, told.digest, told.length) != (handle.id, handle.digest, handle.length):
            raise Deviation(
                "continuation.info tells another history than was issued",
                expected=f"id {handle.id!r}, digest {handle.digest}, length {handle.length}",
                actual=f"id {told.id!r}, digest {told.digest}, length {told.length}",
            )


@check("SEG-LIVE-025", profile="live", wires=NATIVE, timing=True)
async def test_expiry_counts_down(subject: Subject) -> None:
    """expires_in_ms of a handle is what is left: it never rises."""
    subject.needs("get")
    async with subject.open() as client:
        handle, _ = await client.handle("Say hello.")
        if not isinstance(handle.expires_in_ms, int):
            raise NotOffered("the handle has no set expiry")
        client.subject.spend()
        answer = await client.session.get(handle.id)
        if not isinstance(answer, models.ContinuationInfo):
            raise Untestable(f"the handle could not be read: {answer.error.message}")
        left = answer.continuation.expires_in_ms
        if not isinstance(left, int) or left > handle.expires_in_ms:
            raise Deviation(
                "what is left of a handle's life has grown since it was issued",
                expected=f"expires_in_ms {handle.expires_in_ms} at most",
                actual=f"expires_in_ms {left}",
            )


def _deletes(subject: Subject) -> models.Retention:
    if subject.wire == "openai-ws":
        raise NotOffered("the wire has no way to delete")
    if subject.native:
        subject.needs("delete")
    return subject.needs_tier("cached", "durable")


async def _delete(client: Client, identifier: str) -> None:
    client.subject.spend()
    answer = await client.session.delete(identifier)
    if isinstance(answer, models.ErrorMessage):
        detail = answer.error.detail
        status = detail.get("status") if isinstance(detail, dict) else None
        if not client.subject.native and status in (404, 405, 501):
            raise NotOffered(f"deleting is not offered: status {status}")
        raise Inconclusive(f"the handle could not be deleted: {answer.error.message}")
