"""Messages on Segue's own wires: what is none is refused by name, what is unknown is ignored.

Spec: messages, errors.
"""

from __future__ import annotations

import json
from typing import Any

from ..registry import check
from ..segue_wire import next_message, refusal_to, sse_events, start_message, turn_name, valid_message
from ..subject import Subject, completed, refused
from ..verdicts import Deviation, NotOffered

#: From so deep on a parser that calls itself may fall over.
_DEEP = 1_000

NATIVE = ("segue-ws", "segue-http")


@check("SEG-MSG-002", "SEG-MSG-001", "SEG-WS-010", profile="core", wires=NATIVE)
async def test_every_message_is_valid(subject: Subject) -> None:
    """Every message of a plain turn fits the schema."""
    start = start_message(subject, "Count from 1 to 20.")
    if subject.wire == "segue-http":
        path = f"/turns/{start['turn']}"
        for event in await sse_events(
            subject, "PUT", path, json.dumps(start).encode(), content_type="application/json"
        ):
            valid_message(event.data)
        return
    async with subject.socket() as socket:
        subject.spend()
        await socket.send(json.dumps(start))
        kind = ""
        while kind not in ("turn.completed", "turn.failed", "error"):
            kind = (await next_message(socket, subject.settings.timeout))["type"]


@check("SEG-MSG-003", profile="core", wires=NATIVE)
async def test_not_json(subject: Subject) -> None:
    """What is not JSON is refused as malformed."""
    _is(await refusal_to(subject, '{"type": "turn.start", '), "malformed_message", "half a JSON object was sent")


@check("SEG-MSG-004", profile="core", wires=NATIVE)
async def test_duplicate_names(subject: Subject) -> None:
    """A member name twice in one object, at any depth, is refused as malformed."""
    text = json.dumps(start_message(subject))
    twice = text.replace('"role": "user"', '"role": "user", "role": "user"')
    assert twice != text
    _is(await refusal_to(subject, twice), "malformed_message", "a member stood twice in an item")


@check("SEG-MSG-005", profile="core", wires=NATIVE)
async def test_lone_surrogate(subject: Subject) -> None:
    """A lone surrogate, written as an escape, is refused as malformed."""
    text = json.dumps(start_message(subject, "Say hello.")).replace("Say hello.", "Say \\ud83d hello.")
    _is(await refusal_to(subject, text), "malformed_message", "half a surrogate pair was sent")


@check("SEG-MSG-006", profile="core", wires=("segue-ws",))
async def test_no_object(subject: Subject) -> None:
    """JSON that is no object with a type is refused as malformed."""
    for text in ("[]", '"turn.start"', "{}", '{"type": 7}'):
        _is(await refusal_to(subject, text), "malformed_message", f"{text} was sent")


@check("SEG-MSG-007", profile="core", wires=NATIVE)
async def test_deep_nesting(subject: Subject) -> None:
    """JSON nested a hundred thousand deep, or as deep as a message may be large, is refused; serving goes on."""
    start = json.dumps(start_message(subject))
    room = subject.limits.message_bytes if subject.limits is not None else 1 << 20
    depth = min(100_000, (room - len(start)) // 2)
    if depth < _DEEP:
        raise NotOffered(f"no message of {room} bytes is nested deep enough to hurt")
    text = start.replace('"Say hello."', "[" * depth + "]" * depth)
    _is(await refusal_to(subject, text), "malformed_message", f"an array nested {depth:,} deep was sent")
    async with subject.open() as client:
        completed(await client.turn("Say hello."), "a plain turn behind it must run")


@check("SEG-MSG-014", profile="core", wires=NATIVE)
async def test_hundred_deep(subject: Subject) -> None:
    """A message that is nested a hundred deep is read, and one that is a level deeper is refused."""
    for depth, read in ((100, True), (101, False)):
        start = start_message(subject, note=0)
        note = "[" * (depth - 1) + "]" * (depth - 1)
        text = json.dumps(start).replace('"note": 0', f'"note": {note}')
        try:
            error = await refusal_to(subject, text, path=f"/turns/{start['turn']}")
        except Deviation:
            if not read:
                raise
            continue  # it was not refused
        if read:
            told = f"{error.get('code')}: {error.get('message')}"
            raise Deviation("a message was nested 100 deep", expected="no refusal", actual=told)
        _is(error, "malformed_message", "a message was nested 101 deep", "SEG-MSG-007")


@check("SEG-MSG-015", profile="core", wires=NATIVE)
async def test_number_beyond_a_double(subject: Subject) -> None:
    """A number that no double can hold is refused as malformed, wherever it stands."""
    for what, number in (("1e400", "1e400"), ("an integer of 400 digits", "9" * 400)):
        start = start_message(subject, note=0)
        text = json.dumps(start).replace('"note": 0', f'"note": {number}')
        _is(await refusal_to(subject, text, path=f"/turns/{start['turn']}"), "malformed_message", f"{what} was sent")


@check("SEG-MSG-010", profile="core", wires=NATIVE)
async def test_unknown_members(subject: Subject) -> None:
    """Members of a message that the endpoint does not know are ignored."""
    start = start_message(subject, motd={"a": [1, None]}, later_version=True)
    async with subject.open() as client:
        # Through the bare wire, since the models drop what they don't know.
        if subject.wire == "segue-http":
            path = f"/turns/{start['turn']}"
            await sse_events(subject, "PUT", path, json.dumps(start).encode(), content_type="application/json")
            return
        async with subject.socket() as socket:
            subject.spend()
            await socket.send(json.dumps(start))
            while True:
                message = await next_message(socket, client.subject.settings.timeout)
                if message["type"] == "turn.completed":
                    return
                if message["type"] in ("error", "turn.failed"):
                    raise Deviation(
                        "a message with unknown members",
                        expected="turn.completed",
                        actual=f"{message['error'].get('code')}: {message['error'].get('message')}",
                    )


@check("SEG-MSG-011", profile="core", wires=("segue-ws",))
async def test_unknown_type(subject: Subject) -> None:
    """A message of an unknown type is refused by name, whatever else it holds."""
    text = json.dumps({"type": "turn.teleport", "turn": 7, "input": {"no": "list"}})
    error = await refusal_to(subject, text)
    _is(error, "unsupported_message", "a turn.teleport was sent")
    if error.get("refused") != "turn.teleport":
        raise Deviation(
            "the refusal does not name what it refuses",
            expected="`refused` turn.teleport",
            actual="no `refused`" if error.get("refused") is None else f"`refused` {error['refused']}",
            requirement="SEG-TURN-023",
        )


@check("SEG-MSG-020", profile="core", wires=NATIVE)
async def test_unknown_requirement(subject: Subject) -> None:
    """A turn that requires a feature that does not exist is refused: an endpoint that takes it takes anything."""
    async with subject.open() as client:
        outcome = await client.turn("Say hello.", require=["vendor:feature_that_nobody_has"])
        refused(outcome, "a feature was required that does not exist", "not_offered")


@check("SEG-MSG-030", profile="core", wires=NATIVE)
async def test_oversized(subject: Subject) -> None:
    """A message over the declared limit is refused as too large."""
    limits = subject.limits
    if limits is None:
        raise NotOffered("no message_bytes is declared: there is no discovery document")
    if limits.message_bytes > 32 * 1024 * 1024:
        raise NotOffered(f"the limit is {limits.message_bytes} bytes: more than this check sends")
    text = json.dumps(start_message(subject, "Say hello. " + "x" * limits.message_bytes))
    _is(await refusal_to(subject, text), "message_too_large", f"{len(text)} bytes were sent")


@check("SEG-MSG-031", profile="core", wires=NATIVE)
async def test_just_small_enough(subject: Subject) -> None:
    """A message of exactly the declared size is not refused for it."""
    limits = subject.limits
    if limits is None or limits.message_bytes > 4 * 1024 * 1024:
        raise NotOffered("no limit is declared that this check could reach")
    start = start_message(subject, "")
    room = limits.message_bytes - len(json.dumps(start)) - len("Say hello.")
    start["input"][0]["content"] = "Say hello." + "x" * room
    text = json.dumps(start)
    assert len(text) == limits.message_bytes
    if subject.wire == "segue-http":
        headers = {"content_type": "application/json", "accept": "text/event-stream"}
        answer = await subject.fetch("PUT", f"/turns/{start['turn']}", text.encode(), **headers)
        if answer.status == 413 or b"message_too_large" in answer.body[:4000]:
            _too_small(text, str(answer.status))
        return
    async with subject.socket() as socket:
        subject.spend()
        await socket.send(text)
        while True:
            message = await next_message(socket, subject.settings.timeout)
            if message["type"] == "error" and message["error"]["code"] == "message_too_large":
                _too_small(text, "message_too_large")
            if message["type"] in ("turn.completed", "turn.failed", "error"):
                return


def _too_small(text: str, actual: str) -> None:
    raise Deviation(f"{len(text)} bytes were sent", expected="no refusal for its size", actual=actual)


@check("SEG-ERR-001", "SEG-TURN-023", "SEG-ERR-002", "SEG-ERR-003", profile="core", wires=NATIVE)
async def test_error_members(subject: Subject) -> None:
    """A refusal bears code, advice, effect and a message, and names what it refuses."""
    name = turn_name()
    error = await refusal_to(
        subject, json.dumps(start_message(subject, turn=name, parent="resp_" + "0" * 32)), path=f"/turns/{name}"
    )
    missing = [member for member in ("code", "advice", "effect", "message") if not error.get(member)]
    if missing:
        raise Deviation("the refusal", expected="code, advice, effect, message", actual=f"no {', '.join(missing)}")
    if error["advice"] != "resend_full":
        raise Deviation(
            "a lost parent is refused with another advice",
            expected="advice resend_full",
            actual=f"advice {error['advice']}",
            requirement="SEG-ERR-002",
        )
    if error["effect"] != "none":
        raise Deviation(
            "a lost parent is refused with another effect",
            expected="effect none",
            actual=f"effect {error['effect']}",
            requirement="SEG-ERR-003",
        )
    if subject.wire == "segue-ws" and (error.get("refused"), error.get("turn")) != ("turn.start", name):
        raise Deviation(
            "the refusal names something else",
            expected=f"refused turn.start, turn {name}",
            actual=f"refused {error.get('refused')}, turn {error.get('turn')}",
            requirement="SEG-TURN-023",
        )


@check("SEG-TURN-024", profile="core", wires=NATIVE)
async def test_missing_member(subject: Subject) -> None:
    """A turn.start without input, or with an input that is no list, is refused as invalid."""
    for broken in ({"input": "Say hello."}, {"input": None}, {}):
        start = start_message(subject)
        del start["input"]
        error = await refusal_to(subject, json.dumps({**start, **broken}), path=f"/turns/{start['turn']}")
        _is(error, "invalid_request", f"a turn.start with {broken or 'no input'} was sent")


def _is(error: dict[str, Any], code: str, what: str, requirement: str | None = None) -> None:
    if error.get("code") != code:
        raise Deviation(
            f"{what}, and it was refused as something else",
            expected=code,
            actual=f"{error.get('code')}: {error.get('message')}",
            requirement=requirement,
        )
