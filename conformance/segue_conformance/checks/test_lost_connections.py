"""OpenAI Responses: a client that vanishes, in the middle of a message or of an answer, takes nothing along.

Spec: binding-openai-http, binding-openai-ws. What a lost connection leaves is where a server that is fine with every
whole request goes wrong: a place that is never given back, half an answer in the history, a worker that is gone.
"""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.errors import TransportError
from segue_adapters.sse import SSEParser

from ..oracle import ASK, Story, plant, word
from ..registry import check
from ..responses_wire import TERMINAL, create, parsed
from ..subject import Subject, completed, handle_of
from ..verdicts import Deviation
from .test_turns import SLOW

OPENAI = ("openai-ws", "openai-http")

#: How many clients vanish: a server with one worker, or a few places, has none left behind them.
_VANISHED = 3


@check("SEG-OHTTP-050", "SEG-OWS-009", profile="core", wires=OPENAI)
async def test_vanished_in_an_answer(subject: Subject) -> None:
    """Behind clients that vanished in the middle of an answer others are served, and the same one anew."""
    for number in range(_VANISHED):
        try:
            await _vanish_in_an_answer(subject, create(subject, SLOW))
        except TransportError as fault:
            if not number:
                raise
            raise _unserved(subject, f"{number} clients vanished in the middle of an answer", fault.what) from None
    await _serves(subject, f"{_VANISHED} clients vanished in the middle of an answer")


@check("SEG-OHTTP-050", "SEG-OWS-009", profile="core", wires=OPENAI)
async def test_vanished_in_a_message(subject: Subject) -> None:
    """Behind clients that vanished in the middle of a message others are served, and the same one anew."""
    body = json.dumps(create(subject, f"Say hello.{' ' * 4_000}"))
    for _ in range(_VANISHED):
        if subject.is_stream:
            async with subject.socket() as socket:
                await socket.send_part(json.dumps({"type": "response.create"})[:-1] + ", " + body[1:], 1_000)
        else:
            await subject.send_part("POST", "/responses", body.encode(), 1_000, content_type="application/json")
    await _serves(subject, f"{_VANISHED} clients vanished in the middle of a message")


@check("SEG-OHTTP-051", "SEG-CONT-012", profile="continuation", wires=OPENAI)
async def test_vanished_is_no_history(subject: Subject) -> None:
    """What was said in a turn whose client vanished is not in the history that its parent stands for."""
    tier = subject.needs_tier("cached", "durable")
    async with subject.open() as client:
        story, secret, leak = Story(client), word(), word()
        first = await story.say(plant(secret), retention=tier)
        await story.stands(secret, parent=handle_of(first), retention=tier)
        told = [{"type": "message", "role": "user", "content": text} for text in (plant(leak), SLOW)]
        body = create(subject, told, previous_response_id=handle_of(first).id)
        await _vanish_in_an_answer(subject, body)
    async with subject.open() as again:
        story.client = again
        answer = again.excuse(await again.turn(ASK, parent=handle_of(first), retention=tier))
        completed(answer, "the parent of a turn whose client vanished was named")
        await story.judges(answer, secret, ASK, others=[leak], parent=handle_of(first), retention=tier)


async def _vanish_in_an_answer(subject: Subject, body: dict[str, Any]) -> None:
    """Ask, and hang up without a word at the first delta, or at the end where there is none."""
    if subject.is_stream:
        async with subject.socket() as socket:
            subject.spend()
            await socket.send(json.dumps({"type": "response.create", **body}))
            kind = ""
            while not _begun(kind):
                kind = parsed(str(await socket.receive(subject.settings.timeout)))["type"]
            socket.abort()
        return
    data, parser = json.dumps({**body, "stream": True}).encode(), SSEParser()
    async with subject.request("POST", "/responses", data, content_type="application/json") as answer:
        async for chunk in answer.chunks():
            if any(_begun(parsed(event.data)["type"]) for event in parser.feed(chunk) if event.data != "[DONE]"):
                return


def _begun(kind: str) -> bool:
    return kind.endswith(".delta") or kind in TERMINAL


async def _serves(subject: Subject, behind: str) -> None:
    """Deviation where a new client is not served, twice over."""
    for _ in range(2):
        try:
            async with subject.open() as client:
                outcome = await client.turn("Say hello.")
        except TransportError as fault:
            told = fault.what
        else:
            if outcome.completed is not None:
                continue
            told = f"{outcome.error.code}: {outcome.error.message}" if outcome.error else "nothing"
        raise _unserved(subject, behind, told)


def _unserved(subject: Subject, behind: str, told: str) -> Deviation:
    rule = "SEG-OWS-009" if subject.is_stream else None
    return Deviation(behind, expected="a new client is served", actual=told, requirement=rule)
