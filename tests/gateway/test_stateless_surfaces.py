"""Chat Completions and Anthropic Messages on real sockets: nothing is kept, keys stand where each wire has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from gateway_lab import run
from segue_gateway import Endpoint, Settings
from segue_gateway.server import serving

KEYS = {"alice": "key-of-alice", "bob": "key-of-bob"}
PATHS = {"chat": "/chat/completions", "anthropic": "/messages"}


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[tuple[Endpoint, httpx.AsyncClient]]:
    endpoint = Endpoint(settings=Settings(**settings), keys=KEYS)
    async with serving(endpoint) as url:
        headers = {"authorization": "Bearer key-of-alice"}
        async with httpx.AsyncClient(base_url=url + "/v1", headers=headers, timeout=20) as http:
            yield endpoint, http


def asked(wire: str, text: Any = "Say hello.", **members: Any) -> dict[str, Any]:
    needed = {"max_tokens": 100} if wire == "anthropic" else {}
    return {"model": "scripted", "messages": [{"role": "user", "content": text}], **needed, **members}


def text_of(wire: str, body: dict[str, Any]) -> str:
    return str(body["choices"][0]["message"]["content"] if wire == "chat" else body["content"][0]["text"])


@pytest.mark.parametrize("wire", PATHS)
def test_an_answer_leaves_nothing_behind(wire: str) -> None:
    async def main() -> None:
        async with served() as (endpoint, http):
            answer = await http.post(PATHS[wire], json=asked(wire, "Remember this word: walnut. Say OK."))
            assert (answer.status_code, text_of(wire, answer.json())) == (200, "OK")
            assert answer.headers["request-id" if wire == "anthropic" else "x-request-id"].startswith("req_")
            later = await http.post(PATHS[wire], json=asked(wire, "Which word did I ask you to remember?"))
            assert text_of(wire, later.json()) == "I do not know any word."
            assert not endpoint.running
            assert await endpoint.store.resolve("alice", answer.json()["id"], None) is None

    run(main())


@pytest.mark.parametrize("wire", PATHS)
def test_a_stream_has_its_frames(wire: str) -> None:
    async def main() -> None:
        async with served() as (_, http):
            answer = await http.post(PATHS[wire], json=asked(wire, "Count from 1 to 3.", stream=True))
            assert answer.headers["content-type"].startswith("text/event-stream")
            # Comments stand where a message says nothing on this wire.
            events = [event for event in answer.text.split("\n\n")[:-1] if not event.startswith(":")]
            if wire == "chat":
                assert events[-1] == "data: [DONE]"
                chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
                assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "1 2 3"
            else:
                names = [event.split("\n")[0].removeprefix("event: ") for event in events]
                assert (names[0], names[-1]) == ("message_start", "message_stop")
                assert "".join(
                    json.loads(e.split("data: ")[1])["delta"]["text"] for e in events if "text_delta" in e
                ) == ("1 2 3")

    run(main())


@pytest.mark.parametrize("wire", PATHS)
def test_silence_shows_signs_of_life(wire: str) -> None:
    async def main() -> None:
        async with served(heartbeat_ms=40) as (_, http):
            answer = await http.post(PATHS[wire], json=asked(wire, "Think for 300 ms, then say hello.", stream=True))
            sign = "\n: " if wire == "chat" else "event: ping"
            assert answer.text.count(sign) >= 2

    run(main())


def test_keys() -> None:
    async def main() -> None:
        async with served() as (_, http):

            async def status(wire: str, **headers: str) -> int:
                # The client's own header is taken off, and each request bears what it says alone.
                request = http.build_request("POST", PATHS[wire], json=asked(wire), headers=headers)
                if "authorization" not in headers:
                    del request.headers["authorization"]
                return (await http.send(request)).status_code

            assert await status("anthropic", **{"x-api-key": "key-of-bob"}) == 200
            assert await status("anthropic", authorization="Bearer key-of-bob") == 200
            assert await status("anthropic", **{"x-api-key": "key-of-nobody"}) == 401
            assert await status("anthropic") == 401
            # Of two that differ a proxy on the way may have checked the other one: the common header is the one.
            assert await status("anthropic", authorization="Bearer x", **{"x-api-key": "key-of-bob"}) == 401
            assert await status("chat", **{"x-api-key": "key-of-bob"}) == 401
            assert await status("chat") == 401

    run(main())


@pytest.mark.parametrize("wire", PATHS)
def test_refusals_speak_the_wire(wire: str) -> None:
    async def main() -> None:
        async with served() as (_, http):
            open_call: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}  # fmt: skip
            if wire == "anthropic":
                use = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
                open_call = {"role": "assistant", "content": [use]}
            for method, body, status in (
                ("POST", asked(wire, 7), 400),
                ("POST", asked(wire, messages=[open_call]), 400),
                ("POST", b"{", 400),
                ("POST", asked(wire, "Fail now."), 502),
                ("POST", asked(wire, model="nobody"), 404 if wire == "anthropic" else 400),
                ("GET", b"", 404),
            ):
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                answer = await http.request(method, PATHS[wire], content=content)
                assert answer.status_code == status, answer.text
                error = answer.json()["error"]
                assert error["message"]
                assert error["type"]
                assert (answer.json().get("type") == "error") == (wire == "anthropic")

    run(main())


@pytest.mark.parametrize("wire", PATHS)
@pytest.mark.parametrize("stream", [True, False])
def test_who_goes_away_cancels(wire: str, stream: bool) -> None:
    async def main() -> None:
        async with served(slow_ms=60_000) as (endpoint, http):
            with pytest.raises(httpx.ReadTimeout):
                await http.post(PATHS[wire], json=asked(wire, "Write a long text.", stream=stream), timeout=0.3)
            async with asyncio.timeout(10):
                while endpoint.running:
                    await asyncio.sleep(0.01)

    run(main())


def test_a_fault_in_the_history_is_placed_in_the_messages() -> None:
    async def main() -> None:
        async with served() as (_, http):
            orphan = {"role": "tool", "tool_call_id": "c9", "content": "42"}
            body = asked("chat", messages=[{"role": "user", "content": "Hello"}, orphan])
            answer = await http.post(PATHS["chat"], json=body)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages[1]")

    run(main())


def test_they_are_declared_with_nothing_that_they_can_not_keep() -> None:
    async def main() -> None:
        async with served() as (_, http):
            document = (await http.get("/.well-known/segue")).json()
            told = {binding["wire"]: binding for binding in document["bindings"]}
            for wire in PATHS:
                assert (told[wire]["retention"], told[wire]["features"]) == (["none"], ["final"])

    run(main())
