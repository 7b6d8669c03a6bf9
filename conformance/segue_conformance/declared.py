"""What an endpoint declares for one wire, and which profiles it can't claim there for want of it (spec: profiles)."""

from __future__ import annotations

from collections.abc import Iterable

from segue_adapters.wires.extension import is_declared, plain_wire
from segue_schemas import models

from . import requirements
from .extended import SEGUE_WIRES

__all__ = ["features_of", "lacking", "tiers_of"]

# What OpenAI's wires carry by themselves, of what a document may list for them because of the extension.
_PLAIN = {"openai-ws": ("warm_up", "lanes"), "openai-http": ("final", "delete", "get")}
_PLAIN_TIERS = {"openai-ws": ("connection", "cached", "durable"), "openai-http": ("none", "cached", "durable")}


def features_of(document: models.Discovery, wire: str) -> list[str]:
    """Return the features that are declared for a wire: those of its binding, else those of the endpoint."""
    listed = list(document.capabilities.features)
    for binding in document.bindings:
        if binding.wire == plain_wire(wire) and isinstance(binding.features, list):
            listed = list(binding.features)
    return [one for one in listed if one in _PLAIN[wire]] if _lists_more(document, wire) else listed


def tiers_of(document: models.Discovery, wire: str) -> list[str]:
    """Return the tiers of retention that are declared for a wire."""
    listed: list[str] = list(document.capabilities.retention)
    for binding in document.bindings:
        if binding.wire == plain_wire(wire) and isinstance(binding.retention, list):
            listed = list(binding.retention)
    return [tier for tier in listed if tier in _PLAIN_TIERS[wire]] if _lists_more(document, wire) else listed


def _lists_more(document: models.Discovery, wire: str) -> bool:
    """Whether the document lists for this wire what only the extension carries."""
    return wire not in SEGUE_WIRES and is_declared(document, wire)


def lacking(document: models.Discovery | None, wires: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return by wire and profile what the profile needs and the endpoint does not offer there (SEG-PROF-003).

    Without a document nothing is declared, and what is offered is found by asking: then nothing is said to be lacking.
    """
    found = dict[tuple[str, str], str]()
    for wire in wires if document is not None else ():
        assert document is not None
        offered, tiers = features_of(document, wire), tiers_of(document, wire)
        for profile, needs in requirements.load().profiles.items():
            missing = [f"`{feature}`" for feature in needs.features if feature not in offered]
            if needs.tiers and not any(tier in tiers for tier in needs.tiers):
                missing.append(f"retention {' or '.join(needs.tiers)}")
            if missing:
                found[wire, profile] = f"not offered: {', '.join(missing)}"
    return found
