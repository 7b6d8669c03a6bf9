"""Faults in the area warm-up: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..seams import Seam
from .refusals import gone, held, silent, takes, warm_parent

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "warm_up_has_no_id": (
        "a warm-up is no parent",
        {"parent": lambda f, at: gone(at) if held(f) and f.at.asked.get("generate") is False else f},
    ),
    "warm_up_is_billed": (
        "a warm-up bills output tokens",
        {
            "body": lambda b, at: (
                {**b, "usage": {**b["usage"], "output_tokens": 5, "total_tokens": b["usage"]["input_tokens"] + 5}}
                if silent(at)
                else b
            )
        },
    ),
    "warm_up_has_an_empty_message": (
        "a warm-up has an empty message",
        {"output": lambda o, at: [at.stand_in._message([""])] if silent(at) else o},
    ),
    "warm_up_never_ends": ("a warm-up has no terminal event", {"events": lambda e, at: e[:-1] if silent(at) else e}),
    "warm_up_is_incomplete": (
        "a warm-up ends incomplete",
        {
            "body": lambda b, at: (
                {**b, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
                if silent(at)
                else b
            )
        },
    ),
    "warm_up_forgets_its_parent": (
        "a warm-up with a parent loses the history before it",
        {"past": lambda p, at: [] if silent(at) else p},
    ),
    "warm_up_in_a_chain_generates": (
        "a warm-up with a parent generates",
        {
            "asked": lambda a, at: (
                {n: v for n, v in a.items() if n != "generate"} if a.get("previous_response_id") else a
            )
        },
    ),
    "warm_up_keeps_nothing_of_lists": (
        "a warm-up keeps its last item only",
        {"kept": lambda k, at: k[-1:] if silent(at) else k},
    ),
    "warm_up_survives": (
        "a warm-up with `store: false` resolves everywhere",
        {"stores": lambda s, at: s or silent(at)},
    ),
    "warm_up_is_used_once": (
        "a warm-up can be gone on from once",
        {
            "parent": lambda f, at: (
                gone(at) if held(f) and f.at.asked.get("generate") is False and at.count(("warm", f.id)) else f
            )
        },
    ),
    "warm_up_is_answered_later": (
        "the turn behind a warm-up answers nothing",
        {"output": lambda o, at: [] if warm_parent(at) else o},
    ),
    "generate_true_is_a_warm_up": (
        "`generate: true` is taken as a warm-up",
        takes("generate", lambda v: v is True, False),
    ),
}
