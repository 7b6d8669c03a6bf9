"""Ends a connection at the end of its life without a notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.settings import Settings

KILLED_BY = {"segue-ws": ("liveness.draining_is_announced",)}


class _Connection(Connection):
    async def drain(self, reason: str, close_in_ms: int, *, elsewhere: bool) -> None:
        """Tell nobody."""
        self.draining = True


class MutantEndpoint(Endpoint):
    """The reference endpoint with short connections, but for their notice."""

    connection_type = _Connection

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, connection_ms=1_200, draining_ms=400), **more)
