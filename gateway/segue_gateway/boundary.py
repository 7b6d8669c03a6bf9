"""The last look at what comes in and the last touch on what goes out, on every wire; the endpoint leaves it all alone.

It is the seam for whoever wants to see or change bytes: a proxy's extra header, a dialect of an operator's own, and
the conformance suite's broken endpoints. Each method returns what it was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue_adapters.wires.base import Request
    from starlette.responses import Response

__all__ = ["Boundary"]


class Boundary:
    """The part of an endpoint that stands between its wires and the network.

    `wire` is the wire's name, or `discovery`. `stream` is one object for each WebSocket connection and for each
    event stream, for whoever has to remember something of it.
    """

    #: The server's WebSocket protocol class, where it is another than this package's own.
    websocket_protocol: type[Any] | None = None

    def took_upgrade(self, wire: str, scope: Mapping[str, Any]) -> None:
        """Look at an upgrade (its ASGI scope) before its credential; a Refuse denies it."""

    def took_frame(self, wire: str, frame: str | bytes) -> str | bytes:
        """Return a WebSocket message as it is to be read."""
        return frame

    def took_coding(self, wire: str, coding: str) -> str:
        """Return the content coding in which a request's body is to be read."""
        return coding

    def took_request(self, wire: str, request: Request) -> Request:
        """Return an HTTP request, its path below the binding's URL, as it is to be read."""
        return request

    def gives_frame(self, wire: str, frame: str, stream: object) -> Sequence[str | bytes]:
        """Return the WebSocket messages to send instead of one."""
        return [frame]

    def gives_event(self, wire: str, data: bytes, stream: object) -> bytes:
        """Return the bytes to send instead of some whole server-sent events."""
        return data

    def gives_response(self, wire: str, request: Request | None, response: Response) -> Response:
        """Return the answer to a request, or the head of its event stream.

        Without a request it denies an upgrade, or refuses what was not let in.
        """
        return response

    def gives_subprotocol(self, wire: str, subprotocol: str | None, offered: Sequence[str]) -> str | None:
        """Return the subprotocol that an accepted upgrade names, of those that were offered."""
        return subprotocol

    def gives_headers(self, wire: str, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the headers of an accepted upgrade's answer."""
        return headers

    def gives_close(self, wire: str, code: int) -> int:
        """Return the code with which a WebSocket is closed from this side."""
        return code
