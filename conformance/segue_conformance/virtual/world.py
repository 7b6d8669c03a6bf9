"""One endpoint served in memory, and what performs checks on it: the same stack as over sockets, without waiting.

Over sockets it does the same, with the waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from segue_adapters.discovery import Found, Offer, find
from segue_adapters.errors import SegueError
from segue_adapters.transports.base import Options
from segue_adapters.wires.extension import plain_wire
from segue_gateway.server import serving

from ..budget import Budget
from ..execution import Execution
from ..extended import is_extended
from ..mutants import KEYS, Mutant
from ..recorder import Recorder
from ..registry import EVERY_WIRE, FIRST, Catalogue, Check
from ..results import CheckResult
from ..settings import Settings
from ..subject import Subject
from .loop import Deadlock, Livelock, VirtualLoop

__all__ = ["World", "wires_of"]

#: Seconds since the epoch at which a virtual day begins.
_EPOCH = 1_700_000_000.0
# Where the reference endpoint serves its wires, for an endpoint whose own document does not say it.
_PATHS = {
    "segue-ws": "/segue/v1", "segue-http": "/segue/v1", "openai-ws": "/v1/responses", "openai-http": "/v1",
    "chat": "/v1", "anthropic": "/v1",
}  # fmt: skip


class World:
    """An endpoint in memory. `timeout` is what the checks take for a turn's time, in virtual seconds.

    `stands_on`: perform the plain turn first on each wire and call untestable what stands on it, as a run does.
    `sockets`: serve it over real sockets, in real time. `apart`: let each check do for itself what a run does once for
    all of them.
    """

    def __init__(
        self,
        mutant: Mutant,
        catalogue: Catalogue,
        *,
        timeout: float = 4.0,
        stands_on: bool = True,
        sockets: bool = False,
        apart: bool = False,
    ) -> None:
        self.mutant = mutant
        self._timeout = timeout
        self._sockets = sockets
        self._apart = apart
        self._serving: AbstractAsyncContextManager[str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._found = Found([], "as asked")
        self._settings = Settings(url="")
        # One for all, as in a run: what is recorded once for many checks is kept by it.
        self._budget = Budget()
        self.execution = Execution(
            self._subject,
            timeout=timeout,
            budget=self._budget,
            second_key=True,
            first=catalogue.get(FIRST) if stands_on else None,
            runner=self._begin,
        )

    def begin(self) -> None:
        """Serve the endpoint now, not only when it is needed."""
        self.execution.run(asyncio.sleep(0))

    def perform(self, check: Check, wire: str) -> CheckResult:
        """Return what comes of a check. What it waits for without end is the suite's fault: Deadlock, Livelock."""
        try:
            return self.execution.perform(check, wire)
        except (Deadlock, Livelock):
            self.execution.abandon()
            raise

    def close(self) -> None:
        """End the endpoint in order, and the world with it."""
        if self._serving is not None and self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(Exception):
                self.execution.run(self._end(self._serving))
        self._serving = None
        self.execution.close()

    def _begin(self) -> asyncio.Runner:
        """Return a runner in whose loop the endpoint serves; a world that came to a stop begins anew."""
        runner = asyncio.Runner(loop_factory=None if self._sockets else VirtualLoop)
        self._loop = loop = runner.get_loop()
        try:
            runner.run(self._serve(loop))
        except BaseException:
            runner.close()
            raise
        return runner

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        wall = time.time if self._sockets else lambda: _EPOCH + loop.time()
        endpoint = self.mutant.endpoint(clock=loop.time, wall=wall)
        self._serving = serving(endpoint)
        url = await self._serving.__aenter__()
        self._settings = Settings(
            url=f"{url}/v1",
            model="scripted",
            api_key=KEYS["first"],
            second_api_key=KEYS["second"],
            timeout=self._timeout,
        )
        self._found = await wires_of(self._settings.url)

    async def _end(self, serving: AbstractAsyncContextManager[str]) -> None:
        await serving.__aexit__(None, None, None)

    def _subject(self, wire: str) -> Subject:
        assert self._loop is not None
        offer = next(offer for offer in self._found.offers if offer.wire == wire)
        recorder = Recorder(self._settings.secrets, clock=self._loop.time)
        budget = Budget() if self._apart else self._budget
        return Subject(offer, self._settings, recorder, document=self._found.document, budget=budget)


async def wires_of(url: str) -> Found:
    """Return all wires: what the endpoint says of them, and where they are in truth if it says nothing."""
    options, offers, document = Options(api_key=KEYS["first"]), dict[str, Offer](), None
    # As a run that names its wires: where one is not served at its address, the others are judged all the same.
    for wires in (None, *((wire,) for wire in EVERY_WIRE)):
        if len(offers) == len(EVERY_WIRE):
            break
        with contextlib.suppress(SegueError):
            found = await find(url, options, wires=wires)
            document = document or found.document
            offers |= {offer.wire: offer for offer in found.offers}
    routes = _url("segue-http", url)
    missing = {w: Offer(w, _url(w, url), routes if is_extended(w) else None) for w in EVERY_WIRE if w not in offers}
    return Found([*offers.values(), *missing.values()], "as asked", document)


def _url(wire: str, url: str) -> str:
    plain = plain_wire(wire)
    scheme = "ws" if plain.endswith("-ws") else "http"
    return f"{scheme}://{urlsplit(url).netloc}{_PATHS[plain]}"
