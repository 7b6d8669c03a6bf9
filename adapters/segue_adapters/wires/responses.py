"""What OpenAI Responses calls things, and what Segue calls them: requests and errors, both ways.

Shared by the WebSocket and the HTTP wire, which carry the same bodies. Mapping tables and sources:
spec/1.0/binding-openai-ws.md and binding-openai-http.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from segue_schemas import models

from ..errors import NotCarried
from .base import NotJSON, Refuse, check_json, refusal, status_for, turn_name
from .extension import extended_start, pointed

__all__ = [
    "Create",
    "body_of",
    "create_of",
    "decode_error",
    "encode_error",
    "error_event",
    "error_status",
]

# Members of a create that belong to the turn or to the transport; every other one is a setting, so context.
_NOT_CONTEXT = frozenset(
    {
        "type",
        "input",
        "previous_response_id",
        "store",
        "stream",
        "stream_options",
        "stream_id",
        "generate",
        "background",
        "background_options",
        "conversation",
        "segue",
    }
)


@dataclass(frozen=True, slots=True)
class Create:
    """A `response.create`, understood: the turn, whether to stream, and whether `store` was false.

    `governed`: by the Responses extension; `named`: its client named the turn; `model`: that of the body, where the
    context is named only and has to be of this model.
    """

    start: models.TurnStart
    stream: bool
    stored: bool
    governed: bool = False
    named: bool = False
    model: str | None = None


# ---- Segue -> OpenAI ------------------------------------------------------------------------------------------


def body_of(start: models.TurnStart, *, wire: str, stream: bool | None) -> dict[str, Any]:
    """Return the members of a create that says this turn.

    Raises NotCarried for what the wire has no place for; `stream` is None where the wire implies it.
    """
    for member in ("expect", "overlay", "deadline_ms"):
        if getattr(start, member) is not msgspec.UNSET:
            raise NotCarried(wire, f"`{member}`")
    if start.require:
        raise NotCarried(wire, "`require`")
    body: dict[str, Any] = {}
    if isinstance(start.context, msgspec.Raw):
        context = check_json(start.context)
        if not isinstance(context, dict):
            raise NotCarried(wire, "a context by its digest")
        if set(context) == {"base", "patch"}:
            raise NotCarried(wire, "a context as a patch")
        body.update(msgspec.json.decode(start.context, type=dict[str, msgspec.Raw]))
    if start.parent is not msgspec.UNSET:
        body["previous_response_id"] = start.parent
    body["input"] = [_foreign_item(item) for item in start.input]
    if start.retention is not msgspec.UNSET:
        if wire == "openai-http" and start.retention == "connection":
            raise NotCarried(wire, "retention `connection`: HTTP has no connection state")
        body["store"] = start.retention in ("cached", "durable")
    if start.generate is False:
        if wire == "openai-http":
            raise NotCarried(wire, "a warm-up (`generate: false` is documented for the WebSocket only)")
        body["generate"] = False
    if stream is not None:
        body["stream"] = stream
    return body


def _foreign_item(item: msgspec.Raw) -> Any:
    """Take Segue's own members off the two item types that have any; leave all else byte for byte."""
    if msgspec.json.decode(item, type=_Typed).type not in ("reasoning", "compaction"):
        return item
    members = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
    if not members.keys() & {"issuer", "covers"}:
        return item
    return {name: value for name, value in members.items() if name not in ("issuer", "covers")}


class _Typed(msgspec.Struct):
    type: str = ""


# ---- OpenAI -> Segue ------------------------------------------------------------------------------------------


def _bad(message: str, param: str | None, code: str | None = None) -> Refuse:
    detail: dict[str, object] | None = {"openai_code": code} if code else None
    return refusal("invalid_request", "fix", message, param=param, refused="turn.start", detail=detail)


def create_of(body: str | bytes, *, wire: str, extended: bool = False) -> Create:
    """Return the turn that a create asks for; raises Refuse with the member at fault.

    `extended`: it comes from a client that has declared itself, so that its `segue` counts (SEG-EXT-003).

    A string `input` becomes one message, an input without `type` a message (both are legal on this wire);
    every other item is kept byte for byte. All settings go into the context, unknown ones too.
    """
    try:
        members = check_json(body)
    except NotJSON as error:
        raise refusal("malformed_message", "fix", f"The body is not JSON: {error}.", refused="turn.start") from None
    try:
        return _create_of(body, members, wire=wire, extended=extended)
    except Refuse as refused:
        raise (pointed(refused, members) if extended else refused) from None


def _create_of(body: str | bytes, members: Any, *, wire: str, extended: bool) -> Create:
    if not isinstance(members, dict):
        raise _bad("The body must be a JSON object.", None)
    raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])

    named_only = extended and isinstance(members.get("segue"), dict) and "context" in members["segue"]
    if not (named_only and "model" not in members) and (
        not isinstance(members.get("model"), str) or not members["model"]
    ):
        raise _bad("Missing required parameter: 'model' (a non-empty string).", "model", "missing_required_parameter")
    parent = members.get("previous_response_id")
    if parent is not None and (not isinstance(parent, str) or not 0 < len(parent) <= 1024):
        raise _bad("'previous_response_id' must be a string.", "previous_response_id", "invalid_type")
    for flag in ("store", "stream", "generate", "background"):
        if members.get(flag) is not None and not isinstance(members[flag], bool):
            raise _bad(f"'{flag}' must be true or false.", flag, "invalid_type")
    for name in ("background", "conversation"):
        if members.get(name):
            raise refusal(
                "not_offered",
                "fix",
                f"'{name}' is not offered here; leave it out.",
                param=name,
                refused="turn.start",
                detail={"openai_code": "unsupported_parameter"},
            )
    context = {name: value for name, value in raw.items() if name not in _NOT_CONTEXT}
    _check_settings(members)
    generate = members.get("generate") is not False
    start = models.TurnStart(
        turn=turn_name(),
        input=_input_items(members.get("input"), raw.get("input"), needed=generate and parent is None),
        parent=msgspec.UNSET if parent is None else parent,
        context=msgspec.Raw(msgspec.json.encode(context)),
        generate=msgspec.UNSET if generate else False,
    )
    stored = members.get("store") is not False
    if not stored:
        start.retention = "connection" if wire == "openai-ws" else "none"
    create = Create(start, stream=members.get("stream") is True, stored=stored)
    if not extended:
        return create
    named, model = extended_start(start, members, raw, streams=wire == "openai-ws")
    return replace(create, governed=True, named=named, model=model)


_SETTING_TYPES: dict[str, tuple[type, ...]] = {
    "instructions": (str, list),
    "tools": (list,),
    "tool_choice": (str, dict),
    "parallel_tool_calls": (bool,),
    "temperature": (int, float),
    "top_p": (int, float),
    "max_output_tokens": (int,),
    "text": (dict,),
    "reasoning": (dict,),
    "truncation": (str,),
    "metadata": (dict,),
    "include": (list,),
}

_TYPE_WORDS = {str: "a string", list: "an array", dict: "an object", bool: "true or false"}


def _check_settings(members: Mapping[str, Any]) -> None:
    for name, types in _SETTING_TYPES.items():
        value = members.get(name)
        if value is None:
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wanted = " or ".join(_TYPE_WORDS.get(t, "a number") for t in types)
            raise _bad(f"'{name}' must be {wanted}.", name, "invalid_type")


def _input_items(value: Any, raw: msgspec.Raw | None, *, needed: bool) -> list[msgspec.Raw]:
    if value is None or raw is None:
        if needed:
            raise _bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
        return []
    if isinstance(value, str):
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": value}]}
        return [msgspec.Raw(msgspec.json.encode(item))]
    if not isinstance(value, list):
        raise _bad("'input' must be a string or an array of items.", "input", "invalid_type")
    items = []
    for index, (item, received) in enumerate(zip(value, msgspec.json.decode(raw, type=list[msgspec.Raw]), strict=True)):
        if not isinstance(item, dict):
            raise _bad(f"'input[{index}]' must be an object.", f"input[{index}]", "invalid_type")
        kind = item.get("type")
        if kind is None and "role" in item:  # EasyInputMessage: `type` is optional on this wire
            members = msgspec.json.decode(received, type=dict[str, msgspec.Raw])
            members.pop("type", None)
            received = msgspec.Raw(msgspec.json.encode({"type": "message", **members}))
        elif kind == "item_reference":
            raise refusal(
                "invalid_request",
                "resend_full",
                f"Item with id '{item.get('id')}' not found: items are not held by id here; send the item itself.",
                param=f"input[{index}]",
                refused="turn.start",
                detail={"openai_code": "item_not_found"},
            )
        elif not isinstance(kind, str) or not kind:
            raise _bad(f"'input[{index}].type' must be a string.", f"input[{index}].type", "invalid_type")
        items.append(msgspec.Raw(bytes(received)))
    return items


# ---- errors ---------------------------------------------------------------------------------------------------

# Segue code -> (status, OpenAI type, OpenAI code, param). What is not here keeps its own code.
_TO_OPENAI: dict[str, tuple[int, str, str | None, str | None]] = {
    "continuation_not_found": (400, "invalid_request_error", "previous_response_not_found", "previous_response_id"),
    "invalid_request": (400, "invalid_request_error", None, None),
    "malformed_message": (400, "invalid_request_error", "invalid_json", None),
    "unsupported_message": (400, "invalid_request_error", "unsupported_event", "type"),
    "unauthenticated": (401, "invalid_request_error", "invalid_api_key", None),
    "forbidden": (403, "permission_error", "forbidden", None),
    "message_too_large": (413, "invalid_request_error", "request_too_large", None),
    "lane_full": (429, "rate_limit_error", "rate_limit_exceeded", "stream_id"),
    "too_many_lanes": (400, "invalid_request_error", "websocket_stream_limit_reached", "stream_id"),
    "rate_limited": (429, "rate_limit_error", "rate_limit_exceeded", None),
    "quota_exceeded": (429, "insufficient_quota", "insufficient_quota", None),
    "draining": (400, "invalid_request_error", "websocket_connection_limit_reached", None),
    "not_offered": (400, "invalid_request_error", "unsupported_parameter", None),
    "retention_unavailable": (400, "invalid_request_error", "unsupported_value", "store"),
    "overloaded": (503, "server_error", "server_is_overloaded", None),
}


def error_status(error: models.Error) -> int:
    """Return the HTTP status, or the `status` member of an error frame, for an error on an OpenAI wire."""
    if error.code == "upstream_failed" and error.advice == "fix":
        return 400  # the provider found the request at fault: by any 5xx a client would send it again as it is
    known = _TO_OPENAI.get(error.code)
    return known[0] if known else status_for(error.code)


def encode_error(error: models.Error) -> dict[str, Any]:
    """Return the members of OpenAI's error object: type, code, message, param."""
    status, kind, code, param = _TO_OPENAI.get(error.code, (error_status(error), "server_error", error.code, None))
    if status < 500 and kind == "server_error":
        kind = "invalid_request_error"
    if isinstance(error.detail, dict) and isinstance(error.detail.get("openai_code"), str):
        code = error.detail["openai_code"]
    if param is None and isinstance(error.param, str):
        param = _openai_param(error.param)
    message = error.message
    if error.code == "continuation_not_found" and isinstance(error.detail, dict) and "id" in error.detail:
        # The sentence is OpenAI's own: some clients know a lost parent by it (facts 1.6).
        message = f"Previous response with id '{error.detail['id']}' not found."
    return {"type": kind, "code": code, "message": message, "param": param}


# OpenAI code -> (Segue code, advice). Effect follows from where the error stands.
_FROM_CODE: dict[str, tuple[str, models.Advice]] = {
    "previous_response_not_found": ("continuation_not_found", "resend_full"),
    "invalid_stream_id": ("invalid_request", "fix"),
    "websocket_stream_limit_reached": ("too_many_lanes", "fix"),
    "websocket_connection_limit_reached": ("draining", "reconnect"),
    "invalid_api_key": ("unauthenticated", "authenticate"),
    "insufficient_quota": ("quota_exceeded", "give_up"),
    "rate_limit_exceeded": ("rate_limited", "wait"),
    "server_is_overloaded": ("overloaded", "retry"),
    "context_length_exceeded": ("message_too_large", "fix"),
    "conversation_locked": ("overloaded", "wait"),
}


def error_event(error: models.Error, *, flat: bool = False) -> dict[str, Any]:
    """Return the event of an error: nested, with `status`, since some clients hang without it; `flat` as over HTTP."""
    told = encode_error(error)
    if flat:
        return {"type": "error", **{name: value for name, value in told.items() if name != "type"}}
    return {"type": "error", "status": error_status(error), "error": told}


# Members that this wire has under another name.
_PARAMS = {"parent": "previous_response_id", "retention": "store", "lane": "stream_id"}


def _openai_param(param: str) -> str:
    """Return a pointer into a `turn.start` as this wire names members: `/input/0/call_id` is `input[0].call_id`."""
    if not param.startswith("/"):
        return param  # a header's name, or what came from this wire
    first, *rest = (step.replace("~1", "/").replace("~0", "~") for step in param[1:].split("/"))
    if first == "context" and rest:  # settings are members of the request here
        first, *rest = rest
    if first == "parent" and rest:  # an item of the history: what can be mended is the input
        return "input"
    return _PARAMS.get(first, first) + "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in rest)


_FROM_STATUS: dict[int, tuple[str, models.Advice]] = {
    400: ("invalid_request", "fix"),
    401: ("unauthenticated", "authenticate"),
    403: ("forbidden", "authenticate"),
    404: ("invalid_request", "fix"),
    408: ("upstream_timeout", "retry"),
    409: ("invalid_request", "fix"),
    413: ("message_too_large", "fix"),
    422: ("invalid_request", "fix"),
    429: ("rate_limited", "wait"),
    502: ("upstream_failed", "retry"),
    503: ("overloaded", "retry"),
    504: ("upstream_timeout", "retry"),
    529: ("overloaded", "retry"),
}


def decode_error(
    body: Any, *, status: int | None, headers: Mapping[str, str] | None = None, effect: models.Effect | None = None
) -> models.Error:
    """Return the error that an OpenAI error object, in whichever known envelope, means.

    `body` is the parsed JSON: nested `{"error": {…}}`, flat `{"code", "message"}`, or anything at all; what was
    received stands in `detail` (status, type, code, param), since a suite has to see it. A missing parent is known
    by its code, by its `param`, or by its text: gateways send each (facts 1.6).
    """
    outer = body if isinstance(body, dict) else {}
    nested = outer.get("error")
    inner: dict[str, Any] = nested if isinstance(nested, dict) else outer
    code, kind, param = (_string(inner.get(name)) for name in ("code", "type", "param"))
    text = _string(inner.get("message")) or _string(nested) or ""
    if code is None and kind in _FROM_CODE:
        code = kind
    known = _FROM_CODE.get(code or "")
    if known is None and (status is None or status in (400, 404)) and _means_lost_parent(code, param, text):
        known = ("continuation_not_found", "resend_full")
    # A WebSocket's error may bear no status: then its type, or a member that is at fault, says whose fault it is.
    named = status is None and code != "server_error" and (kind == "invalid_request_error" or param is not None)
    client_fault = named or (status is not None and 400 <= status < 500)
    if known is None:
        otherwise: tuple[str, models.Advice] = (
            ("invalid_request", "fix") if client_fault else ("internal_error", "retry")
        )
        known = _FROM_STATUS.get(status or 0, otherwise)
    if effect is None:
        effect = "none" if client_fault else "unknown"
    retry_after = _retry_after_ms(headers or {}, outer.get("headers"), inner.get("headers"))
    detail: dict[str, Any] = {"status": status, "type": kind, "code": code, "param": param}
    silent = "the endpoint gave no reason" + ("" if status is None else f" but status {status}")
    return models.Error(
        code=known[0],
        advice=known[1],
        effect=effect,
        message=text or silent,
        param=msgspec.UNSET if param is None else param,
        retry_after_ms=msgspec.UNSET if retry_after is None else retry_after,
        detail={name: value for name, value in detail.items() if value is not None},
    )


# What a duration of the schemas holds at most.
_LONGEST_MS = 2**53 - 1


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _means_lost_parent(code: str | None, param: str | None, text: str) -> bool:
    if param == "previous_response_id":
        return code not in ("invalid_type", "missing_required_parameter")
    lowered = text.lower().replace("_", " ")
    return "previous response" in lowered and any(
        word in lowered for word in ("not found", "invalid previous", "unknown", "expired", "does not exist", "no such")
    )


def _retry_after_ms(*places: Any) -> int | None:
    """Return the pause that headers ask for: those of the answer, of the frame, of the error in it; the last wins."""
    told = {str(k).lower(): v for place in places if isinstance(place, Mapping) for k, v in place.items()}
    for name, factor in (("retry-after-ms", 1), ("retry-after", 1000)):
        try:
            return min(max(0, int(float(told[name]) * factor)), _LONGEST_MS)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return None
