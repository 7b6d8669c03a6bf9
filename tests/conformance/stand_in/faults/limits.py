"""Faults in the area limits: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..endpoint import Refused
from ..seams import Seam
from .refusals import cut_words, refuse, words

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "limit_is_a_word_more": (
        "output is longer than max_output_tokens",
        {
            "asked": lambda a, at: (
                {**a, "max_output_tokens": a["max_output_tokens"] * 3}
                if isinstance(a.get("max_output_tokens"), int)
                else a
            )
        },
    ),
    "usage_is_over_the_limit": (
        "more output tokens are told than the limit allows",
        {
            "body": lambda b, at: (
                {
                    **b,
                    "usage": {
                        **b["usage"],
                        "output_tokens": b["usage"]["output_tokens"] + 30,
                        "total_tokens": b["usage"]["total_tokens"] + 30,
                    },
                }
                if b["status"] == "incomplete"
                else b
            )
        },
    ),
    "long_input_is_cut": (
        "a message is cut to 4 KB in silence",
        {
            "checked": lambda g, at: [
                {**i, "content": i["content"][:4096]} if isinstance(i.get("content"), str) else i for i in g
            ]
        },
    ),
    "long_input_is_cut_at_64k": (
        "a message is cut to 64 KB in silence",
        {
            "checked": lambda g, at: [
                {**i, "content": i["content"][:65536]} if isinstance(i.get("content"), str) else i for i in g
            ]
        },
    ),
    "long_input_is_500": (
        "a message of 64 KB is answered 500",
        {"checked": lambda g, at: refuse(Refused(500, "server_error", "Too large.")) if words(g) > 60_000 else g},
    ),
    "many_items_are_cut": ("of many items only the last 20 are seen", {"checked": lambda g, at: g[-20:]}),
    "long_instructions_are_cut": (
        "instructions are cut to 1 KB in silence",
        {"settings": lambda s, at: {**s, "instructions": (s.get("instructions") or "")[:1024]}},
    ),
    "long_output_is_cut": (
        "an answer of more than 60 words is cut in silence",
        {"output": lambda o, at: cut_words(o, 60)},
    ),
}
