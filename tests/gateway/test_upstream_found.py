"""Which wire a provider is asked over, where nobody names it."""

from __future__ import annotations

import asyncio

import pytest
from gateway_lab import run
from provider_lab import (
    Provider,
    answered,
    completes,
    told,
    whole,
)
from segue_adapters.wires.base import refusal
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.opening import UnusableUpstream, open_upstream
from segue_gateway.server import serving
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket


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
