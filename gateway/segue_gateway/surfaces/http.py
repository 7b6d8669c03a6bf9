"""What the two HTTP surfaces share: admission, bodies, refusals, event streams, and noticing a caller that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import msgspec
from segue_adapters.wires import base
from segue_adapters.wires.base import Answer, Refuse
from segue_schemas import models
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .. import refusals
from ..endpoint import Endpoint, Once
from ..faults import report
from ..outlet import Outlet, taken
from ..stores.base import Unwritable
from .admission import admit, to_response
from .bodies import read_body

__all__ = ["EventStream", "Gone", "HTTPSurface"]

T = TypeVar("T")

_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Gone(Exception):
    """The caller went away before its answer was there."""


class HTTPSurface:
    """One HTTP wire below a path: subclasses say how a request is answered and how a refusal looks."""

    name: str
    prefix: str

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def serve(self, request: Request) -> Response:
        """Answer one request."""
        asked: base.Request | None = None
        response: Response
        name = self.spoken(request)
        caller: Once | None = None
        try:
            principal = admit(self.endpoint, request, self.credential(request))
            caller = Once(principal, name, trace=trace_of(request.headers))
            self.check_head(request)
            coding = self.endpoint.took_coding(name, request.headers.get("content-encoding", ""))
            body = await read_body(request.stream(), coding, self.endpoint.body_limit(coding))
            asked = self.endpoint.took_request(name, self.request(request, body))
            response = await self.answer(caller, asked, request)
        except Refuse as refused:
            self.endpoint.observer.refused(name, None if caller is None else caller.principal, refused.message)
            response = to_response(self.refusal_to(refused, name))
        except (Gone, ClientDisconnect):
            response = Response(status_code=499)  # nobody reads it
        except Unwritable as error:
            report("a request found no state", error)
            response = to_response(self.refusal_to(refusals.out_of_reach(), name))
        except Exception as error:
            report("a request failed", error)
            response = to_response(self.refusal_to(refusals.internal_error(), name))
        self.sign(response)
        return self.endpoint.gives_response(name, asked, response)

    def spoken(self, request: Request) -> str:
        """Return the wire that a request speaks: with an extension, where its client has declared it."""
        return self.name

    def sign(self, response: Response) -> None:
        """Put into each answer what the wire says in each."""

    def credential(self, request: Request) -> str | None:
        """Return the credential that a wire has in a place of its own; None: where the others have it."""
        return None

    def check_head(self, request: Request) -> None:
        """Refuse a request by its head, before its body is read."""

    def request(self, request: Request, body: bytes) -> base.Request:
        """Return the request as the wire reads it: its path below the binding's URL, still percent-encoded."""
        raw = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
        path = raw.removeprefix(request.scope.get("root_path", "")).removeprefix(self.prefix)
        return base.Request(request.method, path, dict(request.headers), body, dict(request.query_params))

    async def answer(self, caller: Once, request: base.Request, http: Request) -> Response:
        """Answer a request whose caller is known."""
        raise NotImplementedError

    def refusal_to(self, refused: Refuse, wire: str) -> Answer:
        """Return a refusal in the shape of the wire that is spoken."""
        return self.refuse(refused)

    def refuse(self, refused: Refuse) -> Answer:
        """Return a refusal in the wire's shape."""
        raise NotImplementedError


def trace_of(headers: Mapping[str, str]) -> models.Trace | None:
    """Return the trace that a request's headers name; None where they name none that is of the form (SEG-OBS-003)."""
    parent, state = headers.get("traceparent"), headers.get("tracestate")
    if parent is None or not _TRACEPARENT.fullmatch(parent):
        return None
    return models.Trace(parent, msgspec.UNSET if state is None else state)


class EventStream(Response):
    """Server-sent events; `lost` is called where the caller goes away before the end.

    A caller that takes nothing for `patience` seconds gets `farewell` as the last event (SEG-HTTP-032).
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        *,
        farewell: Callable[[], bytes],
        patience: float,
        lost: Callable[[], None] | None = None,
        **headers: str,
    ) -> None:
        self.chunks = chunks
        self.farewell = farewell
        self.patience = patience
        self.lost = lost
        self.status_code = 200
        self.background = None
        self.init_headers(
            {
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-store",
                "x-accel-buffering": "no",  # SEG-HTTP-034
                **{name.replace("_", "-"): value for name, value in headers.items()},
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await unless_gone(receive, self._send_all(send, Outlet.of(scope)))
        except (Gone, OSError):
            if self.lost is not None:
                self.lost()
        finally:
            with contextlib.suppress(Exception):
                await self.chunks.aclose()

    async def _send_all(self, send: Send, outlet: Outlet | None) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for chunk in self.chunks:
            if not await taken(send({"type": "http.response.body", "body": chunk, "more_body": True}), self.patience):
                await self._end_early(send, outlet)
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end_early(self, send: Send, outlet: Outlet | None) -> None:
        """Say why, past what the caller did not take; without an outlet the server breaks the exchange off."""
        if outlet is not None:
            outlet.free()
            await send({"type": "http.response.body", "body": self.farewell(), "more_body": False})
            outlet.give_up(self.patience)


async def unless_gone(receive: Callable[[], Awaitable[Any]], work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; Gone, the work cancelled, where the caller goes away first."""
    working = asyncio.current_task()
    assert working is not None
    watching = asyncio.get_running_loop().create_task(_gone(receive))
    left = False

    def leave(watched: asyncio.Task[None]) -> None:
        nonlocal left
        if not watched.cancelled():
            left = True
            working.cancel()

    watching.add_done_callback(leave)
    try:
        return await work
    except asyncio.CancelledError:
        if left and working.uncancel() == 0:
            raise Gone from None
        raise
    finally:
        watching.remove_done_callback(leave)
        watching.cancel()


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
