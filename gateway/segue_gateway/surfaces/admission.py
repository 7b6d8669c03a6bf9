"""Who may come in, before any message is read: the origin and the credential of a request or an upgrade."""

from __future__ import annotations

from segue_adapters.wires.base import Answer
from starlette.datastructures import Headers
from starlette.responses import Response

from ..endpoint import Endpoint

__all__ = ["admit", "to_response"]


def admit(endpoint: Endpoint, headers: Headers) -> str:
    """Return the principal of a request or an upgrade; Refuse `forbidden` or `unauthenticated` (SEG-SEC-002)."""
    for origin in headers.getlist("origin"):
        endpoint.check_origin(origin)
    credentials = headers.getlist("authorization")
    # Of two credentials a proxy on the way may have checked the other one.
    return endpoint.authenticate(credentials[0] if len(credentials) == 1 else None)


def to_response(answer: Answer) -> Response:
    """Return a wire's answer as one that the server can send."""
    return Response(answer.body, answer.status, answer.headers)
