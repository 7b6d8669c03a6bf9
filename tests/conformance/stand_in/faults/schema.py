"""Faults in the area schema: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..seams import Seam
from .answers import ENDED, body, cumulative, done_item, item, lacks, part, response, usage, whole_only

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "created_at_in_ms": ("created_at in milliseconds", body(created_at=1_750_000_000_000)),
    "created_at_is_text": ("created_at as text", body(created_at="2026-11-24T00:00:00Z")),
    "object_is_chat": ("object is chat.completion", body(object="chat.completion")),
    "id_is_a_number": ("an id that is a number", {"body": lambda b, at: {**b, "id": 17}}),
    "model_is_null": ("model null", body(model=None)),
    "status_is_finished": ("status is `finished` in a whole answer", whole_only(lambda b: {**b, "status": "finished"})),
    "output_is_an_object": ("output is an object", response(lambda r, at: {**r, "output": {"text": ""}}, *ENDED)),
    "tools_are_null": ("tools null", body(tools=None)),
    "no_tool_choice": ("no tool_choice", lacks("tool_choice")),
    "no_parallel_tool_calls": ("no parallel_tool_calls", lacks("parallel_tool_calls")),
    "parallel_is_text": ("parallel_tool_calls as text", body(parallel_tool_calls="true")),
    "no_model": ("no model", lacks("model")),
    "no_status": ("no status", lacks("status")),
    "no_error_member": ("no `error`", lacks("error")),
    "error_in_success": ("an `error` in a response that completed", body(error={"code": "none", "message": ""})),
    "incomplete_details_in_success": (
        "incomplete_details in a response that completed",
        {
            "body": lambda b, at: (
                {**b, "incomplete_details": {"reason": "max_output_tokens"}} if b["status"] == "completed" else b
            )
        },
    ),
    "parent_is_not_told": ("previous_response_id is null in the answer", body(previous_response_id=None)),
    "parent_is_told_wrong": (
        "previous_response_id is the response's own",
        {"body": lambda b, at: {**b, "previous_response_id": b["id"]} if at.parent else b},
    ),
    "parent_is_told_late": (
        "previous_response_id is null at the end",
        response(lambda r, at: {**r, "previous_response_id": None}, *ENDED),
    ),
    "store_is_told_wrong": ("store true is told where false was asked", body(store=True)),
    "instructions_of_parent_told": (
        "the parent's instructions are told",
        {"body": lambda b, at: {**b, "instructions": at.parent.body["instructions"]} if at.parent else b},
    ),
    "role_is_user": ("the model speaks as user", item(lambda i: {**i, "role": "user"})),
    "part_is_text": ("parts of type `text`", part(lambda p: {**p, "type": "text"})),
    "no_annotations": ("parts without annotations", part(lambda p: {n: v for n, v in p.items() if n != "annotations"})),
    "content_is_text": ("content as a string", done_item(lambda i: {**i, "content": "text"}, "message")),
    "content_is_null": ("content null", done_item(lambda i: {**i, "content": None}, "message")),
    "items_without_id": ("messages without id", item(lambda i: {n: v for n, v in i.items() if n != "id"})),
    "usage_is_text": (
        "usage as text",
        usage(lambda u, at: {n: str(v) if isinstance(v, int) else v for n, v in u.items()}),
    ),
    "usage_is_negative": (
        "negative usage",
        usage(lambda u, at: {**u, "output_tokens": -1, "total_tokens": u["input_tokens"] - 1}),
    ),
    "usage_is_zero": (
        "usage is 0",
        usage(lambda u, at: {**u, "input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
    ),
    "usage_of_chat": (
        "usage by the names of chat",
        usage(
            lambda u, at: {
                "prompt_tokens": u["input_tokens"],
                "completion_tokens": u["output_tokens"],
                "total_tokens": u["total_tokens"],
            }
        ),
    ),
    "usage_without_details": (
        "usage without details",
        usage(lambda u, at: {n: v for n, v in u.items() if not n.endswith("details")}),
    ),
    "usage_without_cached": (
        "usage details without cached_tokens",
        usage(lambda u, at: {**u, "input_tokens_details": {}}),
    ),
    "usage_caches_more": (
        "more cached than input tokens",
        usage(lambda u, at: {**u, "input_tokens_details": {"cached_tokens": u["input_tokens"] + 5}}),
    ),
    "usage_grows": ("output tokens of all turns so far", usage(cumulative)),
    "usage_of_calls_is_missing": (
        "usage does not add up in turns that call tools",
        {
            "body": lambda b, at: (
                {**b, "usage": {**b["usage"], "total_tokens": b["usage"]["total_tokens"] + 7}}
                if any(i["type"] == "function_call" for i in b["output"])
                else b
            )
        },
    ),
    "usage_of_chains_is_wrong": (
        "usage does not add up behind a parent",
        {
            "body": lambda b, at: (
                {**b, "usage": {**b["usage"], "total_tokens": b["usage"]["total_tokens"] + 7}} if at.parent else b
            )
        },
    ),
    "usage_ignores_history": (
        "input tokens of a chain are those of its last input",
        {
            "body": lambda b, at: (
                {**b, "usage": {**b["usage"], "input_tokens": 3, "total_tokens": 3 + b["usage"]["output_tokens"]}}
                if at.parent
                else b
            )
        },
    ),
    "usage_only_in_created": (
        "usage in response.created, null at the end",
        response(lambda r, at: {**r, "usage": None}, *ENDED),
    ),
}
