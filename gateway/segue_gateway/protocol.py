"""The server's protocol classes: uvicorn's, which tell the app of its outlet.

In the sans-IO one for WebSockets three more things are set right: windows of 15 bits and the full memory level, since
12 bits lose most of what deflate saves on histories; a size limit above the declared one, so that the app can refuse
with a reason before the library closes with a bare 1009; and no log line for an upgrade that was denied on purpose.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

from .joining import joined
from .outlet import OUTLET, Outlet

__all__ = ["SegueHTTPProtocol", "SegueWebSocketProtocol", "library_limit"]

#: Seconds for which what still comes is dropped behind the end of a connection, and of silence that end it earlier.
_LINGER, _SILENCE = 5.0, 0.25

_quiet = logging.getLogger("segue.gateway.socket")
_quiet.setLevel(logging.CRITICAL)  # what goes wrong inside of the app is logged there


def library_limit(message_bytes: int) -> int:
    """Return the size from which on the library closes by itself."""
    return 2 * message_bytes + 65_536


class SegueHTTPProtocol(H11Protocol):
    """One HTTP connection of the server; the WebSocket that it may become has its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, with a transport that joins what is written."""
        super().connection_made(joined(transport))

    def handle_events(self) -> None:
        """Read what came; a request that it begins finds the outlet in its scope."""
        super().handle_events()
        scope: Any = self.scope
        if scope is not None:
            scope.setdefault("extensions", {})[OUTLET] = Outlet(self.transport, self.flow.resume_writing)


class SegueWebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection of the server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _quiet
        self.conn = ServerProtocol(
            extensions=[
                ServerPerMessageDeflateFactory(
                    server_max_window_bits=15, client_max_window_bits=15, compress_settings={"memLevel": 8}
                )
            ],
            max_size=config.ws_max_size,
            logger=_quiet,
        )
        self._choked = False
        self._left_at = 0.0

    def handle_connect(self, event: Request) -> None:
        """Begin a connection; it finds its outlet in its scope."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope.setdefault("extensions", {})[OUTLET] = Outlet(self.transport, self.writable.set, self.put)

    def put(self, messages: Sequence[str | bytes]) -> int:
        """Write messages in one piece, as many as the client takes now; return how many: none once it has ended."""
        count = 0
        if self.handshake_complete and not self.disconnected and not self.close_sent:
            for message in messages:
                if not self.writable.is_set():
                    break
                if isinstance(message, str):
                    self.conn.send_text(message.encode())
                else:
                    self.conn.send_binary(message)
                self.transport.write(b"".join(self.conn.data_to_send()))
                count += 1
        return count

    def handle_cont(self, event: Frame) -> None:
        """Put a fragment behind the others: as bytes, not as one more object for each."""
        frames: list[Any] = self.frames
        if not isinstance(frames[0], bytearray):
            frames[0] = bytearray(frames[0])
        frames[0] += event.data
        if event.fin:
            frames[0] = bytes(frames[0])
            self.send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Say why the connection ends, and drop what still comes for a moment.

        A connection that is closed upon bytes which nobody has read is reset, and what was said last is lost with it.
        """
        told = self.conn.close_sent
        assert told is not None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": told.code, "reason": told.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._left_at = self.loop.time() + _LINGER
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._linger()

    def _linger(self) -> None:
        """Close when nothing has come for a while, and at the latest when the time for that is over."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        left = self._left_at - self.loop.time()
        self.close_timer = self.loop.call_later(max(0.0, min(_SILENCE, left)), self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Read, but no further while the client does not take what it is sent."""
        if self._left_at:
            self._linger()
            return
        super().data_received(data)
        if self._choked:
            self.transport.pause_reading()

    # The library writes a pong for each ping, whether or not anybody reads them: while what was written is not taken,
    # nothing more is read, so that answers to control frames don't pile up.

    def pause_writing(self) -> None:
        """Read no more while the client does not take what it is sent."""
        super().pause_writing()
        if not self._choked and not self.close_sent:
            self._choked = True
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        super().resume_writing()
        if self._choked:
            self._choked = False
            if not self.read_paused:
                self.transport.resume_reading()
