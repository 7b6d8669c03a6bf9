"""Oddities in how callers are let in, turned away and cut off."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from segue_adapters.wires.base import Refuse, refusal
from segue_gateway.admission import SINGLE
from segue_gateway.endpoint import Endpoint
from segue_gateway.protocol import SegueWebSocketProtocol
from segue_gateway.surfaces.websocket import Session
from segue_schemas import models
from uvicorn.config import Config

__all__ = [
    "ClosesBehindWhatItCannotRead", "CredentialsArePrincipals", "DeniesUpgradesWith403", "LibraryCloses",
    "NobodyNeedsAKey",
]  # fmt: skip

_CLOSES = {"malformed_message": 4400, "message_too_large": 4413}


class CredentialsArePrincipals(Endpoint):
    """The credential itself is the principal, of those that are let in.

    Legal: capabilities: `principal` `credential`: "the credential itself is the principal; rotation loses state".
    """

    @property
    def principal_kind(self) -> models.PrincipalKind:
        """What a credential stands for here."""
        return "credential"


class NobodyNeedsAKey(Endpoint):
    """Everybody who reaches it is one principal, and what keys are sent is not looked at.

    Legal: SEG-CAP-015 allows the kind `single` on the loopback interface; "SEG-SEC-002 does not ask for a credential"
    there.
    """

    def __init__(self, *, keys: object = None, **more: Any) -> None:
        super().__init__(**more)

    def authenticate(self, authorization: str | None) -> str:
        """Return the one principal."""
        return SINGLE


class DeniesUpgradesWith403(Endpoint):
    """An upgrade with a key that does not hold is denied with 403.

    Legal: SEG-WS-003: "with status 401 or 403".
    """

    wires: ClassVar[tuple[str, ...]] = ("segue-ws",)

    def authenticate(self, authorization: str | None) -> str:
        """Refuse as forbidden whoever brings a key that is none of these."""
        try:
            return super().authenticate(authorization)
        except Refuse:
            if not self._upgrading:
                raise
            raise refusal("forbidden", "authenticate", "That key may not connect here.") from None

    _upgrading = False

    def took_upgrade(self, wire: str, scope: Mapping[str, Any]) -> None:
        """Take note that what follows is an upgrade's credential."""
        self._upgrading = wire == "segue-ws"
        super().took_upgrade(wire, scope)


class ClosesBehindWhatItCannotRead(Endpoint):
    """A connection is closed behind a message that could not be read, or is too large.

    Legal: SEG-WS-022: "MAY close a connection behind an `error` without `refused` of code `malformed_message` or
    `message_too_large`".
    """

    wires: ClassVar[tuple[str, ...]] = ("segue-ws",)

    def gives_frame(self, wire: str, frame: str, stream: object) -> Sequence[str | bytes]:
        """Close behind such an error."""
        told = json.loads(frame) if wire == "segue-ws" and '"error"' in frame else {}
        code = _CLOSES.get(told.get("error", {}).get("code", ""))
        if code is not None and not told.keys() & {"refused", "turn"}:
            assert isinstance(stream, Session)
            self.spawn(stream.close(code))
        return super().gives_frame(wire, frame, stream)


class _Strict(SegueWebSocketProtocol):
    def __init__(self, config: Config, *more: Any, **options: Any) -> None:
        super().__init__(config, *more, **options)
        self.conn.max_message_size = (config.ws_max_size - 65_536) // 2  # what the endpoint declares


class LibraryCloses(Endpoint):
    """The WebSocket library itself closes behind what is too large, by 1009 and without a word.

    Legal: SEG-MSG-030: "or, where a WebSocket library acts before the endpoint can, with close code 1009".
    """

    wires: ClassVar[tuple[str, ...]] = ("segue-ws",)
    websocket_protocol = _Strict
