"""How messages are written: versions and numbers (spec: messages, versions)."""

from __future__ import annotations

import json
from typing import Any

from segue_schemas import VERSION

from ..clock import now
from ..native import NATIVE
from ..registry import check
from ..segue_wire import next_message, sse_events, start_message
from ..subject import Subject
from ..verdicts import Deviation, Inconclusive

#: Members that the schemas say to be integers, or lists of them.
_INTEGERS = (
    "seq",
    "from",
    "index",
    "length",
    "count",
    "omitted",
    "discarded",
    "lanes",
    "turns_in_flight",
    "lane_queue",
)
_ENDINGS = ("_ms", "_tokens", "_bytes")
#: What is the user's, and kept as it was written.
_KEPT = ("item", "items", "put", "context", "detail")


@check("SEG-VER-001", profile="core", wires=("segue-ws",))
async def test_welcome_names_its_version(subject: Subject) -> None:
    """The version in `welcome` is one of the major version that the subprotocol names."""
    async with subject.socket() as socket:
        welcome = await next_message(socket, subject.settings.timeout)
        major = VERSION.partition(".")[0]
        if str(welcome.get("protocol")).partition(".")[0] != major:
            raise Deviation(
                "the subprotocol segue.v1 was agreed on",
                expected=f"protocol {major}.…",
                actual=f"protocol {welcome.get('protocol')}",
            )


@check("SEG-MSG-008", profile="core", wires=NATIVE, needs_turn=False)
async def test_integers_are_digits(subject: Subject) -> None:
    """The integers of messages are written without fraction and exponent."""
    texts = await _texts(subject)
    seen = 0
    for text in texts:
        for name, written in _numbers(json.loads(text, parse_float=_Written, parse_int=_Written)):
            seen += 1
            if not written.lstrip("-").isdigit():
                raise Deviation(f"the integer `{name}`", expected="digits alone", actual=written)
    if not seen:
        raise Inconclusive("no message of the turn has an integer")


class _Written(str):
    """A number as it stands in the text."""


def _numbers(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, _Written):
        return [(name, value)] if name in _INTEGERS or name.endswith(_ENDINGS) else []
    if isinstance(value, list):
        return [pair for one in value for pair in _numbers(one, name)]
    if isinstance(value, dict):
        return [pair for key, inner in value.items() if key not in _KEPT for pair in _numbers(inner, key)]
    return []


async def _texts(subject: Subject) -> list[str]:
    """Return the messages of a turn as they were written."""
    start = start_message(subject, "Count from 1 to 5.")
    if subject.wire == "segue-http":
        path, body = f"/turns/{start['turn']}", json.dumps(start).encode()
        return [event.data for event in await sse_events(subject, "PUT", path, body, content_type="application/json")]
    texts: list[str] = []
    until = now() + subject.settings.timeout
    async with subject.socket() as socket:
        subject.spend()
        await socket.send(json.dumps(start))
        while True:
            text = await socket.receive(max(0.1, until - now()))
            if not isinstance(text, str):
                continue
            texts.append(text)
            if json.loads(text).get("type") in ("turn.completed", "turn.failed", "error"):
                return texts
