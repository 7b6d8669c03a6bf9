"""Serves an endpoint of ours on a free port, in a thread, and performs single checks on it: no pytest inside pytest."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future

from segue_adapters.discovery import Found
from segue_conformance.execution import Execution
from segue_conformance.mutants import KEYS, Mutant
from segue_conformance.recorder import Recorder
from segue_conformance.registry import FIRST, Catalogue
from segue_conformance.results import CheckResult
from segue_conformance.settings import Settings
from segue_conformance.subject import Subject
from segue_conformance.virtual.world import wires_of
from segue_gateway.server import serving


@contextlib.contextmanager
def served(mutant: Mutant) -> Iterator[str]:
    """Give the base URL of a mutant (or of the reference) while a thread of its own serves it."""
    ready: Future[str] = Future()
    stop = threading.Event()

    async def serve() -> None:
        try:
            async with serving(mutant.endpoint()) as url:
                ready.set_result(url)
                while not stop.is_set():
                    await asyncio.sleep(0.02)
        except BaseException as fault:
            if not ready.done():
                ready.set_exception(fault)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield ready.result(20)
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive(), "the endpoint did not end"


class Judge:
    """Performs checks on one served endpoint."""

    def __init__(self, url: str, *, timeout: float = 8.0) -> None:
        self.catalogue = Catalogue.load()
        self.settings = Settings(
            url=f"{url}/v1", model="scripted", api_key=KEYS["first"], second_api_key=KEYS["second"], timeout=timeout
        )
        self.found: Found = asyncio.run(wires_of(self.settings.url))
        self._offers = {offer.wire: offer for offer in self.found.offers}
        self._execution = Execution(self._subject, timeout=timeout, second_key=True)

    @property
    def wires(self) -> list[str]:
        return list(self._offers)

    def _subject(self, wire: str) -> Subject:
        recorder = Recorder(self.settings.secrets)
        return Subject(self._offers[wire], self.settings, recorder, document=self.found.document)

    def perform(self, check: str, wire: str) -> CheckResult:
        return self._execution.perform(self.catalogue[check], wire)

    def close(self) -> None:
        self._execution.close()


__all__ = ["FIRST", "Judge", "served"]
