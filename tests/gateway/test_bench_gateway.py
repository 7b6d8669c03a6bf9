"""The measures of what the gateway costs: the provider, the client that costs little, and what is made of the times."""

from __future__ import annotations

import asyncio

import pytest
from gateway_lab import run
from segue_bench.gateway import sizes
from segue_bench.gateway.client import MODES, connect, history
from segue_bench.gateway.provider import Provider, answers
from segue_bench.gateway.turns import Case, Round, median_ratio
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.upstream import UpstreamEngine
from segue_gateway.server import serving

NEW = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the sea?"}]}]


async def _provider() -> tuple[asyncio.Server, str]:
    made = answers(5)
    server = await asyncio.get_running_loop().create_server(lambda: Provider(made, 0.001), "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("held", [False, True])
def test_a_turn_is_measured_on_each_wire(mode: str, held: bool) -> None:
    async def main() -> None:
        server, upstream = await _provider()
        async with serving(Endpoint(UpstreamEngine(upstream + "/v1", "openai-http"))) as url:
            client = await connect(url, MODES[mode])
            if held:
                await client.hold(history(800) + NEW)
                assert client.parent
                assert client.parent.startswith("resp_")
            assert await client.turn(NEW) > 0
            assert client.sent > 0
            assert client.received > client.sent
            client.close()
        server.close()

    run(main())


def test_a_turn_that_fails_is_told() -> None:
    async def main() -> None:
        async with serving(Endpoint(UpstreamEngine("http://127.0.0.1:9/v1", "openai-http"))) as url:
            client = await connect(url, MODES["segue-ws"])
            with pytest.raises(RuntimeError, match="did not complete"):
                await client.turn(NEW)
            client.close()

    run(main())


def test_the_bytes_of_a_turn_that_names_its_parent_are_fewer() -> None:
    async def main() -> None:
        server, upstream = await _provider()
        async with serving(Endpoint(UpstreamEngine(upstream + "/v1", "openai-http"))) as url:
            found = await sizes.measure(url, 8_000)
        server.close()
        for wire, kinds in found.items():
            assert kinds["sent"][0] > (0 if "deflate" in wire else 8_000)
            if "held" in kinds:
                assert kinds["held"][0] < kinds["sent"][0]

    run(main())


def test_what_is_added_is_the_difference_within_a_round() -> None:
    bare, mine = Case("provider", "stream", False), Case("segue", "segue-ws", True)
    one = Round({bare: [0.1, 0.2, 0.3], mine: [0.5, 0.4, 0.9]})
    assert one.added(mine, 0.5) == pytest.approx(0.3)
    assert one.added(mine, 0.99) == pytest.approx(0.6)
    assert median_ratio([(1, 2), (3, 1), (1, 1)]) == 1
