"""Connections that end: what is said before, with which code, and what becomes of the turns (spec: liveness, lanes)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from segue_adapters.errors import ConnectionCut, TransportError
from segue_adapters.transports.websocket import Socket
from segue_adapters.turn import Outcome, Turn
from segue_schemas import models

from ..native import keeps_records, told
from ..registry import check
from ..segue_wire import next_message, start_message
from ..subject import Client, Subject, completed
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

#: Seconds within which two ends over two connections may be taken to have come at once.
_APART = 0.1

WIRE = ("segue-ws",)
#: The codes that the table has for what was said last; 1007 and 1009 need nothing said.
_CODES = {
    "malformed_message": (4400, 1007),
    "message_too_large": (4413, 1009),
    "unauthenticated": (4401,),
    "forbidden": (4403,),
    "slow_reader": (4408,),
    "rate_limited": (4429,),
    "quota_exceeded": (4429,),
    "overloaded": (4503,),
    "internal_error": (4500,),
    "connection.draining": (4410, 1000, 1001),
}
_ALONE = (1007, 1009)
_LINE = 0.5


@check("SEG-WS-020", "SEG-WS-021", profile="core", wires=WIRE)
async def test_closed_with_a_reason(subject: Subject) -> None:
    """Whatever ends a connection is said before, and the close code is the one for it."""
    limits = subject.limits
    frames: list[tuple[str, str | bytes]] = [
        ("text that is no JSON", "this is no JSON"),
        ("a binary message", b"\x00\x01\x02"),
        ("a message of an unknown type", json.dumps({"type": "turn.teleport"})),
    ]
    if limits is not None and limits.message_bytes <= 4 * 1024 * 1024:
        large = json.dumps(start_message(subject, "x" * (limits.message_bytes + 1024)))
        frames.append(("a message above message_bytes", large))
    for what, frame in frames:
        async with subject.socket() as socket:
            await next_message(socket, subject.settings.timeout)  # welcome
            subject.spend()
            await socket.send(frame)
            _judge(what, *await _after(subject, socket))


async def _after(subject: Subject, socket: Socket) -> tuple[str | None, int | None]:
    """Return what was said last and the close code; None where nothing was said, or the connection stays."""
    last = None
    try:
        while last is None:
            last = _what(await next_message(socket, subject.settings.timeout))
        # Whoever closes does so at once: behind a pong the connection stays.
        if await socket.ping(_LINE):
            return last, None
        while True:
            last = _what(await next_message(socket, _LINE)) or last
    except ConnectionCut as cut:
        return last, cut.code
    except TransportError:
        return last, None


def _what(message: dict[str, Any]) -> str | None:
    """Return what a message says of the end: the code of an error, or the notice; None for any other."""
    kind: str = message["error"]["code"] if message["type"] == "error" else message["type"]
    return kind if message["type"] in ("error", "connection.draining") else None


def _judge(what: str, last: str | None, code: int | None) -> None:
    if code is None or (last is None and code in _ALONE):
        return
    if last is None or last not in _CODES:
        raise Deviation(
            f"{what} ended the connection",
            expected="an error, or connection.draining, that says why",
            actual=f"close code {code} behind {last or 'nothing'}",
        )
    if code not in _CODES[last]:
        raise Deviation(
            f"the connection was closed behind {last}",
            expected=f"close code {' or '.join(map(str, _CODES[last]))}",
            actual=str(code),
            requirement="SEG-WS-021",
        )


@check("SEG-LIVE-023", "SEG-WS-021", profile="live", wires=WIRE)
async def test_turns_outlive_the_notice(subject: Subject) -> None:
    """A turn that runs when its connection drains comes to its end there, or is read on over another."""
    async with subject.open() as client:
        assert client.welcome is not None
        left = client.welcome.expires_in_ms
        if not isinstance(left, int) or left / 1000 > subject.settings.timeout:
            raise NotOffered("the connection lives too long to be waited for: raise --timeout above its life")
        turn, notice = await _running_at_the_notice(client, left / 1000 + 2 * _LINE)
        outcome = await _to_its_end(subject, client, turn, elsewhere=notice.resumable_elsewhere is True)
        if outcome.completed is None:
            raise Deviation(
                "a turn ran when its connection drained",
                expected="turn.completed",
                actual=told(outcome.error),
            )
        try:
            while True:
                await client.session.notice(notice.close_in_ms / 1000 + 4 * _LINE)
        except TimeoutError:
            return  # it lives longer than it said: no rule is broken
        except ConnectionCut as cut:
            _judge("the end of its life", "connection.draining", cut.code)


async def _running_at_the_notice(client: Client, limit: float) -> tuple[Turn, models.ConnectionDraining]:
    """Keep turns running until the notice comes; return the one that ran then."""
    notice = asyncio.ensure_future(_notice(client, limit))
    try:
        while True:
            turn = await client.start(SLOW)
            while not notice.done() and not turn.result.ended:
                step = asyncio.ensure_future(turn.next())
                await asyncio.wait({step, notice}, return_when=asyncio.FIRST_COMPLETED)
                if step.done():
                    await step
                else:
                    step.cancel()
            if notice.done() and turn.result.completed is None:
                return turn, await notice
            if notice.done():
                await notice
                raise Inconclusive("no turn ran when the notice came")
            completed(client.judged(turn.result), "a long text was asked for")
    finally:
        notice.cancel()


async def _notice(client: Client, limit: float) -> models.ConnectionDraining:
    try:
        while True:
            message = await client.session.notice(limit)
            if isinstance(message, models.ConnectionDraining):
                return message
    except TimeoutError:
        raise Inconclusive("the declared life of the connection passed without a notice") from None


async def _to_its_end(subject: Subject, client: Client, turn: Turn, *, elsewhere: bool) -> Outcome:
    try:
        return await turn.outcome()
    except ConnectionCut as cut:
        if not elsewhere:
            raise Deviation(
                "a turn ran when its connection drained",
                expected="its end before the connection's, or resumable_elsewhere",
                actual=str(cut),
            ) from None
    async with subject.open() as fresh:
        subject.spend()
        return client.judged(await (await fresh.session.resume(turn)).outcome())


@check("SEG-TURN-108", profile="concurrent", wires=WIRE)
async def test_order_outlives_the_connection(subject: Subject) -> None:
    """Two turns of one lane run one after the other also when their connection is lost."""
    subject.needs("lanes")
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        first = await client.start(SLOW)
        await first.next()
        second = await client.start("Say hello.")
        await second.next()
        if second.result.accepted is None:
            raise Untestable(f"a second turn in the lane was not accepted: {told(second.result.error)}")
        client.session.link.cut()
    async with subject.open() as client, subject.open() as other:
        subject.spend()
        subject.spend()
        readings = [await client.session.resume(first.name), await other.session.resume(second.name)]
        ahead, behind = (asyncio.ensure_future(reading.outcome()) for reading in readings)
        await asyncio.wait({ahead, behind}, return_when=asyncio.FIRST_COMPLETED)
        if behind.done():
            await asyncio.wait({ahead}, timeout=_APART)  # what came over another connection is read a moment later
        overtaken = behind.done() and not ahead.done()
        outcomes = [completed(client.judged(await reading), "a turn goes on without its connection")
                    for reading in (ahead, behind)]  # fmt: skip
        if overtaken:
            took = [_total(outcome) for outcome in outcomes]
            raise Deviation(
                f"turn {first.name} and, in the same lane, {second.name}: their connection was lost",
                expected="the second begins behind the end of the first",
                actual=f"the second ended first; total_ms of the first {took[0]}, of the second {took[1]}",
            )


def _total(outcome: Outcome) -> int | str:
    timing = outcome.completed.timing if outcome.completed is not None else None
    total = getattr(timing, "total_ms", None)
    return total if isinstance(total, int) else "not told"
