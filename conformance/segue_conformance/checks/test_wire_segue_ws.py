"""Segue over WebSocket, bare: the upgrade, frames, pings, closes (spec: binding-segue-ws)."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.errors import TransportError, Unauthorised
from segue_adapters.transports.websocket import open_socket

from ..registry import check
from ..segue_wire import next_answer, next_message, start_message
from ..subject import Subject
from ..verdicts import Deviation, NotOffered, Untestable
from .test_turns import SLOW

WIRE = ("segue-ws",)


@check("SEG-WS-001", profile="core", wires=WIRE)
async def test_subprotocol(subject: Subject) -> None:
    """The subprotocol segue.v1 is selected, also where others are offered first."""
    async with subject.socket(subprotocols=("unknown.v9", "segue.v1")) as socket:
        if socket.subprotocol != "segue.v1":
            raise Deviation("segue.v1 was offered", expected="segue.v1", actual=str(socket.subprotocol))


@check("SEG-WS-003", "SEG-SEC-002", profile="core", wires=WIRE)
async def test_wrong_key_denied(subject: Subject) -> None:
    """An upgrade with a wrong key is denied with 401 or 403."""
    subject.needs_keys()
    if subject.settings.api_key is None:
        raise NotOffered("no key was given, so a wrong one proves nothing")
    try:
        async with subject.socket(key="wrong-key"):
            pass
    except Unauthorised:
        return
    except TransportError as fault:
        raise Deviation("a wrong key was denied by another status", expected="401 or 403", actual=fault.what) from None
    raise Deviation("a wrong key was taken", expected="401 or 403 at the upgrade", actual="it was accepted")


@check("SEG-WS-005", profile="core", wires=WIRE)
async def test_unknown_query(subject: Subject) -> None:
    """An upgrade whose URL has a query that nobody knows is accepted."""
    joiner = "&" if "?" in subject.url else "?"
    url = f"{subject.url}{joiner}unknown=1"
    try:
        socket = await open_socket(url, subject.options(), subprotocols=("segue.v1",), label="query")
    except TransportError as fault:
        raise Deviation("an upgrade with an unknown query was denied", expected="101", actual=fault.what) from None
    await socket.close()


@check("SEG-WS-006", profile="core", wires=WIRE)
async def test_compression(subject: Subject) -> None:
    """permessage-deflate is accepted where it is offered, with the endpoint's context kept."""
    async with subject.socket() as socket:
        chosen = socket.response_headers.get("sec-websocket-extensions", "")
    if "permessage-deflate" not in chosen:
        raise Deviation("permessage-deflate was offered", expected="permessage-deflate", actual=chosen or "none")
    if "server_no_context_takeover" in chosen:
        raise Deviation("the endpoint's compression context", expected="kept between messages", actual=chosen)


@check("SEG-WS-011", profile="core", wires=WIRE)
async def test_binary_refused(subject: Subject) -> None:
    """A binary message is answered by an error."""
    async with subject.socket() as socket:
        await next_message(socket, subject.settings.timeout)
        subject.spend()
        await socket.send(json.dumps(start_message(subject)).encode())
        message = await next_answer(socket, subject.settings.timeout)
        if message["type"] != "error" or message["error"]["code"] != "malformed_message":
            raise Deviation("a binary message", expected="error malformed_message", actual=json.dumps(message)[:200])


@check("SEG-WS-012", profile="core", wires=WIRE)
async def test_fragments(subject: Subject) -> None:
    """A message in several frames is taken as one."""
    async with subject.socket() as socket:
        subject.spend()
        text = json.dumps(start_message(subject))
        await socket.send_fragments([text[:1], text[1:40], "", text[40:]])
        await _completes(subject, socket, "a turn.start in four frames")


@check("SEG-WS-013", profile="core", wires=WIRE, timing=True)
async def test_ping(subject: Subject) -> None:
    """A ping is answered."""
    async with subject.socket() as socket:
        if not await socket.ping(min(5.0, subject.settings.timeout)):
            raise Deviation("a ping was not answered", expected="a pong within 5 s", actual="nothing")


@check("SEG-WS-023", profile="core", wires=WIRE)
async def test_open_behind_refusal(subject: Subject) -> None:
    """The connection stays open behind the refusal of an unknown message."""
    async with subject.socket() as socket:
        await next_message(socket, subject.settings.timeout)
        await socket.send(json.dumps({"type": "turn.teleport"}))
        refusal = await next_answer(socket, subject.settings.timeout)
        if refusal["type"] != "error":
            raise Deviation("an unknown message", expected="error", actual=refusal["type"])
        subject.spend()
        try:
            await socket.send(json.dumps(start_message(subject)))
            await _completes(subject, socket, "a turn behind the refusal")
        except TransportError as fault:
            raise Deviation("a turn behind the refusal", expected="turn.completed", actual=str(fault)) from None


async def _completes(subject: Subject, socket: Any, what: str) -> None:
    while True:
        message = await next_message(socket, subject.settings.timeout)
        if message["type"] == "turn.completed":
            return
        if message["type"] in ("error", "turn.failed"):
            error = message["error"]
            told = f"{message['type']}, {error.get('code')}: {error.get('message')}"
            raise Deviation(what, expected="turn.completed", actual=told[:200])


@check("SEG-WS-014", profile="core", wires=WIRE)
async def test_order_of_receipt(subject: Subject) -> None:
    """A start and its cancel, sent in one go, are decided on in this order."""
    subject.needs("cancel")
    for _ in range(3):  # what decides by chance is right now and then
        async with subject.socket() as socket:
            start = start_message(subject, SLOW)
            subject.spend()
            await socket.send(json.dumps(start))
            await socket.send(json.dumps({"type": "turn.cancel", "turn": start["turn"]}))
            while True:
                message = await next_answer(socket, subject.settings.timeout)
                if message["type"] == "error" and message.get("refused") == "turn.cancel":
                    raise Deviation(
                        "a start and, right behind it, its cancel",
                        expected="the cancel finds the turn",
                        actual=f"{message['error'].get('code')}: {message['error'].get('message')}",
                    )
                if message["type"] == "error" and message.get("refused") == "turn.start":
                    raise Untestable(f"a plain turn was refused: {message['error'].get('code')}")
                if message["type"] in ("turn.completed", "turn.failed"):
                    break
