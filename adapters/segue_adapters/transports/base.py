"""What the transports share: limits, the tap that a recorder listens through, and faults told in sentences."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..errors import ConnectionCut, LocalProtocolError, TLSFault, TransportError, Unauthorised, Unreachable, WrongKind

__all__ = ["Between", "Frame", "Options", "Tap", "network_fault", "refused_status"]

Direction = Literal["sent", "received", "note"]


@dataclass(frozen=True, slots=True)
class Frame:
    """Something that went over the wire, for a transcript.

    `kind` is request, response, body, text, binary, open or close; `headers` are as sent, secrets included: who keeps
    a frame blanks them.
    """

    direction: Direction
    kind: str
    data: bytes | str
    headers: Mapping[str, str] = field(default_factory=dict)
    connection: str = ""


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[!-~]+(?:[ \t]+[!-~]+)*|")

Tap = Callable[[Frame], None]


class Between(Protocol):
    """Stands between a client and its transports: may watch them (a recording), or take their place (its replay).

    `real` does what would be done without it, as often as it is called.
    """

    async def socket(
        self, url: str, options: Options, subprotocols: Sequence[str], label: str, real: Callable[[], Awaitable[Any]]
    ) -> Any:
        """Return an open WebSocket, a `websocket.Socket`."""
        ...

    def stream(
        self, url: str, request: Any, options: Options, label: str, real: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> AbstractAsyncContextManager[Any]:
        """Give the answer to a `wires.base.Request` at a whole URL, an `http.Streaming`."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How to connect. Times in seconds, sizes in bytes.

    `message_bytes` is the largest message or streamed event that is taken, `answer_bytes` the most that one exchange
    may bring. `verify` is False to accept any certificate, `ca_file` a file of the authorities that are trusted instead
    of the system's; `connections` is how many exchanges run at once over HTTP, more wait; `compress` offers
    permessage-deflate on a WebSocket. Proxies are those of the environment (`proxies`), with `proxy_loopback` for this
    machine too. `pace` is awaited before each request, upgrade and message that is sent. `between` stands between a
    client and what goes over the wire. `resend_posted`: a POST on a connection that the server ended meanwhile is sent
    again, though it may have run; only for who can bear to have it run twice.
    """

    api_key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_timeout: float = 10.0
    silence_timeout: float = 60.0
    message_bytes: int = 8 * 1024 * 1024
    answer_bytes: int = 16 * 1024 * 1024
    verify: bool = True
    ca_file: str | None = None
    connections: int = 100
    compress: bool = True
    proxy_loopback: bool = False
    pace: Callable[[], Awaitable[None]] | None = None
    tap: Tap | None = None
    between: Between | None = None
    resend_posted: bool = False

    def request_headers(self, key_header: str = "authorization") -> dict[str, str]:
        """Return the headers that every request and upgrade bears; the caller's own win.

        The key stands under `key_header`: as a bearer token, or bare where that is another header.

        Raises LocalProtocolError, which does not tell the value, for one that no header can bear: a key that was read
        from a file with its line feed, say.
        """
        mine = {"user-agent": "segue/1.0"}
        if self.api_key:
            mine[key_header] = f"Bearer {self.api_key}" if key_header == "authorization" else self.api_key
        headers = {**mine, **{name.lower(): value for name, value in self.headers.items()}}
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                whose = "the API key" if name in ("authorization", key_header) else f"the header {name!r}"
                raise LocalProtocolError(
                    f"{whose} has characters that no HTTP header can bear: only visible ASCII, no line feed at its end"
                )
        return headers


def network_fault(error: BaseException, where: str) -> TransportError | None:
    """Return the sentence for a fault below HTTP, found anywhere in the chain of causes; None if it is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            why = getattr(seen, "verify_message", "") or "no reason was given"  # one made by hand has no members
            return TLSFault(f"the certificate was not accepted: {why}", where, "check the name, or use --insecure")
        if isinstance(seen, ssl.SSLError):
            reason = (getattr(seen, "reason", None) or str(seen)).replace("_", " ").lower()
            hint = "a plain HTTP server on that port? try http:// or ws://"
            return TLSFault(f"the TLS handshake failed: {reason}", where, hint)
        if isinstance(seen, socket.gaierror):
            return Unreachable("no such host", where, "check the spelling of the host name")
        if isinstance(seen, ConnectionRefusedError):
            return Unreachable("the connection was refused", where, "nothing listens on that port; is it running?")
        if isinstance(seen, ConnectionResetError | BrokenPipeError):
            return ConnectionCut("the connection was cut before an answer came", where)
        if isinstance(seen, OSError) and seen.args and isinstance(seen.args[0], int):
            return Unreachable(f"the connection failed: {seen.strerror or seen}", where, "check host and port")
        seen = seen.__cause__ or seen.__context__
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return TLSFault("the certificate was not accepted", where, "check the name, or use --insecure")
    if "getaddrinfo" in text or "Name or service not known" in text or "nodename nor servname" in text:
        return Unreachable("no such host", where, "check the spelling of the host name")
    if "ssl" in text.lower() or "WRONG_VERSION_NUMBER" in text:
        return TLSFault("the TLS handshake failed", where, "a plain HTTP server on that port? try http:// or ws://")
    # asyncio tells of several addresses that all refused in one sentence and without a number.
    if "refused" in text.lower() or "attempts failed" in text.lower() or re.search(r"Errno (111|61|10061)\]", text):
        return Unreachable("the connection was refused", where, "nothing listens on that port; is it running?")
    return None


def refused_status(
    status: int,
    where: str,
    body: bytes,
    content_type: str,
    *,
    upgrade: bool,
    location: str = "",
    headers: Mapping[str, str] | None = None,
) -> TransportError:
    """Return the sentence for an HTTP status that means that this wire is not spoken there.

    A redirect is told, never followed: the key would go to whomever it names.
    """
    page = content_type.partition(";")[0].strip() == "text/html" or body.lstrip()[:1] == b"<"
    said = " with an HTML page" if page else ""
    if status in (401, 403):
        hint = "give a valid key with --api-key-env VAR" if status == 401 else "this key may not do that"
        return Unauthorised(f"the endpoint answered {status}", where, hint, status=status)
    if 300 <= status < 400 and location:
        asked = "the WebSocket upgrade" if upgrade else "the request"
        told = f"{asked} was answered {status}, a redirect to {location[:200]}"
        return WrongKind(told, where, "redirects are not followed: give the address that is meant", status=status)
    if upgrade:
        hint = "no WebSocket is served there; check the path, or use an HTTP wire"
        told = f"the WebSocket upgrade was answered {status}{said}"
        return WrongKind(told, where, hint, status=status, headers=headers, body=body)
    hint = "check the path: is it the API's base URL?"
    return WrongKind(f"the endpoint answered {status}{said}", where, hint, status=status)
