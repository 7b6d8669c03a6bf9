"""How the suite connects, made from its settings in one place."""

from __future__ import annotations

from segue_adapters.transports.base import Options, Tap

from .budget import Pace
from .settings import Settings

__all__ = ["options_of"]

#: Seconds that a connection may take, where a turn may take longer.
_CONNECT = 10.0


def options_of(
    settings: Settings, *, key: str | None, tap: Tap | None = None, pace: Pace | None = None, compress: bool = True
) -> Options:
    """Return how to connect with a key; None sends none."""
    return Options(
        api_key=key,
        headers=settings.headers,
        connect_timeout=min(_CONNECT, settings.timeout),
        silence_timeout=settings.timeout,
        verify=settings.verify,
        ca_file=settings.ca_file,
        proxy_loopback=settings.proxy_loopback,
        pace=pace,
        tap=tap,
        compress=compress,
        resend_posted=True,
    )
