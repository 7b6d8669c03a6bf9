"""Segue over HTTP on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from gateway_lab import context, message, run
from segue_adapters.sse import SSEEvent, SSEParser
from segue_gateway import Endpoint, Settings
from segue_gateway.server import serving
from segue_schemas import validator

KEYS = {"alice": "key-of-alice", "bob": "key-of-bob"}
NAME = "/turns/t1"


@asynccontextmanager
async def client(key: str = "key-of-alice", **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(Endpoint(settings=Settings(**settings), keys=KEYS)) as url:
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=url + "/segue/v1", headers=headers, timeout=20) as made:
            yield made


def body(text: str, **members: Any) -> dict[str, Any]:
    return {"input": [message(text)], **members}


def events_of(response: httpx.Response) -> list[SSEEvent]:
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    parser = SSEParser()
    events = [*parser.feed(response.content), *parser.close()]
    for event in events:
        told = json.loads(event.data)
        validator("native.json#/$defs/ServerMessage").validate(told)
        assert event.event == told["type"]
    return events


def snapshot_of(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["cache-control"] == "no-store"
    told: dict[str, Any] = response.json()
    validator("native.json#/$defs/ServerMessage").validate(told)
    return told


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    told: dict[str, Any] = response.json()
    assert told["status"] == status
    assert told["type"] == "urn:segue:error:" + told["code"]
    return told


def test_a_turn_as_events_and_as_a_whole() -> None:
    async def main() -> None:
        async with client() as http:
            events = events_of(await http.put(NAME, json=body("Say hello")))
            assert [event.id for event in events] == ["0", "1", "2", "3", "4"]
            whole = snapshot_of(await http.get(NAME))
            assert whole["completed"]["digest"] == json.loads(events[-1].data)["digest"]
            assert whole["items"][0]["content"][0]["text"] == "hello"
            final = await http.put("/turns/t2", json=body("Say hi", delivery={"mode": "final"}))
            assert snapshot_of(final)["items"][0]["content"][0]["text"] == "hi"
            assert "replayed" not in final.json()["accepted"]
            accepted = await http.put("/turns/t2", json=body("Say hi"), headers={"accept": "application/json"})
            assert snapshot_of(accepted)["accepted"]["replayed"] is True

    run(main())


def test_events_behind_a_number() -> None:
    async def main() -> None:
        async with client() as http:
            await http.put(NAME, json=body("Say hello"))
            rest = events_of(await http.get(NAME + "/events", headers={"last-event-id": "2"}))
            assert [event.id for event in rest] == ["3", "4"]
            assert events_of(await http.get(NAME + "/events", headers={"last-event-id": "4"})) == []
            assert len(events_of(await http.get(NAME + "/events"))) == 5
            problem(await http.get(NAME + "/events", headers={"last-event-id": "5"}), 400)
            problem(await http.get(NAME + "/events", headers={"last-event-id": "x"}), 400)

    run(main())


def test_a_long_turn_is_asked_for_again() -> None:
    async def main() -> None:
        async with client(heartbeat_ms=100) as http:
            final = body("Write a long text slowly", delivery={"mode": "final"})
            waiting = await http.put(NAME, json=final)
            assert isinstance(snapshot_of(waiting, 202)["retry_after_ms"], int)
            assert waiting.headers["retry-after"]
            while (response := await http.get(NAME)).status_code == 202:
                await asyncio.sleep(0.1)
            assert snapshot_of(response)["completed"]["status"] == "completed"

    run(main())


@pytest.mark.parametrize("asked", ["PUT", "GET"])
def test_of_a_turn_that_is_not_kept_the_end_is_waited_for(asked: str) -> None:
    async def main() -> None:
        async with client(heartbeat_ms=100) as http:
            slow = body("Write a long text slowly", retention="none")
            if asked == "PUT":
                whole = await http.put(NAME, json={**slow, "delivery": {"mode": "final"}})
            else:
                async with http.stream("PUT", NAME, json=slow) as response:
                    await anext(response.aiter_bytes())
                    whole = await http.get(NAME)
            assert snapshot_of(whole)["completed"]["status"] == "completed"

    run(main())


def test_a_cancels_body_is_read_where_there_is_one() -> None:
    async def main() -> None:
        async with client() as http:
            await http.put(NAME, json=body("Say hello"))
            for content in (b"", b"{}", b'{"type":"turn.cancel"}'):
                snapshot_of(await http.post(NAME + "/cancel", content=content))
            for content in (b'{"turn":"other"}', b'{"type":"turn.steer"}'):
                refused = problem(await http.post(NAME + "/cancel", content=content), 400)
                assert refused["code"] == "invalid_request"

    run(main())


@pytest.mark.parametrize(("said", "status"), [("true", 200), ("false", 200), ("1", 400), ("TRUE", 400), ("", 400)])
def test_a_deletion_is_told_plainly_what_goes_along(said: str, status: int) -> None:
    async def main() -> None:
        async with client() as http:
            first = snapshot_of(await http.put(NAME, json=body("Say hello", delivery={"mode": "final"})))
            path = f"/continuations/{first['completed']['continuation']['id']}"
            deleted = await http.delete(f"{path}?descendants={said}")
            assert deleted.status_code == status
            if status == 400:
                assert problem(deleted, 400)["param"] == "/descendants"
                assert (await http.get(path)).status_code == 200

    run(main())


def test_a_lost_connection_cancels_nothing() -> None:
    async def main() -> None:
        async with client() as http:
            async with http.stream("PUT", NAME, json=body("Write a long text slowly")) as response:
                async for _ in response.aiter_bytes():
                    break
            events = events_of(await http.get(NAME + "/events"))
            assert json.loads(events[-1].data)["status"] == "completed"
            assert json.loads(events[0].data)["replayed"] is True

    run(main())


def test_cancel_answers_with_the_snapshot() -> None:
    async def main() -> None:
        async with client() as http:
            async with http.stream("PUT", NAME, json=body("Write a long text slowly")) as response:
                async for chunk in response.aiter_bytes():
                    if b"item.delta" in chunk:
                        break
            cancelled = snapshot_of(await http.post(NAME + "/cancel"))
            assert cancelled["completed"]["status"] == "cancelled"
            assert cancelled["items"][0]["status"] == "incomplete"
            again = snapshot_of(await http.post(NAME + "/cancel"))
            assert again["completed"]["seq"] == cancelled["completed"]["seq"]

    run(main())


def test_a_conflict_is_not_to_be_retried() -> None:
    async def main() -> None:
        async with client() as http:
            await http.put(NAME, json=body("Say hello"))
            response = await http.put(NAME, json=body("Say bye"))
            assert problem(response, 409)["code"] == "turn_conflict"
            assert response.headers["x-should-retry"] == "false"

    run(main())


def test_continuations_are_read_and_deleted() -> None:
    async def main() -> None:
        async with client() as http:
            first = snapshot_of(await http.put(NAME, json=body("Say hello", delivery={"mode": "final"})))
            parent = first["completed"]["continuation"]["id"]
            second = await http.put("/turns/t2", json=body("Say hi", parent=parent, delivery={"mode": "final"}))
            child = snapshot_of(second)["completed"]["continuation"]["id"]
            info = snapshot_of(await http.get(f"/continuations/{parent}"))
            assert info["continuation"]["digest"] == first["completed"]["digest"]
            deleted = snapshot_of(await http.delete(f"/continuations/{parent}"))
            assert deleted["count"] == 1
            assert problem(await http.get(f"/continuations/{parent}"), 404)["code"] == "continuation_not_found"
            assert problem(await http.get(NAME), 410)["code"] == "events_gone"
            assert problem(await http.put(NAME, json=body("Say hello")), 410)["code"] == "events_gone"
            assert (await http.get(f"/continuations/{child}")).status_code == 200
            third = await http.put("/turns/t3", json=body("Say x", parent=child, delivery={"mode": "final"}))
            await http.delete(f"/continuations/{child}?descendants=true")
            last = snapshot_of(third)["completed"]["continuation"]["id"]
            assert (await http.get(f"/continuations/{last}")).status_code == 404

    run(main())


def test_a_context_is_put_under_its_digest() -> None:
    async def main() -> None:
        async with client() as http:
            digest = context(instructions="The code word is falcon.").digest
            members = {"instructions": "The code word is falcon."}
            assert (await http.put(f"/contexts/{digest}", json=members)).status_code == 204
            asked = body("What is the code word in your instructions?", context=digest, delivery={"mode": "final"})
            assert "falcon" in json.dumps(snapshot_of(await http.put(NAME, json=asked))["items"])
            problem(await http.put(f"/contexts/{digest}", json={"model": "scripted"}), 400)
            problem(await http.put(f"/contexts/{digest}", content=b"{"), 400)

    run(main())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unsupported_message"),
        ("PATCH", NAME, 404, "unsupported_message"),
        ("GET", "/turns/unknown", 404, "turn_not_found"),
        ("GET", "/turns/unknown/events", 404, "turn_not_found"),
        ("POST", "/turns/unknown/cancel", 404, "turn_not_found"),
        ("GET", "/continuations/unknown", 404, "continuation_not_found"),
        ("GET", "/continuations/unknown/bundle", 404, "continuation_not_found"),
        ("GET", "/turns/a%20b", 400, "invalid_request"),
    ],
)
def test_what_is_not_there(method: str, path: str, status: int, code: str) -> None:
    async def main() -> None:
        async with client() as http:
            assert problem(await http.request(method, path), status)["code"] == code

    run(main())


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed_message"),
        (b'{"input":[],"input":[]}', {}, 400, "malformed_message"),
        (b"[]", {}, 400, "malformed_message"),
        (b"{}", {}, 400, "invalid_request"),
        (b'{"turn":"other","input":[]}', {}, 400, "invalid_request"),
        (b'{"input":[],"retention":"connection"}', {}, 400, "retention_unavailable"),
        (b"no gzip", {"content-encoding": "gzip"}, 400, "malformed_message"),
        (gzip.compress(b'{"input":[]}', mtime=0)[:-9], {"content-encoding": "gzip"}, 400, "malformed_message"),
        (b'{"input":[]}', {"content-encoding": "br"}, 415, "invalid_request"),
        (b" " * 20_001, {}, 413, "message_too_large"),
        (gzip.compress(b" " * 5_000_000, mtime=0), {"content-encoding": "gzip"}, 413, "message_too_large"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(content: bytes, headers: Any, status: int, code: str) -> None:
    async def main() -> None:
        async with client(message_bytes=20_000) as http:
            refused = await http.put(NAME, content=content, headers=headers)
            assert problem(refused, status)["code"] == code
            assert refused.headers["cache-control"] == "no-store"
            assert events_of(await http.put(NAME, json=body("Say hello")))  # nothing was claimed

    run(main())


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "BREW"])
def test_a_method_that_no_route_has_is_refused_like_any_other(method: str) -> None:
    async def main() -> None:
        async with client() as http:
            refused = await http.request(method, NAME)
            assert problem(refused, 405)["code"] == "unsupported_message"
            assert "PUT" in refused.headers["allow"]

    run(main())


def test_a_body_may_be_compressed() -> None:
    async def main() -> None:
        async with client() as http:
            packed = gzip.compress(json.dumps(body("Say hello")).encode())
            events = events_of(await http.put(NAME, content=packed, headers={"content-encoding": "gzip"}))
            assert json.loads(events[-1].data)["status"] == "completed"

    run(main())


def test_a_large_body_is_refused_with_a_reason_the_client_can_read() -> None:
    async def main() -> None:
        async with client() as http:
            told = problem(await http.put(NAME, content=b"x" * 20_000_000), 413)
            assert told["info"]["limit"] == 16 * 1024 * 1024

    run(main())


def test_who_has_no_key_gets_nothing() -> None:
    async def main() -> None:
        async with client(key="wrong") as http:
            refused = await http.put(NAME, json=body("Say hello"))
            assert problem(refused, 401)["code"] == "unauthenticated"
            assert refused.headers["www-authenticate"] == "Bearer"
            http.headers["authorization"] = "Bearer key-of-bob"
            http.headers["origin"] = "https://page.example"
            assert problem(await http.get(NAME), 403)["code"] == "forbidden"

    run(main())


def test_a_lane_orders_nothing_here_and_is_accepted() -> None:
    async def main() -> None:
        async with client() as http:
            events = events_of(await http.put(NAME, json=body("Say hello", lane="a")))
            assert json.loads(events[0].data)["lane"] == "a"

    run(main())
