"""Opens the engine that an operator names: the scripted one, or a provider by its URL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from segue_adapters.discovery import find
from segue_adapters.errors import SegueError
from segue_adapters.links import EXCHANGE_WIRES
from segue_adapters.transports.base import Options

from .upstream import UpstreamEngine

__all__ = ["UnusableUpstream", "open_upstream"]

#: A gateway's connections to its provider: it is no client with a handful of turns.
_CONNECTIONS = 1000


class UnusableUpstream(Exception):
    """There is no engine to be had of this address; the text says what is wrong and what to try."""


def open_upstream(
    url: str, wire: str | None, *, key: str | None, silence: float, models: Sequence[str] = ()
) -> UpstreamEngine:
    """Return the engine that asks the provider at `url`; UnusableUpstream with what is wrong with it.

    With a `wire` nothing is sent before the first turn: a gateway may start before its provider. Without one it is
    found out, from the provider's discovery document or by probing. `silence` is how long it may say nothing, in s.
    """
    options = Options(
        api_key=key, silence_timeout=silence, connections=_CONNECTIONS, message_bytes=64 << 20, answer_bytes=256 << 20
    )
    if wire is not None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UnusableUpstream("that is no URL of a provider; write http:// or https://, a host, and a path")
        return UpstreamEngine(url, wire, options=options, offered=models)
    try:
        found = asyncio.run(find(url, options))
    except SegueError as fault:
        raise UnusableUpstream(str(fault)) from None
    for offer in found.offers:
        if offer.wire in EXCHANGE_WIRES:
            return UpstreamEngine(offer.url, offer.wire, options=options, offered=models)
    spoken = ", ".join(offer.wire for offer in found.offers)
    raise UnusableUpstream(f"it speaks {spoken}, and an upstream is asked over one of {', '.join(EXCHANGE_WIRES)}")
