"""OpenAI Responses over WebSocket, bare: the upgrade, pings, lanes' names, refusals (spec: binding-openai-ws)."""

from __future__ import annotations

import json

from segue_adapters.errors import ConnectionCut, TimedOut, TransportError, Unauthorised, WrongKind
from segue_adapters.transports.websocket import Socket, open_socket

from ..clock import now
from ..registry import check
from ..responses_wire import TERMINAL, create, events_of, parsed, told_busy, told_on
from ..subject import Subject
from ..verdicts import Deviation, NotOffered
from .test_turns import SLOW

WIRE = ("openai-ws",)


@check("SEG-OWS-001", profile="core", wires=WIRE)
async def test_no_subprotocol(subject: Subject) -> None:
    """An upgrade that offers no subprotocol is accepted."""
    try:
        async with subject.socket(subprotocols=()):
            pass
    except WrongKind as fault:
        raise Deviation("an upgrade without subprotocol was denied", expected="101", actual=fault.what) from None


@check("SEG-OWS-002", profile="core", wires=WIRE)
async def test_unknown_query(subject: Subject) -> None:
    """An upgrade whose URL has a query that nobody knows is accepted."""
    joiner = "&" if "?" in subject.url else "?"
    try:
        socket = await open_socket(f"{subject.url}{joiner}unknown=1", subject.options(), label="query")
    except WrongKind as fault:
        raise Deviation("an upgrade with an unknown query was denied", expected="101", actual=fault.what) from None
    await socket.close()


@check("SEG-OWS-004", "SEG-OWS-006", profile="core", wires=WIRE, timing=True)
async def test_ping(subject: Subject) -> None:
    """A ping is answered, between responses and while one runs, and ends nothing."""
    limit = min(5.0, subject.settings.timeout)
    async with subject.socket() as socket:
        if not await socket.ping(limit):
            raise Deviation("a ping was not answered", expected="a pong within 5 s", actual="nothing")
        subject.spend()
        await socket.send(json.dumps({"type": "response.create", **create(subject, SLOW)}))
        kind = parsed(str(await socket.receive(subject.settings.timeout)))["type"]
        if kind in TERMINAL:
            raise NotOffered(f"the response ended at once: {kind}")
        if not await socket.ping(limit):
            raise Deviation("a ping while a response runs", expected="a pong within 5 s", actual="nothing")
        try:
            while kind not in TERMINAL:
                kind = parsed(str(await socket.receive(subject.settings.timeout)))["type"]
        except ConnectionCut as cut:
            raise Deviation(
                "the connection ended behind a ping", expected="the response goes on", actual=str(cut),
                requirement="SEG-OWS-006",
            ) from None  # fmt: skip


@check("SEG-OWS-006", profile="core", wires=WIRE)
async def test_connection_stays(subject: Subject) -> None:
    """A connection serves one create after the other, also while another one is open."""
    async with subject.socket() as socket:
        for number in range(1, 5):
            if number == 4:
                async with subject.socket() as newer:
                    await told_on(subject, newer, create(subject, "Say hello."))
            try:
                last = (await told_on(subject, socket, create(subject, "Say hello.")))[-1]
            except ConnectionCut as cut:
                raise Deviation(f"create {number} of one connection", expected="an answer", actual=str(cut)) from None
            if last["type"] == "error":
                shown = json.dumps(last)[:200]
                raise Deviation(f"create {number} of one connection", expected="an answer", actual=shown)


@check("SEG-OWS-010", profile="core", wires=WIRE)
async def test_stream_member(subject: Subject) -> None:
    """`stream: true`, which common clients always send, is accepted."""
    events = await events_of(subject, create(subject, "Say hello.", stream=True))
    if events[-1]["type"] != "response.completed":
        raise Deviation("stream: true", expected="response.completed", actual=json.dumps(events[-1])[:200])


@check("SEG-OWS-021", "SEG-OWS-022", profile="core", wires=WIRE)
async def test_lane_names(subject: Subject) -> None:
    """Events bear the stream_id of their create, and none where it had none."""
    plain = await events_of(subject, create(subject, "Say hello."))
    named = [event["stream_id"] for event in plain if "stream_id" in event and event["stream_id"] is not None]
    if named:
        raise Deviation("a create without stream_id", expected="events without it", actual=str(named[0]))
    events = await events_of(subject, create(subject, "Say hello.", stream_id="lane_a"))
    if events[-1]["type"] == "error":
        raise NotOffered("lanes are refused")
    wrong = {str(event.get("stream_id")) for event in events if event.get("stream_id") != "lane_a"}
    if wrong == {"None"} and not any("stream_id" in event for event in events):
        raise Deviation(
            "stream_id was accepted and ignored", expected="`stream_id` in every event, or a refusal", actual="none"
        )
    if wrong:
        raise Deviation("the stream_id of events", expected="lane_a", actual=", ".join(sorted(wrong)))


@check("SEG-TURN-003", "SEG-OWS-022", profile="core", wires=WIRE)
async def test_one_after_the_other(subject: Subject) -> None:
    """Behind a terminal event comes nothing of its response, and the next begins only then."""
    async with subject.socket() as socket:
        ids: list[str | None] = []
        for question in ("Count from 1 to 20.", "Say hello again."):  # the first takes longer: an overlap shows
            subject.spend()
            await socket.send(json.dumps({"type": "response.create", **create(subject, question)}))
        deadline = now() + subject.settings.timeout
        open_id: str | None = None
        ended = 0
        while ended < 2:
            event = parsed(str(await socket.receive(max(0.1, deadline - now()))))
            kind, response = event["type"], event.get("response")
            if not kind.startswith("response.") and kind != "error":
                continue
            identifier = response.get("id") if isinstance(response, dict) else None
            if kind == "error":
                # It names no response, so that whether it ends the open one or refuses the next one does not show.
                raise NotOffered(f"one of two creates in flight was refused: {json.dumps(event)[:160]}")
            if kind == "response.created":
                if open_id is not None:
                    raise Deviation(
                        "a second response began in one lane before the first had ended",
                        expected="a terminal event first",
                        actual=f"response.created of {identifier}",
                        requirement="SEG-OWS-022",
                    )
                open_id = identifier
            elif isinstance(identifier, str) and identifier in ids:
                raise Deviation("an event came behind its response's end", expected="nothing more of it", actual=kind)
            if kind in TERMINAL:
                ids.append(open_id)
                open_id, ended = None, ended + 1
        try:
            stray = parsed(str(await socket.receive(0.15)))
        except (TimeoutError, TransportError):
            return
        if stray["type"].startswith("response."):
            raise Deviation("an event came behind the last terminal event", expected="silence", actual=stray["type"])


@check("SEG-SEC-002", profile="core", wires=WIRE)
async def test_wrong_key_refused(subject: Subject) -> None:
    """A wrong key is refused, at the upgrade or before anything runs."""
    subject.needs_keys()
    if subject.settings.api_key is None:
        raise NotOffered("no key was given, so a wrong one proves nothing")
    for what, key in (("a wrong key", "wrong-key"), ("no key", "")):
        try:
            async with subject.socket(key=key) as socket:
                subject.spend()
                await socket.send(json.dumps({"type": "response.create", **create(subject, "Say hello.")}))
                event = parsed(str(await socket.receive(subject.settings.timeout)))
                while not event["type"].startswith(("response.", "error")):  # a greeting, say, is no answer
                    event = parsed(str(await socket.receive(subject.settings.timeout)))
        except (Unauthorised, ConnectionCut):
            continue
        if event["type"] != "error":
            raise Deviation(f"{what} was taken", expected="401 at the upgrade, or an error", actual=event["type"])


@check("SEG-OWS-007", profile="core", wires=WIRE)
async def test_fragments(subject: Subject) -> None:
    """A message in several frames, and with a ping between them, is taken as one."""
    async with subject.socket() as socket:
        for pinged in (False, True):
            subject.spend()
            text = json.dumps({"type": "response.create", **create(subject, "Say hello.")})
            what = "a create in four frames" + (", a ping between them" if pinged else "")
            await socket.send_fragments([text[:1], text[1:40], "", text[40:]], pinged=pinged)
            try:
                kind = ""
                while kind not in TERMINAL:
                    event = parsed(str(await socket.receive(subject.settings.timeout)))
                    told_busy(event)
                    kind = event["type"]
            except TransportError as fault:
                raise Deviation(what, expected="an answer", actual=fault.what) from None
            if kind != "response.completed":
                raise Deviation(what, expected="response.completed", actual=kind)


@check("SEG-OWS-008", profile="core", wires=WIRE)
async def test_unreadable_messages(subject: Subject) -> None:
    """Behind a message that it could not read the endpoint answers the next create, or has closed the connection."""
    for what, frame in (
        ("an event of an unknown type", json.dumps({"type": "response.teleport"})),
        ("half a JSON object", '{"type": "response.create", "input": ['),
        ("a binary message", b"\x00\x01\x02"),
    ):
        async with subject.socket() as socket:
            await socket.send(frame)
            try:
                for last_try in (False, True):
                    if await _answered(subject, socket):
                        break
                    if last_try:
                        raise Deviation(
                            f"a create behind {what}", expected="an answer, or a close", actual="nothing, twice"
                        )
            except ConnectionCut:
                continue


async def _answered(subject: Subject, socket: Socket) -> bool:
    """Whether a create is answered, by whatever; the error of what could not be read before it may come first."""
    subject.spend()
    await socket.send(json.dumps({"type": "response.create", **create(subject, "Say hello.")}))
    errors, kind = 0, ""
    try:
        while errors < 2 and (kind not in TERMINAL or kind == "error"):
            kind = parsed(str(await socket.receive(subject.settings.timeout)))["type"]
            errors += kind == "error"
    except TimedOut:
        return False
    return True
