"""Who may come in, before any message is read: the origin and the credential of a request or an upgrade."""

from __future__ import annotations

from segue_adapters.wires.base import Answer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from ..endpoint import Endpoint

__all__ = ["admit", "to_response"]


def admit(endpoint: Endpoint, caller: HTTPConnection, credential: str | None = None) -> str:
    """Return the principal of a request or an upgrade; Refuse `forbidden` or `unauthenticated` (SEG-SEC-002).

    `credential` is the one that its wire has in another place than the rest.
    """
    for host in caller.headers.getlist("host"):
        endpoint.check_host(host)
    for origin in caller.headers.getlist("origin"):
        endpoint.check_origin(origin)
    return endpoint.authenticate(endpoint.credential(caller) if credential is None else credential)


def to_response(answer: Answer) -> Response:
    """Return a wire's answer as one that the server can send."""
    return Response(answer.body, answer.status, answer.headers)
