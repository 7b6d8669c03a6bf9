"""Counts the bytes that come and go, by wire: beside the app, so that nothing is counted where nobody asks.

What is counted are bodies and messages as the app sees them, before a WebSocket's deflate and behind a body's coding.
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .base import Observer

__all__ = ["Traffic"]

_WIRES = (
    ("/segue/v1", "segue-ws", "segue-http"),
    ("/v1/responses", "openai-ws", "openai-http"),
    ("/v1/chat/completions", None, "chat"),
    ("/v1/messages", None, "anthropic"),
)


class Traffic:
    """Middleware that tells an observer of bytes."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self.app = app
        self.observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection, counting."""
        wire = _wire_of(scope)
        if wire is None:
            await self.app(scope, receive, send)
            return
        moved = self.observer.moved

        async def received() -> Message:
            message = await receive()
            size = _size(message)
            if size:
                moved(wire, size, 0)
            return message

        def sent(message: Message) -> Awaitable[None]:  # not one more coroutine for each piece of a text
            size = _size(message)
            if size:
                moved(wire, 0, size)
            return send(message)

        await self.app(scope, received, sent)


def _size(message: Message) -> int:
    text = message.get("text")
    if text is not None:
        # A frame of the protocol is JSON that is nearly always ASCII; then its length needs no second look.
        return len(text) if text.isascii() else len(text.encode())
    return len(message.get("bytes") or message.get("body") or b"")


def _wire_of(scope: Scope) -> str | None:
    """Return the wire on which a scope is served; None for what is none, such as health."""
    if scope["type"] not in ("http", "websocket"):
        return None
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    for prefix, socket, http in _WIRES:
        if path == prefix or path.startswith(prefix + "/"):
            return socket if scope["type"] == "websocket" else http
    return None
