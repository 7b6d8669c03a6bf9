"""The ASGI app: every surface of one endpoint on one port, or mounted below a path of a user's own app."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from segue_adapters.wires.base import refusal
from segue_adapters.wires.openai_http import OpenAIHTTPServer
from segue_adapters.wires.segue_http import SegueHTTPServer
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from .endpoint import Endpoint
from .observing.traffic import Traffic
from .surfaces.admission import to_response
from .surfaces.discovery import Discovery
from .surfaces.openai_http import OpenAIHTTP
from .surfaces.openai_ws import OpenAIWS
from .surfaces.segue_http import SegueHTTP
from .surfaces.segue_ws import SegueWS
from .surfaces.stateless import AnthropicHTTP, ChatHTTP

__all__ = ["create_app"]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(endpoint: Endpoint, metrics: Callable[[Request], Awaitable[Response]] | None = None) -> Starlette:
    """Return the app that serves an endpoint. Its lifespan frees what expires and ends the endpoint in order.

    `metrics` answers `/metrics`, where it is to be there.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.get_running_loop().create_task(endpoint.sweeping())
        try:
            yield
        finally:
            sweeping.cancel()
            await endpoint.shutdown()
            await endpoint.engine.close()
            await endpoint.store.close()

    async def no_websocket(websocket: WebSocket) -> None:
        await _no_websocket(endpoint, websocket)

    discovery = Discovery(endpoint)
    segue_http, openai_http = SegueHTTP(endpoint), OpenAIHTTP(endpoint)
    well_known = "/.well-known/segue"
    routes: list[Route | WebSocketRoute] = [
        Route("/healthz", discovery.health),
        Route("/readyz", discovery.ready),
        *([] if metrics is None else [Route("/metrics", metrics)]),
        *(Route(base + well_known, discovery.document) for base in ("", "/v1", "/segue/v1")),
        WebSocketRoute("/segue/v1", SegueWS(endpoint).serve),
        WebSocketRoute("/v1/responses", OpenAIWS(endpoint).serve),
        Route("/segue/v1", segue_http.serve, methods=_METHODS),
        Route("/segue/v1/{path:path}", segue_http.serve, methods=_METHODS),
        Route("/v1/chat/completions", ChatHTTP(endpoint).serve, methods=_METHODS),
        Route("/v1/messages", AnthropicHTTP(endpoint).serve, methods=_METHODS),
        Route("/v1/{path:path}", openai_http.serve, methods=_METHODS),
        WebSocketRoute("/{path:path}", no_websocket),
        Route("/{path:path}", _no_route, methods=_METHODS),
    ]
    # Also for methods and targets that reach no route: the answer is a refusal like any other.
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _unrouted, 405: _unrouted})
    if endpoint.observer.counts_bytes:
        app.add_middleware(Traffic, observer=endpoint.observer)
    return app


async def _unrouted(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    refused = refusal("unsupported_message", "fix", "Nothing is served here by this method.", status=status)
    openai = request.url.path.startswith("/v1/")
    answer = OpenAIHTTPServer().error(refused.error, status=status) if openai else SegueHTTPServer().refuse(refused)
    if status == 405:
        answer.headers["allow"] = ", ".join(_METHODS)
    return to_response(answer)


async def _no_route(request: Request) -> Response:
    refused = refusal("unsupported_message", "fix", "Nothing is served at this path.", status=404)
    return to_response(SegueHTTPServer().refuse(refused))


async def _no_websocket(endpoint: Endpoint, websocket: WebSocket) -> None:
    """Deny an upgrade where none is served: by 426, on which clients fall back to HTTP at once (SEG-WS-004)."""
    refused = refusal("unsupported_message", "fix", "No WebSocket is served at this path; use HTTP.", status=426)
    openai = websocket.url.path.startswith("/v1/")
    answer = OpenAIHTTPServer().error(refused.error, status=426) if openai else SegueHTTPServer().refuse(refused)
    answer.headers.update({"upgrade": "HTTP/1.1", "connection": "upgrade, close"})  # RFC 9110 asks for it with a 426
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        wire = "openai-ws" if openai else "segue-ws"
        await websocket.send_denial_response(endpoint.gives_response(wire, None, to_response(answer)))
    else:
        await websocket.close()
