"""What an endpoint should do though nothing breaks without it: a deviation warns (spec: the chapters named)."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_adapters.errors import SegueError, TransportError
from segue_adapters.transports.websocket import open_socket
from segue_schemas import models

from ..clock import now
from ..native import NATIVE, begin, keeps_records, told
from ..registry import check
from ..segue_wire import refusal_to, start_message
from ..subject import Subject, completed
from ..verdicts import Deviation, Inconclusive, NotOffered, Untestable
from .test_turns import SLOW

HTTP, SOCKET = ("segue-http",), ("segue-ws",)
#: Turns that a check lets wait in a lane at most.
_QUEUE = 8


@check("SEG-MSG-033", profile="core", wires=NATIVE)
async def test_limit_is_told(subject: Subject) -> None:
    """The refusal of a message that is too large tells the limit."""
    limits = subject.limits
    if limits is None or limits.message_bytes > 4 * 1024 * 1024:
        raise NotOffered("no limit is declared that this check could pass")
    error = await refusal_to(subject, json.dumps(start_message(subject, "x" * (limits.message_bytes + 1024))))
    if error.get("closed"):
        raise NotOffered("the connection is closed by a library, which tells nothing")
    detail = error.get("detail")
    if not isinstance(detail, dict) or detail.get("limit") != limits.message_bytes:
        raise Deviation("message_too_large", expected=f"detail.limit {limits.message_bytes}", actual=str(detail))


@check("SEG-TURN-082", profile="resumable", wires=NATIVE)
async def test_resume_from_the_future(subject: Subject) -> None:
    """A resume behind a number that is not written yet is refused as invalid."""
    subject.needs("resume")
    keeps_records(subject)
    async with subject.open() as client:
        first = await client.say("Say hello.")
        subject.spend()
        resumed = await client.session.resume(first.start.turn, after=1_000_000, limit=2.0)
        try:
            outcome = await resumed.outcome()
        except SegueError as fault:
            raise Deviation("a resume after 1000000", expected="invalid_request", actual=str(fault)) from None
        if outcome.refused is None or outcome.refused.code != "invalid_request":
            raise Deviation("a resume after 1000000", expected="invalid_request", actual=told(outcome.refused))


@check("SEG-ITEM-007", profile="core", wires=NATIVE)
async def test_items_are_not_sent_twice(subject: Subject) -> None:
    """`item.completed` leaves the item out where skeleton and deltas rebuild it."""
    async with subject.open() as client:
        outcome = completed(await client.turn("Count from 1 to 20."), "a plain question must be answered")
        rebuilt, seen = ItemAssembler(), False
        for event in outcome.events:
            if isinstance(event, models.ItemStarted | models.ItemDelta):
                rebuilt.apply(event)
                seen |= isinstance(event, models.ItemDelta)
            elif isinstance(event, models.ItemCompleted) and isinstance(event.item, msgspec.Raw):
                twice = msgspec.json.decode(event.item) == rebuilt.partial(event.index)
                if twice:
                    raise Deviation(
                        f"item {event.index} was rebuilt by its deltas",
                        expected="no item",
                        actual="item.completed with the item again",
                    )
        if not seen:
            raise Inconclusive("nothing is streamed: every item comes whole")


@check("SEG-ERR-006", profile="core", wires=NATIVE)
async def test_fault_is_named(subject: Subject) -> None:
    """A refusal names the member at fault."""
    async with subject.open() as client:
        broken = {"type": "message", "role": "user", "content": 7}
        cases = (
            ("an item is broken", "/input/0", await client.turn([broken], broken=True)),
            ("a parent is unknown", "/parent", await client.turn("Say hello.", parent="resp_" + "0" * 32)),
        )
        for what, place, outcome in cases:
            error = outcome.refused
            if error is None:
                raise Untestable(f"{what}, and the turn was not refused")
            if not isinstance(error.param, str) or not error.param.startswith(place):
                raise Deviation(what, expected=f"param {place}", actual=f"param {error.param}: {told(error)}")


@check("SEG-ERR-007", profile="core", wires=SOCKET)
async def test_wait_says_how_long(subject: Subject) -> None:
    """A refusal that advises to wait says how long."""
    limits = subject.limits
    queue = limits.lane_queue if limits is not None else None
    if not isinstance(queue, int) or queue > _QUEUE:
        raise NotOffered(f"no queue of at most {_QUEUE} turns is declared that this check could fill")
    async with subject.open() as client:
        turns = [await begin(client, SLOW)]
        turns += [await begin(client, "Say hello.") for _ in range(queue + 1)]
        last = await turns[-1].outcome()
        for turn in turns[:-1]:
            await turn.outcome()
        error = last.refused
        if error is None or error.advice != "wait":
            raise Inconclusive("the lane was filled, and nothing was refused with advice wait")
        if not isinstance(error.retry_after_ms, int):
            raise Deviation(f"{error.code}, advice wait", expected="retry_after_ms", actual="none")


@check("SEG-CAP-006", profile="core", wires=NATIVE)
async def test_discovery_asks_for_no_key(subject: Subject) -> None:
    """The discovery document is served without a credential."""
    if subject.document is None:
        raise NotOffered("there is no discovery document")
    parts = urlsplit(subject.settings.url)
    origin = f"{'https' if parts.scheme.endswith('s') else 'http'}://{parts.netloc}"
    for base in dict.fromkeys((f"{origin}{parts.path.rstrip('/')}", origin)):
        if (await subject.fetch("GET", "/.well-known/segue", base=base)).status == 200:
            answer = await subject.fetch("GET", "/.well-known/segue", key="", base=base)
            if answer.status != 200:
                raise Deviation("discovery without a key", expected="status 200", actual=f"status {answer.status}")
            return
    raise NotOffered("the document is not where this check looks")


@check("SEG-WS-002", profile="core", wires=SOCKET)
async def test_no_subprotocol_is_denied(subject: Subject) -> None:
    """An upgrade that offers no subprotocol of Segue is denied with 400."""
    await _denied(subject, subject.url, (), 400, "an upgrade without segue.v1")


@check("SEG-WS-004", profile="core", wires=SOCKET)
async def test_no_websocket_is_426(subject: Subject) -> None:
    """An upgrade where no WebSocket is served is denied with 426, on which clients fall back at once."""
    url = f"{subject.url.rstrip('/')}/turns/t_none"
    await _denied(subject, url, ("segue.v1",), 426, "an upgrade at the URL of a turn")


async def _denied(subject: Subject, url: str, offered: tuple[str, ...], status: int, what: str) -> None:
    subject.spend()
    try:
        socket = await open_socket(url, subject.options(), subprotocols=offered, label="denied")
    except TransportError as fault:
        seen = getattr(fault, "status", None)
        if seen != status:
            raise Deviation(what, expected=f"status {status}", actual=f"status {seen}: {fault}") from None
        return
    await socket.close()
    raise Deviation(what, expected=f"status {status}", actual="the upgrade was accepted")


@check("SEG-HTTP-034", profile="core", wires=HTTP)
async def test_streams_are_not_buffered(subject: Subject) -> None:
    """A stream tells proxies not to buffer it."""
    start = start_message(subject)
    body, path = json.dumps(start).encode(), f"/turns/{start['turn']}"
    async with subject.request("PUT", path, body, content_type="application/json") as answer:
        header = answer.headers.get("x-accel-buffering")
        async for _ in answer.chunks():
            pass
    if header != "no":
        raise Deviation("a stream", expected="X-Accel-Buffering: no", actual=str(header))


@check("SEG-HTTP-043", profile="core", wires=HTTP, timing=True)
async def test_no_long_silence(subject: Subject) -> None:
    """A whole answer that takes longer than a heartbeat is given up for a 202."""
    limits = subject.limits
    if limits is None:
        raise NotOffered("no heartbeat_ms is declared: there is no discovery document")
    start = start_message(subject, SLOW)
    if subject.default_tier == "none":  # such a turn is waited for (SEG-HTTP-044)
        start["retention"] = subject.needs_tier("cached", "durable")
    path, began = f"/turns/{start['turn']}", now()
    whole = {"content_type": "application/json", "accept": "application/json"}
    answer = await subject.fetch("PUT", path, json.dumps(start).encode(), **whole)
    took = now() - began
    began = now()
    await subject.fetch("GET", path)
    line = now() - began  # about what the line and the endpoint's own work take
    silence = took - line
    if answer.status == 202:
        return
    if silence * 1000 <= limits.heartbeat_ms * 1.5:
        raise Inconclusive(f"the turn took {took * 1000:.0f} ms: too little to be given up")
    raise Deviation(
        f"the answer came after {took * 1000:.0f} ms, heartbeat_ms being {limits.heartbeat_ms}",
        expected="status 202 before that",
        actual=f"status {answer.status}",
    )
