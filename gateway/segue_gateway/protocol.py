"""The server's WebSocket protocol class: uvicorn's sans-IO one, with three things set right.

Windows of 15 bits and the full memory level, since 12 bits lose most of what deflate saves on histories; a size limit
above the declared one, so that the app can refuse with a reason before the library closes with a bare 1009; and no
log line for an upgrade that was denied on purpose.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.server import ServerProtocol

__all__ = ["SegueWebSocketProtocol", "library_limit"]

_quiet = logging.getLogger("segue.gateway.socket")
_quiet.setLevel(logging.CRITICAL)  # what goes wrong inside of the app is logged there


def library_limit(message_bytes: int) -> int:
    """Return the size from which on the library closes by itself."""
    return 2 * message_bytes + 65_536


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
