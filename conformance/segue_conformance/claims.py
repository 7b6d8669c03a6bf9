"""What works though it is declared nowhere: information for the report, and no verdict.

What is declared and does not work is a failure of its own (`claims.features_are_kept`). On Segue's wires what works
undeclared is one too, since a message that needs an unlisted feature has to be refused (SEG-CAP-011); on OpenAI's
wires nobody declares anything unless there is a discovery document, so that this is how it is learned.
"""

from __future__ import annotations

from collections.abc import Iterable

from segue_schemas import models

from .extended import EXTENDED
from .results import CheckResult
from .verdicts import Verdict

__all__ = ["undeclared"]

#: By feature, the checks of which each that passes shows on an OpenAI wire that it is there.
_SHOWN_BY = {
    "warm_up": ("liveness.warm_up_is_history", "warm_up.in_a_chain"),
    "lanes": ("lanes.lanes_run_side_by_side", "wire_openai_ws.lane_names"),
    "get": ("stored_responses.read_is_what_was_answered",),
    "delete": ("retention.deleted_handle_is_gone", "stored_responses.deleted_is_gone"),
    "final": ("turns.final_delivery", "wire_openai_http.whole_answer"),
}


def undeclared(results: Iterable[CheckResult], document: models.Discovery | None) -> tuple[str, ...]:
    """Return a sentence for each wire on which features work that are not declared for it."""
    shown: dict[str, list[str]] = {}
    passed = [r for r in results if r.verdict is Verdict.PASS and r.wire in EXTENDED]
    for result in passed:
        for feature, checks in _SHOWN_BY.items():
            known = shown.setdefault(result.wire, [])
            if result.check in checks and feature not in known and feature not in _declared(document, result.wire):
                known.append(feature)
    why = "there is no discovery document" if document is None else "the discovery document does not list them there"
    return tuple(
        f"Works on {wire} and is declared nowhere: {', '.join(sorted(features))} ({why})."
        for wire, features in shown.items()
        if features
    )


def _declared(document: models.Discovery | None, wire: str) -> list[str]:
    if document is None:
        return []
    for binding in document.bindings:
        if binding.wire == wire and isinstance(binding.features, list):
            return list(binding.features)
    return list(document.capabilities.features)
