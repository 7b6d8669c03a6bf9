"""One WebSocket of the stand-in: what comes in, lane by lane, and what goes out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from websockets.server import ServerProtocol

from .endpoint import Connection, Refused, StandIn
from .seams import At

__all__ = ["Socket", "parsed"]

#: How many responses of one connection run at a time; more wait.
_IN_FLIGHT = 16


class Socket:
    """One WebSocket: its lanes, each a queue, and its memory."""

    def __init__(
        self, stand_in: StandIn, protocol: ServerProtocol, writer: asyncio.StreamWriter, principal: str | None
    ) -> None:
        self.stand_in, self.protocol, self.writer, self.principal = stand_in, protocol, writer, principal
        self.on = stand_in.on
        self.memory = Connection()
        self.lanes: dict[str | None, asyncio.Task[None]] = {}
        self.queues: dict[str | None, list[asyncio.Task[None]]] = {}
        self.stacks: dict[str | None, list[asyncio.Event]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.flying = asyncio.Semaphore(_IN_FLIGHT)
        self.ended = 0
        self.deaf = False
        self.chats: asyncio.Task[None] | None = None

    def take(self, frame: bytes) -> None:
        """Take one message; a create waits for the one before it in its lane."""
        try:
            asked = parsed(frame)
            lane = asked.get("stream_id")
            if self.deaf:
                return
            if asked.get("type") != "response.create":
                self.deaf = "deaf_behind_a_type" in self.on
                raise Refused(400, "invalid_value", f"Unknown event type '{asked.get('type')}'.", "type")
            if "one_at_a_time" in self.on and any(not task.done() for task in self.tasks):
                raise Refused(409, "response_in_progress", "Another response is in progress on this connection.")
            if not isinstance(lane, str | None):
                raise Refused(400, "invalid_stream_id", "Invalid 'stream_id'.", "stream_id")
            if "lane_refuses_a_second" in self.on and lane in self.lanes and not self.lanes[lane].done():
                raise Refused(409, "response_in_progress", "A response is in progress in this stream.")
        except Refused as refused:
            self.refuse(refused, {})
            return
        lane = "all" if "lanes_share_a_queue" in self.on else lane
        before = None if "lane_not_in_order" in self.on else self.lanes.get(lane)
        if "lane_drops_a_second" in self.on and before is not None and not before.done():
            return
        if "queue_of_one" in self.on and sum(not task.done() for task in self.queues.get(lane, ())) > 1:
            self.refuse(Refused(429, "queue_full", "Too many requests wait in this stream."), self.lane_of(asked))
            return
        task = asyncio.create_task(self._run(asked, before))
        self.queues.setdefault(lane, []).append(task)
        self.lanes[lane] = task
        self.tasks.add(task)
        if "second_turn_ends_first" in self.on and before is not None and not before.done():
            before.cancel()

    @staticmethod
    def lane_of(asked: dict[str, Any]) -> dict[str, Any]:
        """Return the stream_id of a create, where it has one."""
        return {"stream_id": asked["stream_id"]} if "stream_id" in asked else {}

    def chatter(self) -> None:
        """Say every now and then that the connection is alive."""

        async def say() -> None:
            while self.protocol.state.name == "OPEN":
                self.send({"type": "keepalive"})
                await asyncio.sleep(0.02)

        self.chats = asyncio.create_task(say())

    async def _run(self, asked: dict[str, Any], before: asyncio.Task[None] | None) -> None:
        if "lane_is_a_stack" in self.on:
            return await self._stacked(asked)
        if before is not None:
            await asyncio.wait({before})
        if "full_flight_is_dropped" in self.on and self.flying.locked():
            return
        if "full_flight_is_refused" in self.on and self.flying.locked():
            self.refuse(Refused(429, "too_many_responses", "Too many responses in flight."), {})
            return
        async with self.flying:
            await self._respond(asked)

    async def _stacked(self, asked: dict[str, Any]) -> None:
        """Run the newest of those that wait in a lane."""
        stack = self.stacks.setdefault(asked.get("stream_id"), [])
        turn = asyncio.Event()
        stack.append(turn)
        if len(stack) > 1:
            await turn.wait()
        await self._respond(asked)
        stack.remove(turn)
        if stack:
            stack[-1].set()

    async def _respond(self, asked: dict[str, Any]) -> None:
        named = self.lane_of(asked)
        if "lane_is_null" in self.on and not named:
            named = {"stream_id": None}
        stand_in = self.stand_in
        at = At(stand_in, asked, self.principal or "", self.memory)
        try:
            if self.principal is None:
                raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
            stand_in.knock()
            if "three_at_once" in self.on and sum(not task.done() for task in self.tasks) > 3:
                raise Refused(429, "rate_limit_exceeded", "Rate limit reached: 3 requests at once.")
            made = stand_in.create(asked, self.principal, self.memory)
        except Refused as refused:
            unnamed = refused.error["code"] == "invalid_stream_id" or "refusals_lose_their_lane" in self.on
            self.refuse(refused, {} if unnamed else named, at)
            if "refusal_drops_the_queue" in self.on:
                for task in self.tasks - {asyncio.current_task()}:  # type: ignore[arg-type]
                    if task is self.lanes.get(asked.get("stream_id")):
                        task.cancel()
            if "lane_limit_closes" in self.on and "stream_limit" in str(refused.error["code"]):
                self.hang_up(1008)
            if "bad_lane_closes" in self.on and refused.error["code"] == "invalid_stream_id":
                self.hang_up(1008)
            if "refusal_ends_the_others" in self.on:
                for task in self.tasks - {asyncio.current_task()}:  # type: ignore[arg-type]
                    task.cancel()
            return
        at.made = made
        if "ws_pings" in self.on:
            self.protocol.send_ping(b"are you there")
            self.protocol.send_pong(b"I am here")
        async for event in stand_in.play(made):
            self.send(event | (named if event["type"].startswith("response.") else {}), at)
            with contextlib.suppress(ConnectionError):
                await self.writer.drain()
        self.ended += 1
        if silent_of(asked) and "warm_up_speaks_later" in self.on:
            late = {"output_index": 0, "item_id": "msg_late", "content_index": 0, "delta": "Hello.", "logprobs": []}
            self.send({"type": "response.output_text.delta", "sequence_number": 99, **late} | named, at)
        if "closes_behind_the_tenth" in self.on and self.ended == 10:
            self.hang_up(1000)
        if "closes_behind_each" in self.on or ("closes_behind_the_third" in self.on and self.ended == 3):
            self.hang_up(1000)

    def refuse(self, refused: Refused, named: dict[str, Any], at: At | None = None) -> None:
        """Send an error message."""
        if "refusals_are_silent" in self.on:
            return
        at = at or At(self.stand_in, {}, "", self.memory)
        status = {} if "ws_error_without_status" in self.on else {"status": refused.status}
        if "ws_flat_errors" in self.on:
            told = {**refused.error, "type": "error", "sequence_number": 0}
        elif "ws_errors_as_codex" in self.on:
            told = {"type": "error", "status_code": refused.status, "error": refused.error, "headers": {}, **named}
        else:
            wait = {"headers": {"retry-after-ms": "20"}} if refused.status == 429 else {}
            told = {"type": "error", **status, "error": refused.error, **wait, **named}
        at.notes["status"] = refused.status
        told = self.stand_in.seams("told", self.stand_in.dressed(told), at)
        for _ in range(2 if "refusal_comes_twice" in self.on else 1):
            if told is not None:
                self.send(told, at)
        lost = refused.error["code"] == "previous_response_not_found"
        bad = refused.error["code"] == "invalid_json"
        if "closes_behind_a_refusal" in self.on or ("closes_behind_a_miss" in self.on and lost):
            self.hang_up(1008)
        elif ("closes_behind_half_json" in self.on and bad) or ("closes_behind_a_type" in self.on and at.asked == {}):
            self.hang_up(1003)

    def hang_up(self, code: int) -> None:
        """Close the connection."""
        if self.protocol.state.name == "OPEN":
            self.protocol.send_close(code, "")
            self.flush()

    def send(self, event: dict[str, Any], at: At | None = None) -> None:
        """Send one event as one message."""
        told = self.stand_in.seams("frame", event, at or At(self.stand_in))
        if told is None or self.protocol.state.name != "OPEN":
            return
        data = told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()
        if "ws_binary" in self.on:
            self.protocol.send_binary(data)
        elif "ws_fragmented" in self.on:
            first, *rest = [data[start : start + 97] for start in range(0, len(data), 97)]
            self.protocol.send_text(first, fin=not rest)
            for number, piece in enumerate(rest, 1):
                self.protocol.send_continuation(piece, fin=number == len(rest))
        else:
            self.protocol.send_text(data)
        self.flush()

    def flush(self) -> None:
        """Write what the protocol has to say."""
        for data in self.protocol.data_to_send():
            pong = data[:1] == b"\x8a"
            if pong and "pong_says_nothing" in self.on:
                data = b"\x8a\x00"
            if pong and ("no_pong" in self.on or ("no_pong_at_work" in self.on and self.busy)):
                continue
            if data:
                self.writer.write(data)
            elif self.writer.can_write_eof():
                self.writer.write_eof()

    @property
    def busy(self) -> bool:
        """Whether a response runs."""
        return any(not task.done() for task in self.tasks)

    def close(self) -> None:
        """Stop what runs."""
        self.flush()
        for task in self.tasks | ({self.chats} if self.chats else set()):
            task.cancel()


def parsed(data: bytes) -> dict[str, Any]:
    """Return a JSON object; Refused where it is none."""
    try:
        asked = json.loads(data)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Refused(400, "invalid_json", "We could not parse the JSON body of your request.")
    return asked


def silent_of(asked: dict[str, Any]) -> bool:
    """Whether a create is a warm-up."""
    return asked.get("generate") is False
