"""What a provider makes nothing of, learned from what it says: some tell by `ignored` in their own turn.accepted.

That comes behind the acceptance of the turn here, which is where a client is told (SEG-CTX-031). So it is told from the
next turn on; a setting without which the answer is another one ends the turn instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue_schemas import models

from ..pointers import value_at
from .base import DECISIVE, EngineFailure

__all__ = ["Unheeded"]

_MOST = 64


class Unheeded:
    """Settings without effect, by place and value: of another value the provider may make something."""

    def __init__(self) -> None:
        self._known: list[tuple[str, Any]] = []

    def among(self, context: Mapping[str, Any]) -> list[str]:
        """Return pointers to those that stand in a context."""
        return [place for place, value in self._known if value == value_at(context, place)]

    def told(self, context: Mapping[str, Any], ignored: Sequence[str], known: Sequence[str]) -> None:
        """Take what a provider said of a turn; EngineFailure for a decisive setting of which its client is not told."""
        fresh = [place for place in ignored if place not in known]
        learned = [(place, value) for place in fresh if (value := value_at(context, place)) is not None]
        self._known = [*self._known, *learned][-_MOST:]
        if decisive := [place for place in fresh if place.startswith(DECISIVE)]:
            told = f"The provider can make nothing of the setting {decisive[0]}; leave it out."
            place = "/context" + decisive[0]
            raise EngineFailure(
                models.Error(code="not_offered", advice="fix", effect="unknown", message=told, param=place)
            )
