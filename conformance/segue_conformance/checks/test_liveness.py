"""Liveness: a welcome, signs of life, a warm-up that says nothing, endings that are announced (spec: liveness; G6)."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_adapters.errors import ConnectionCut, SegueError
from segue_adapters.wires.extension import plain_wire
from segue_schemas import models

from ..clock import now
from ..oracle import Story, plant, word
from ..registry import check
from ..subject import Subject, completed, kept, refused
from ..verdicts import Deviation, Inconclusive, NotOffered
from .test_turns import SLOW

NATIVE = ("segue-ws", "segue-http")
STREAMS = ("segue-ws", "openai-ws")
# Over a network the time between two messages is the endpoint's and the line's.
_SLACK = 1.5
_LINE = 0.5


@check("SEG-CAP-004", "SEG-LIVE-001", "SEG-LIVE-003", profile="live", wires=("segue-ws",))
async def test_welcome_declares(subject: Subject) -> None:
    """The first message is welcome, and it declares what the discovery document declares."""
    async with subject.open() as client:
        welcome = client.welcome
        assert welcome is not None  # the link takes nothing else for the first message
        lives = welcome.limits.connection_ms
        left = welcome.expires_in_ms
        if isinstance(lives, int) and not (isinstance(left, int) and left <= lives):
            raise Deviation(
                "connection_ms is declared",
                expected=f"expires_in_ms of at most {lives} in welcome",
                actual=str(left),
                requirement="SEG-LIVE-003",
            )
        document = subject.document
        if document is None:
            raise NotOffered("there is no discovery document to compare with")
        there: list[models.Binding | None] = [b for b in document.bindings if b.wire == plain_wire(subject.wire)]
        for name, declared in (
            ("capabilities", [_narrowed(document.capabilities, binding) for binding in there or [None]]),
            ("limits", [msgspec.to_builtins(document.limits)]),
        ):
            told = getattr(welcome, name)
            told = _narrowed(told, None) if isinstance(told, models.Capabilities) else msgspec.to_builtins(told)
            if told not in declared:
                wanted = declared[0]
                differing = sorted(k for k in {*told, *wanted} if told.get(k) != wanted.get(k))
                raise Deviation(
                    f"welcome and discovery differ in {name}: {', '.join(differing)}",
                    expected=str({k: wanted.get(k) for k in differing})[:200],
                    actual=str({k: told.get(k) for k in differing})[:200],
                )


def _narrowed(offered: models.Capabilities, binding: models.Binding | None) -> dict[str, Any]:
    """Return capabilities as a binding narrows them, its default spelled out; the order of lists says nothing."""
    told: dict[str, Any] = msgspec.to_builtins(offered)
    for name in ("retention", "features"):
        carried = getattr(binding, name, None)
        told[name] = sorted(told[name] if not isinstance(carried, list) else set(told[name]) & set(carried))
    ranks = ("none", "connection", "cached", "durable")
    default = told.get("default_retention") or min(offered.retention, key=ranks.index, default="none")
    stronger = [tier for tier in ranks[ranks.index(default) :] if tier in told["retention"]]
    told["default_retention"] = stronger[0] if stronger else None
    told["claimed_only"] = sorted(set(told.get("claimed_only") or ()) & set(told["features"]))
    return told


@check("SEG-LIVE-002", "SEG-LIVE-001", profile="core", wires=("segue-ws",))
async def test_sent_before_welcome(subject: Subject) -> None:
    """A turn that was sent at once, before welcome was read, runs."""
    async with subject.socket() as socket:
        subject.spend()
        start: dict[str, object] = {
            "type": "turn.start",
            "turn": "t_early_" + word(),
            "input": [],
            "context": subject.base_context(),
        }
        start["input"] = [{"type": "message", "role": "user", "content": "Say hello."}]
        await socket.send(msgspec.json.encode(start).decode())
        deadline = now() + subject.settings.timeout
        first = True
        while True:
            frame = msgspec.json.decode(await socket.receive(max(0.1, deadline - now())))
            if first and frame.get("type") != "welcome":
                raise Deviation(
                    "the first message",
                    expected="welcome",
                    actual=str(frame.get("type")),
                    requirement="SEG-LIVE-001",
                )
            first = False
            if frame.get("type") == "turn.completed":
                return
            if frame.get("type") in ("error", "turn.failed"):
                raise Deviation("a turn sent at once", expected="turn.completed", actual=str(frame)[:300])


@check("SEG-LIVE-010", "SEG-LIVE-011", profile="live", wires=NATIVE, timing=True)
async def test_signs_of_life(subject: Subject) -> None:
    """While a turn runs, something comes at least every heartbeat_ms, and progress bears no number."""
    limits = subject.limits
    if limits is None:
        raise NotOffered("no heartbeat_ms is declared: there is no discovery document")
    for last_try in (False, True):
        silence = await _longest_silence(subject, limits.heartbeat_ms)
        if silence is None:
            return
        if last_try:
            raise Deviation(
                f"the turn was silent for {silence:.0f} ms, twice",
                expected=f"an event or turn.progress at least every {limits.heartbeat_ms} ms",
                actual=f"nothing for {silence:.0f} ms",
            )
        # This machine, or the line, may have been the slow one: a single silence accuses nobody.
        subject.recorder.note(f"silent for {silence:.0f} ms: once more")


async def _longest_silence(subject: Subject, heartbeat_ms: int) -> float | None:
    """Return for how many ms a slow turn was silent, None where never for too long."""
    longest = heartbeat_ms / 1000 * _SLACK + _LINE
    async with subject.open() as client:
        turn = await client.start(SLOW)
        began = last = now()
        silence = 0.0
        while not turn.result.ended:
            await turn.next()
            at = now()
            silence, last = max(silence, at - last), at
        completed(client.judged(turn.result), "a long text was asked for")
        if silence > longest:
            return silence * 1000
        if (last - began) * 1000 < heartbeat_ms:
            raise Inconclusive(f"the turn took {(last - began) * 1000:.0f} ms, less than one heartbeat")
        return None


@check("SEG-LIVE-040", "SEG-LIVE-041", "SEG-LIVE-042", profile="live")
async def test_warm_up_says_nothing(subject: Subject) -> None:
    """A warm-up completes without output and without output tokens."""
    _warms_up(subject)
    async with subject.open() as client:
        outcome = await client.turn(plant(word()), generate=False)
        if outcome.refused is not None and not subject.native:
            raise NotOffered(f"a warm-up is refused: {outcome.refused.message[:120]}")
        completed(outcome, "a warm-up must complete", requirement="SEG-LIVE-041")
        if outcome.items:
            raise Deviation("the model wrote in a warm-up", expected="no output items", actual=repr(outcome.text[:120]))
        if outcome.usage is not None and outcome.usage.output_tokens:
            raise Deviation(
                "output tokens in a warm-up",
                expected="0",
                actual=str(outcome.usage.output_tokens),
                requirement="SEG-LIVE-042",
            )


@check("SEG-LIVE-041", profile="live")
async def test_warm_up_is_history(subject: Subject) -> None:
    """What was said in a warm-up is known to the turn that goes on from it."""
    _warms_up(subject)
    async with subject.open() as client:
        story, secret = Story(client), word()
        outcome = await client.turn(plant(secret), generate=False)
        if outcome.refused is not None and not subject.native:
            raise NotOffered(f"a warm-up is refused: {outcome.refused.message[:120]}")
        story.add(completed(outcome, "a warm-up must complete"))
        if kept(outcome).continuation is None:
            raise Deviation("a warm-up", expected="a continuation", actual="none")
        await story.recalls(secret, parent=outcome.continuation)


@check("SEG-LIVE-020", "SEG-LIVE-021", "SEG-LIVE-022", "SEG-LIVE-024", profile="live", wires=("segue-ws",), timing=True)
async def test_draining_is_announced(subject: Subject) -> None:
    """The end of a connection's life is announced in time, and turns behind the notice are refused."""
    async with subject.open() as client:
        welcome = client.welcome
        assert welcome is not None
        left = welcome.expires_in_ms
        if not isinstance(left, int):
            raise NotOffered("the connection has no set end")
        if left / 1000 > subject.settings.timeout:
            raise NotOffered(
                f"the connection lives {left / 1000:.0f} s: raise --timeout above that to wait for its end"
            )
        began = now()
        notice = await _draining(client.session.notice, left / 1000 + _LINE * 2)
        at = now() - began
        early = welcome.limits.draining_ms
        if isinstance(early, int) and at * 1000 > left - early + _LINE * 1000:
            raise Deviation(
                "the notice came late",
                expected=f"{early} ms before the end, at {left - early} ms",
                actual=f"at {at * 1000:.0f} ms",
                requirement="SEG-LIVE-024",
            )
        outcome = await client.turn("Say hello.")
        refused(outcome, "the connection is draining", "draining", requirement="SEG-LIVE-022")
        closes_at = at + notice.close_in_ms / 1000
        try:
            while True:
                await client.session.notice(notice.close_in_ms / 1000 + _LINE * 4)
        except ConnectionCut:
            ended = now() - began
        except TimeoutError:
            return  # it lives longer than it said: no rule is broken
        if ended < closes_at - _LINE:
            raise Deviation(
                "the connection ended early",
                expected=f"not before {closes_at * 1000:.0f} ms",
                actual=f"{ended * 1000:.0f} ms",
                requirement="SEG-LIVE-021",
            )


async def _draining(notice: object, limit: float) -> models.ConnectionDraining:
    deadline = now() + limit
    try:
        while True:
            message = await notice(max(0.05, deadline - now()))  # type: ignore[operator]
            if isinstance(message, models.ConnectionDraining):
                return message
    except TimeoutError:
        raise Inconclusive("the declared life of the connection passed, and it neither ended nor drained") from None
    except SegueError as fault:
        raise Deviation(
            "the connection ended without notice", expected="connection.draining first", actual=str(fault)
        ) from None


def _warms_up(subject: Subject) -> None:
    if subject.wire == "openai-http":
        raise NotOffered("a warm-up is documented for the WebSocket only")
    if subject.native:
        subject.needs("warm_up")
