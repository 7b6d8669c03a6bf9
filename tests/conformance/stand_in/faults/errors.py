"""Faults in the area errors: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..endpoint import Refused
from ..seams import Seam
from .refusals import LOST, code, lost, refused, takes, told, wrong

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "lost_has_no_code": (
        "a lost parent has neither code nor param",
        refused(lost, 0, code=None, param=None, message="Bad request."),
    ),
    "lost_has_another_code": (
        "a lost parent has another code",
        refused(lost, 0, code="invalid_request", param=None, message="The request is invalid."),
    ),
    "lost_code_is_number": ("the code of a lost parent is a number", refused(lost, 0, code=400, param=None)),
    "lost_is_401": ("a lost parent is answered 401", refused(lost, 401)),
    "lost_is_403": ("a lost parent is answered 403", refused(lost, 403)),
    "lost_is_429": ("a lost parent is answered 429", refused(lost, 429, code="rate_limit_exceeded")),
    "lost_is_503": ("a lost parent is answered 503", refused(lost, 503)),
    "lost_status_on_socket_is_500": (
        "the error frame of a lost parent bears status 500",
        {"told": lambda t, at: {**t, "status": 500} if "type" in t and LOST in str(t) else t},
    ),
    "lost_status_on_socket_is_200": (
        "error frames bear status 200",
        {"told": lambda t, at: {**t, "status": 200} if "type" in t else t},
    ),
    "status_on_socket_is_text": (
        "error frames bear status as text",
        {"told": lambda t, at: {**t, "status": "400"} if "type" in t else t},
    ),
    "no_status_on_socket": (
        "error frames bear no status",
        {"told": lambda t, at: {n: v for n, v in t.items() if n != "status"} if "type" in t else t},
    ),
    "error_is_text": ("`error` is a string", told(lambda t: {**t, "error": t["error"]["message"]})),
    "error_is_text_on_socket": (
        "`error` is a string in frames",
        told(lambda t: {**t, "error": t["error"]["message"]}, socket=True),
    ),
    "error_has_no_message": (
        "an error has no message",
        told(lambda t: {**t, "error": {n: v for n, v in t["error"].items() if n != "message"}}),
    ),
    "error_message_is_empty": (
        "an error's message is empty",
        told(lambda t: {**t, "error": {**t["error"], "message": ""}}),
    ),
    "error_has_no_type": (
        "an error has no type",
        told(lambda t: {**t, "error": {n: v for n, v in t["error"].items() if n != "type"}}),
    ),
    "error_type_is_server": ("a wrong request is told as server_error", refused(wrong, 0, type="server_error")),
    "error_type_is_server_for_lost": ("a lost parent is told as server_error", refused(lost, 0, type="server_error")),
    "error_in_detail": (
        "an error is told as `detail`",
        told(lambda t: {"detail": t["error"]["message"]}, socket=False),
    ),
    "error_is_a_list": ("errors in a list", told(lambda t: {"errors": [t["error"]]}, socket=False)),
    "error_frame_has_another_type": (
        "an error frame is `response.error`",
        told(lambda t: {**t, "type": "response.error"}, socket=True),
    ),
    "refused_by_failed": (
        "what is refused over the WebSocket is told as response.failed without response",
        told(lambda t: {"type": "response.failed", "error": t["error"]}, socket=True),
    ),
    "refusal_comes_twice": ("a refusal comes twice", {}),
    "wrong_is_422_text": (
        "a wrong type is answered by plain text",
        {
            "answer": lambda seen, at: (
                (422, b"Unprocessable", "text/plain")
                if seen[0] == 400 and "invalid_" in str(seen[1]) and "not_found" not in str(seen[1])
                else seen
            )
        },
    ),
    "lost_is_html": (
        "a lost parent is answered by a page",
        {
            "answer": lambda seen, at: (
                (seen[0], b"<html>Bad Request</html>", "text/html") if LOST in str(seen[1]) else seen
            )
        },
    ),
    "errors_are_plain": (
        "errors have no JSON content type",
        {"answer": lambda seen, at: (seen[0], seen[1], "text/plain") if seen[0] >= 400 else seen},
    ),
    "half_json_is_500": (
        "half a JSON object is answered 500",
        {"answer": lambda seen, at: (500, seen[1], seen[2]) if "invalid_json" in str(seen[1]) else seen},
    ),
    "half_json_is_200": (
        "half a JSON object is answered 200",
        {"answer": lambda seen, at: (200, seen[1], seen[2]) if "invalid_json" in str(seen[1]) else seen},
    ),
    "no_model_is_500": (
        "a create without model is answered 500",
        refused(lambda r: "'model'" in r.error["message"], 500, type="server_error", code=None),
    ),
    "number_as_input_is_500": (
        "a number as input is answered 500",
        refused(lambda r: r.error["param"] == "input", 500, type="server_error", code=None),
    ),
    "number_as_input_is_taken": (
        "a number as input is taken as text",
        {"asked": lambda a, at: {**a, "input": str(a["input"])} if isinstance(a.get("input"), int | float) else a},
    ),
    "number_as_content_is_taken": (
        "a number as content is taken as text",
        {
            "asked": lambda a, at: (
                {**a, "input": [{**i, "content": "7"} if isinstance(i.get("content"), int) else i for i in a["input"]]}
                if isinstance(a.get("input"), list)
                else a
            )
        },
    ),
    "number_as_parent_is_taken": (
        "a number as parent is taken as none",
        takes("previous_response_id", lambda v: isinstance(v, int)),
    ),
    "number_as_parent_is_500": (
        "a number as parent is answered 500",
        refused(
            lambda r: r.error["param"] == "previous_response_id" and code(r) == "invalid_type", 500, type="server_error"
        ),
    ),
    "long_parent_is_500": (
        "an id of 300 characters is answered 500",
        {
            "refused": lambda r, at: (
                Refused(500, "server_error", "Internal error.")
                if len(str(at.asked.get("previous_response_id"))) > 200
                else r
            )
        },
    ),
    "text_as_tools_is_taken": (
        "tools that are no list are taken as none",
        takes("tools", lambda v: not isinstance(v, list)),
    ),
    "text_as_limit_is_taken": (
        "max_output_tokens as text is taken as none",
        takes("max_output_tokens", lambda v: isinstance(v, str)),
    ),
    "limit_below_zero_is_taken": (
        "max_output_tokens below 0 is taken as none",
        takes("max_output_tokens", lambda v: isinstance(v, int) and v < 0),
    ),
    "unknown_item_is_taken": (
        "an item of a type that nobody knows is left out",
        {
            "asked": lambda a, at: (
                {
                    **a,
                    "input": [
                        i
                        for i in a["input"]
                        if not isinstance(i, dict)
                        or i.get("type", "message") in ("message", "function_call", "function_call_output", "reasoning")
                    ],
                }
                if isinstance(a.get("input"), list)
                else a
            )
        },
    ),
    "two_parents_are_taken": (
        "conversation and previous_response_id together are taken",
        takes("conversation", lambda v: True),
    ),
    "orphan_is_taken": ("the output of a call that nobody made is taken", {}),
    "wrong_key_is_500": (
        "a wrong key is answered 500",
        {"answer": lambda seen, at: (500, seen[1], seen[2]) if seen[0] == 401 else seen},
    ),
    "wrong_key_is_html": (
        "a wrong key is answered by a page",
        {"answer": lambda seen, at: (401, b"<html>Unauthorized</html>", "text/html") if seen[0] == 401 else seen},
    ),
    "wrong_key_is_400": (
        "a wrong key is answered 400",
        {"answer": lambda seen, at: (400, seen[1], seen[2]) if seen[0] == 401 else seen},
    ),
    "unknown_read_is_400": (
        "reading an unknown response is answered 400",
        {"read": lambda a, at: Refused(400, None, "Bad id.") if isinstance(a, Refused) else a},
    ),
    "unknown_delete_is_500": (
        "deleting an unknown response is answered 500",
        {"deleted": lambda a, at: Refused(500, None, "KeyError") if isinstance(a, Refused) else a},
    ),
}
