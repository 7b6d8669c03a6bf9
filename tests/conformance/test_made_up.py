"""An id that is made up is never the one that it is made of: whoever holds that rightly goes on from it."""

from __future__ import annotations

import pytest
from segue_adapters import draws
from segue_conformance.made_up import like

ISSUED = (
    "resp_0123456789abcdef",
    "c_BuHbVDkU5Uwu7PjTFGkiApFsPWI",
    "chatcmpl-Zz9",
    "7",
    "01J9Z3NDEKTSV4RRFFQ69G5FAV",
    "---",
)


@pytest.mark.parametrize("identifier", ISSUED)
@pytest.mark.parametrize("drawn", [1, 4, 20])
def test_it_is_another_of_the_same_form(identifier: str, drawn: int) -> None:
    for seed in range(200):
        with draws.seeded(f"{identifier}{seed}"):
            made = like(identifier, drawn)
        assert made != identifier
        assert made.startswith(identifier[:2] if "_" in identifier else "")
        assert all(a.isalnum() == b.isalnum() for a, b in zip(identifier, made, strict=False))
