"""The requirement index: every normative sentence of the specification by its id.

In a source tree it is `spec/1.0/requirements.json`; in a wheel it lies beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Index", "IndexMissing", "Needs", "Requirement", "load", "unscored"]

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "requirements.json", _HERE.parent.parent / "spec" / "1.0" / "requirements.json")
_CHECKS = (_HERE / "checks.json", _HERE.parent.parent / "spec" / "checks.json")
_STRICT = ("MUST", "MUST NOT")


class IndexMissing(Exception):
    """The index is not where the suite looks for it, or is no index."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative sentence.

    `untested` says why no check proves it, None where one does; `disputed` is a link to where its meaning is argued
    about, None where nobody does.
    """

    id: str
    keyword: str
    text: str
    profile: str
    chapter: str
    anchor: str
    untested: str | None = None
    disputed: str | None = None

    @property
    def strict(self) -> bool:
        """Whether breaking it is a failure (a MUST), not a warning (a SHOULD)."""
        return self.keyword in _STRICT


@dataclass(frozen=True, slots=True)
class Needs:
    """What an endpoint has to offer to claim a profile: each of the features, and one of the tiers if there are any."""

    features: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()


class Index(Mapping[str, Requirement]):
    """The requirements by id, in the order of the specification; `spec` is its version, `profiles` what they need."""

    def __init__(
        self, spec: str, requirements: Mapping[str, Requirement], profiles: Mapping[str, Needs] | None = None
    ) -> None:
        self.spec = spec
        self.profiles = dict(profiles or {})
        self._requirements = dict(requirements)

    def __getitem__(self, id: str) -> Requirement:
        return self._requirements[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._requirements)

    def __len__(self) -> int:
        return len(self._requirements)


@cache
def load() -> Index:
    """Return the index of the specification that this suite is for; raises IndexMissing."""
    for place in _PLACES:
        if place.is_file():
            return _parse(place)
    looked = " and ".join(str(place) for place in _PLACES)
    raise IndexMissing(f"no requirement index; looked at {looked}; is the installation complete?")


@cache
def unscored() -> frozenset[str]:
    """Return the ids of checks that are newer than the released specification: they run and count for nothing."""
    for place in _CHECKS:
        if place.is_file():
            try:
                return frozenset(json.loads(place.read_bytes())["not_scored"])
            except (ValueError, KeyError, TypeError) as error:
                raise IndexMissing(f"{place} is no list of checks: {error!r}") from None
    return frozenset()


def _parse(path: Path) -> Index:
    try:
        document = json.loads(path.read_bytes())
        known = {
            row["id"]: Requirement(
                id=row["id"],
                keyword=row["keyword"],
                text=row["text"],
                profile=row["profile"],
                chapter=row.get("chapter", ""),
                anchor=row.get("anchor", ""),
                untested=row.get("untested"),
                disputed=row.get("disputed"),
            )
            for row in document["requirements"]
        }
        profiles = {
            name: Needs(tuple(needs["features"]), tuple(needs["tiers"]))
            for name, needs in document.get("profiles", {}).items()
        }
        return Index(document.get("spec", "1.0"), known, profiles)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexMissing(f"{path} is no requirement index: {error!r}") from None
