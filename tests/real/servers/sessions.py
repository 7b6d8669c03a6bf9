"""Plays the committed sessions (schemas/1.0/sessions) as OpenAI Responses in the form of the extension.

Each reading that a session tells from turn.accepted to its end is a model here: a create that names it gets its events,
over HTTP or a WebSocket, whatever else it asks. A client that has not declared itself gets standard event types only,
with the member `segue` in them. `NAME+first` and `NAME+later` send an event type of the extension besides, in front of
`response.created` or behind it: what an endpoint must never do.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from segue_adapters.wires.base import TurnFacts
from segue_adapters.wires.extension import PREFIX, declaration
from segue_adapters.wires.extension_encoder import ExtensionEncoder
from segue_schemas import models
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from sessions_told import readings

FOREIGN = {"type": f"{PREFIX}turn.progress", "turn": "t_1", "phase": "upstream"}


READINGS = readings()


def events_of(name: str) -> list[dict[str, Any]]:
    """Return what a client that has not declared itself gets of a reading."""
    name, _, foreign = name.partition("+")
    start, messages = READINGS[name]
    last = messages[-1]
    told = last.continuation if isinstance(last, models.TurnCompleted) else None
    context = start.context if isinstance(start.context, msgspec.Raw) and bytes(start.context)[:1] == b"{" else None
    start = msgspec.structs.replace(start, context=msgspec.Raw(b'{"model":"m"}') if context is None else context)
    identifier = told.id if isinstance(told, models.Continuation) else "resp_of_no_continuation"
    encoder = ExtensionEncoder(TurnFacts(identifier, 1_700_000_000, start, stored=True))
    events = [json.loads(msgspec.json.encode(event)) for message in messages for event in encoder.feed(message)]
    standard = [event for event in events if not event["type"].startswith(PREFIX)]
    place = {"first": 0, "later": 3}.get(foreign)
    return standard if place is None else [*standard[:place], FOREIGN, *standard[place:]]


async def create(request: Request) -> Response:
    """Answer a streamed create."""
    name = (await request.json())["model"]

    async def chunks() -> AsyncIterator[str]:
        for event in events_of(name):
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream", headers=declaration())


async def connection(websocket: WebSocket) -> None:
    """Answer each create of a connection."""
    await websocket.accept(headers=[(name.encode(), value.encode()) for name, value in declaration().items()])
    try:
        while True:
            for event in events_of(json.loads(await websocket.receive_text())["model"]):
                await websocket.send_text(json.dumps(event))
    except WebSocketDisconnect:
        return


async def names(request: Request) -> Response:
    """Tell which readings there are, and what each comes to."""
    return JSONResponse({name: _comes_to(events_of(name)) for name in READINGS})


def _comes_to(events: list[dict[str, Any]]) -> dict[str, Any]:
    output = events[-1]["response"]["output"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    return {
        "end": events[-1]["type"],
        "events": len(events),
        "extended": sum("segue" in event for event in events),
        "items": [item["type"] for item in output],
        "text": "".join(part.get("text", "") for part in parts),
    }


async def serve() -> None:
    """Serve on a free port and say where."""
    app = Starlette(
        routes=[
            Route("/v1/responses", create, methods=["POST"]),
            WebSocketRoute("/v1/responses", connection),
            Route("/readings", names),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio"))
    task = asyncio.ensure_future(server.serve())
    while not server.started and not task.done():
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"READY http://127.0.0.1:{port}", flush=True)
    await task


if __name__ == "__main__":
    asyncio.run(serve())
