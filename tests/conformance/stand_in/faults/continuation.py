"""Faults in the area continuation: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..seams import Seam
from .state import (
    by_prefix,
    first_instructed,
    forgets,
    found,
    instructed,
    is_lost,
    latin,
    lost,
    newest,
    no_parent,
    only_part,
    parent_if,
    shorten,
    stored_without,
    unstreamed,
    without,
    words,
)

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "lost_from_the_third_hop": ("history is lost from the third hop on", forgets(lambda at: at.depth >= 3)),
    "keeps_two_turns": (
        "only the parent and its parent are kept",
        {"past": lambda past, at: [*(at.parent.parent.own if at.parent.parent else []), *at.parent.own]},
    ),
    "keeps_the_newest_items": ("only the last six items are kept", {"past": lambda past, at: past[-6:]}),
    "keeps_the_first_turn": (
        "the first turn and the last are kept, those between not",
        {"past": lambda past, at: past if at.depth < 3 else [*past[:2], *at.parent.own]},
    ),
    "drops_assistant_after_a_hop": (
        "what the assistant said is dropped one hop later",
        {"past": lambda past, at: [i for i in past if i in at.parent.own or i.get("role") != "assistant"]},
    ),
    "drops_users_after_a_hop": (
        "what the user said is dropped one hop later",
        {"past": lambda past, at: [i for i in past if i in at.parent.own or i.get("role") != "user"]},
    ),
    "drops_system": ("messages of system and developer are dropped", without(lambda i: i.get("role") == "developer")),
    "drops_given_assistant": (
        "what came as input from the assistant is not stored",
        {"kept": lambda kept, at: [i for i in kept if not (i.get("role") == "assistant" and "id" not in i)]},
    ),
    "stores_no_untyped": (
        "messages without `type` are not stored",
        {
            "kept": lambda kept, at: (
                []
                if isinstance(at.asked.get("input"), list) and any("type" not in i for i in at.asked["input"])
                else kept
            )
        },
    ),
    "stores_no_text_input": (
        "input as a string is not stored",
        {"kept": lambda kept, at: kept[1:] if isinstance(at.asked.get("input"), str) else kept},
    ),
    "stores_the_first_part": (
        "only the first part of a message is stored",
        {"kept": lambda kept, at: [only_part(i) for i in kept]},
    ),
    "stores_the_last_item": (
        "of an input of many items only the last is stored",
        {
            "kept": lambda kept, at: (
                kept[max(0, len(at.asked.get("input") or []) - 1) :]
                if isinstance(at.asked.get("input"), list)
                else kept
            )
        },
    ),
    "stores_the_first_item": (
        "of an input of many items only the first is stored",
        {
            "kept": lambda kept, at: (
                [*kept[:1], *kept[len(at.asked["input"]) :]]
                if isinstance(at.asked.get("input"), list) and len(at.asked["input"]) > 1
                else kept
            )
        },
    ),
    "answers_by_itself_to_outputs": (
        "a turn that brings a tool's output has no other history",
        {
            "past": lambda past, at: (
                [i for i in past if i["type"].startswith("function_call")]
                if any(
                    i.get("type") == "function_call_output" for i in at.asked.get("input") or () if isinstance(i, dict)
                )
                else past
            )
        },
    ),
    "keeps_one_output": (
        "of two outputs only the first is stored",
        {
            "kept": lambda kept, at: [
                i
                for n, i in enumerate(kept)
                if i["type"] != "function_call_output" or not any(j["type"] == "function_call_output" for j in kept[:n])
            ]
        },
    ),
    "outputs_are_cut": ("outputs of tools are cut to 20 characters", {"kept": lambda k, at: shorten(k, 20, "output")}),
    "outputs_end_after_a_hop": (
        "a tool's output is known to the next turn only",
        stored_without(lambda i: i["type"] == "function_call_output"),
    ),
    "instructions_are_inherited": ("instructions of the parent stay in force", {"settings": instructed}),
    "instructions_never_change": ("instructions of the parent win", {"settings": first_instructed}),
    "instructions_are_dropped": (
        "instructions beside a parent are ignored",
        {"settings": lambda s, at: {**s, "instructions": None} if at.parent else s},
    ),
    "tools_are_dropped": (
        "tools beside a parent are ignored",
        {"settings": lambda s, at: {**s, "tools": []} if at.parent else s},
    ),
    "forgets_beside_tools": ("the history is lost where the turn has tools", forgets(lambda at: at.asked.get("tools"))),
    "forgets_beside_instructions": (
        "the history is lost where the turn has instructions",
        forgets(lambda at: at.asked.get("instructions")),
    ),
    "forgets_the_unstreamed": (
        "what was not streamed is not in the history",
        {"kept": lambda kept, at: [] if unstreamed(at) else kept},
    ),
    "resolves_streamed_only": (
        "a response that was not streamed is no parent",
        parent_if(lambda f, at: found(f) and unstreamed(f.at), lambda f, at: lost(at)),
    ),
    "forgets_over_the_other": (
        "a response made over the other transport is taken without its history",
        forgets(lambda at: at.parent is not None and at.parent.at.socket != at.socket),
    ),
    "unknown_over_the_other": (
        "a response made over the other transport is unknown",
        parent_if(lambda f, at: found(f) and f.at.socket != at.socket, lambda f, at: lost(at)),
    ),
    "lost_is_forgotten_on_socket": (
        "an unknown parent is answered without a history over the WebSocket",
        parent_if(lambda f, at: is_lost(f, at) and at.socket, no_parent),
    ),
    "lost_is_the_last": (
        "an unknown parent means the last response",
        parent_if(
            lambda f, at: is_lost(f, at) and at.stand_in.held,
            lambda f, at: next((h for h in reversed(at.stand_in.held.values()) if h.owner == at.principal), f),
        ),
    ),
    "ids_by_prefix": ("an id resolves though its end is another", parent_if(is_lost, by_prefix)),
    "call_turns_are_not_kept": (
        "a response that called a tool is no parent",
        parent_if(
            lambda f, at: found(f) and any(i["type"] == "function_call" for i in f.body["output"]),
            lambda f, at: lost(at),
        ),
    ),
    "cut_turns_are_lost": (
        "a response that was cut is taken without its history",
        forgets(lambda at: at.parent is not None and at.parent.body["status"] == "incomplete"),
    ),
    "cut_output_is_dropped": (
        "what was cut is not in the history",
        {"past": lambda past, at: [i for i in past if i.get("status") != "incomplete"]},
    ),
    "head_moves": ("a parent that was gone on from means its newest child", parent_if(lambda f, at: found(f), newest)),
    "second_child_refused": (
        "a parent can be gone on from once",
        {"parent": lambda f, at: lost(at) if found(f) and at.count(("child", f.id)) >= 1 else f},
    ),
    "second_child_forgets": (
        "a parent's second child has no history",
        {"past": lambda past, at: [] if at.count(("past", at.parent.id)) >= 1 else past},
    ),
    "refusal_forgets_history": (
        "a refused turn leaves its parent without history",
        {
            "refused": lambda r, at: (at.notes.setdefault("bare", set()).add(at.asked.get("previous_response_id")), r)[
                1
            ],
            "past": lambda past, at: [] if at.parent.id in at.notes.get("bare", ()) else past,
        },
    ),
    "mangles_letters": (
        "letters beyond ASCII are mangled in the store",
        {"kept": lambda kept, at: [latin(i) for i in kept]},
    ),
    "long_history_is_cut": (
        "a message of the history is cut to 500 characters",
        {"past": lambda past, at: shorten(past, 500, "content")},
    ),
    "history_of_the_last_asked": (
        "two conversations of one key are mixed up",
        {
            "checked": lambda given, at: [*at.notes.get(("said", at.principal), []), *given],
            "kept": lambda kept, at: (
                at.notes.update({("said", at.principal): [i for i in kept if words(i)][-1:]}),
                kept,
            )[1],
        },
    ),
}
