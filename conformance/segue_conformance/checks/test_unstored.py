"""Histories that nobody stores, in answers that come whole; of streamed ones other checks ask (spec: continuation).

On a WebSocket a connection holds the history, over HTTP the client does.
"""

from __future__ import annotations

from ..oracle import ASK, Story, plant, says, word
from ..registry import check
from ..subject import Subject, completed, handle_of, own_items
from ..verdicts import Inconclusive, NotOffered


@check("SEG-CONT-043", profile="live", wires=("segue-ws",))
async def test_connections_history_in_a_whole_answer(subject: Subject) -> None:
    """What a connection holds is known to a turn that is answered whole, not streamed, as well."""
    subject.needs("final")
    tier = subject.needs_tier("connection")
    async with subject.open() as client:
        story, secret = Story(client), word()
        first = await story.say(plant(secret), retention=tier, final=True)
        await story.recalls(secret, parent=handle_of(first), retention=tier, final=True)


@check("SEG-CONT-060", profile="core", wires=("segue-http", "openai-http"))
async def test_resent_history_in_a_whole_answer(subject: Subject) -> None:
    """A whole history is accepted, and known, where nothing is stored and the answer comes whole."""
    if subject.native:
        subject.needs("final")
    tier = subject.needs_tier("none")
    async with subject.open() as client:
        secret = word()
        first = await client.turn(plant(secret), retention=tier, final=True)
        if first.refused is not None:
            raise NotOffered("a turn that is not stored, answered whole, is refused")
        completed(client.judged(first), "a plain question must be answered")
        history = [*own_items(first.start.input), *own_items(first.items)]  # type: ignore[union-attr]
        whole = await client.turn([*history, ASK], retention=tier, final=True)
        outcome = completed(client.judged(whole), "a full resend must be accepted")
        if not says(outcome.text, secret):
            # Everything stood in one request: whoever lost it, this proves nothing about continuation.
            raise Inconclusive(f"the model did not say {secret!r}: {outcome.text[:120]!r}")
