"""Ten thousand turns on one chain: the digest is that of the chain, and one that starts anew finds its first word."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway_lab import ALICE, message, start
from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings
from segue_gateway.stores.base import Bounds
from segue_gateway.stores.opening import open_store
from segue_schemas import extend, history_digest, item_digest, models

TURNS = 10_000
SETTINGS = Settings(continuations=2 * TURNS, turns_held=4 * TURNS, state_bytes=1 << 30)


def opened(file: Path) -> Endpoint:
    return Endpoint(settings=SETTINGS, store=open_store(f"sqlite:{file}", Bounds.of(SETTINGS)))


async def ended(endpoint: Endpoint, asked: models.TurnStart) -> tuple[models.TurnCompleted, str]:
    """Return the end of a turn and what the model said; nothing is checked on the way, which takes longer than it."""
    source, fresh = await endpoint.accept(ALICE, asked)
    assert fresh is not None
    endpoint.spawn(fresh.run())
    said = ""
    async for event in endpoint.reading(source, replayed=False, start=asked):
        if isinstance(event, models.ItemDelta) and isinstance(event.append, str):
            said += event.append
    assert isinstance(event, models.TurnCompleted)
    return event, said


def test_ten_thousand_turns_are_one_history(tmp_path: Path) -> None:
    file = tmp_path / "state.db"

    async def grown() -> models.Continuation:
        endpoint = opened(file)
        digest, parent, done = history_digest([]), {}, None
        for number in range(TURNS):
            text = f"This is word {number}." if number else "Remember this word: lantern."
            digest = extend(digest, item_digest(message(text)))
            asked = start(f"t_{number}", text, generate=False, retention="cached", **parent)
            done, _ = await ended(endpoint, asked)
            assert isinstance(done.continuation, models.Continuation)
            parent = {"parent": done.continuation.id}
        assert done is not None
        assert (done.digest, done.length) == (digest, TURNS)
        assert isinstance(done.continuation, models.Continuation)
        await endpoint.shutdown(0)
        await endpoint.store.close()
        return done.continuation

    async def asked_for(handle: models.Continuation) -> None:
        endpoint = opened(file)
        expect = models.Expectation(digest=handle.digest, length=handle.length)
        asked = start("t_last", "Which word did I ask you to remember?", parent=handle.id, expect=expect)
        done, said = await ended(endpoint, asked)
        assert said == "lantern"
        assert done.length == TURNS + 2
        await endpoint.shutdown(0)
        await endpoint.store.close()

    asyncio.run(asked_for(asyncio.run(grown())))
