"""Performs single checks on a stand-in, which is found by probing as a user's endpoint is."""

from __future__ import annotations

import asyncio

from segue_adapters.discovery import find
from segue_adapters.transports.base import Options
from segue_conformance.execution import Execution
from segue_conformance.mutants import KEYS
from segue_conformance.recorder import Recorder
from segue_conformance.registry import Catalogue
from segue_conformance.results import CheckResult
from segue_conformance.settings import Settings
from segue_conformance.subject import Budget, Subject

__all__ = ["Judge"]


class Judge:
    """One run on one URL: its subjects share a budget, and so what one check recorded for others."""

    def __init__(self, url: str, *, timeout: float = 8.0) -> None:
        self.catalogue = Catalogue.load()
        self.settings = Settings(
            url=url, model="scripted", api_key=KEYS["first"], second_api_key=KEYS["second"], timeout=timeout
        )
        self.found = asyncio.run(find(url, Options(api_key=KEYS["first"]), model="scripted"))
        self.execution = Execution(self._subject, timeout=timeout, second_key=True)
        self._offers = {offer.wire: offer for offer in self.found.offers}
        self._budget = Budget()

    @property
    def wires(self) -> list[str]:
        return list(self._offers)

    def _subject(self, wire: str) -> Subject:
        recorder = Recorder(self.settings.secrets)
        return Subject(self._offers[wire], self.settings, recorder, budget=self._budget)

    def perform(self, check: str, wire: str) -> CheckResult:
        return self.execution.perform(self.catalogue[check], wire)

    def close(self) -> None:
        self.execution.close()
