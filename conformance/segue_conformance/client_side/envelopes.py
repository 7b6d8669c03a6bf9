"""Errors in each shape in which an agent meets them, on each wire.

The shapes of OpenAI's wires are those that its documents show, and those that gateways were found to send; Segue's own
wires have one (spec: errors, binding-openai-http, binding-openai-ws).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .actions import Action, Answer, Frames
from .seen import Ask

__all__ = ["BROKEN", "BUSY", "LIMIT", "LOST", "Fault", "refuse"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One error: how OpenAI's wires say it, and (`native`: code, advice, effect) how Segue's do."""

    status: int
    code: str | None
    message: str
    native: tuple[str, str, str]
    kind: str = "invalid_request_error"
    param: str | None = None
    wait: float | None = None

    def members(self) -> dict[str, Any]:
        """Return the members of OpenAI's error object."""
        return {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}

    def segue(self) -> dict[str, Any]:
        """Return the members of Segue's error."""
        code, advice, effect = self.native
        told: dict[str, Any] = {"code": code, "advice": advice, "effect": effect, "message": self.message}
        if self.wait is not None:
            told["retry_after_ms"] = round(self.wait * 1000)
        return told


LOST = Fault(
    400, "previous_response_not_found", "Previous response with id '{parent}' not found.",
    ("continuation_not_found", "resend_full", "none"), param="previous_response_id",
)  # fmt: skip
BROKEN = Fault(
    500, "server_error", "The server had an error while processing your request.",
    ("internal_error", "retry", "none"), kind="server_error",
)  # fmt: skip
BUSY = Fault(
    429, "rate_limit_exceeded", "Rate limit reached. Please try again in 2s.",
    ("rate_limited", "wait", "none"), kind="rate_limit_error", wait=2.0,
)  # fmt: skip
LIMIT = Fault(
    400, "websocket_connection_limit_reached",
    "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.",
    ("draining", "reconnect", "none"),
)  # fmt: skip


def refuse(ask: Ask, fault: Fault, shape: str = "nested", *, close: int | None = None) -> Action:
    """Return the refusal of a request on its wire.

    `shape`: over HTTP `nested`, `flat`, `detail` or `page`; over OpenAI's WebSocket `nested`, `flat` or `status_code`.
    """
    if "{parent}" in fault.message:
        told = fault.message.replace("{parent}", str(ask.parent))
        fault = Fault(fault.status, fault.code, told, fault.native, fault.kind, fault.param, fault.wait)
    ask.fault = f"refused: {fault.code or fault.native[0]}"
    match ask.wire:
        case "openai-http":
            return _http(fault, shape)
        case "openai-ws":
            return Frames([_frame(fault, shape, ask.lane)], close=close)
        case "segue-ws":
            refused = {"type": "error", "refused": f"turn.{ask.kind}", "error": fault.segue()}
            return Frames([refused | ({"turn": ask.turn} if ask.turn else {})], close=close)
    problem = {
        "type": f"urn:segue:error:{fault.native[0]}",
        "title": "refused",
        "status": _status(fault),
        **fault.segue(),
    }
    return Answer(_status(fault), _json(problem), {"content-type": "application/problem+json", **_after(fault)})


def _status(fault: Fault) -> int:
    """Return the status that Segue's table gives the code."""
    return {"continuation_not_found": 404, "draining": 503}.get(fault.native[0], fault.status)


def _http(fault: Fault, shape: str) -> Answer:
    bodies: dict[str, Any] = {
        "nested": {"error": fault.members()},
        "flat": fault.members(),
        "detail": {"detail": fault.message},
    }
    if shape == "page":
        page = f"<html><body><h1>{fault.status}</h1><p>{fault.message}</p></body></html>"
        return Answer(fault.status, page.encode(), {"content-type": "text/html", **_after(fault)})
    return Answer(fault.status, _json(bodies[shape]), _after(fault))


def _frame(fault: Fault, shape: str, lane: str | None) -> dict[str, Any]:
    told: dict[str, Any]
    if shape == "flat":
        told = {"type": "error", "code": fault.code, "message": fault.message, "param": fault.param}
        told["sequence_number"] = 0
    elif shape == "status_code":
        told = {"type": "error", "status_code": fault.status, "error": fault.members(), "headers": _after(fault)}
    else:
        told = {"type": "error", "status": fault.status, "error": fault.members(), "headers": _after(fault)}
    return told | ({"stream_id": lane} if lane is not None else {})


def _after(fault: Fault) -> dict[str, str]:
    return {} if fault.wait is None else {"retry-after": f"{fault.wait:g}"}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
