"""Errors of Anthropic Messages, both ways (spec: binding-anthropic, Errors)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from segue_schemas import models

from .base import status_for

__all__ = ["decode_error", "encode_error", "error_status"]

# Type -> status, Segue code, advice. The other way the first row with the code counts.
_ROWS: dict[str, tuple[int, str, models.Advice]] = {
    "invalid_request_error": (400, "invalid_request", "fix"),
    "authentication_error": (401, "unauthenticated", "authenticate"),
    "billing_error": (402, "quota_exceeded", "give_up"),
    "permission_error": (403, "forbidden", "give_up"),
    "not_found_error": (404, "invalid_request", "fix"),
    "request_too_large": (413, "message_too_large", "fix"),
    "rate_limit_error": (429, "rate_limited", "wait"),
    "api_error": (500, "internal_error", "retry"),
    "timeout_error": (504, "upstream_timeout", "retry"),
    "overloaded_error": (529, "overloaded", "retry"),
    "conflict_error": (409, "overloaded", "wait"),
}
_BY_STATUS = {status: (code, advice) for status, code, advice in _ROWS.values()}
_BY_CODE: dict[str, tuple[str, int]] = {}
for _kind, (_status, _code, _) in _ROWS.items():
    _BY_CODE.setdefault(_code, (_kind, _status))

_LONGEST_MS = 2**53 - 1


def decode_error(
    body: Any, *, status: int | None, headers: Mapping[str, str] | None = None, begun: bool = False
) -> models.Error:
    """Return what an error says, in an answer (with its status) or as an event of a stream.

    `body` is parsed JSON, or text. `begun`: the message had begun. What was received stands in `detail`.
    """
    outer = body if isinstance(body, dict) else {}
    inner = outer["error"] if isinstance(outer.get("error"), dict) else outer
    kind = inner.get("type") if isinstance(inner.get("type"), str) and inner.get("type") != "error" else None
    told = inner.get("message") if isinstance(inner.get("message"), str) else None
    if told is None and isinstance(body, str):
        told = body
    row = _ROWS.get(kind or "")
    if status == 413 or row is None:
        at_fault = status is not None and 400 <= status < 500
        otherwise: tuple[str, models.Advice] = ("invalid_request", "fix") if at_fault else ("internal_error", "retry")
        code, advice = _BY_STATUS.get(status or 0, otherwise)
    else:
        _, code, advice = row
    status = status if status is not None else (row[0] if row else None)
    effect: models.Effect = "unknown"
    if begun:
        effect = "partial"
    elif (status is not None and 400 <= status < 500) or kind == "overloaded_error":
        effect = "none"
    detail = {"status": status, "type": kind, "request_id": outer.get("request_id")}
    retry_after = _retry_after_ms(headers or {})
    return models.Error(
        code=code,
        advice=advice,
        effect=effect,
        message=told or f"the endpoint gave no reason but status {status}",
        retry_after_ms=msgspec.UNSET if retry_after is None else retry_after,
        detail={name: value for name, value in detail.items() if value is not None},
    )


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    try:
        return min(max(0, int(float(headers["retry-after"]) * 1000)), _LONGEST_MS)
    except (KeyError, ValueError, OverflowError):
        return None


def error_status(error: models.Error) -> int:
    """Return the status of an error on this wire."""
    if _is_about_model(error):
        return 404
    return _BY_CODE[error.code][1] if error.code in _BY_CODE else status_for(error.code)


def encode_error(error: models.Error, *, status: int | None = None) -> dict[str, Any]:
    """Return the body that says an error: an answer's, or the data of an `error` event."""
    if status == 404 or _is_about_model(error):
        kind = "not_found_error"
    elif error.code in _BY_CODE:
        kind = _BY_CODE[error.code][0]
    else:
        kind = "invalid_request_error" if status_for(error.code) < 500 else "api_error"
    return {"type": "error", "error": {"type": kind, "message": error.message}}


def _is_about_model(error: models.Error) -> bool:
    """Return whether a model is asked for that is not there: on this wire it is not found, like a route."""
    return error.code == "not_offered" and error.param == "/context/model"
