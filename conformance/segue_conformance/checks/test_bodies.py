"""Request bodies: compressed, broken, of another type, swelling; contexts; answers before the end (Segue over HTTP)."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

from segue_adapters.wires.base import Answer
from segue_schemas import context_digest

from ..answers import shown
from ..native import NATIVE, honoured
from ..oracle import word
from ..registry import check
from ..segue_wire import refusal_to, start_message, valid_message
from ..subject import Client, Subject, completed
from ..verdicts import Deviation, Inconclusive, NotOffered
from .test_turns import SLOW

HTTP = ("segue-http",)
#: Bytes that a check lets a body swell to at most.
_MOST = 64 * 1024 * 1024


@check("SEG-HTTP-060", "SEG-HTTP-064", profile="core", wires=HTTP)
async def test_compressed_bodies(subject: Subject) -> None:
    """A body that is compressed by gzip is read, and one by zstd as well."""
    for coding, compress, rule in (("gzip", _gzip, "SEG-HTTP-060"), ("zstd", _zstd, "SEG-HTTP-064")):
        start = start_message(subject)
        answer = await _put(subject, start, compress(json.dumps(start).encode()), content_encoding=coding)
        if answer.status >= 300:
            what = f"a body in {coding}"
            raise Deviation(what, expected="an answer to the turn", actual=shown(answer), requirement=rule)


@check("SEG-HTTP-061", profile="core", wires=HTTP)
async def test_unknown_coding(subject: Subject) -> None:
    """A body in a coding that nobody knows is answered 415."""
    start = start_message(subject)
    answer = await _put(subject, start, json.dumps(start).encode(), content_encoding="x-segue-check")
    if answer.status != 415:
        raise Deviation("the coding x-segue-check", expected="status 415", actual=shown(answer))


@check("SEG-HTTP-062", profile="core", wires=HTTP)
async def test_broken_coding(subject: Subject) -> None:
    """A body that does not decode is refused as malformed."""
    start = start_message(subject)
    whole = _gzip(json.dumps(start).encode())
    for what, body in (("is no gzip", json.dumps(start).encode()), ("ends in the middle", whole[: len(whole) // 2])):
        answer = await _put(subject, start, body, content_encoding="gzip")
        if _code(answer) != "malformed_message":
            raise Deviation(f"a body in gzip that {what}", expected="malformed_message", actual=shown(answer))


@check("SEG-HTTP-063", profile="core", wires=HTTP)
async def test_other_content_type(subject: Subject) -> None:
    """A body of another type than JSON is answered 415: a page of another site may send plain text unasked."""
    start = start_message(subject)
    answer = await _put(subject, start, json.dumps(start).encode(), content_type="text/plain")
    if answer.status != 415:
        raise Deviation("a body as text/plain", expected="status 415", actual=shown(answer))


@check("SEG-SEC-004", profile="core", wires=NATIVE)
async def test_swelling_message_refused(subject: Subject) -> None:
    """A small message that decompresses to more than the limit is refused as too large."""
    limits = subject.limits
    if limits is None or limits.message_bytes > _MOST:
        raise NotOffered("no limit is declared that this check could pass")
    start = start_message(subject, "Say hello.", padding="0" * (limits.message_bytes + 1024))
    text = json.dumps(start)
    if subject.wire == "segue-http":
        answer = await _put(subject, start, _gzip(text.encode(), 1), content_encoding="gzip")
        code, actual = _code(answer), shown(answer)
    else:
        async with subject.socket() as socket:
            if "permessage-deflate" not in socket.response_headers.get("sec-websocket-extensions", ""):
                raise NotOffered("nothing is compressed on this connection")
        code = (await refusal_to(subject, text)).get("code")
        actual = str(code)
    if code != "message_too_large":
        raise Deviation(
            f"{len(zlib.compress(text.encode(), 1))} bytes that decompress to {len(text)}",
            expected="message_too_large",
            actual=actual,
        )


@check("SEG-HTTP-011", profile="core", wires=HTTP)
async def test_context_under_its_digest(subject: Subject) -> None:
    """A context that was put under its digest can be named by it; a body of another digest is refused."""
    subject.needs("contexts")
    context = subject.base_context(instructions=f"Your name is {word()}.")
    body = json.dumps(context).encode()
    digest = context_digest(body)
    answer = await subject.fetch("PUT", f"/contexts/{digest}", body, content_type="application/json")
    if answer.status not in (200, 201, 204):
        raise Deviation("a context was put under its digest", expected="200, 201 or 204", actual=shown(answer))
    async with subject.open() as client:
        outcome = honoured(await client.turn("Say hello.", context=digest), "instructions")
        completed(outcome, "a turn named a context that was put before")
    other = json.dumps({**context, "temperature": 0}).encode()
    answer = await subject.fetch("PUT", f"/contexts/{digest}", other, content_type="application/json")
    if _code(answer) != "invalid_request":
        raise Deviation("another context was put under that digest", expected="invalid_request", actual=shown(answer))


@check("SEG-HTTP-041", profile="core", wires=HTTP)
async def test_answer_before_the_end(subject: Subject) -> None:
    """An answer that does not wait for the end of a turn is a 202 that says when to ask again."""
    async with subject.open() as client:
        turn = await client.start(SLOW)
        if not await client.under_way(turn):
            raise Inconclusive("the turn ended before it could be asked for")
        reading = asyncio.ensure_future(turn.outcome())
        whole = await _snapshot(client, turn.name)
        await reading
        if whole is None:
            raise NotOffered("the answer waits for the end of the turn")


async def _snapshot(client: Client, name: str) -> dict[str, Any] | None:
    """Return the snapshot of a turn that runs, judged; None where it is that of the ended turn."""
    answer = await client.subject.fetch("GET", f"/turns/{name}", accept="application/json")
    if answer.status >= 300:
        raise Deviation("a running turn was asked for", expected="200 or 202", actual=shown(answer))
    snapshot = valid_message(answer.body.decode("utf-8", "replace"))
    if snapshot.get("completed") or snapshot.get("failed"):
        return None
    if answer.status != 202 or not isinstance(snapshot.get("retry_after_ms"), int):
        raise Deviation(
            "the snapshot of a turn that runs",
            expected="status 202 and retry_after_ms",
            actual=f"status {answer.status}, retry_after_ms {snapshot.get('retry_after_ms')}",
        )
    return snapshot


async def _put(subject: Subject, start: dict[str, Any], body: bytes, **headers: str) -> Answer:
    headers = {"content_type": "application/json", "accept": "application/json", **headers}
    return await subject.fetch("PUT", f"/turns/{start['turn']}", body, **headers)


def _code(answer: Answer) -> str | None:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return None
    code = told.get("code") if isinstance(told, dict) and answer.status >= 400 else None
    return code if isinstance(code, str) else None


def _gzip(data: bytes, level: int = 9) -> bytes:
    """Return data as gzip, without the time in its head: the same data is the same bytes."""
    return gzip.compress(data, level, mtime=0)


def _zstd(data: bytes) -> bytes:
    """Return data as a zstd frame (RFC 8878) of blocks that are stored as they are: no library is needed for that."""
    frame = (0xFD2FB528).to_bytes(4, "little") + b"\x00\x58"  # no size, no checksum; a window of 2 MiB
    pieces = [data[begin : begin + 0x1FFFF] for begin in range(0, len(data), 0x1FFFF)] or [b""]
    for number, piece in enumerate(pieces, 1):
        frame += (len(piece) << 3 | (number == len(pieces))).to_bytes(3, "little") + piece
    return frame
