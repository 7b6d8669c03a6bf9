"""A turn whose record can be written no more: on every wire without names its caller is told, and never by half."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from gateway_lab import run
from segue_gateway import Endpoint
from segue_gateway.server import serving
from segue_gateway.stores.base import Event, StaleEpoch, Store
from segue_gateway.stores.memory import MemoryStore
from segue_schemas import models
from websockets.asyncio.client import connect

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/responses", {"input": "Count from 1 to 9."}),
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Count from 1 to 9."}]}),
    "anthropic": ("/v1/messages", {"messages": [{"role": "user", "content": "Count from 1 to 9."}], "max_tokens": 99}),
}


class _Taken(MemoryStore):
    """A store in which another node takes each turn over once it has said something."""

    async def append(self, principal: str, turn: str, epoch: int, events: Sequence[Event]) -> None:
        """Write until a text has begun."""
        record = await self.read(principal, turn)
        if record is not None and any(isinstance(event, models.ItemDelta) for event in record.events):
            raise StaleEpoch
        await super().append(principal, turn, epoch, events)


class _Endpoint(Endpoint):
    def make_store(self) -> Store:
        return _Taken(self.bounds(), self.clock)


@asynccontextmanager
async def asked(wire: str, **members: Any) -> AsyncIterator[httpx.Response]:
    path, body = REQUESTS[wire]
    async with serving(_Endpoint()) as url, httpx.AsyncClient(timeout=20) as http:
        yield await http.post(url + path, json={"model": "scripted", **body, **members})


@pytest.mark.parametrize("wire", REQUESTS)
def test_half_an_answer_is_none(wire: str) -> None:
    async def main() -> None:
        async with asked(wire) as answer:
            assert answer.status_code == 500
            error = answer.json()["error"]
            assert "can no longer be written" in error["message"]

    run(main())


@pytest.mark.parametrize("wire", REQUESTS)
def test_a_stream_ends_with_the_error(wire: str) -> None:
    async def main() -> None:
        async with asked(wire, stream=True) as answer:
            events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
            assert len(events) > 1
            assert "[DONE]" not in events  # a client takes that for the end of a whole answer
            last = json.loads(events[-1])
            told = last if wire == "openai" else last["error"]
            assert "can no longer be written" in told["message"]
            if wire == "openai":
                assert (last["type"], last["code"], last["sequence_number"]) == (
                    "error",
                    "interrupted",
                    len(events) - 1,
                )

    run(main())


def test_on_a_socket_an_error_ends_it_and_the_socket_goes_on() -> None:
    async def main() -> None:
        async with serving(_Endpoint()) as url, connect(url.replace("http", "ws") + "/v1/responses") as socket:
            for _ in range(2):
                create = {"type": "response.create", "model": "scripted", "input": "Count from 1 to 9."}
                await socket.send(json.dumps(create))
                async with asyncio.timeout(5):
                    while (event := json.loads(await socket.recv()))["type"] != "error":
                        assert event["type"] != "response.completed"
                assert (event["status"], event["error"]["code"]) == (500, "interrupted")

    run(main())
