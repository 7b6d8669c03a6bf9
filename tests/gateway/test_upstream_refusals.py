"""Providers over WebSocket that deny an upgrade, refuse a turn, or end a connection: what a client is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_lab import message, run
from provider_lab import (
    MESSAGES,
    NAME,
    RESPONSE,
    SOCKETS,
    Provider,
    answered,
    asked,
    completes,
    failure_of,
    frame,
    frames,
    generated,
    refused,
    told,
    whole,
)
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import EngineFailure
from segue_gateway.engines.upstream import UpstreamEngine
from segue_gateway.server import serving
from segue_gateway.settings import Settings

both = pytest.mark.parametrize("wire", SOCKETS)


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
