"""From settings to something that checks can run on: the wires found, and a subject for each check."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from segue_adapters.discovery import Found, find
from segue_adapters.transports.base import Options

from .execution import SubjectFactory
from .recorder import Recorder
from .redaction import shown_url
from .results import Target, WireTarget
from .settings import Settings
from .subject import Budget, Subject

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A target that answers, and how subjects of it are made; they all spend from one budget."""

    settings: Settings
    target: Target
    factory: SubjectFactory
    budget: Budget


def prepare(settings: Settings) -> Prepared:
    """Return what a run needs, after the first contact with the endpoint.

    Raises the TransportError that says in one sentence why there is nothing to check.
    """
    options = Options(
        api_key=settings.api_key,
        headers=settings.headers,
        connect_timeout=min(10.0, settings.timeout),
        silence_timeout=settings.timeout,
        verify=settings.verify,
    )
    found = asyncio.run(find(settings.url, options, wires=settings.wires or None))
    return _of(settings, found)


def _of(settings: Settings, found: Found) -> Prepared:
    offers = {offer.wire: offer for offer in found.offers}
    budget = Budget(settings.max_requests)

    def factory(wire: str) -> Subject:
        recorder = Recorder(settings.secrets)
        return Subject(offers[wire], settings, recorder, document=found.document, budget=budget)

    target = Target(
        url=shown_url(settings.url),
        wires=tuple(WireTarget(wire=offer.wire, url=shown_url(offer.url)) for offer in found.offers),
        endpoint=found.document.endpoint if found.document is not None else "",
        found_by=found.how,
        model=settings.model or "",
    )
    return Prepared(settings, target, factory, budget)
