"""Faults in the area events: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..seams import Seam
from .answers import (
    BEGUN,
    ENDED,
    arguments,
    done_item,
    doubled,
    dropped,
    each,
    item,
    late_index,
    moved,
    no_text,
    numbers,
    one_fewer,
    response,
    split_calls,
    swap,
    twice,
    unescaped,
    whole_only,
)

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "no_created": ("no response.created", dropped("response.created")),
    "created_behind_items": ("response.created comes behind the first item", moved("response.created", "item.added")),
    "created_is_completed": (
        "response.created bears status completed",
        response(lambda r, at: {**r, "status": "completed"}, *BEGUN),
    ),
    "created_has_output": (
        "response.created bears the output",
        response(lambda r, at: {**r, "output": at.made.body["output"]}, *BEGUN),
    ),
    "ended_in_progress": (
        "the terminal event bears status in_progress",
        response(lambda r, at: {**r, "status": "in_progress"}, *ENDED),
    ),
    "in_progress_has_another_id": (
        "response.in_progress names another response",
        response(lambda r, at: {**r, "id": "resp_" + "1" * 32}, "in_progress"),
    ),
    "completed_has_another_id": (
        "the terminal event names another response",
        response(lambda r, at: {**r, "id": "resp_" + "2" * 32}, *ENDED),
    ),
    "done_is_the_end": (
        "the terminal event is response.done",
        each(".completed", lambda e, at: {**e, "type": "response.done"}),
    ),
    "end_has_no_response": (
        "the terminal event has no response",
        each(".completed", lambda e, at: {n: v for n, v in e.items() if n != "response"}),
    ),
    "stream_just_ends": (
        "the second turn of a history has no terminal event",
        {"events": lambda events, at: events[:-1] if at.parent else events},
    ),
    "in_progress_behind_end": (
        "response.in_progress comes behind the terminal event",
        {"events": lambda events, at: [*events, dict(events[1])]},
    ),
    "numbers_are_text": ("sequence numbers as strings", numbers(lambda n, e: str(n))),
    "numbers_go_back_at_the_end": (
        "the terminal event is numbered 0",
        each(".completed", lambda e, at: {**e, "sequence_number": 0}),
    ),
    "deltas_are_not_numbered": (
        "deltas bear no sequence number",
        each(".delta", lambda e, at: {n: v for n, v in e.items() if n != "sequence_number"}),
    ),
    "calls_repeat_numbers": (
        "in calls of tools sequence numbers repeat",
        each("arguments.done", lambda e, at: {**e, "sequence_number": e["sequence_number"] - 1}),
    ),
    "a_delta_is_lost": ("one delta is lost", one_fewer("text.delta", 1)),
    "the_last_delta_is_lost": ("the last delta is lost", one_fewer("text.delta", -1)),
    "deltas_change_places": ("two deltas change places", {"events": lambda events, at: swap(events)}),
    "a_delta_comes_twice": ("a delta comes twice", {"events": lambda events, at: twice(events)}),
    "deltas_behind_done": ("deltas come behind the whole item", moved("text.delta", "output_item.done")),
    "item_added_late": ("an item is announced behind its deltas", moved("output_item.added", "text.delta")),
    "item_done_twice": ("an item is brought whole twice", doubled("output_item.done")),
    "item_added_twice": ("an item is announced twice", doubled("output_item.added")),
    "indexes_are_all_0": ("each item has index 0", {"events": late_index}),
    "done_has_another_index": (
        "a whole item has another index than its deltas",
        each("output_item.done", lambda e, at: {**e, "output_index": e["output_index"] + 1}),
    ),
    "indexes_start_at_1": (
        "indexes of items from 1",
        each("", lambda e, at: {**e, "output_index": e["output_index"] + 1} if "output_index" in e else e),
    ),
    "delta_has_another_part": (
        "deltas name a part that is not there",
        each("text.delta", lambda e, at: {**e, "content_index": 3}),
    ),
    "delta_has_no_index": (
        "deltas bear no output_index",
        each("text.delta", lambda e, at: {n: v for n, v in e.items() if n != "output_index"}),
    ),
    "delta_is_an_object": (
        "a delta is an object",
        each("text.delta", lambda e, at: {**e, "delta": {"text": e["delta"]}}),
    ),
    "delta_ids_differ": ("deltas name another item", each("text.delta", lambda e, at: {**e, "item_id": "msg_other"})),
    "done_item_has_another_id": (
        "the whole item has another id than the announced one",
        done_item(lambda i: {**i, "id": "msg_" + "3" * 24}),
    ),
    "part_copy_differs": (
        "content_part.done says another text",
        each("content_part.done", lambda e, at: {**e, "part": {**e["part"], "text": e["part"]["text"][:-1]}}),
    ),
    "text_copy_is_empty": ("output_text.done is empty", each("text.done", lambda e, at: {**e, "text": ""})),
    "item_text_is_cut": (
        "the whole item lacks the end of the text",
        done_item(lambda i: {**i, "content": [{**p, "text": p["text"][:-2]} for p in i["content"]]}, "message"),
    ),
    "terminal_text_differs": (
        "the terminal event's output says another text",
        response(
            lambda r, at: {
                **r,
                "output": [
                    {**i, "content": [{**p, "text": p["text"] + "."} for p in i["content"]]}
                    if i["type"] == "message"
                    else i
                    for i in r["output"]
                ],
            },
            *ENDED,
        ),
    ),
    "terminal_drops_calls": (
        "the terminal event's output lacks calls of tools",
        response(
            lambda r, at: {
                **r,
                "output": [i for i in r["output"] if i["type"] != "function_call"][:1]
                or [{"type": "message", "id": "msg_0", "role": "assistant", "status": "completed", "content": []}],
            },
            *ENDED,
        ),
    ),
    "terminal_call_differs": (
        "a call has another call_id in the terminal event",
        response(
            lambda r, at: {**r, "output": [{**i, "call_id": "call_0"} if "call_id" in i else i for i in r["output"]]},
            *ENDED,
        ),
    ),
    "done_call_differs": (
        "a call has another call_id when whole than when announced",
        done_item(lambda i: {**i, "call_id": "call_9"}, "function_call"),
    ),
    "done_call_has_another_name": (
        "a call has another name when whole",
        done_item(lambda i: {**i, "name": i["name"] + "_0"}, "function_call"),
    ),
    "arguments_copy_differs": ("arguments.done says other arguments", arguments("arguments.done", '{"a":1}')),
    "arguments_do_not_add_up": ("deltas of arguments do not add up", {"events": split_calls}),
    "arguments_are_lost": (
        "the whole call has no arguments",
        done_item(lambda i: {**i, "arguments": ""}, "function_call"),
    ),
    "arguments_are_cut": (
        "arguments are half of their JSON",
        item(lambda i: {**i, "arguments": '{"a":'}, "function_call"),
    ),
    "call_id_is_missing": (
        "a call without call_id",
        item(lambda i: {n: v for n, v in i.items() if n != "call_id"}, "function_call"),
    ),
    "call_has_another_name": ("a call names another tool", item(lambda i: {**i, "name": "tool_0"}, "function_call")),
    "call_is_in_progress": (
        "a whole call is in progress",
        done_item(lambda i: {**i, "status": "in_progress"}, "function_call"),
    ),
    "item_stays_in_progress": (
        "a whole message is in progress",
        done_item(lambda i: {**i, "status": "in_progress"}, "message"),
    ),
    "call_turn_is_incomplete": (
        "a turn that calls a tool ends incomplete",
        {
            "body": lambda b, at: (
                {**b, "status": "incomplete", "incomplete_details": {"reason": "tool_calls"}}
                if any(i["type"] == "function_call" for i in b["output"])
                else b
            )
        },
    ),
    "cut_item_is_completed": (
        "a cut turn's reason is content_filter",
        {
            "body": lambda b, at: (
                {**b, "incomplete_details": {"reason": "content_filter"}} if b["incomplete_details"] else b
            )
        },
    ),
    "cut_is_failed": (
        "a cut turn fails",
        {
            "body": lambda b, at: (
                {**b, "status": "failed", "error": {"code": "server_error", "message": "Output was cut."}}
                if b["status"] == "incomplete"
                else b
            )
        },
    ),
    "cut_event_differs": (
        "a cut turn ends in response.completed with status incomplete",
        each(".incomplete", lambda e, at: {**e, "type": "response.completed"}),
    ),
    "whole_cut_is_completed": (
        "a cut turn answered whole is completed",
        whole_only(lambda b: {**b, "status": "completed"}),
    ),
    "whole_has_no_text": ("a whole answer has no text", whole_only(no_text)),
    "whole_is_in_progress": ("a whole answer is in progress", whole_only(lambda b: {**b, "status": "in_progress"})),
    "whole_usage_differs": (
        "a whole answer's usage does not add up",
        whole_only(lambda b: {**b, "usage": {**b["usage"], "total_tokens": 1}}),
    ),
    "newlines_are_lost": (
        "line ends are lost in deltas",
        each("text.delta", lambda e, at: {**e, "delta": unescaped(e["delta"])}),
    ),
    "done_comes_first": (
        "[DONE] comes before the terminal event",
        {
            "sse": lambda lines, at: (
                ["data: [DONE]", "", *lines] if any("response.completed" in x for x in lines) else lines
            )
        },
    ),
    "data_is_not_one_line": (
        "JSON of an event over several lines without `data:`",
        {"sse": lambda lines, at: [x.replace(', "', ',\n"') if x.startswith("data") else x for x in lines]},
    ),
    "two_in_one_frame": (
        "events in one array",
        {"frame": lambda told, at: [told] if isinstance(told, dict) and told["type"].endswith("text.delta") else told},
    ),
    "frames_end_in_half": (
        "a delta's JSON is not whole",
        {
            "frame": lambda told, at: (
                str(told)[:-1] if isinstance(told, dict) and told["type"].endswith("text.delta") else told
            )
        },
    ),
    "events_without_type": (
        "events without `type` beside `event:`",
        {"sse": lambda lines, at: [x.replace('"type": "response.output_text.delta", ', "") for x in lines]},
    ),
}
