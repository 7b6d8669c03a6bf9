"""Bodies of requests and the names under which they come: codings, types, hosts."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from gateway_lab import message, run
from segue_gateway import Endpoint, Settings
from segue_gateway.hosts import is_loopback, name_of
from segue_gateway.server import serving
from segue_gateway.surfaces.bodies import zstd

BODY = json.dumps({"input": [message("Say hello")]}).encode()


async def put(url: str, content: bytes = BODY, name: str = "t1", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.put(f"{url}/segue/v1/turns/{name}", content=content, headers=named)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (gzip.compress(BODY, mtime=0), {"content_encoding": "gzip"}, 200),
        (zstd.compress(BODY), {"content_encoding": "zstd"}, 200),
        (zstd.compress(BODY)[:-3], {"content_encoding": "zstd"}, 400),
        (zstd.compress(BODY) + b"x", {"content_encoding": "zstd"}, 400),
        (b"no zstd at all", {"content_encoding": "zstd"}, 400),
        (zstd.compress(b" " * 100_000), {"content_encoding": "zstd"}, 413),
        (zstd.compress(BODY, options={zstd.CompressionParameter.window_log: 27}), {"content_encoding": "zstd"}, 200),
        (bytes.fromhex("28b52ffd00f0010000"), {"content_encoding": "zstd"}, 400),
        (BODY, {"content_encoding": "br"}, 415),
        (BODY, {"content_type": "application/json; charset=utf-8"}, 200),
        (BODY, {"content_type": "text/plain"}, 415),
        (BODY, {"content_type": "application/x-www-form-urlencoded"}, 415),
    ],
    # Told by name: bytes of gzip hold the time at which they were made, and workers have to collect the same tests.
    ids=[
        "gzip",
        "zstd",
        "zstd that is cut",
        "zstd with more behind it",
        "no zstd",
        "zstd that swells",
        "zstd with a large window",
        "zstd that asks for a terabyte",
        "unknown coding",
        "charset",
        "text",
        "form",
    ],
)
def test_how_a_body_is_read(content: bytes, headers: dict[str, str], status: int) -> None:
    async def main() -> None:
        async with serving(Endpoint(settings=Settings(message_bytes=50_000))) as url:
            answer = await put(url, content, **headers)
            assert answer.status_code == status, answer.text
            if status == 400:
                assert answer.json()["code"] == "malformed_message"

    run(main())


@pytest.mark.parametrize(
    ("host", "keys", "status"),
    [
        ("127.0.0.1:8080", {}, 200),
        ("localhost", {}, 200),
        ("LOCALHOST:1", {}, 200),
        ("[::1]:8080", {}, 200),
        ("box.example", {}, 200),
        ("evil.example", {}, 403),
        ("evil.example:8080", {}, 403),
        ("127.0.0.1.evil.example", {}, 403),
        ("evil.example", {"alice": "key"}, 200),
    ],
)
def test_without_keys_only_names_of_this_machine_are_answered(host: str, keys: dict[str, Any], status: int) -> None:
    async def main() -> None:
        made = Endpoint(settings=Settings(hosts=frozenset({"box.example"})), keys=keys)
        async with serving(made) as url:
            answer = await put(url, host=host, authorization="Bearer key")
            assert answer.status_code == status

    run(main())


def test_a_credential_in_the_query_is_none() -> None:
    async def main() -> None:
        async with serving(Endpoint(keys={"alice": "key"})) as url, httpx.AsyncClient() as http:
            for name in ("access_token", "api_key", "key", "authorization"):
                answer = await http.get(f"{url}/segue/v1/continuations/x?{name}=key")
                assert answer.status_code == 401

    run(main())


def test_names_of_hosts() -> None:
    assert name_of(" Example.org:80 ") == "example.org"
    assert name_of("[::1]:80") == "[::1]"
    assert name_of("::1") == "::1"
    assert is_loopback("[::1]")
    assert is_loopback("127.8.8.8")
    assert not is_loopback("localhost.example")
