"""Providers over WebSocket: connections that are kept, end, are left; and what of a turn is sent a second time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_lab import message, run
from provider_lab import (
    ITEM_ENDS,
    SOCKETS,
    Provider,
    asked,
    completes,
    failure_of,
    frames,
    refused,
    up_to,
    whole,
)
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines import sockets
from segue_gateway.engines.base import Delta
from segue_gateway.engines.upstream import UpstreamEngine
from segue_gateway.server import serving
from segue_gateway.settings import Settings

both = pytest.mark.parametrize("wire", SOCKETS)


# -- connections that are kept


@both
def test_turns_one_after_the_other_share_a_connection(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, whole(wire), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            for _ in range(3):
                await completes(engine)
            assert (provider.connections, len(provider.turns)) == (1, 3)
            await engine.close()
            await asyncio.wait_for(provider.left.wait(), 5)

    run(work())


@both
def test_turns_side_by_side_have_a_connection_each(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, whole(wire), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await asyncio.gather(*(completes(engine) for _ in range(3)))
            assert (provider.connections, len(provider.turns)) == (3, 3)
            await asyncio.gather(*(completes(engine) for _ in range(3)))
            assert (provider.connections, len(provider.turns)) == (3, 6)
            await engine.close()

    run(work())


@both
def test_a_connection_that_ended_meanwhile_is_not_used(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, whole(wire), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await completes(engine)
            provider.hang_up()
            await asyncio.wait_for(provider.left.wait(), 5)
            await asyncio.sleep(0.05)  # the end is on its way to this side
            await completes(engine)
            assert (provider.connections, len(provider.turns)) == (2, 2)
            await engine.close()

    run(work())


@both
def test_a_connection_that_was_long_unused_is_asked_whether_it_lives(wire: str, monkeypatch: Any) -> None:
    """Nobody tells of a link that is dead: what was sent on it would be lost, and nobody would know."""
    monkeypatch.setattr(sockets, "_DOUBT", 0.0)
    monkeypatch.setattr(sockets, "_PONG", 0.2)

    async def work() -> None:
        provider = Provider(wire, whole(wire), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await completes(engine)
            await completes(engine)
            assert provider.connections == 1  # it answered
            provider.deaf = True
            await completes(engine)
            assert (provider.connections, len(provider.turns)) == (2, 3)
            await engine.close()

    run(work())


def draining(**members: object) -> bytes:
    return frames({"type": "connection.draining", "reason": "maintenance", "close_in_ms": 60_000, **members})


def test_a_connection_that_is_draining_takes_no_new_turn() -> None:
    async def work() -> None:
        provider = Provider("segue-ws", draining() + whole("segue-ws"), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await completes(engine)  # what was under way comes to its end
            await completes(engine)
            assert (provider.connections, len(provider.turns)) == (2, 2)
            await engine.close()

    run(work())


def test_a_notice_that_comes_between_two_turns_is_heard() -> None:
    async def work() -> None:
        provider = Provider("segue-ws", whole("segue-ws") + draining(), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await completes(engine)
            await asyncio.wait_for(provider.left.wait(), 5)  # it is closed, since it is of no use any more
            await completes(engine)
            assert provider.connections == 2
            await engine.close()

    run(work())


def test_a_connection_is_left_before_its_declared_life_ends() -> None:
    async def work() -> None:
        async with serving(Endpoint(settings=Settings(connection_ms=400, draining_ms=200))) as url:
            engine = UpstreamEngine(url + "/segue/v1", "segue-ws")
            for _ in range(6):
                await completes(engine)
                await asyncio.sleep(0.1)
            await engine.close()

    run(work())


# -- what is sent again


LIMITS = {"openai-ws": "websocket_connection_limit_reached", "segue-ws": "draining"}


@both
def test_a_turn_that_its_connection_takes_no_more_goes_over_a_fresh_one(wire: str) -> None:
    async def work() -> None:
        answers = iter([whole(wire), refused(wire, LIMITS[wire]), whole(wire)])
        provider = Provider(wire, lambda _: next(answers), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await completes(engine)
            await completes(engine)
            assert (provider.connections, len(provider.turns)) == (2, 3)
            assert provider.turns[1] == provider.turns[2]
            await engine.close()

    run(work())


@both
def test_a_provider_that_takes_none_at_all_is_asked_twice_and_not_a_third_time(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, refused(wire, LIMITS[wire]), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            error = await failure_of(engine)
            assert (error.code, error.advice, error.effect) == ("upstream_failed", "retry", "none")
            assert len(provider.turns) == 2
            await engine.close()

    run(work())


@both
def test_nothing_is_sent_again_behind_a_first_byte(wire: str) -> None:
    async def work() -> None:
        provider = Provider(wire, up_to(wire, ITEM_ENDS[wire]))
        async with provider.serving() as url:
            engine = provider.engine(url)
            assert (await failure_of(engine)).effect == "unknown"
            await engine.close()
        assert len(provider.turns) == 1

    run(work())


# -- cancels


def test_a_cancelled_turn_leaves_its_connection_where_the_provider_ends_it() -> None:
    async def work() -> None:
        provider = Endpoint(settings=Settings(slow_ms=20_000))
        async with serving(provider) as url:
            engine = UpstreamEngine(url + "/segue/v1", "segue-ws")
            running = engine.generate(asked(message("Write a long text slowly.")))
            async for event in running:
                if isinstance(event, Delta):
                    break
            (connection,) = provider.connections
            await running.aclose()  # type: ignore[attr-defined]
            while provider.running:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)  # its end is on its way
            await completes(engine)
            assert provider.connections == {connection}
            await engine.close()

    run(work())
