"""OpenAI Responses on real sockets: over HTTP and over WebSocket."""

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
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

KEYS = {"alice": "key-of-alice", "bob": "key-of-bob"}
TOOL = {"type": "function", "name": "get_word", "parameters": {"type": "object", "properties": {}}}


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[tuple[Endpoint, httpx.AsyncClient]]:
    endpoint = Endpoint(settings=Settings(**settings), keys=KEYS)
    async with serving(endpoint) as url:
        headers = {"authorization": "Bearer key-of-alice"}
        async with httpx.AsyncClient(base_url=url + "/v1", headers=headers, timeout=20) as http:
            yield endpoint, http


def create(text: Any, **members: Any) -> dict[str, Any]:
    return {"model": "scripted", "input": text, **members}


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"type", "code", "message", "param"}
    return error


def test_a_chain_of_responses_and_what_can_be_asked_of_it() -> None:
    async def main() -> None:
        async with served() as (_, http):
            first = (await http.post("/responses", json=create("Remember this word: walnut. Say OK."))).json()
            assert (text_of(first), first["status"], first["store"]) == ("OK", "completed", True)
            asked = create("Which word did I ask you to remember?", previous_response_id=first["id"])
            second = (await http.post("/responses", json=asked)).json()
            assert text_of(second) == "walnut"
            assert second["previous_response_id"] == first["id"]
            assert (await http.get(f"/responses/{second['id']}")).json() == second
            items = (await http.get(f"/responses/{second['id']}/input_items")).json()["data"]
            assert [item["role"] for item in items] == ["user", "assistant", "user"]
            deleted = await http.delete(f"/responses/{first['id']}")
            assert deleted.json()["deleted"] is True
            for method in ("GET", "DELETE"):
                error_of(await http.request(method, f"/responses/{first['id']}"), 404)
            assert text_of((await http.post("/responses", json={**asked, "previous_response_id": second["id"]})).json())

    run(main())


def test_a_stream_ends_with_done_and_its_texts_agree() -> None:
    async def main() -> None:
        async with served() as (_, http):
            response = await http.post("/responses", json=create("Count from 1 to 5", stream=True))
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
            assert lines[-1] == "[DONE]"
            events = [json.loads(line) for line in lines[:-1]]
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            deltas = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
            assert deltas == text_of(events[-1]["response"]) == "1 2 3 4 5"

    run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_calls_and_their_outputs(stream: bool) -> None:
    async def main() -> None:
        async with served() as (_, http):

            async def ask(body: dict[str, Any]) -> dict[str, Any]:
                response = await http.post("/responses", json={**body, "stream": stream})
                if not stream:
                    made: dict[str, Any] = response.json()
                    return made
                data = [line for line in response.text.splitlines() if line.startswith("data: {")]
                last: dict[str, Any] = json.loads(data[-1].removeprefix("data: "))["response"]
                return last

            first = await ask(create("Call the tool get_word", tools=[TOOL]))
            (made,) = first["output"]
            assert made["type"] == "function_call"
            error = error_of(await http.post("/responses", json=create("no", previous_response_id=first["id"])), 400)
            assert error["param"] == "input"
            answered = [{"type": "function_call_output", "call_id": made["call_id"], "output": '{"word":"kiwi"}'}]
            second = await ask(create(answered, previous_response_id=first["id"]))
            asked = create("Which word did the tool return?", previous_response_id=second["id"])
            assert text_of(await ask(asked)) == "kiwi"

    run(main())


def test_what_is_not_stored_is_not_there() -> None:
    async def main() -> None:
        async with served() as (_, http):
            first = (await http.post("/responses", json=create("Say hello", store=False))).json()
            assert first["store"] is False
            error_of(await http.get(f"/responses/{first['id']}"), 404)
            error = error_of(await http.post("/responses", json=create("x", previous_response_id=first["id"])), 400)
            assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")

    run(main())


def test_refusals_are_in_openais_envelope() -> None:
    async def main() -> None:
        async with served(message_bytes=10_000) as (_, http):
            assert error_of(await http.post("/responses", json={"input": "x"}), 400)["param"] == "model"
            assert error_of(await http.post("/responses", content=b"{"), 400)["code"] == "invalid_json"
            assert error_of(await http.post("/responses", content=b" " * 10_001), 413)["code"] == "request_too_large"
            error_of(await http.get("/nothing"), 404)
            http.headers["authorization"] = "Bearer wrong"
            assert error_of(await http.post("/responses", json=create("x")), 401)["code"] == "invalid_api_key"

    run(main())


def test_a_failed_turn_is_a_failed_response_and_its_caller_is_not_told_to_retry() -> None:
    async def main() -> None:
        async with served() as (_, http):
            response = await http.post("/responses", json=create("Fail now"))
            assert (response.status_code, response.json()["status"]) == (200, "failed")
            cut = (await http.post("/responses", json=create("Count from 1 to 99", max_output_tokens=16))).json()
            assert (cut["status"], cut["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})

    run(main())


def test_models_are_listed() -> None:
    async def main() -> None:
        async with served() as (_, http):
            listed = (await http.get("/models")).json()["data"]
            assert [model["id"] for model in listed] == ["scripted"]
            assert (await http.get("/models/scripted")).json() == listed[0]
            error_of(await http.get("/models/other"), 404)

    run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_that_goes_away_cancels_its_turn(stream: bool) -> None:
    async def main() -> None:
        async with served() as (endpoint, http):
            body = create("Write a long text slowly", stream=stream)
            if stream:
                async with http.stream("POST", "/responses", json=body) as response:
                    async for _ in response.aiter_bytes():
                        break
            else:
                with pytest.raises(httpx.ReadTimeout):
                    await http.post("/responses", json=body, timeout=0.2)
            until = asyncio.get_running_loop().time() + 0.6  # the text takes twice as long
            while endpoint.running:
                assert asyncio.get_running_loop().time() < until
                await asyncio.sleep(0.01)
            assert endpoint.store.held("alice")["continuations"] == 0  # type: ignore[attr-defined]

    run(main())


# -- over WebSocket


@asynccontextmanager
async def socket_at(http: httpx.AsyncClient, key: str = "key-of-alice") -> AsyncIterator[ClientConnection]:
    url = str(http.base_url).replace("http", "ws") + "responses?model=x"
    async with connect(url, additional_headers={"authorization": f"Bearer {key}"}) as made:
        yield made


async def respond(socket: ClientConnection, text: Any, **members: Any) -> dict[str, Any]:
    """Create a response and return its last event."""
    await socket.send(json.dumps({"type": "response.create", **create(text, **members)}))
    while True:
        event: dict[str, Any] = json.loads(await socket.recv())
        if event["type"] in ("response.completed", "response.incomplete", "response.failed", "error"):
            return event


def test_a_chain_that_is_not_stored_lives_in_its_connection() -> None:
    async def main() -> None:
        async with served() as (_, http):
            async with socket_at(http) as socket:
                first = await respond(socket, "Remember this word: walnut. Say OK.", store=False)
                parent = first["response"]["id"]
                asked = "Which word did I ask you to remember?"
                second = await respond(socket, asked, store=False, previous_response_id=parent)
                assert text_of(second["response"]) == "walnut"
                error_of(await http.get(f"/responses/{parent}"), 404)
                again = await respond(socket, asked, store=False, previous_response_id=parent)
                assert text_of(again["response"]) == "walnut"  # an older one of the chain is held too
                stored = await respond(socket, "Remember this word: amber. Say OK.")
            async with socket_at(http) as socket:
                missed = await respond(socket, asked, store=False, previous_response_id=parent)
                assert missed["status"] == 400
                assert missed["error"]["code"] == "previous_response_not_found"
                kept = await respond(socket, asked, previous_response_id=stored["response"]["id"])
                assert text_of(kept["response"]) == "amber"

    run(main())


def test_a_warm_up_is_a_parent() -> None:
    async def main() -> None:
        async with served() as (_, http), socket_at(http) as socket:
            warm = await respond(socket, "Remember this word: walnut.", store=False, generate=False)
            assert warm["response"]["output"] == []
            asked = "Which word did I ask you to remember?"
            told = await respond(socket, asked, store=False, previous_response_id=warm["response"]["id"])
            assert text_of(told["response"]) == "walnut"

    run(main())


def test_lanes_are_named_by_stream_id_and_queued_not_refused() -> None:
    async def main() -> None:
        async with served() as (_, http), socket_at(http) as socket:
            for lane, text in (("a", "Write a long text slowly"), ("a", "Say hello"), ("b", "Say hi")):
                members = {"type": "response.create", "stream_id": lane, **create(text)}
                await socket.send(json.dumps(members))
            seen: list[tuple[str, str]] = []
            while sum(kind == "response.completed" for _, kind in seen) < 3:
                event = json.loads(await socket.recv())
                seen.append((event["stream_id"], event["type"]))
            ends = [lane for lane, kind in seen if kind == "response.completed"]
            assert ends == ["b", "a", "a"]
            of_a = [kind for lane, kind in seen if lane == "a"]
            assert of_a.index("response.completed") < len(of_a) - 1 - of_a[::-1].index("response.created")

    run(main())


def test_a_create_that_waits_finds_its_parent_when_it_begins() -> None:
    class Known(Endpoint):
        """Gives out ids that the test knows before they are."""

        count = 0

        def new_id(self) -> str:
            self.count += 1
            return f"resp_{self.count}"

    async def main() -> None:
        async with serving(Known(keys=KEYS)) as url:
            headers = {"authorization": "Bearer key-of-alice"}
            async with connect(url.replace("http", "ws") + "/v1/responses", additional_headers=headers) as socket:
                first = create("Remember this word: walnut. Say OK.", store=False)
                second = create("Which word did I ask you to remember?", store=False, previous_response_id="resp_1")
                for body in (first, second):
                    await socket.send(json.dumps({"type": "response.create", **body}))
                ends: list[dict[str, Any]] = []
                while len(ends) < 2:
                    event = json.loads(await socket.recv())
                    if event["type"] in ("response.completed", "error"):
                        ends.append(event)
                assert text_of(ends[1]["response"]) == "walnut"

    run(main())


@pytest.mark.parametrize(
    ("frame", "code", "param"),
    [
        ("junk", "invalid_json", None),
        (b"{}", "invalid_json", None),
        ('{"type":"response.steer"}', "unsupported_event", "type"),
        ('{"type":"response.create","input":"x"}', "missing_required_parameter", "model"),
        ('{"type":"response.create","model":"m","input":"x","stream_id":""}', "invalid_stream_id", "stream_id"),
    ],
)
def test_junk_is_refused_with_a_status_and_the_socket_stays(frame: str | bytes, code: str, param: str | None) -> None:
    async def main() -> None:
        async with served() as (_, http), socket_at(http) as socket:
            await socket.send(frame)
            told = json.loads(await socket.recv())
            assert (told["type"], told["status"], told["error"]["code"]) == ("error", 400, code)
            assert told["error"]["param"] == param
            assert text_of((await respond(socket, "Say hello"))["response"]) == "hello"

    run(main())


def test_the_thirty_third_lane_is_one_too_many() -> None:
    async def main() -> None:
        async with served() as (_, http), socket_at(http) as socket:
            for number in range(32):
                assert (await respond(socket, "Say hello", stream_id=f"l{number}"))["type"] == "response.completed"
            refused = await respond(socket, "Say hello", stream_id="l32")
            assert refused["error"]["code"] == "websocket_stream_limit_reached"
            assert refused["stream_id"] == "l32"
            assert (await respond(socket, "Say hello", stream_id="l0"))["type"] == "response.completed"

    run(main())


def test_a_denied_upgrade_has_openais_envelope() -> None:
    async def main() -> None:
        async with served() as (_, http):
            with pytest.raises(InvalidStatus) as caught:
                async with socket_at(http, "wrong"):
                    pass
            response = caught.value.response
            assert response.status_code == 401
            assert json.loads(response.body or b"")["error"]["code"] == "invalid_api_key"

    run(main())


def test_the_end_of_its_time_is_told_as_this_wire_tells_it() -> None:
    async def main() -> None:
        async with served(connection_ms=300, draining_ms=100) as (_, http), socket_at(http) as socket:
            told = [json.loads(frame) async for frame in socket]
            assert [event["error"]["code"] for event in told] == ["websocket_connection_limit_reached"]
            assert socket.close_code == 1001

    run(main())


def test_a_lost_socket_cancels_what_runs_and_drops_what_waits() -> None:
    async def main() -> None:
        async with served() as (endpoint, http):
            async with socket_at(http) as socket:
                for text in ("Write a long text slowly", "Say hello"):
                    await socket.send(json.dumps({"type": "response.create", **create(text)}))
                while json.loads(await socket.recv())["type"] != "response.output_text.delta":
                    pass
            until = asyncio.get_running_loop().time() + 0.6
            while endpoint.running:
                assert asyncio.get_running_loop().time() < until
                await asyncio.sleep(0.01)
            held = endpoint.store.held("alice")  # type: ignore[attr-defined]
            assert (held["continuations"], held["turns"]) == (0, 1)

    run(main())
