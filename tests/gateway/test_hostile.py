"""What a hostile client tries: each test is an attack that once cost memory, time or an answer."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_lab import Clock, bounds, call, context, handle, history, message, run
from segue_adapters.wires.base import Refuse
from segue_gateway.connection import Connection
from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import grow
from segue_gateway.protocol import SegueWebSocketProtocol
from segue_gateway.stores.memory import MemoryStore
from segue_gateway.stores.tree import Tree
from segue_gateway.surfaces.admission import admit
from segue_gateway.surfaces.bodies import read_body
from segue_schemas import models
from starlette.requests import HTTPConnection
from websockets.frames import Frame, Opcode


def test_equal_contexts_are_kept_once_as_they_are_counted() -> None:
    async def main() -> None:
        clock = Clock()
        store = MemoryStore(bounds(cached_ms=1_000), clock)
        sent: list[Context] = [context(model="m", instructions="x" * 100) for _ in range(4)]
        for one in sent[:2]:
            await store.put_context("alice", one)
        accepted = models.TurnAccepted(turn="t1", seq=0, context=sent[2].digest, retention="cached")
        await store.claim("alice", "t1", "c", accepted, [sent[2]])
        done = models.TurnCompleted(turn="t1", status="completed", digest=sent[2].digest, length=1)
        await store.finish("alice", "t1", 1, done, handle("h1", under=sent[3]))
        kept = store._principals["alice"]
        held = await store.resolve("alice", "h1", None)
        assert held is not None
        assert held.handle.context is sent[0]
        assert kept.turns["t1"].contexts[0] is sent[0]
        assert kept.contexts[sent[0].digest] == (sent[0], 3)

    run(main())


def test_a_context_that_is_sent_again_lives_longer_and_costs_nothing_more() -> None:
    async def main() -> None:
        clock = Clock()
        store = MemoryStore(bounds(cached_ms=1_000), clock)
        under = context(model="m")
        for _ in range(5):
            await store.put_context("alice", context(model="m"))
            clock.advance(600)
        assert len(store._expiry._heap) == 1
        assert await store.context("alice", under.digest) is not None
        clock.advance(401)
        assert await store.context("alice", under.digest) is None
        assert store.held("alice") == {"turns": 0, "continuations": 0, "contexts": 0, "bytes": 0}

    run(main())


def test_open_calls_are_shared_by_the_turns_that_leave_them_open() -> None:
    first = history(*(call(f"c{n}") for n in range(50)))
    second = grow(first, [])
    assert second.open is first.open
    tree = Tree()
    assert tree.hold(first, "a") > 50 * 48
    assert tree.hold(second, "b") < 50 * 48
    assert tree.release(second) > 0


def test_outputs_of_calls_answered_long_ago_look_through_the_history_once() -> None:
    first = history(call("c1"), {"type": "function_call_output", "call_id": "c1", "output": "1"})
    assert {one.id for one in grow(first, []).borne()} == {"c1"}  # type: ignore[attr-defined]


def test_a_long_input_lets_others_have_their_turn() -> None:
    async def main() -> None:
        start = models.TurnStart(turn="t1", input=[json.dumps(message("x")).encode()] * 1_000)  # type: ignore[list-item]
        reading = asyncio.ensure_future(Endpoint().read_input(start))
        turns = 0
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        assert len(reading.result()) == 1_000
        assert turns >= 3

    run(main())


def test_cancels_of_a_client_that_does_not_read_are_not_answered_ahead_of_it() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        taken = asyncio.Event()
        told: list[models.ServerMessage] = []

        async def deliver(message: models.ServerMessage) -> None:
            await taken.wait()
            told.append(message)

        async def close(code: int) -> None: ...

        first = Connection(endpoint, "single", "segue-ws", deliver, close)
        start = models.TurnStart(turn="t1", input=[])
        _, fresh = await endpoint.accept(first, start)
        assert fresh is not None
        cancel = models.TurnCancel(turn="t1")
        for _ in range(20):  # it runs: one answer is on its way, and is the answer to all of them
            await first.handle(cancel)
        await fresh.run()
        waiting = [asyncio.ensure_future(first.handle(cancel)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)  # it ended: the next message is read behind the answer
        taken.set()
        await asyncio.gather(*waiting)
        assert len(told) == 3

    run(main())


class _Transport:
    def __init__(self) -> None:
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


def _protocol() -> tuple[SegueWebSocketProtocol, _Transport]:
    protocol: Any = object.__new__(SegueWebSocketProtocol)
    transport = _Transport()
    protocol.transport, protocol.writable = transport, asyncio.Event()
    protocol.read_paused = protocol.close_sent = protocol._choked = False
    protocol.frames, protocol.curr_msg_data_type, protocol.queue = [], "text", asyncio.Queue()
    return protocol, transport


def test_nothing_is_read_from_who_does_not_take_what_is_sent() -> None:
    protocol, transport = _protocol()
    protocol.pause_writing()
    assert not transport.reads
    protocol.resume_writing()
    assert transport.reads


def test_fragments_are_joined_as_they_come() -> None:
    protocol, _ = _protocol()
    protocol.handle_text(Frame(Opcode.TEXT, b'{"a"', False))
    for _ in range(1_000):
        protocol.handle_cont(Frame(Opcode.CONT, b"", False))
    assert len(protocol.frames) == 1
    protocol.handle_cont(Frame(Opcode.CONT, b":1}", True))
    assert protocol.queue.get_nowait() == {"type": "websocket.receive", "text": '{"a":1}'}


def test_two_credentials_are_none() -> None:
    endpoint = Endpoint(keys={"alice": "A", "bob": "B"})
    one, other = (b"authorization", b"Bearer A"), (b"authorization", b"Bearer B")
    assert admit(endpoint, HTTPConnection({"type": "http", "headers": [one]})) == "alice"
    with pytest.raises(Refuse) as refused:
        admit(endpoint, HTTPConnection({"type": "http", "headers": [one, other]}))
    assert refused.value.error.code == "unauthenticated"


@pytest.mark.parametrize("cut", [False, True])
def test_nothing_behind_the_end_of_a_coding_is_dropped_in_silence(cut: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        whole = gzip.compress(b"{}") + gzip.compress(b" ")
        for part in (whole[:22], whole[22:]) if cut else (whole,):
            yield part

    with pytest.raises(Refuse) as refused:
        run(read_body(chunks(), "gzip", 100))
    assert refused.value.error.code == "malformed_message"
