"""Errors of the OpenAI wires, both ways: every shape that is known, and what only looks like one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from segue_adapters.wires.base import status_for
from segue_adapters.wires.responses import decode_error, encode_error, error_status
from segue_schemas import models, validator

SPEC = Path(__file__).resolve().parents[2] / "spec" / "1.0"
LOST = ("continuation_not_found", "resend_full", "none")
BAD = ("invalid_request", "fix", "none")


def nested(message: str = "", **members: Any) -> dict[str, Any]:
    return {"error": {"message": message, **members}}


def told(error: models.Error) -> tuple[str, str, str]:
    validator("errors.json#/$defs/Error").validate(msgspec.to_builtins(error))
    return error.code, error.advice, error.effect


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        # a lost parent: by code, by `type` that holds the code, by param, by text
        (nested(code="previous_response_not_found", param="previous_response_id"), 400, LOST),
        (nested(code="previous_response_not_found"), 404, LOST),
        (nested(code=None, type="previous_response_not_found"), 400, LOST),
        (nested(code=None, param="previous_response_id", type="invalid_request_error"), 400, LOST),
        (nested(code="not_found", param="previous_response_id"), 404, LOST),
        (nested("Invalid previous_response_id.", type="invalid_request_error"), 400, LOST),
        (nested("Previous response with id 'resp_x' not found."), 400, LOST),
        (nested("The previous response has expired"), 404, LOST),
        (nested("no such previous response"), 404, LOST),
        ({"code": "previous_response_not_found", "message": "m", "param": "previous_response_id"}, 400, LOST),
        ({"error": "Previous response not found"}, 404, LOST),
        # near misses: not a lost parent
        (
            nested("'previous_response_id' must be a string", code="invalid_type", param="previous_response_id"),
            400,
            BAD,
        ),
        (nested(code="missing_required_parameter", param="previous_response_id"), 400, BAD),
        (nested("Item with id 'x' not found."), 404, BAD),
        (nested("Response with id 'x' not found.", code=None), 404, BAD),
        (nested("the previous response was too long"), 400, BAD),
        (
            nested("Previous response not found", param="previous_response_id"),
            500,
            ("internal_error", "retry", "unknown"),
        ),
        (nested(code="model_not_found", param="model"), 404, BAD),
        # the other codes of the table
        (nested(code="invalid_api_key"), 401, ("unauthenticated", "authenticate", "none")),
        (nested(), 401, ("unauthenticated", "authenticate", "none")),
        (nested(), 403, ("forbidden", "authenticate", "none")),
        (nested(code="insufficient_quota"), 429, ("quota_exceeded", "give_up", "none")),
        (nested(code="rate_limit_exceeded"), 429, ("rate_limited", "wait", "none")),
        (nested(type="usage_limit_reached"), 429, ("rate_limited", "wait", "none")),
        (nested(code="context_length_exceeded"), 400, ("message_too_large", "fix", "none")),
        (nested(), 413, ("message_too_large", "fix", "none")),
        (nested(code="conversation_locked"), 400, ("overloaded", "wait", "none")),
        (nested(code="server_is_overloaded"), 503, ("overloaded", "retry", "unknown")),
        (nested(), 503, ("overloaded", "retry", "unknown")),
        (nested(), 529, ("overloaded", "retry", "unknown")),
        (nested(), 408, ("upstream_timeout", "retry", "none")),
        (nested(), 504, ("upstream_timeout", "retry", "unknown")),
        (nested(), 502, ("upstream_failed", "retry", "unknown")),
        (nested(code="invalid_stream_id"), 400, BAD),
        (nested(code="websocket_stream_limit_reached"), 400, ("too_many_lanes", "fix", "none")),
        (nested(code="websocket_connection_limit_reached"), 400, ("draining", "reconnect", "none")),
        (nested(code="server_error"), 500, ("internal_error", "retry", "unknown")),
        (nested(), 418, BAD),
        (nested(), 599, ("internal_error", "retry", "unknown")),
        # nothing usable at all
        ({}, 400, BAD),
        ([], 500, ("internal_error", "retry", "unknown")),
        (None, None, ("internal_error", "retry", "unknown")),
        ("text", 404, BAD),
        ({"error": None}, None, ("internal_error", "retry", "unknown")),
        ({"error": {"message": 5, "code": 5, "type": [], "param": {}}}, 400, BAD),
    ],
)
def test_what_an_error_means(body: Any, status: int | None, expected: tuple[str, str, str]) -> None:
    assert told(decode_error(body, status=status)) == expected


def test_what_was_received_stays_visible() -> None:
    error = decode_error(nested("m", type="t", code="c", param="p"), status=400)
    assert error.detail == {"status": 400, "type": "t", "code": "c", "param": "p"}
    assert (error.message, error.param) == ("m", "p")
    assert decode_error({}, status=418).message == "the endpoint gave no reason but status 418"
    assert decode_error({"error": None}, status=None).message == "the endpoint gave no reason"
    assert decode_error({}, status=400, effect="unknown").effect == "unknown"


@pytest.mark.parametrize(
    ("headers", "frame", "expected"),
    [
        ({"retry-after": "2"}, {}, 2000),
        ({"retry-after-ms": "150", "retry-after": "2"}, {}, 150),
        ({}, {"headers": {"retry-after": "30"}}, 30_000),
        ({}, {"headers": {"Retry-After": 1.5}}, 1500),
        ({}, {"error": {"headers": {"retry-after": "4"}}}, 4000),
        ({"retry-after": "1"}, {"headers": {"retry-after": "3"}}, 3000),
        ({"retry-after": "-5"}, {}, 0),
        ({"retry-after": "1e300"}, {}, 2**53 - 1),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "inf"}, {}, None),
        ({}, {"headers": {"retry-after": None}}, None),
        ({}, {"headers": ["retry-after"]}, None),
        ({}, {}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], frame: dict[str, Any], expected: int | None) -> None:
    error = decode_error({"message": "slow down", **frame}, status=429, headers=headers)
    told(error)
    assert error.retry_after_ms == (msgspec.UNSET if expected is None else expected)


def known_codes() -> list[str]:
    chapter = (SPEC / "errors.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([a-z_]+)` \|", chapter.partition("\n## Codes")[2], re.M)


@pytest.mark.parametrize("code", known_codes())
def test_every_code_has_its_status_and_an_envelope(code: str) -> None:
    error = models.Error(code=code, advice="fix", effect="none", message="what happened", param="member")
    row = next(line for line in (SPEC / "errors.md").read_text("utf-8").splitlines() if line.startswith(f"| `{code}`"))
    assert status_for(code) == int(row.split("|")[5])
    envelope = encode_error(error)
    assert envelope.keys() == {"type", "code", "message", "param"}
    assert envelope["message"] == "what happened"
    assert 400 <= error_status(error) < 600
    assert (envelope["type"] == "server_error") == (error_status(error) >= 500)
    assert envelope["param"] in ("member", "previous_response_id", "type", "stream_id", "store")


def envelope_rows() -> list[list[str]]:
    chapter = (SPEC / "binding-openai-http.md").read_text(encoding="utf-8")
    table = chapter.partition("| Segue code | status | `type` | `code` |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return [[code, *row[1:]] for row in rows for code in re.findall(r"`([a-z_]+)`", row[0])]


@pytest.mark.parametrize("row", envelope_rows(), ids=lambda row: row[0])
def test_the_envelope_is_the_one_of_the_chapter(row: list[str]) -> None:
    code, status, kind, foreign = row
    error = models.Error(code=code, advice="fix", effect="none", message="m")
    envelope = encode_error(error)
    assert error_status(error) == int(status)
    assert envelope["type"] == kind.strip("`")
    first = re.match(r"`([a-z_]+)`", foreign)
    assert envelope["code"] == (first.group(1) if first else None)


def test_an_unknown_code_keeps_its_name_and_is_the_servers_fault() -> None:
    error = models.Error(code="vendor_trouble", advice="retry", effect="unknown", message="m")
    assert (error_status(error), encode_error(error)["code"]) == (500, "vendor_trouble")
    late = models.Error(code="too_late", advice="fix", effect="none", message="m")
    assert (error_status(late), encode_error(late)["type"]) == (409, "invalid_request_error")


def test_what_is_at_fault_goes_out_as_the_code() -> None:
    error = models.Error(code="invalid_request", advice="fix", effect="none", message="m")
    error.detail, error.param = {"openai_code": "invalid_type"}, "input[0]"
    assert encode_error(error) == {
        "type": "invalid_request_error", "code": "invalid_type", "message": "m", "param": "input[0]",
    }  # fmt: skip
    error.detail = {"openai_code": 5}
    assert encode_error(error)["code"] is None


AS_THEY_WENT = [
    "continuation_not_found",
    "unauthenticated",
    "quota_exceeded",
    "rate_limited",
    "too_many_lanes",
    "draining",
    "overloaded",
    "invalid_request",
    "message_too_large",
    "forbidden",
]


@pytest.mark.parametrize("code", AS_THEY_WENT)
def test_what_goes_out_comes_back(code: str) -> None:
    error = models.Error(code=code, advice="fix", effect="none", message="m")
    assert decode_error({"error": encode_error(error)}, status=error_status(error)).code == code


@pytest.mark.parametrize(
    ("pointer", "named"),
    [
        ("/input/0/call_id", "input[0].call_id"),
        ("/input/12", "input[12]"),
        ("/context/tools/1", "tools[1]"),
        ("/context/model", "model"),
        ("/context", "context"),
        ("/parent", "previous_response_id"),
        ("/parent/3", "input"),
        ("/retention", "store"),
        ("/lane", "stream_id"),
        ("/context/a~1b~0", "a/b~"),
        ("Content-Type", "Content-Type"),
    ],
)
def test_members_go_out_as_this_wire_names_them(pointer: str, named: str) -> None:
    error = models.Error(code="invalid_request", advice="fix", effect="none", message="m", param=pointer)
    assert encode_error(error)["param"] == named
