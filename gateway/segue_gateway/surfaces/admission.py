"""Who may come in, before any message is read: the origin and the credential of a request or an upgrade."""

from __future__ import annotations

from collections.abc import Mapping

from segue_adapters.wires.base import Answer
from starlette.responses import Response

from ..endpoint import Endpoint

__all__ = ["admit", "to_response"]


def admit(endpoint: Endpoint, headers: Mapping[str, str]) -> str:
    """Return the principal of a request or an upgrade; Refuse `forbidden` or `unauthenticated` (SEG-SEC-002)."""
    endpoint.check_origin(headers.get("origin"))
    return endpoint.authenticate(headers.get("authorization"))


def to_response(answer: Answer) -> Response:
    """Return a wire's answer as one that the server can send."""
    return Response(answer.body, answer.status, answer.headers)
