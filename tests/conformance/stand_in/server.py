"""The stand-in's bytes: HTTP/1.1 with JSON and server-sent events, and a WebSocket, on one port of the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import parse_qsl

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from .endpoint import Refused, Response, StandIn
from .seams import At, Seam
from .socket import Socket, parsed

__all__ = ["standing_in"]

_REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
}


@contextlib.contextmanager
def standing_in(keys: Mapping[str, str], *switches: str, seams: Iterable[Mapping[str, Seam]] = ()) -> Iterator[str]:
    """Give the base URL of a stand-in with these switches on, and these seams open, while a thread serves it.

    A fault of the stand-in's own is raised behind the block: a connection that it loses would be seen by every check.
    """
    server = Server(StandIn(keys, *switches, seams=seams))
    ready: Future[str] = Future()
    ended: Future[asyncio.Event] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        listening = await asyncio.start_server(server.connection, "127.0.0.1", 0)
        ended.set_result(stop)
        ready.set_result(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1")
        await stop.wait()
        listening.close()

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
    if server.own_faults:
        raise server.own_faults[0]


class Server:
    """Speaks for one stand-in."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.on = stand_in.on
        self.sockets: dict[str | None, list[Socket]] = {}
        self.own_faults: list[Exception] = []

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        try:
            await self._serve(reader, writer)
        except Exception as fault:
            self.own_faults.append(fault)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                method, target, _ = first.split(" ", 2)
                pairs = (line.partition(":") for line in lines)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                path, _, query = target.partition("?")
                if headers.get("upgrade", "").lower() == "websocket" and path == "/v1/responses":
                    if "query_refused" in self.on and query:
                        self._refuse(writer, Refused(400, None, "Unknown query."))
                        break
                    await self._upgraded(reader, writer, head, headers)
                    break
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if "second_request_hangs" in self.on and served:
                    await reader.read()
                served += 1
                try:
                    await self._http(reader, writer, method, path, dict(parse_qsl(query)), headers, body)
                except Refused as refused:
                    self._refuse(writer, refused)
                await writer.drain()
                if {"closes_behind_answers", "streams_end_by_closing", "speaks_http_1_0"} & self.on:
                    break

    # -- HTTP

    async def _http(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        stand_in = self.stand_in
        principal = stand_in.principal(headers.get("authorization"))
        if "long_body_is_413_in_html" in self.on and len(body) > 65_536:
            _answer(writer, 413, b"<html><h1>413 Request Entity Too Large</h1></html>", "text/html")
            return
        if principal is None:
            raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
        stand_in.knock()
        if path.startswith("/v1/responses/") and path != "/v1/responses/" and method in ("GET", "DELETE"):
            identifier, _, more = path.removeprefix("/v1/responses/").partition("/")
            if more == "input_items" and method == "GET":
                self._answer(writer, 200, stand_in.dressed(stand_in.listed(identifier, principal, query)))
                return
            if more:
                raise Refused(404, None, f"Invalid URL ({method} {path})")
            act = stand_in.read if method == "GET" else stand_in.delete
            self._answer(writer, 200, stand_in.dressed(act(identifier, principal)))
            return
        if path != "/v1/responses" and "routes_in_html" in self.on:
            _answer(writer, 404, b"<html><h1>Not Found</h1></html>", "text/html")
            return
        if path != "/v1/responses":
            raise Refused(404, None, f"Invalid URL ({method} {path})")
        if method != "POST":
            raise Refused(405, None, "Method not allowed.")
        asked = parsed(body)
        made = stand_in.create(asked, principal)
        if (asked.get("stream") and "never_streams" not in self.on) or "always_streams" in self.on:
            await self._stream(writer, made)
            if "stream_stays_open" in self.on:
                await reader.read()
        else:
            self._answer(writer, 200, stand_in.dressed(made.body))

    async def _stream(self, writer: asyncio.StreamWriter, made: Response) -> None:
        kind = "text/plain" if "stream_is_plain_text" in self.on else "text/event-stream; charset=utf-8"
        kind = "Text/Event-Stream; Charset=UTF-8" if "types_in_capitals" in self.on else kind
        framing = Framing(writer, self.on)
        framing.begin(kind)
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
            lines = self.stand_in.seams("sse", lines, made.at)
            if number == 1 and "sse_begins_with_a_mark" in self.on:
                lines = ["\ufeff" + lines[0], *lines[1:]]
            framing.send(end.join([*lines, "", ""]).encode(), size)
            await writer.drain()
        if "sse_done" in self.on:
            framing.send(f"data: [DONE]{end}{end}".encode(), size)
        if "stream_stays_open" in self.on:
            return
        if "stream_breaks_off" in self.on:
            writer.close()
            return
        framing.end()

    def _refuse(self, writer: asyncio.StreamWriter, refused: Refused) -> None:
        if "errors_in_html" in self.on and str(refused.error["param"]).startswith("input["):
            page = b"<html><body><h1>Bad Request</h1></body></html>"
            _answer(writer, refused.status, page, "text/html")
        else:
            status = 200 if "errors_with_200" in self.on and refused.status != 401 else refused.status
            told = self.stand_in.seams("told", {"error": refused.error}, At(self.stand_in, {"status": status}))
            self._answer(writer, status, self.stand_in.dressed(told))

    def _answer(self, writer: asyncio.StreamWriter, status: int, body: Any) -> None:
        kind = "Application/JSON; Charset=UTF-8" if "types_in_capitals" in self.on else "application/json"
        status, body, kind = self.stand_in.seams("answer", (status, body, kind), At(self.stand_in))
        if "answers_in_gzip" in self.on and not isinstance(body, bytes):
            data = gzip.compress(json.dumps(body).encode())
            _answer(writer, status, data, kind, "content-encoding: gzip\r\n")
        elif "json_behind_blanks" in self.on and not isinstance(body, bytes):
            _answer(writer, status, b"\n \n" + json.dumps(body).encode(), kind)
        else:
            _answer(writer, status, body, kind, version="1.0" if "speaks_http_1_0" in self.on else "1.1")

    # -- WebSocket

    async def _upgraded(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, headers: Mapping[str, str]
    ) -> None:
        principal = self.stand_in.principal(headers.get("authorization"))
        if principal is None and not {"key_refused_inside", "key_closes_inside"} & self.on:
            refused = Refused(401, "invalid_api_key", "Incorrect API key provided.")
            _answer(writer, 401, {"error": refused.error})
            return
        if "wants_a_subprotocol" in self.on and "sec-websocket-protocol" not in headers:
            self._refuse(writer, Refused(400, None, "Missing subprotocol."))
            return
        if "vanished_keep_their_place" in self.on and self.stand_in.notes.get("vanished", 0) >= 2:
            self._refuse(writer, Refused(503, "server_error", "Too many connections."))
            return
        extensions = [ServerPerMessageDeflateFactory()] if "ws_compressed" in self.on else None
        protocol = ServerProtocol(extensions=extensions, max_size=None)
        protocol.receive_data(head)
        (request,) = protocol.events_received()
        protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
        socket = Socket(self.stand_in, protocol, writer, principal)
        if "key_closes_inside" in self.on and principal is None:
            socket.hang_up(1008)
        if "ws_says_hello" in self.on:
            socket.send({"type": "session.created", "session": {"id": "sess_1"}})
        if "ws_chatters" in self.on:
            socket.chatter()
        if "newer_connection_ends_older" in self.on:
            for older in self.sockets.get(principal, ()):
                older.hang_up(1001)
            self.sockets[principal] = [socket]
        try:
            gathered = b""
            while True:
                socket.flush()
                data = await self._read(reader, socket)
                protocol.receive_data(data) if data else protocol.receive_eof()
                for frame in protocol.events_received():
                    if "fragments_are_refused" in self.on and not frame.fin:
                        socket.hang_up(1003)
                    if "fragments_lose_their_end" in self.on and frame.opcode is Opcode.CONT:
                        continue
                    if "ping_in_fragments_spoils" in self.on and frame.opcode is Opcode.PING:
                        gathered = b""
                    if "long_frame_is_dropped" in self.on and len(frame.data) > 65_536:
                        continue
                    if "closes_at_a_ping" in self.on and frame.opcode is Opcode.PING:
                        socket.hang_up(1011)
                    if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                        gathered += frame.data
                        if frame.fin:
                            socket.take(gathered)
                            gathered = b""
                if not data or any(frame.opcode is Opcode.CLOSE for frame in protocol.events_received()):
                    break
        finally:
            if socket.busy:
                self.stand_in.notes["vanished"] = self.stand_in.notes.get("vanished", 0) + 1
            socket.close()

    async def _read(self, reader: asyncio.StreamReader, socket: Socket) -> bytes:
        """Read on; where the endpoint ends what is idle, end that."""
        if "ws_ends_when_idle" not in self.on:
            return await reader.read(65536)
        while True:
            try:
                return await asyncio.wait_for(reader.read(65536), 1.0)
            except TimeoutError:
                if not socket.busy:
                    socket.hang_up(1001)


class Framing:
    """How the body of a stream is framed: in chunks, unless a switch says otherwise."""

    def __init__(self, writer: asyncio.StreamWriter, on: frozenset[str]) -> None:
        self.writer, self.on = writer, on
        self.bare = bool({"streams_end_by_closing", "speaks_http_1_0"} & on)
        self.packer = zlib.compressobj(wbits=31) if "streams_in_gzip" in on else None
        self.kept = b""

    def begin(self, kind: str) -> None:
        """Send the head, unless the length has to stand in it."""
        self.kind = kind
        if "streams_have_a_length" in self.on:
            return
        version = "1.0" if "speaks_http_1_0" in self.on else "1.1"
        coding = "content-encoding: gzip\r\n" if self.packer else ""
        framed = "connection: close\r\n" if self.bare else "Transfer-Encoding: chunked\r\n"
        self.writer.write(f"HTTP/{version} 200 OK\r\nContent-Type: {kind}\r\n{coding}{framed}\r\n".encode())

    def send(self, data: bytes, size: int) -> None:
        """Send a part of the body, in pieces of a size at most."""
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        if "streams_have_a_length" in self.on:
            self.kept += data
            return
        note = b";note=1" if "chunks_have_notes" in self.on else b""
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            self.writer.write(piece if self.bare else b"%x%s\r\n%s\r\n" % (len(piece), note, piece))

    def end(self) -> None:
        """End the body."""
        if "streams_have_a_length" in self.on:
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {self.kind}\r\ncontent-length: {len(self.kept)}\r\n\r\n"
            self.writer.write(head.encode() + self.kept)
            return
        if self.packer:
            data = self.packer.flush()
            self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        if not self.bare:
            trailer = b"x-took: 1\r\n" if "chunks_have_notes" in self.on else b""
            self.writer.write(b"0\r\n%s\r\n" % trailer)


def _answer(
    writer: asyncio.StreamWriter,
    status: int,
    body: Any,
    kind: str = "application/json",
    more: str = "",
    *,
    version: str = "1.1",
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/{version} {status} {_REASONS.get(status, 'X')}\r\ncontent-type: {kind}\r\n{more}"
    wait = "retry-after-ms: 20\r\nretry-after: 1\r\n" if status == 429 or b"overloaded" in data else ""
    writer.write(f"{head}content-length: {len(data)}\r\n{wait}\r\n".encode() + data)
