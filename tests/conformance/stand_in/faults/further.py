"""More of what goes wrong, found by asking for it from another side: by area and name, as in the files beside this."""

from __future__ import annotations

import copy
from typing import Any

from ..endpoint import Refused
from ..seams import At, Seam
from .answers import Event, body, doubled, each, item, moved, response, usage, whole_only
from .refusals import lane, refuse, silent, told
from .state import Item, forgets, found, lost, parent_if, words

__all__ = ["AREAS"]

Faults = dict[str, tuple[str, dict[str, Seam]]]


def newest_of(count: int, *, socket: bool = True) -> dict[str, Seam]:
    """Hold the newest responses of each key only."""

    def seam(made: Any, at: At) -> Any:
        own = [name for name, kept in at.stand_in.held.items() if kept.owner == at.principal]
        for name in own[: max(0, len(own) - count + 1)]:
            del at.stand_in.held[name]
        return made

    return {"events": seam}


def by_member(name: str) -> dict[str, Seam]:
    """Take what was said with the same value of a member for the history, where there is no parent."""

    def checked(given: list[Item], at: At) -> list[Item]:
        value = str(at.asked.get(name))
        if name not in at.asked or at.asked.get("previous_response_id"):
            return given
        return [*at.notes.get((name, value), []), *given]

    def kept(own: list[Item], at: At) -> list[Item]:
        if name in at.asked:
            at.notes.setdefault((name, str(at.asked[name])), []).extend(i for i in own if words(i))
        return own

    return {"checked": checked, "kept": kept}


def leaks_refused(given: Any, at: At) -> Any:
    """Keep what a refused create said, as if its parent had said it."""
    named = at.asked.get("previous_response_id")
    parent = at.stand_in.held.get(named)
    if isinstance(given, Refused) and parent is not None:
        told = at.asked.get("input")
        good = [i for i in told if isinstance(i, dict) and isinstance(i.get("content"), str)] if isinstance(
            told, list) else []  # fmt: skip
        parent.history = [*parent.history, *({"type": "message", **i} for i in good)]
    return given


def mixed_up(past: list[Item], at: At) -> list[Item]:
    """Go on from the history of whichever create came last before this one, if they came together."""
    import time

    before, at.notes["past"] = at.notes.get("past"), (time.monotonic(), past)
    return before[1] if before and time.monotonic() - before[0] < 0.03 else past


def split_letters(events: list[Event], at: At) -> list[Event]:
    """Cut deltas between the bytes of a letter."""
    told: list[Event] = []
    for event in events:
        if event["type"].endswith("output_text.delta") and not event["delta"].isascii():
            data = event["delta"].encode()
            pieces = [data[n : n + 3].decode("utf-8", "replace") for n in range(0, len(data), 3)]
            told += [{**event, "delta": piece} for piece in pieces]
        else:
            told.append(event)
    return told


def swapped(first: str, second: str) -> dict[str, Seam]:
    """Send the first event of one kind right behind the first of another, which it should precede."""

    def seam(events: list[Event], at: At) -> list[Event]:
        events = [*events]
        ours = next((n for n, e in enumerate(events) if e["type"].endswith(first)), None)
        if ours is None:
            return events
        event = events.pop(ours)
        place = next((n for n, e in enumerate(events) if n >= ours and e["type"].endswith(second)), None)
        events.insert(ours if place is None else place + 1, event)
        return events

    return {"events": seam}


def reversed_output(told: Event, at: At) -> Event:
    return {**told, "output": told["output"][::-1]}


def read(change: Any) -> dict[str, Seam]:
    return {"read": lambda a, at: change(copy.deepcopy(a)) if isinstance(a, dict) else a}


def listed(change: Any) -> dict[str, Seam]:
    return {"listed": lambda a, at: change(a) if isinstance(a, dict) else a}


def first_only(output: list[Event], at: At) -> list[Event]:
    ids = [i.get("id") for i in output]
    return [{**i, "id": ids[0]} for i in output]


def again(kind: str) -> dict[str, Seam]:
    """Answer a request for what was deleted as one that was never deleted."""
    return {
        "deleted": lambda a, at: (
            {"id": at.asked["id"], "object": "response", "deleted": True}
            if isinstance(a, Refused) and at.notes.get(("gone", at.asked["id"]))
            else (at.notes.__setitem__(("gone", at.asked["id"]), at.made), a)[1]
        )
    } if kind == "deleted" else {
        "deleted": lambda a, at: (at.notes.__setitem__(("gone", at.asked["id"]), at.made), a)[1],
        "listed": lambda a, at: (
            {"object": "list", "data": at.notes["gone", at.asked["id"]].own, "has_more": False}
            if isinstance(a, Refused) and at.notes.get(("gone", at.asked["id"]))
            else a
        ),
    }  # fmt: skip


def calls_only(told: Event) -> Event:
    return {**told, "output": [i for i in told["output"] if i["type"] != "function_call"]}


CONTINUATION: Faults = {
    "every_third_forgets": (
        "every third turn with a parent runs without its history",
        forgets(lambda at: at.count("continued") % 3 == 2),
    ),
    "every_fifth_forgets": (
        "every fifth turn with a parent runs without its history",
        forgets(lambda at: at.count("continued") % 5 == 4),
    ),
    "lost_from_the_ninth_hop": ("history is lost from the ninth hop on", forgets(lambda at: at.depth >= 9)),
    "keeps_thirty_items": ("of a history the last 30 items are kept", {"past": lambda p, at: p[-30:]}),
    "keeps_four_thousand_letters": (
        "of a history the last messages of 4,000 characters are kept",
        {"past": lambda p, at: p if sum(len(str(i)) for i in p) < 4_000 else p[-2:]},
    ),
    "refused_words_stay": ("what a refused turn said is in the history of its parent", {"refused": leaks_refused}),
    "instructions_beside_a_parent_are_refused": (
        "instructions beside a parent are refused",
        {
            "checked": lambda g, at: (
                refuse(Refused(400, "invalid_value", "Not allowed with previous_response_id.", "instructions"))
                if at.asked.get("previous_response_id") and at.asked.get("instructions")
                else g
            )
        },
    ),
    "together_is_mixed_up": ("two turns that come together have one history", {"past": mixed_up}),
    "outputs_as_parts_are_lost": (
        "outputs of tools that are lists of parts are lost",
        {"past": lambda p, at: [{**i, "output": ""} if isinstance(i.get("output"), list) else i for i in p]},
    ),
}
ISOLATION: Faults = {
    "cache_key_is_history": (
        "creates with one prompt_cache_key share their history",
        by_member("prompt_cache_key"),
    ),
    "user_is_history": ("creates with one `user` share their history", by_member("user")),
    "metadata_is_history": ("creates with the same metadata share their history", by_member("metadata")),
    "takes_no_key": ("no key at all is taken", {}),
}
RETENTION: Faults = {
    "holds_the_newest_five": ("only the five newest responses of a key are held", newest_of(5)),
    "holds_the_newest_twelve": ("only the twelve newest responses of a key are held", newest_of(12)),
    "unstored_over_socket_from_http": (
        "`store: false` over HTTP resolves over the WebSocket",
        {
            "stores": lambda s, at: s or not at.socket,
            "parent": lambda f, at: lost(at) if found(f) and not f.stored and not at.socket else f,
        },
    ),
    "unstored_streamed_is_kept": (
        "`store: false` is kept all the same where the answer is streamed",
        {"stores": lambda s, at: s or (not at.socket and bool(at.asked.get("stream")))},
    ),
    "read_drops_calls": ("a response read by its id lacks calls of tools", read(calls_only)),
    "read_is_completed": (
        "a response that was cut is completed when it is read by its id",
        read(lambda b: {**b, "status": "completed", "incomplete_details": None}),
    ),
    "list_names_other_ends": (
        "a list names other ends than it has",
        listed(lambda a: {**a, "first_id": "msg_0", "last_id": "msg_1"}),
    ),
    "list_items_have_no_ids": (
        "items of a list have no ids",
        listed(lambda a: {**a, "data": [{n: v for n, v in i.items() if n != "id"} for i in a["data"]]}),
    ),
    "list_is_bare": ("a list of input items is a bare array of `items`", listed(lambda a: {"items": a["data"]})),
    "deleted_twice_is_200": ("what was deleted can be deleted again", again("deleted")),
    "deleted_input_is_listed": ("the input of what was deleted is listed", again("listed")),
    "socket_store_ends_with_it": (
        "what a WebSocket stored is gone once it ends",
        parent_if(
            lambda f, at: found(f) and f.at.connection is not None and f.at.connection is not at.connection,
            lambda f, at: lost(at),
        ),
    ),
}
EVENTS: Faults = {
    "delta_behind_text_done": (
        "a delta comes behind output_text.done",
        {"events": lambda e, at: _late_delta(e)},
    ),
    "part_done_first": ("content_part.done comes before output_text.done", swapped("output_text.done", "part.done")),
    "part_added_late": ("content_part.added comes behind the first delta", swapped("part.added", "text.delta")),
    "arguments_done_first": (
        "arguments.done comes before their deltas",
        moved("arguments.delta", "arguments.done"),
    ),
    "part_done_behind_item": ("content_part.done comes behind the whole item", moved("part.done", "item.done")),
    "created_twice": ("response.created comes twice", doubled("response.created")),
    "in_progress_first": (
        "response.in_progress comes before response.created",
        swapped("response.created", "response.in_progress"),
    ),
    "stream_stays_open": ("a stream stays open behind its terminal event", {}),
    "stream_breaks_off": ("a stream ends without its last chunk", {}),
    "letters_break": ("deltas break inside letters", {"events": split_letters}),
    "terminal_order_differs": (
        "the terminal event lists items in another order",
        response(reversed_output, "completed"),
    ),
    "delta_has_no_item": (
        "deltas bear no item_id",
        each("output_text.delta", lambda e, at: {n: v for n, v in e.items() if n != "item_id"}),
    ),
    "delta_has_no_part": (
        "deltas bear no content_index",
        each("output_text.delta", lambda e, at: {n: v for n, v in e.items() if n != "content_index"}),
    ),
    "delta_is_null": (
        "the last delta is null",
        {"events": lambda events, at: [
            {**e, "delta": None} if e["type"].endswith("output_text.delta") and n + 1 < len(events)
            and not events[n + 1]["type"].endswith("delta") else e for n, e in enumerate(events)]},
    ),
}  # fmt: skip


def _late_delta(events: list[Event]) -> list[Event]:
    places = [n for n, e in enumerate(events) if e["type"].endswith("output_text.delta")]
    done = next((n for n, e in enumerate(events) if e["type"].endswith("output_text.done")), None)
    if len(places) < 2 or done is None:
        return events
    last = events[places[-1]]
    return [*events[: places[-1]], *events[places[-1] + 1 : done + 1], last, *events[done + 1 :]]


SCHEMA: Faults = {
    "arguments_are_encoded_twice": (
        "arguments are a JSON string of a JSON string",
        item(lambda i: {**i, "arguments": '"{}"'}, "function_call"),
    ),
    "completed_at_in_ms": ("completed_at in milliseconds", body(completed_at=1_500_000_000_000)),
    "completed_before_created": ("completed_at lies before created_at", body(completed_at=1_400_000_000)),
    "empty_error_in_success": ("an empty `error` in a response that completed", body(error={})),
    "no_role": ("messages without role", item(lambda i: {n: v for n, v in i.items() if n != "role"})),
    "id_is_empty": ("the id of a response is empty", body(id="")),
    "item_id_is_null": ("ids of items are null", item(lambda i: {**i, "id": None})),
    "created_at_is_zero": ("created_at is 0", body(created_at=0)),
    "metadata_is_a_list": ("metadata are a list", body(metadata=[])),
    "temperature_is_text": ("temperature as text", body(temperature="1.0")),
    "usage_counts_are_floats": (
        "counts of usage with fractions",
        usage(lambda u, at: {n: v + 0.5 if isinstance(v, int) else v for n, v in u.items()}),
    ),
    "whole_cut_without_reason": (
        "a whole answer that was cut has no reason",
        whole_only(lambda b: {**b, "incomplete_details": None}),
    ),
    "item_ids_are_equal": ("all items of a response have one id", {"output": first_only}),
    "annotations_are_null": (
        "annotations null",
        item(lambda i: {**i, "content": [{**p, "annotations": None} for p in i["content"]]}),
    ),
    "text_is_null": (
        "an empty text is null",
        {"body": lambda b, at: b, **each("output_text.done", lambda e, at: {**e, "text": None})},
    ),
}  # fmt: skip
ERRORS: Faults = {
    "long_body_is_413_in_html": ("a long body is refused by a page", {}),
    "unknown_model_is_500": (
        "an unknown model is answered 500",
        {
            "checked": lambda g, at: (
                refuse(Refused(500, "server_error", "No deployment."))
                if str(at.asked.get("model")).startswith("no-such")
                else g
            )
        },
    ),
    "bad_tool_is_500": (
        "a tool without a name is answered 500",
        {
            "checked": lambda g, at: (
                refuse(Refused(500, "server_error", "KeyError: 'name'"))
                if any(not isinstance(t, dict) or not t.get("name") for t in at.asked.get("tools") or ())
                else g
            )
        },
    ),
    "unknown_choice_is_500": (
        "a tool_choice that names no tool is answered 500",
        {
            "checked": lambda g, at: (
                refuse(Refused(500, "server_error", "KeyError"))
                if isinstance(at.asked.get("tool_choice"), dict)
                and at.asked["tool_choice"].get("name") not in [t["name"] for t in at.asked.get("tools") or ()]
                else g
            )
        },
    ),
    "error_is_null_in_stream": (
        "a refusal over the WebSocket bears `error: null`",
        told(lambda t: {**t, "error": None}, socket=True),
    ),
    "no_input_is_taken": (
        "a create without input runs",
        {"asked": lambda a, at: {"input": "Hello.", **a}},
    ),
    "no_input_is_500": (
        "a create without input is answered 500",
        {"asked": lambda a, at: a if "input" in a else refuse(Refused(500, "server_error", "KeyError: 'input'"))},
    ),
}
LANES: Faults = {
    "lane_is_used_once": (
        "a stream_id can be used once",
        {
            "checked": lambda g, at: (
                refuse(Refused(400, "invalid_stream_id", "In use.", "stream_id"))
                if "stream_id" in at.asked and at.count((id(at.connection), at.asked["stream_id"]))
                else g
            )
        },
    ),
    "default_lane_is_counted": (
        "the lane without a name counts among the 32",
        {"checked": lambda g, at: _counting_all(g, at)},
    ),
    "lane_limit_closes": ("a lane too many ends the connection", {}),
    "bad_lane_closes": ("an illegal stream_id ends the connection", {}),
    "lane_is_a_stack": ("in a lane the newest of those that wait runs first", {}),
    "refusal_drops_the_queue": ("a refused create takes what waits behind it in its lane along", {}),
    "full_flight_is_dropped": ("a 17th response in flight is never answered", {}),
    "lanes_swap_deltas": (
        "of two lanes that run side by side deltas bear each other's stream_id",
        lane(
            lambda told, at: (
                _other_lane(told, at) if told["type"].endswith("text.delta") else told.get("stream_id")
            )
        ),
    ),
}  # fmt: skip


def _other_lane(told: Event, at: At) -> Any:
    seen = at.notes.setdefault(("lanes", id(at.connection)), [])
    if (own := told.get("stream_id")) not in seen:
        seen.append(own)
    return seen[seen.index(own) - 1] if len(seen) == 2 and None not in seen else own


def _counting_all(given: list[Item], at: At) -> list[Item]:
    bare = ("bare", id(at.connection))
    if at.socket and "stream_id" not in at.asked:
        at.notes[bare] = True
    if at.socket and len(at.connection.lanes) > 31 and at.notes.get(bare):
        raise Refused(400, "websocket_stream_limit_reached", "Too many streams.", "stream_id")
    return given


WARM_UP: Faults = {
    "warm_up_speaks_later": ("a warm-up's output comes behind its end", {}),
    "warm_up_loses_its_lane": (
        "events of a warm-up bear no stream_id",
        {"frame": lambda t, at: {n: v for n, v in t.items() if n != "stream_id"}
         if silent(at) and isinstance(t, dict) else t},
    ),
    "warm_up_leaks": (
        "what a warm-up said, the connection's next turn knows, whatever its parent",
        {
            "checked": lambda g, at: (
                [*at.notes.pop(("warm", id(at.connection)), []), *g]
                if at.socket and not silent(at)
                else (at.notes.__setitem__(("warm", id(at.connection)), g), g)[1]
            )
        },
    ),
    "warm_up_is_one_for_all": (
        "a turn from any warm-up goes on from the newest one",
        {
            "kept": lambda k, at: (at.notes.__setitem__("newest warm", k), k)[1] if silent(at) else k,
            "past": lambda p, at: at.notes["newest warm"]
            if at.parent is not None and at.parent.at.asked.get("generate") is False and not at.parent.parent else p,
        },
    ),
    "warm_up_without_created": (
        "a warm-up has a terminal event alone",
        {"events": lambda e, at: e[-1:] if silent(at) else e},
    ),
}  # fmt: skip
LIVENESS: Faults = {
    "pong_says_nothing": ("pongs do not bear what the ping said", {}),
    "fragments_are_refused": ("a message in fragments ends the connection", {}),
    "fragments_lose_their_end": ("of a message in fragments only the first is read", {}),
    "ping_in_fragments_spoils": ("a ping between the fragments of a message spoils it", {}),
    "second_request_hangs": ("the second request of a kept connection is not answered", {}),
    "vanished_keep_their_place": ("clients that vanish in mid-turn take their place for good", {}),
    "closes_behind_the_tenth": ("the connection is closed behind the tenth response", {}),
    "deaf_behind_a_type": ("behind an event of an unknown type nothing is answered", {}),
}
LIMITS: Faults = {
    "long_frame_is_dropped": ("a message of more than 64 KB is not answered", {}),
    "choice_none_is_ignored": ("`tool_choice: none` is ignored", {}),
    "parallel_false_is_ignored": ("`parallel_tool_calls: false` is ignored", {}),
}

AREAS: dict[str, Faults] = {
    "continuation": CONTINUATION,
    "isolation": ISOLATION,
    "retention": RETENTION,
    "events": EVENTS,
    "schema": SCHEMA,
    "errors": ERRORS,
    "lanes": LANES,
    "warm_up": WARM_UP,
    "liveness": LIVENESS,
    "limits": LIMITS,
}
