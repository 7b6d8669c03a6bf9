"""The stand-in's bytes: HTTP/1.1 with JSON and server-sent events, and a WebSocket, on one port of the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from .endpoint import Connection, Refused, Response, StandIn

__all__ = ["standing_in"]

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}


@contextlib.contextmanager
def standing_in(keys: Mapping[str, str], *switches: str) -> Iterator[str]:
    """Give the base URL of a stand-in with these switches on while a thread of its own serves it."""
    ready: Future[str] = Future()
    ended: Future[asyncio.Event] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        server = await asyncio.start_server(Server(StandIn(keys, *switches)).connection, "127.0.0.1", 0)
        ended.set_result(stop)
        ready.set_result(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        await stop.wait()
        server.close()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield ready.result(20)
    finally:
        loop.call_soon_threadsafe(ended.result(20).set)
        thread.join(20)
        assert not thread.is_alive(), "the stand-in did not end"
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()


class Server:
    """Speaks for one stand-in."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.on = stand_in.on

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                method, target, _ = first.split(" ", 2)
                pairs = (line.partition(":") for line in lines)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                path = target.partition("?")[0]
                if headers.get("upgrade", "").lower() == "websocket" and path == "/v1/responses":
                    await self._upgraded(reader, writer, head, headers)
                    break
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                try:
                    await self._http(writer, method, path, headers, body)
                except Refused as refused:
                    self._refuse(writer, refused)
                await writer.drain()
        writer.close()

    # -- HTTP

    async def _http(
        self, writer: asyncio.StreamWriter, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        stand_in = self.stand_in
        principal = stand_in.principal(headers.get("authorization"))
        if principal is None:
            raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
        stand_in.knock()
        if path.startswith("/v1/responses/") and path != "/v1/responses/" and method in ("GET", "DELETE"):
            act = stand_in.read if method == "GET" else stand_in.delete
            _answer(writer, 200, stand_in.dressed(act(path.removeprefix("/v1/responses/"), principal)))
            return
        if path != "/v1/responses":
            raise Refused(404, None, f"Invalid URL ({method} {path})")
        if method != "POST":
            raise Refused(405, None, "Method not allowed.")
        asked = _json(body)
        made = stand_in.create(asked, principal)
        if asked.get("stream"):
            await self._stream(writer, made)
        else:
            _answer(writer, 200, stand_in.dressed(made.body))

    async def _stream(self, writer: asyncio.StreamWriter, made: Response) -> None:
        kind = "text/plain" if "stream_is_plain_text" in self.on else "text/event-stream; charset=utf-8"
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        end = "\r\n" if "sse_crlf" in self.on else "\r" if "sse_cr" in self.on else "\n"
        size = 13 if "sse_split_anywhere" in self.on else 1 << 20
        number = 0
        async for event in self.stand_in.play(made):
            if writer.is_closing():
                return
            number += 1
            lines = (
                []
                if "sse_no_event_lines" in self.on
                else [f"event: {'message.x' if 'event_names_differ' in self.on else event['type']}"]
            )
            if "sse_comments" in self.on:
                lines = [": ping", "", f"id: {number}", "retry: 3000", *lines]
            lines.append("data: " + json.dumps(event, ensure_ascii=False))
            self._chunks(writer, end.join([*lines, "", ""]).encode(), size)
            await writer.drain()
        if "sse_done" in self.on:
            self._chunks(writer, f"data: [DONE]{end}{end}".encode(), size)
        writer.write(b"0\r\n\r\n")

    @staticmethod
    def _chunks(writer: asyncio.StreamWriter, data: bytes, size: int) -> None:
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _refuse(self, writer: asyncio.StreamWriter, refused: Refused) -> None:
        if "errors_in_html" in self.on and str(refused.error["param"]).startswith("input["):
            page = b"<html><body><h1>Bad Request</h1></body></html>"
            _answer(writer, refused.status, page, "text/html")
        else:
            status = 200 if "errors_with_200" in self.on and refused.status != 401 else refused.status
            _answer(writer, status, self.stand_in.dressed({"error": refused.error}))

    # -- WebSocket

    async def _upgraded(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, headers: Mapping[str, str]
    ) -> None:
        principal = self.stand_in.principal(headers.get("authorization"))
        if principal is None and "key_refused_inside" not in self.on:
            refused = Refused(401, "invalid_api_key", "Incorrect API key provided.")
            _answer(writer, 401, {"error": refused.error})
            return
        extensions = [ServerPerMessageDeflateFactory()] if "ws_compressed" in self.on else None
        protocol = ServerProtocol(extensions=extensions, max_size=None)
        protocol.receive_data(head)
        (request,) = protocol.events_received()
        protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
        socket = _Socket(self, protocol, writer, principal)
        try:
            gathered = b""
            while True:
                socket.flush()
                data = await reader.read(65536)
                protocol.receive_data(data) if data else protocol.receive_eof()
                for frame in protocol.events_received():
                    if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                        gathered += frame.data
                        if frame.fin:
                            socket.take(gathered)
                            gathered = b""
                if not data or any(frame.opcode is Opcode.CLOSE for frame in protocol.events_received()):
                    break
        finally:
            socket.close()


class _Socket:
    """One WebSocket: its lanes, each a queue, and its memory."""

    def __init__(
        self, server: Server, protocol: ServerProtocol, writer: asyncio.StreamWriter, principal: str | None
    ) -> None:
        self.server, self.protocol, self.writer, self.principal = server, protocol, writer, principal
        self.on = server.on
        self.memory = Connection()
        self.lanes: dict[str | None, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def take(self, frame: bytes) -> None:
        """Take one message; a create waits for the one before it in its lane."""
        try:
            asked = _json(frame)
            if asked.get("type") != "response.create":
                raise Refused(400, "invalid_value", f"Unknown event type '{asked.get('type')}'.", "type")
            if "one_at_a_time" in self.on and any(not task.done() for task in self.tasks):
                raise Refused(409, "response_in_progress", "Another response is in progress on this connection.")
        except Refused as refused:
            self.refuse(refused, {})
            return
        lane = "all" if "lanes_share_a_queue" in self.on else asked.get("stream_id")
        before = None if "lane_not_in_order" in self.on else self.lanes.get(lane)
        task = asyncio.create_task(self._run(asked, before))
        self.lanes[lane] = task
        self.tasks.add(task)
        if "second_turn_ends_first" in self.on and before is not None and not before.done():
            before.cancel()

    async def _run(self, asked: dict[str, Any], before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        named = {"stream_id": asked["stream_id"]} if "stream_id" in asked else {}
        if "lanes_are_ignored" in self.on:
            named = {}
        if "lane_of_everybody" in self.on:
            named = {"stream_id": "main"}
        stand_in = self.server.stand_in
        try:
            if self.principal is None:
                raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
            stand_in.knock()
            made = stand_in.create(asked, self.principal, self.memory)
        except Refused as refused:
            self.refuse(refused, named)
            return
        async for event in stand_in.play(made):
            ours = event["type"].startswith("response.")
            if "deltas_lose_their_lane" in self.on and event["type"].endswith(".delta"):
                ours = False
            self.send(event | (named if ours else {}))
            with contextlib.suppress(ConnectionError):
                await self.writer.drain()

    def refuse(self, refused: Refused, named: dict[str, Any]) -> None:
        """Send an error message."""
        if "refusals_are_silent" in self.on:
            return
        status = {} if "ws_error_without_status" in self.on else {"status": refused.status}
        if "ws_flat_errors" in self.on:
            told = {**refused.error, "type": "error", "sequence_number": 0}
        else:
            wait = {"headers": {"retry-after-ms": "20"}} if refused.status == 429 else {}
            told = {"type": "error", **status, "error": refused.error, **wait, **named}
        self.send(self.server.stand_in.dressed(told))
        lost = refused.error["code"] == "previous_response_not_found"
        if "closes_behind_a_refusal" in self.on or ("closes_behind_a_miss" in self.on and lost):
            self.protocol.send_close(1008, "refused")
            self.flush()

    def send(self, event: dict[str, Any]) -> None:
        """Send one event as one message."""
        if self.protocol.state.name != "OPEN":
            return
        data = json.dumps(event, ensure_ascii=False).encode()
        if "ws_binary" in self.on:
            self.protocol.send_binary(data)
        elif "ws_fragmented" in self.on:
            first, *rest = [data[at : at + 97] for at in range(0, len(data), 97)]
            self.protocol.send_text(first, fin=not rest)
            for number, piece in enumerate(rest, 1):
                self.protocol.send_continuation(piece, fin=number == len(rest))
        else:
            self.protocol.send_text(data)
        self.flush()

    def flush(self) -> None:
        """Write what the protocol has to say."""
        for data in self.protocol.data_to_send():
            if data:
                self.writer.write(data)
            elif self.writer.can_write_eof():
                self.writer.write_eof()

    def close(self) -> None:
        """Stop what runs."""
        self.flush()
        for task in self.tasks:
            task.cancel()


def _json(data: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(data)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Refused(400, "invalid_json", "We could not parse the JSON body of your request.")
    return asked


def _answer(writer: asyncio.StreamWriter, status: int, body: Any, kind: str = "application/json") -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'X')}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n"
    wait = "retry-after-ms: 20\r\nretry-after: 1\r\n" if status == 429 else ""
    writer.write(f"{head}{wait}\r\n".encode() + data)
