"""What a provider's refusal, failure or silence means to whoever asked the endpoint.

A code that blames the client's message stays the client's to mend (`fix`); one about a credential is about the
endpoint's own, which the client can't renew; and what is not known to have left the model alone says `unknown`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from segue_adapters.errors import (
    AnswerTooLarge,
    ConnectionCut,
    NotCarried,
    SegueError,
    TimedOut,
    Unauthorised,
    WrongKind,
)
from segue_adapters.wires.base import NotJSON, check_json
from segue_adapters.wires.responses import decode_error
from segue_schemas import models

__all__ = ["failure_of", "fault_of", "refusal_of", "unsent_of"]

#: What the provider says of its load or of the request's size holds for the client as it is.
_AS_THEY_ARE = ("rate_limited", "quota_exceeded", "overloaded", "message_too_large", "upstream_timeout")
#: The request is at fault, and with it what the client sent.
_CLIENTS = ("invalid_request", "not_offered", "malformed_message", "unsupported_message", "forbidden")


#: Neither the key nor what the provider says of it is the client's to see.
_BAD_KEY = "The provider refused the endpoint's key."
#: Statuses that deny an upgrade for now, beside all from 500 on; and the close code of a message that is too large.
_FOR_NOW, _TOO_LARGE = (408, 425, 429), 1009

#: A place in a request as providers write it: `tools[0].function.name`.
_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\[\d+\]")
_PLACE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*")


def refusal_of(error: models.Error) -> models.Error:
    """Return the failure of a turn that the provider refused to run."""
    if error.code in _AS_THEY_ARE:
        return _copy(error, error.code, error.advice)
    if error.code == "unauthenticated":
        return _failed("give_up", "none", _BAD_KEY)
    if _about_model(error):
        told = _copy(error, "not_offered", "fix")
        told.param = "/context/model"
        return told
    if error.code == "not_offered" and str(_param(error.param)).startswith("/context/"):
        return _copy(error, "not_offered", "fix")  # a setting is as little offered here as there
    if error.code in _CLIENTS:
        return _copy(error, "upstream_failed", "fix")
    return _copy(error, "upstream_failed", "retry" if error.advice != "give_up" else "give_up")


def failure_of(error: models.Error) -> models.Error:
    """Return the failure of a turn that the provider began and did not end."""
    if error.code in _AS_THEY_ARE:
        return _copy(error, error.code, error.advice)
    return _copy(error, "upstream_failed", "fix" if error.code in _CLIENTS else "retry")


def unsent_of(fault: SegueError) -> models.Error:
    """Return the failure of a turn of which nothing was sent: there is no connection, or the wire has no place for it.

    An upgrade that is denied says what a refusal would: for now (429, 5xx), or for good (401, 404, 426 …).
    """
    if isinstance(fault, NotCarried):
        return _failed("fix", "none", f"The provider can't be asked this: {fault}.")
    if isinstance(fault, Unauthorised):
        return _failed("give_up", "none", _BAD_KEY)
    if not isinstance(fault, WrongKind):
        return _failed("retry", "none", "The provider can't be reached.")
    if fault.status is not None and (fault.status in _FOR_NOW or fault.status >= 500):
        try:
            body = check_json(fault.body)
        except NotJSON:
            body = {}
        return refusal_of(decode_error(body, status=fault.status, headers=fault.headers, effect="none"))
    return _failed("give_up", "none", f"The provider can't be asked over this wire: {fault.what}.")


def fault_of(fault: SegueError, *, heard: bool) -> models.Error:
    """Return the failure of a turn that was sent and whose answer was lost; `heard`: it had begun."""
    if isinstance(fault, TimedOut):
        return models.Error(
            code="upstream_timeout", advice="retry", effect="unknown", message="The provider did not answer in time."
        )
    if isinstance(fault, ConnectionCut) and fault.code == _TOO_LARGE and not heard:
        told = "The provider takes no message of this size."  # it closed in front of the message, as RFC 6455 has it
        return models.Error(code="message_too_large", advice="fix", effect="none", message=told)
    if isinstance(fault, ConnectionCut):
        return _failed("retry", "unknown", "The connection to the provider was cut.")
    if isinstance(fault, AnswerTooLarge):
        return _failed("give_up", "unknown", "The provider's answer is larger than the endpoint takes.")
    return _failed("retry", "unknown", f"The provider's answer could not be read: {_first_line(fault)}")


def _about_model(error: models.Error) -> bool:
    """Return whether a provider refused because it has no such model: by code, by place, or by a 404 that names one."""
    detail = error.detail if isinstance(error.detail, dict) else {}
    by_words = detail.get("status") == 404 and "model" in error.message.lower()
    by_place = error.param in ("model", "/context/model")
    return error.effect == "none" and (detail.get("code") == "model_not_found" or by_place or by_words)


def _failed(advice: models.Advice, effect: models.Effect, message: str) -> models.Error:
    return models.Error(code="upstream_failed", advice=advice, effect=effect, message=message)


def _copy(error: models.Error, code: str, advice: models.Advice) -> models.Error:
    """Return an error under another code; what the provider said in its own words goes with it."""
    detail: dict[str, Any] = dict(error.detail) if isinstance(error.detail, dict) else {}
    if isinstance(detail.get("code"), str):
        detail["openai_code"] = detail["code"]
    return models.Error(
        code=code,
        advice=advice,
        effect=error.effect,
        message=error.message,
        retry_after_ms=error.retry_after_ms,
        param=_param(error.param),
        detail=detail or msgspec.UNSET,
    )


def _param(theirs: str | msgspec.UnsetType | None) -> str | msgspec.UnsetType:
    """Return where a provider found the fault, in the client's message: its settings are the context there.

    Which item is at fault counts from the beginning of the history, of which the client may have sent the end alone.
    """
    if not isinstance(theirs, str):
        return msgspec.UNSET
    if theirs.startswith("/"):  # a provider that speaks Segue
        return theirs if theirs.startswith("/context/") else "/input" if theirs[:6] == "/input" else msgspec.UNSET
    if not _PLACE.fullmatch(theirs):
        return msgspec.UNSET
    first, *rest = (step.strip("[]") for step in _STEP.findall(theirs))
    return "/input" if first in ("input", "messages") else "/".join(["/context", first, *rest])


def _first_line(fault: SegueError) -> str:
    return str(fault).partition("\n")[0][:200]
