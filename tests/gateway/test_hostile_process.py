"""What hurts, sent to a gateway as a process: it answers by a sentence or a close, serves others meanwhile, and stays.

After each of them a plain turn runs on a new connection, and the process has not grown by what was thrown at it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_lab import run
from test_killed import HEADERS, message, process, start, turn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MIB = 1 << 20
LIMIT = 4 * MIB
#: What a process may grow by: some messages of the largest size, in a few forms, and no multiple of what was sent.
GROWTH = 16 * LIMIT


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The URL and the process id of a gateway on a file, with a limit of 4 MiB."""
    store = f"sqlite:{tmp_path_factory.mktemp('state') / 'state.db'}"
    with process(store, "--message-bytes", str(LIMIT)) as (running, url):
        yield url, running.pid
        assert running.poll() is None, "the gateway ended"


def socket_of(url: str) -> str:
    return url.replace("http", "ws", 1) + "/segue/v1"


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """A connection behind its welcome."""
    options = {"subprotocols": ["segue.v1"], "additional_headers": HEADERS, "max_size": None, **options}
    async with connect(socket_of(url), **options) as socket:
        assert json.loads(await socket.recv())["type"] == "welcome"
        yield socket


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


async def plain_turn(url: str, name: str) -> None:
    async with connected(url) as socket:
        events = await turn(socket, start(name, "Say hello."))
        assert events[-1]["type"] == "turn.completed"


async def close_code(socket: ClientConnection) -> int:
    """Return the code with which the other side closes, whatever it says before."""
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code or 0


async def huge_frame(url: str) -> None:
    async with connected(url, compression=None) as socket:
        with suppress(ConnectionClosed):  # it need not be read to its end
            await socket.send("x" * (100 * MIB))
        assert await close_code(socket) == 1009


async def huge_in_fragments(url: str) -> None:
    async with connected(url, compression=None) as socket:
        with suppress(ConnectionClosed):
            await socket.send("x" * MIB for _ in range(100))  # type: ignore[arg-type]
        assert await close_code(socket) in (1009, 4413)


async def huge_body(url: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * MIB

    async with httpx.AsyncClient(headers={**HEADERS, "content-type": "application/json"}) as client:
        try:
            answer = await client.put(f"{url}/segue/v1/turns/t_huge", content=pieces())
        except httpx.TransportError:
            return  # refused in the middle: the answer may be lost behind what was still being sent
        assert answer.status_code == 413


async def swelling_frame(url: str) -> None:
    async with connected(url, compression="deflate") as socket:
        with suppress(ConnectionClosed):
            await socket.send(json.dumps(start("t_bomb", "0" * (100 * MIB))))
        assert await close_code(socket) == 1009


async def swelling_body(url: str) -> None:
    text = json.dumps({"input": [message("0" * (100 * MIB))]}).encode()
    packed = {"gzip": gzip.compress(text, 9), "deflate-in-gzip": gzip.compress(gzip.compress(text, 9), 9)}
    assert max(map(len, packed.values())) < MIB
    async with httpx.AsyncClient(headers={**HEADERS, "content-type": "application/json"}) as client:
        for name, body in packed.items():
            headers = {"content-encoding": "gzip"}
            answer = await client.put(f"{url}/segue/v1/turns/t_{name}", content=body, headers=headers)
            assert answer.status_code == (413 if name == "gzip" else 400), answer.text


async def deep_json(url: str) -> None:
    depth = 100_000
    text = '{"type":"turn.start","turn":"t_deep","input":[' + '{"a":[' * depth + "]}" * depth + "]}"
    async with connected(url) as socket:
        await socket.send(text)
        told = json.loads(await socket.recv())
        assert (told["type"], told["error"]["code"]) == ("error", "malformed_message")


async def no_utf8(url: str) -> None:
    for text in (b'{"type":"turn.start","turn":"t_\xff"}', b"\xc3", b"\xed\xa0\x80"):
        async with connected(url) as socket:
            await socket.send(text, text=True)
            assert await close_code(socket) in (1007, 4400)


async def broken_coding(url: str) -> None:
    async with httpx.AsyncClient(headers={**HEADERS, "content-type": "application/json"}) as client:
        for body in (zlib.compress(b"{}")[:-3], b"\x1f\x8b\x08", gzip.compress(b"{}")[:-1]):
            headers = {"content-encoding": "gzip"}
            answer = await client.put(f"{url}/segue/v1/turns/t_broken", content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "malformed_message")


HOSTILE: list[Callable[[str], Coroutine[Any, Any, None]]] = [
    huge_frame, huge_in_fragments, huge_body, swelling_frame, swelling_body, deep_json, no_utf8, broken_coding,
]  # fmt: skip


@pytest.mark.parametrize("hurt", HOSTILE, ids=lambda hurt: hurt.__name__)
def test_it_stays_and_serves_others(served: tuple[str, int], hurt: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    url, pid = served

    async def main() -> None:
        await plain_turn(url, f"t_before_{hurt.__name__}")
        before = resident(pid)
        async with connected(url) as other:
            harm = asyncio.ensure_future(hurt(url))
            events = await turn(other, start(f"t_beside_{hurt.__name__}", "Say hello."))
            assert events[-1]["type"] == "turn.completed"
            await asyncio.wait_for(harm, 60)
            assert (await turn(other, start(f"t_behind_{hurt.__name__}", "Say hello.")))[-1]["type"] == "turn.completed"
        await plain_turn(url, f"t_after_{hurt.__name__}")
        assert resident(pid) - before < GROWTH

    run(main())


def test_a_thousand_idle_connections_stand_in_nobodys_way(served: tuple[str, int]) -> None:
    url, _ = served

    async def main() -> None:
        sockets: list[ClientConnection] = []
        try:
            for _ in range(20):
                options: dict[str, Any] = {"subprotocols": ["segue.v1"], "additional_headers": HEADERS}
                sockets += await asyncio.gather(*(connect(socket_of(url), **options) for _ in range(50)))
            await plain_turn(url, "t_among_a_thousand")
            answers = await asyncio.gather(*(turn(each, start(f"t_idle_{n}", "Say hello."))
                                             for n, each in enumerate(sockets[::100])))  # fmt: skip
            assert {events[-1]["type"] for events in answers} == {"turn.completed"}
        finally:
            await asyncio.gather(*(each.close() for each in sockets))

    run(main())
