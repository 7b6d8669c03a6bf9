"""The Responses extension on real sockets: its own client, silent ones, and somebody in between who rebuilds bodies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import segue
import uvicorn
from gateway_lab import run
from segue_adapters.client import Session
from segue_adapters.discovery import find
from segue_adapters.errors import WrongKind
from segue_adapters.links import open_link
from segue_adapters.sse import SSEParser
from segue_adapters.transports.base import Options
from segue_gateway import Endpoint, Settings
from segue_gateway.server import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

CONTEXT = {"model": "scripted"}
DECLARED = {"segue-version": "1.0"}
WIRES = ["openai-ws", "openai-http"]
REMEMBER, ASK = "Remember this word: walnut. Say OK.", "Which word did I ask you to remember?"


class Plain(Endpoint):
    """An endpoint that does not speak the extension."""

    def extends(self, wire: str) -> bool:
        return False


@asynccontextmanager
async def session(url: str, wire: str, *, declare: bool = True) -> AsyncIterator[Session]:
    """Give a session on an OpenAI wire that uses the extension where both sides declare it."""
    options = Options()
    offer = (await find(url, options, wires=[wire])).offers[0]
    link = await open_link(wire, offer.url, options, routes=offer.routes, declare=declare)
    made = Session(link, wire, context=CONTEXT, limit=10)
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("wire", WIRES)
def test_both_sides_speak_it_once_both_have_said_so(wire: str) -> None:
    async def main() -> None:
        async with serving(Endpoint()) as url, session(url, wire) as mine:
            first = await (await mine.turn(REMEMBER)).outcome()  # over HTTP plain: nothing had been said
            second = await (await mine.turn(ASK, parent=first.continuation, name="t_2")).outcome()
            assert second.text == "walnut"
            assert second.accepted is not None
            assert isinstance(second.accepted.context, str)
            assert second.completed is not None
            assert second.completed.length == 4
            assert mine.link.wire == wire + "+segue"
            again = await (await mine.turn(ASK, parent=first.continuation, name="t_2")).outcome()
            assert again.accepted is not None
            assert again.accepted.replayed is True
            behind = await (await mine.resume("t_2", after=1)).outcome()
            assert behind.completed == second.completed or behind.completed is not None
            other = await (await mine.turn("Something else.", name="t_2")).outcome()
            assert other.refused is not None
            assert (other.refused.code, other.refused.advice, other.refused.effect) == ("turn_conflict", "fix", "none")

    run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("extended", [True, False])
def test_silent_sides_get_the_plain_wire(wire: str, extended: bool) -> None:
    async def main() -> None:
        endpoint = Endpoint() if extended else Plain()
        async with serving(endpoint) as url, session(url, wire, declare=not extended) as mine:
            for _ in range(2):
                outcome = await (await mine.turn(REMEMBER)).outcome()
                assert outcome.text == "OK"
                assert outcome.accepted is not None
                assert not isinstance(outcome.accepted.context, str)
            assert mine.link.wire == wire

    run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_an_endpoint_that_has_not_declared_itself_is_told_at_once(wire: str) -> None:
    async def main() -> None:
        async with serving(Plain()) as url:
            with pytest.raises(WrongKind, match="not offered"):
                await find(url, Options(), wires=[wire + "+segue"])

    run(main())


def test_connect_uses_it() -> None:
    async def main() -> None:
        async with serving(Endpoint()) as url:
            async with segue.connect(url, wire="openai-ws", context=CONTEXT) as mine:
                outcome = await (await mine.turn("Say hello.")).outcome()
                assert outcome.accepted is not None
                assert isinstance(outcome.accepted.context, str)
                assert mine.welcome is not None
            async with segue.connect(url, wire="openai-ws", context=CONTEXT, extension=False) as mine:
                outcome = await (await mine.turn("Say hello.")).outcome()
                assert outcome.accepted is not None
                assert not isinstance(outcome.accepted.context, str)

    run(main())


# ---- somebody in between who passes headers and rebuilds bodies ------------------------------------------------


def without_segue(text: str) -> str:
    members = json.loads(text)
    members.pop("segue", None)
    return json.dumps(members)


@asynccontextmanager
async def between(upstream: str, *, asked: Callable[[str], str], told: Callable[[str], str]) -> AsyncIterator[str]:
    """Serve somebody who forwards everything and rebuilds the bodies of creates (`asked`) and of answers (`told`)."""

    async def forward(request: Request) -> Response:
        body = await request.body()
        creates = request.method == "POST" and request.url.path.endswith("/responses")
        headers = {k: v for k, v in request.headers.items() if k not in ("host", "content-length", "accept-encoding")}
        url = httpx.URL(upstream + request.url.path, query=request.url.query.encode())
        content = asked(body.decode()).encode() if creates and body != b"{}" else body
        async with httpx.AsyncClient(timeout=20) as http:
            answer = await http.request(request.method, url, content=content, headers=headers)
        text = answer.text
        if creates and answer.headers["content-type"].startswith("text/event-stream"):
            parser = SSEParser()
            events = [e.data for e in [*parser.feed(answer.content), *parser.close()] if e.data != "[DONE]"]
            text = "".join(f"data: {told(data)}\n\n" for data in events)
        elif creates and answer.status_code < 400:
            text = told(text)
        kept = {name: answer.headers[name] for name in ("content-type", "segue-version") if name in answer.headers}
        return Response(text, answer.status_code, kept)

    async def relay(websocket: WebSocket) -> None:
        headers = {k: v for k, v in websocket.headers.items() if k in ("segue-version", "authorization")}
        url = upstream.replace("http", "ws", 1) + websocket.url.path
        async with connect(url, additional_headers=headers) as other:
            assert other.response is not None
            passed = [(b"segue-version", other.response.headers["segue-version"].encode())]
            await websocket.accept(headers=passed)

            async def back() -> None:
                async for frame in other:
                    text = str(frame)
                    await websocket.send_text(text if '"type":"segue:' in text else told(text))

            answering = asyncio.ensure_future(back())
            try:
                async for text in websocket.iter_text():
                    await other.send(asked(text))
            except ConnectionClosed:
                pass
            finally:
                answering.cancel()

    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[WebSocketRoute("/{p:path}", relay), Route("/{p:path}", forward, methods=methods)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def same(text: str) -> str:
    return text


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("asked", "told"), [(without_segue, without_segue), (without_segue, same), (same, without_segue)],
    ids=["both ways", "what is asked", "what is told"],
)  # fmt: skip
def test_what_somebody_in_between_rebuilt_is_taken_as_plain(
    wire: str, asked: Callable[[str], str], told: Callable[[str], str]
) -> None:
    async def main() -> None:
        async with serving(Endpoint()) as origin, between(origin, asked=asked, told=told) as url:
            offer = (await find(url, Options(), wires=[wire + "+segue"])).offers[0]
            link = await open_link(wire + "+segue", offer.url, Options(), routes=None)
            mine = Session(link, wire, context=CONTEXT, limit=10)
            try:
                first = await (await mine.turn(REMEMBER)).outcome()
                assert first.text == "OK"
                assert first.accepted is not None
                assert not isinstance(first.accepted.context, str)
                assert first.completed is not None
                assert first.completed.digest is msgspec.UNSET
                second = await (await mine.turn(ASK, parent=first.continuation)).outcome()
                assert second.text == "walnut"
            finally:
                await mine.close()

    run(main())


# ---- what the surfaces do ---------------------------------------------------------------------------------------


@asynccontextmanager
async def socket(url: str) -> AsyncIterator[Any]:
    async with connect(url.replace("http", "ws", 1) + "/v1/responses", additional_headers=DECLARED) as made:
        yield made


async def until(made: Any, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    events = []
    while True:
        events.append(json.loads(await asyncio.wait_for(made.recv(), 10)))
        if wanted(events[-1]):
            return events


def create(text: str, **members: Any) -> str:
    return json.dumps({"type": "response.create", **CONTEXT, "input": text, **members})


def test_in_one_lane_responses_are_told_one_after_the_other() -> None:
    async def main() -> None:
        async with serving(Endpoint(settings=Settings(heartbeat_ms=50, slow_ms=300))) as url, socket(url) as made:
            await made.send(create("Write a long text slowly.", segue={"turn": "t_1"}))
            await made.send(create("Say hello.", segue={"turn": "t_2"}))
            ends: list[str] = []
            events = await until(made, lambda e: (e["type"] == "response.completed" and bool(ends)) or (
                e["type"] == "response.completed" and ends.append("one") is not None))  # fmt: skip
            kinds = [e["type"] for e in events if e["type"].startswith("response.")]
            assert kinds.count("response.created") == 2
            assert kinds.index("response.completed") < len(kinds) - 1 - kinds[::-1].index("response.created")
            waiting = [e for e in events if e["type"] == "segue:turn.progress" and e["turn"] == "t_2"]
            assert [e["phase"] for e in waiting][:1] == ["queued"]

    run(main())


def test_a_turn_that_its_client_named_outlives_its_connection() -> None:
    async def main() -> None:
        endpoint = Endpoint(settings=Settings(slow_ms=400))
        async with serving(endpoint) as url:
            async with socket(url) as made:
                await made.send(create("Write a long text slowly.", segue={"turn": "t_1"}))
                await until(made, lambda e: e["type"].endswith(".delta"))
            async with socket(url) as made:
                await made.send(json.dumps({"type": "segue:turn.resume", "turn": "t_1"}))
                (*_, last) = await until(made, lambda e: e["type"].startswith("response.") and "completed" in e["type"])
                assert last["segue"]["turn"] == "t_1"

    run(main())


def test_a_turn_whose_name_was_drawn_is_cancelled_with_its_connection() -> None:
    async def main() -> None:
        endpoint = Endpoint(settings=Settings(slow_ms=2_000))
        async with serving(endpoint) as url:
            async with socket(url) as made:
                await made.send(create("Write a long text slowly."))
                (*_, first) = await until(made, lambda e: e["type"] == "response.created")
                turn = first["segue"]["accepted"]["turn"]
            async with socket(url) as made:
                await made.send(json.dumps({"type": "segue:turn.resume", "turn": turn}))
                (*_, last) = await until(made, lambda e: "completed" in (e.get("segue") or {}))
                assert last["segue"]["completed"]["status"] == "cancelled"

    run(main())


def test_a_cancel_elsewhere_brings_the_end_alone() -> None:
    async def main() -> None:
        async with serving(Endpoint(settings=Settings(slow_ms=2_000))) as url, socket(url) as one, socket(url) as two:
            await one.send(create("Write a long text slowly.", segue={"turn": "t_1"}))
            await until(one, lambda e: e["type"].endswith(".delta"))
            await two.send(json.dumps({"type": "segue:turn.cancel", "turn": "t_1"}))
            events = await until(two, lambda e: e["type"] == "response.incomplete")
            assert [e["type"] for e in events] == ["segue:welcome", "response.incomplete"]
            assert events[-1]["segue"]["turn"] == "t_1"
            (*_, last) = await until(one, lambda e: e["type"] == "response.incomplete")
            assert last["response"]["incomplete_details"] == {"reason": "cancelled"}

    run(main())


def test_a_model_beside_a_named_context_has_to_be_its_own() -> None:
    async def main() -> None:
        async with serving(Endpoint()) as url, httpx.AsyncClient(base_url=url + "/v1", headers=DECLARED) as http:
            body = {**CONTEXT, "input": "Say hello.", "segue": {"turn": "t_1"}}
            first = (await http.post("/responses", json=body)).json()
            digest = first["segue"]["accepted"]["context"]
            assert len(first["segue"]["digests"]) == len(first["output"])
            named = {"input": "Say hello.", "segue": {"context": digest}}
            assert (await http.post("/responses", json={**named, **CONTEXT})).status_code == 200
            assert (await http.post("/responses", json=named)).status_code == 200
            refused = await http.post("/responses", json={**named, "model": "another"})
            assert (refused.status_code, refused.json()["segue"]["error"]["param"]) == (400, "/context/model")
            lost = {**named, "segue": {"context": digest[:-4] + "AAAA"}}
            answer = await http.post("/responses", json={**lost, **CONTEXT})
            assert answer.json()["segue"]["error"]["code"] == "context_not_found"

    run(main())


def test_every_answer_is_signed_and_the_wrong_key_is_told_whole() -> None:
    async def main() -> None:
        endpoint = Endpoint(keys={"alice": "key-of-alice"})
        async with serving(endpoint) as url, httpx.AsyncClient(base_url=url + "/v1") as http:
            for headers in ({}, DECLARED):
                answer = await http.post("/responses", json={}, headers=headers)
                assert (answer.status_code, answer.headers["segue-version"]) == (401, "1.0")
                assert ("segue" in answer.json()) is bool(headers)
            assert answer.json()["segue"]["error"]["advice"] == "authenticate"

    run(main())
