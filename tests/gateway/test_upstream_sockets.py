"""Providers over WebSocket: connections that are kept, end, are denied; and what of a turn is sent a second time."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from gateway_lab import message, run
from provider_lab import (
    ITEM_ENDS,
    MESSAGES,
    NAME,
    RESPONSE,
    SOCKETS,
    Provider,
    answered,
    asked,
    frame,
    frames,
    generated,
    told,
    up_to,
    whole,
)
from segue_adapters.wires.base import refusal
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines import sockets
from segue_gateway.engines.base import Delta, Ended, EngineFailure
from segue_gateway.engines.opening import UnusableUpstream, open_upstream
from segue_gateway.engines.upstream import UpstreamEngine
from segue_gateway.server import serving
from segue_gateway.settings import Settings
from segue_schemas import models
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

both = pytest.mark.parametrize("wire", SOCKETS)


async def failure_of(engine: UpstreamEngine) -> models.Error:
    with pytest.raises(EngineFailure) as failure:
        await generated(engine, asked(message("Hi")))
    return failure.value.error


async def completes(engine: UpstreamEngine) -> None:
    assert isinstance((await generated(engine, asked(message("Hi"))))[-1], Ended)


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


def refused(wire: str, code: str, **error: Any) -> bytes:
    if wire == "openai-ws":
        return frames(
            {"type": "error", "status": 400, "error": {"type": "invalid_request_error", "code": code, **error}}
        )
    members = {"code": code, "advice": "reconnect", "effect": "none", "message": "No.", **error}
    return frames({"type": "error", "refused": "turn.start", "turn": NAME, "error": members})


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


# -- what is refused


@pytest.mark.parametrize(
    ("denial", "expected"),
    [
        (answered("401 No", told("bad key sk-123")), ("upstream_failed", "give_up", None)),
        (answered("403 No", told("not with sk-123")), ("upstream_failed", "give_up", None)),
        (answered("404 Not Found", b"<html>no</html>", "text/html"), ("upstream_failed", "give_up", None)),
        (answered("426 Upgrade Required", told("use HTTP")), ("upstream_failed", "give_up", None)),
        (
            answered("429 Slow", told("later", code="rate_limit_exceeded"), more="retry-after: 7\r\n"),
            ("rate_limited", "wait", 7000),
        ),
        (answered("429 Pay", told("pay", code="insufficient_quota")), ("quota_exceeded", "give_up", None)),
        (answered("500 Oh", b"oh"), ("upstream_failed", "retry", None)),
        (answered("502 Oh", b"<html>oh</html>", "text/html"), ("upstream_failed", "retry", None)),
        (answered("503 Busy", told("busy"), more="retry-after: 3\r\n"), ("overloaded", "retry", 3000)),
        (answered("200 OK", b"hello", "text/plain"), ("upstream_failed", "give_up", None)),
        (b"what is this\r\n\r\n", ("upstream_failed", "give_up", None)),
        (b"HTTP/1.1 101 Switch", ("upstream_failed", "give_up", None)),
    ],
)
@both
def test_an_upgrade_that_is_denied_ran_nothing(wire: str, denial: bytes, expected: tuple[str, str, int | None]) -> None:
    async def work() -> None:
        provider = Provider(wire, b"")
        provider.denial = denial
        async with provider.serving() as url:
            engine = provider.engine(url)
            error = await failure_of(engine)
            await engine.close()
        wait = error.retry_after_ms if isinstance(error.retry_after_ms, int) else None
        assert (error.code, error.advice, wait) == expected
        assert error.effect == "none"
        assert "sk-123" not in msgspec.json.encode(error).decode()

    run(work())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                "type": "error",
                "status": 400,
                "error": {"type": "invalid_request_error", "message": "x", "param": "tools"},
            },
            ("upstream_failed", "fix", "none"),
        ),
        (
            {"type": "error", "status_code": 429, "error": {"type": "usage_limit_reached", "message": "x"}},
            ("rate_limited", "wait", "none"),
        ),
        (
            {"type": "error", "sequence_number": 0, "code": "server_error", "message": "x", "param": None},
            ("upstream_failed", "retry", "unknown"),
        ),
        (
            {"type": "response.failed", "response": {**RESPONSE, "error": {"code": "server_error", "message": "x"}}},
            ("upstream_failed", "retry", "unknown"),
        ),
        (
            {"type": "error", "status": 401, "error": {"type": "invalid_request_error", "message": "x"}},
            ("upstream_failed", "give_up", "none"),
        ),
    ],
)
def test_what_an_openai_socket_refuses_is_told_with_advice(answer: Any, expected: tuple[str, str, str]) -> None:
    async def work() -> None:
        provider = Provider("openai-ws", frames(answer), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            error = await failure_of(engine)
            await engine.close()
        assert (error.code, error.advice, error.effect) == expected

    run(work())


@pytest.mark.parametrize(
    ("code", "advice", "effect", "expected"),
    [
        ("rate_limited", "wait", "none", ("rate_limited", "wait", "none")),
        ("invalid_request", "fix", "none", ("upstream_failed", "fix", "none")),
        ("internal_error", "retry", "unknown", ("upstream_failed", "retry", "unknown")),
    ],
)
def test_what_a_segue_socket_refuses_is_told_with_advice(
    code: str, advice: str, effect: str, expected: tuple[str, str, str]
) -> None:
    async def work() -> None:
        provider = Provider("segue-ws", refused("segue-ws", code, advice=advice, effect=effect), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            error = await failure_of(engine)
            await engine.close()
        assert (error.code, error.advice, error.effect) == expected

    run(work())


def of_connection(code: str) -> bytes:
    return frames({"type": "error", "error": {"code": code, "advice": "fix", "effect": "none", "message": "No."}})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (of_connection("message_too_large"), ("message_too_large", "fix", "none")),
        (of_connection("overloaded"), ("overloaded", "fix", "unknown")),  # the turn may have begun all the same
        (frame(b"\x03\xf1", kind=8), ("message_too_large", "fix", "none")),  # close code 1009
        (frame(b"\x03\xf3", kind=8), ("upstream_failed", "retry", "unknown")),  # 1011
        (frame(b"{", kind=1), ("upstream_failed", "retry", "unknown")),
        (frame(b"{}", kind=2), ("upstream_failed", "retry", "unknown")),
    ],
)
def test_what_a_connection_says_of_itself_ends_a_turn_that_has_not_begun(
    answer: bytes, expected: tuple[str, str, str]
) -> None:
    async def work() -> None:
        provider = Provider("segue-ws", answer, stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            error = await failure_of(engine)
            await completes_elsewhere(provider, engine)
            await engine.close()
        assert (error.code, error.advice, error.effect) == expected

    async def completes_elsewhere(provider: Provider, engine: UpstreamEngine) -> None:
        provider.answer = whole("segue-ws")
        await completes(engine)
        assert len(provider.turns) == 2

    run(work())


def test_a_history_larger_than_the_provider_takes_is_refused_and_nothing_ran() -> None:
    async def work() -> None:
        for wire, path in (("segue-ws", "/segue/v1"), ("openai-ws", "/v1"), ("segue-http", "/segue/v1")):
            async with serving(Endpoint(settings=Settings(message_bytes=4096))) as url:
                engine = UpstreamEngine(url + path, wire)
                with pytest.raises(EngineFailure) as failure:
                    await generated(engine, asked(message("x" * 8192)))
                await engine.close()
            error = failure.value.error
            assert (wire, error.code, error.advice, error.effect) == (wire, "message_too_large", "fix", "none")

    run(work())


def test_other_messages_and_other_turns_are_passed_over() -> None:
    async def work() -> None:
        stranger = {**MESSAGES[-1], "turn": "t_of_another"}
        limits = {"type": "limits.updated", "limits": []}
        unknown = {"type": "vendor.says", "turn": NAME}
        provider = Provider("segue-ws", whole("segue-ws", stranger, limits, unknown, *MESSAGES), stays=True)
        async with provider.serving() as url:
            engine = provider.engine(url)
            await completes(engine)
            await engine.close()

    run(work())


def test_another_subprotocol_is_another_wire() -> None:
    async def work() -> None:
        provider = Provider("openai-ws", b"", stays=True)
        provider.subprotocol = False
        async with provider.serving() as url:
            engine = UpstreamEngine(url, "segue-ws")
            error = await failure_of(engine)
            await engine.close()
        assert (error.code, error.advice, error.effect) == ("upstream_failed", "give_up", "none")
        assert provider.turns == []

    run(work())


# -- found out


class NoSockets(Endpoint):
    """An endpoint whose discovery document offers what a proxy on the way denies."""

    def credential(self, caller: HTTPConnection) -> str | None:
        if isinstance(caller, WebSocket):
            raise refusal("unsupported_message", "fix", "No WebSocket gets through here.", status=426)
        return super().credential(caller)


def test_the_wire_is_found_out_from_the_discovery_document() -> None:
    async def work() -> str:
        async with serving(Endpoint()) as url:
            engine = await asyncio.to_thread(open_upstream, url + "/v1", None, key=None, silence=5)
            await completes(engine)
            await engine.close()
        return engine.name

    assert run(work()) == "upstream:segue-ws"


def test_a_wire_that_does_not_get_through_is_passed_over() -> None:
    async def work() -> str:
        async with serving(NoSockets()) as url:
            engine = await asyncio.to_thread(open_upstream, url + "/v1", None, key=None, silence=5)
            await completes(engine)
            await engine.close()
        return engine.name

    assert run(work()) == "upstream:segue-http"


def test_a_socket_alone_is_found_by_probing() -> None:
    async def work() -> str:
        provider = Provider("openai-ws", whole("openai-ws"), stays=True)
        provider.otherwise = answered("404 Not Found", told("no such route"))
        async with provider.serving() as url:
            engine = await asyncio.to_thread(open_upstream, url, None, key=None, silence=5)
            await completes(engine)
            await engine.close()
        return engine.name

    assert run(work()) == "upstream:openai-ws"


def test_named_wires_ask_nobody_before_the_first_turn() -> None:
    urls = {
        "openai-ws": "ws://127.0.0.1:9/v1/responses",
        "segue-ws": "ws://127.0.0.1:9/v1",
        "openai-http": "http://127.0.0.1:9/v1",
        "segue-http": "http://127.0.0.1:9/v1",
        "chat": "http://127.0.0.1:9/v1",
        "anthropic": "http://127.0.0.1:9/v1",
    }
    for wire, url in urls.items():
        assert open_upstream("http://127.0.0.1:9/v1", wire, key=None, silence=5).url == url
    assert open_upstream("segue+ws://127.0.0.1:9/s", "segue-ws", key=None, silence=5).url == "ws://127.0.0.1:9/s"
    with pytest.raises(UnusableUpstream, match="segue-ws"):
        open_upstream("segue+ws://127.0.0.1:9/s", "openai-ws", key=None, silence=5)
    with pytest.raises(UnusableUpstream):
        open_upstream("gopher://127.0.0.1", "openai-http", key=None, silence=5)
