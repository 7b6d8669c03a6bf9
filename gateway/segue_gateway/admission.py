"""Who may call, and with what: credentials, origins of browsers, names of hosts, types and sizes of bodies."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from starlette.requests import HTTPConnection

from . import refusals
from .hosts import is_loopback, name_of
from .settings import Settings

__all__ = ["SINGLE", "Admission"]

SINGLE = "single"


class Admission:
    """The part of an endpoint that lets callers in."""

    settings: Settings
    _keys: Mapping[bytes, str]
    #: Whether names of this machine are the only ones that it is reached by; its server knows.
    loopback_only: bool = False

    def authenticate(self, authorization: str | None) -> str:
        """Return the principal that a credential stands for; Refuse `unauthenticated`. The key itself is not kept."""
        if not self._keys:
            return SINGLE
        scheme, _, secret = (authorization or "").partition(" ")
        offered = hashlib.sha256(secret.strip().encode("utf-8", "surrogateescape")).digest()
        principal = None
        for digest, name in self._keys.items():  # all of them: how long it takes says nothing
            if hmac.compare_digest(digest, offered):
                principal = name
        if principal is None or scheme.lower() != "bearer":
            raise refusals.unauthenticated()
        return principal

    def credential(self, caller: HTTPConnection) -> str | None:
        """Return the credential of a request or an upgrade: from its header alone, and no query (SEG-SEC-011)."""
        credentials = caller.headers.getlist("authorization")
        # Of two a proxy on the way may have checked the other one.
        return credentials[0] if len(credentials) == 1 else None

    def check_host(self, host: str) -> None:
        """Refuse a name that a page elsewhere may have made to mean this machine (SEG-SEC-009)."""
        name = name_of(host)
        if self.loopback_only and not is_loopback(name) and name not in self.settings.hosts:
            raise refusals.forbidden("This endpoint is not served under that name.")

    def reads_type(self, kind: str) -> bool:
        """Return whether a body of a media type is read; an empty one says nothing (SEG-HTTP-063)."""
        return kind in ("", "application/json")

    def body_limit(self, coding: str) -> int:
        """Return the most bytes that a body may decode to (SEG-SEC-004)."""
        return self.settings.message_bytes

    def check_origin(self, origin: str | None) -> None:
        """Refuse a browser's page that is not on the list; programs send no origin (SEG-SEC-003)."""
        if origin is not None and origin not in self.settings.origins:
            raise refusals.forbidden("Pages of this origin may not connect here.")
