"""Which settings the scripted model makes something of, so that an endpoint can say which it does not (SEG-CTX-031)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tools import usable

__all__ = ["ignored_by_script"]

# Read by the engine, or without any effect that could be missed: it has one model, drops nothing, and seals on request.
_HEEDED = frozenset(("model", "instructions", "parallel_tool_calls", "max_output_tokens", "truncation", "include"))
# Under these values it runs anyway: always the same answer, plain text, no thoughts.
_ANYWAY: Mapping[str, tuple[Any, ...]] = {"temperature": (0,), "top_p": (1,)}
_INSIDE: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "text": {"format": ({"type": "text"},)},
    "reasoning": {"effort": ("none",), "summary": ("none",)},
}


def ignored_by_script(context: Mapping[str, Any]) -> list[str]:
    """Return JSON Pointers to the members of a context that have no effect; a null asks for nothing."""
    found: list[str] = []
    for name, value in context.items():
        at = "/" + name.replace("~", "~0").replace("/", "~1")
        if value is None or name in _HEEDED or value in _ANYWAY.get(name, ()):
            continue
        if name == "tool_choice":
            found += [] if _chooses(value) else [at]
        elif name == "tools":
            found += [f"{at}/{place}" for place, tool in enumerate(value) if not usable(tool)]
        elif name == "context_management":
            found += [f"{at}/{place}" for place, rule in enumerate(_list(value)) if not _compacts(rule)]
        elif name in _INSIDE and isinstance(value, Mapping):
            known = _INSIDE[name]
            found += [f"{at}/{inner}" for inner in value if value[inner] not in (None, *known.get(inner, ()))]
        else:
            found.append(at)
    return found


def _chooses(choice: object) -> bool:
    """Return whether a `tool_choice` is a word that the script knows, or names a tool by `name` (SEG-CTX-033)."""
    if isinstance(choice, Mapping):
        return isinstance(choice.get("name"), str)
    return choice in ("auto", "none", "required")


def _compacts(rule: object) -> bool:
    return isinstance(rule, Mapping) and rule.get("type") == "compaction"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
