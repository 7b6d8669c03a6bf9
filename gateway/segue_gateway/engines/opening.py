"""Opens the engine that an operator names: the scripted one, or a provider by its URL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from segue_adapters.discovery import Offer, find, offer_at, reach
from segue_adapters.errors import SegueError
from segue_adapters.transports.base import Options
from segue_adapters.wires.base import WIRE_NAMES

from .upstream import UpstreamEngine

__all__ = ["UnusableUpstream", "open_upstream"]

#: A gateway's connections to its provider: it is no client with a handful of turns.
_CONNECTIONS = 1000


#: The whole history goes with every turn, so that a WebSocket of OpenAI's saves nothing and HTTP is the sturdier of the
#: two; Segue's own names each turn, and is told of a cancel on the same connection.
_BEST = ("segue-ws", "segue-http", "openai-http", "openai-ws", "chat", "anthropic")


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
    try:
        offer = offer_at(url, wire) if wire is not None else asyncio.run(_found(url, options))
    except SegueError as fault:
        raise UnusableUpstream(str(fault)) from None
    return UpstreamEngine(offer.url, offer.wire, options=options, offered=models)


async def _found(url: str, options: Options) -> Offer:
    """Return the best wire that the provider speaks and that gets through to it; raises what says why there is none."""
    found = await find(url, options, try_them=False)
    best = _BEST if urlsplit(url).scheme not in ("ws", "wss") else ("openai-ws", *_BEST)
    offers = sorted((o for o in found.offers if o.wire in WIRE_NAMES), key=lambda offer: best.index(offer.wire))
    fault: SegueError | None = None
    for offer in offers:
        if found.how != "discovery document":
            return offer  # it was tried
        try:
            await reach(offer, options)
        except SegueError as refused:
            fault = fault or refused
        else:
            return offer
    assert fault is not None
    raise fault
