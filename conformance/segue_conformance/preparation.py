"""From settings to something that checks can run on: the wires found, and a subject for each check."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from segue_adapters.discovery import Found, Offer, find
from segue_schemas import models

from .account import Account
from .budget import Budget, Pace
from .cleanup import Leavings
from .connecting import options_of
from .execution import SubjectFactory
from .recorder import Recorder
from .redaction import shown_url
from .results import Target, WireTarget
from .settings import Settings
from .stage import Stage
from .subject import Subject

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A target that answers, and how subjects of it are made; they all spend from one budget, at one pace.

    `offers` are the wires with their URLs; `leavings` is what the subjects make the endpoint keep; `stage` is where it
    happens.
    """

    settings: Settings
    target: Target
    factory: SubjectFactory
    budget: Budget
    document: models.Discovery | None = None
    offers: dict[str, Offer] = field(default_factory=dict)
    leavings: Leavings = field(default_factory=Leavings)
    pace: Pace | None = None
    stage: Stage = field(default_factory=Stage)


def prepare(settings: Settings) -> Prepared:
    """Return what a run needs, after the first contact with the endpoint.

    Raises the TransportError that says in one sentence why there is nothing to check.
    """
    pace = Pace(settings.rate) if settings.rate is not None else None
    options = options_of(settings, key=settings.api_key, pace=pace)
    found = asyncio.run(find(settings.url, options, wires=settings.wires or None, model=settings.model))
    return _of(settings, found, pace)


def _of(settings: Settings, found: Found, pace: Pace | None) -> Prepared:
    offers = {offer.wire: offer for offer in found.offers}
    budget = Budget.of(settings)
    leavings, stage = Leavings(), Stage()

    def charge(tokens: int, estimated: bool) -> None:
        budget.charge(tokens, estimated=estimated)

    def factory(wire: str) -> Subject:
        account = Account(wire, charge, leavings.add)
        recorder = Recorder(settings.secrets, listeners=[account.hear])
        return Subject(
            offers[wire],
            settings,
            recorder,
            document=found.document,
            budget=budget,
            pace=pace,
            account=account,
            between=stage.between,
        )

    target = Target(
        url=shown_url(settings.url),
        wires=tuple(WireTarget(wire=offer.wire, url=shown_url(offer.url)) for offer in found.offers),
        endpoint=found.document.endpoint if found.document is not None else "",
        found_by=found.how,
        model=settings.model or "",
    )
    return Prepared(settings, target, factory, budget, found.document, offers, leavings, pace, stage)
