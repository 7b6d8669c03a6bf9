"""A provider that answers at once, from bytes that are made before the first request: what a gateway adds is left over.

It speaks OpenAI Responses and Chat Completions over HTTP, whole and streamed, and reads nothing of a request but its
path and whether it asks for a stream. With `--gap-ms` the events of a stream come one by one, as a model's do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

__all__ = ["MODEL", "Provider", "answers", "main"]

MODEL = "bench"
_WORD = "word and "
_USAGE = {
    "input_tokens": 2_000,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2_050,
}


def _response(status: str, output: list[Any], usage: Any = None) -> dict[str, Any]:
    return {
        "id": "resp_0123456789abcdef0123456789abcdef",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "model": MODEL,
        "output": output,
        "usage": usage,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "store": False,
    }


def _item(status: str, text: str | None) -> dict[str, Any]:
    parts = [] if text is None else [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"id": "msg_0123456789abcdef", "type": "message", "role": "assistant", "status": status, "content": parts}


def _responses_events(deltas: int) -> list[bytes]:
    text = _WORD * deltas
    where = {"item_id": "msg_0123456789abcdef", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress", [])},
        {"type": "response.in_progress", "response": _response("in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": _item("in_progress", None)},
        {"type": "response.content_part.added", **where, "part": part},
        *({"type": "response.output_text.delta", **where, "delta": _WORD, "logprobs": []} for _ in range(deltas)),
        {"type": "response.output_text.done", **where, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **where, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": _item("completed", text)},
        {"type": "response.completed", "response": _response("completed", [_item("completed", text)], _USAGE)},
    ]
    return [
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), _json({**event, "sequence_number": number}))
        for number, event in enumerate(events)
    ]


def _chat_events(deltas: int) -> list[bytes]:
    head = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": MODEL}

    def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return b"data: " + _json({**head, "choices": [choice], **more}) + b"\n\n"

    usage = {"prompt_tokens": 2_000, "completion_tokens": 50, "total_tokens": 2_050}
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": _WORD}) for _ in range(deltas)),
        chunk({}, "stop"),
        b"data: " + _json({**head, "choices": [], "usage": usage}) + b"\n\n",
        b"data: [DONE]\n\n",
    ]


def _chat_whole(deltas: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": _WORD * deltas}
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2_000, "completion_tokens": 50, "total_tokens": 2_050},
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def answers(deltas: int) -> dict[tuple[str, bool], list[bytes]]:
    """Return the pieces of each answer, head included, by the end of the path and whether it is streamed."""
    stream_head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    listed = {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "bench"}]}
    made: dict[tuple[str, bool], list[bytes]] = {}
    for path, events in (("responses", _responses_events(deltas)), ("completions", _chat_events(deltas))):
        chunks = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
        made[path, True] = [stream_head + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n"]
    whole = {
        "responses": _response("completed", [_item("completed", _WORD * deltas)], _USAGE),
        "completions": _chat_whole(deltas),
        "models": listed,
    }
    for path, body in whole.items():
        data = _json(body)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data)
        made[path, False] = [head + data]
    return made


class Provider(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, made: dict[tuple[str, bool], list[bytes]], gap: float) -> None:
        self._made = made
        self._gap = gap
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            _, _, rest = head.partition(b"content-length:")
            size = int(rest.split(b"\r\n", 1)[0]) if rest else 0
            if len(self._buffer) < end + 4 + size:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + size])
            del self._buffer[: end + 4 + size]
            path = head.split(b" ", 2)[1].partition(b"?")[0].rpartition(b"/")[2].decode()
            streamed = b'"stream":true' in body or b'"stream": true' in body
            self._answer(self._made.get((path, streamed)) or self._made["models", False])

    def _answer(self, pieces: list[bytes], first: int = 0) -> None:
        assert self._transport is not None
        if not self._gap or len(pieces) == 1:
            self._transport.write(b"".join(pieces))
            return
        self._transport.write(pieces[first])
        if first + 1 < len(pieces) and not self._transport.is_closing():
            asyncio.get_running_loop().call_later(self._gap, self._answer, pieces, first + 1)


async def _serve(port: int, deltas: int, gap: float) -> None:
    made = answers(deltas)
    server = await asyncio.get_running_loop().create_server(lambda: Provider(made, gap), "127.0.0.1", port)
    print(f"READY http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until it is ended; prints READY and its URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--deltas", type=int, default=50)
    parser.add_argument("--gap-ms", type=float, default=0.0)
    asked = parser.parse_args()
    asyncio.run(_serve(asked.port, asked.deltas, asked.gap_ms / 1000))


if __name__ == "__main__":
    main()
