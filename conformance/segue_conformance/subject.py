"""The endpoint under test, as a check sees it: clients that hold turns, and raw access for what one wire frames.

A check never imports a wire. Every wait is limited, every request counted against the budget, every frame recorded.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import msgspec
from segue_adapters.client import Input, Session, message_items
from segue_adapters.discovery import Offer
from segue_adapters.errors import TransportError, WrongKind
from segue_adapters.links import HTTPLink, WebSocketLink, open_link
from segue_adapters.transports.base import Between, Options
from segue_adapters.transports.http import HTTPPool, Streaming
from segue_adapters.transports.websocket import Socket, open_socket
from segue_adapters.turn import Outcome, Turn
from segue_adapters.wires.base import Answer, Request, turn_name
from segue_adapters.wires.extension import declaration, plain_wire
from segue_schemas import item_digest, models

from .account import Account
from .budget import Budget, Pace
from .connecting import options_of
from .declared import features_of, tiers_of
from .extended import SEGUE_WIRES, is_extended
from .recorder import Recorder
from .registry import STATELESS
from .settings import Settings
from .translated import TranslatedSocket
from .unstored import learn, only_unstored, refuses_to_store
from .verdicts import Busy, CheckSignal, Deviation, Inconclusive, NotOffered, Untestable

__all__ = ["INHERIT", "Budget", "Client", "Subject"]

#: Send no context at all, so that the endpoint has to go on with the parent's.
INHERIT: dict[str, Any] = {}

#: What is asked over the routes of Segue over HTTP, also beside OpenAI's wire with the extension.
_ROUTES = ("/turns/", "/contexts/", "/continuations")
#: The tiers of retention, the weakest first.
_TIERS: tuple[models.Retention, ...] = ("none", "connection", "cached", "durable")
#: Those by which a turn can be gone on from, in the order in which checks take them.
_KEPT: tuple[models.Retention, ...] = ("cached", "durable", "connection")
#: Seconds that the end of a stream may come behind its terminal event before the suite goes on without it.
_STREAM_END = 0.5
#: How often a turn that met a rate limit is asked for again, and seconds that are waited for it at most.
_REPEATS, _LONGEST_WAIT = 2, 10.0
#: Continuations that a whole run may well make, so that an endpoint with no more room gives up some of them.
_FEW = 32
_BUSY = ("rate_limited", "quota_exceeded", "overloaded")
#: Where a wire has the key in a header of its own.
_KEY_HEADERS = {"anthropic": "x-api-key"}


class Subject:
    """One wire of the endpoint, for one check."""

    def __init__(
        self,
        offer: Offer,
        settings: Settings,
        recorder: Recorder,
        *,
        document: models.Discovery | None = None,
        budget: Budget | None = None,
        pace: Pace | None = None,
        account: Account | None = None,
        between: Callable[[str], Between] | None = None,
    ) -> None:
        self.wire = offer.wire
        self.url = offer.url
        self.routes = offer.routes
        self.settings = settings
        self.recorder = recorder
        self.document = document
        self.budget = budget or Budget()
        self.requests = 0
        self.account = account
        self._between = between
        self._pace = pace
        #: Whether a stored response was seen to be read from the store, on the wire where it need not be (openai-ws).
        self.reads_store = False
        self._labels = itertools.count(1)
        self._sessions: set[Session] = set()

    # -- what it is

    @property
    def native(self) -> bool:
        """Whether clients speak of turns here as on Segue's own wires: those, and OpenAI's with the extension."""
        return self.wire in SEGUE_WIRES

    @property
    def extended(self) -> bool:
        """Whether this is one of OpenAI's wires with the extension."""
        return is_extended(self.wire)

    @property
    def stateless(self) -> bool:
        """Whether every request on this wire brings the whole history."""
        return self.wire in STATELESS

    @property
    def is_stream(self) -> bool:
        """Whether this wire is a connection with state (WebSocket)."""
        return plain_wire(self.wire).endswith("-ws")

    @property
    def capabilities(self) -> models.Capabilities | None:
        """What the discovery document declares; None without one."""
        return None if self.document is None else self.document.capabilities

    @property
    def limits(self) -> models.Limits | None:
        """The limits that the discovery document declares; None without one."""
        return None if self.document is None else self.document.limits

    def same_item(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        """Whether two items that were told are the same: by their digest where OpenAI's events add what they need."""
        return one == other or (self.extended and item_digest(one) == item_digest(other))

    def needs(self, feature: str) -> None:
        """Skip the check unless the endpoint offers a feature on this wire."""
        if self.capabilities is None:
            raise NotOffered(f"`{feature}` is not declared: there is no discovery document")
        if feature not in self.features():
            raise NotOffered(f"`{feature}` is not offered")

    def features(self) -> list[str]:
        """Return the features that are declared for this wire; none without a discovery document."""
        return [] if self.document is None else features_of(self.document, self.wire)

    def tiers(self) -> list[str]:
        """Return the retention tiers that are declared for this wire; without a document, what OpenAI's wires have."""
        if self.document is not None:
            return tiers_of(self.document, self.wire)
        least = self.least_retention
        return [least] if self.stores_nothing or self.stateless else [least, "cached"]

    @property
    def default_tier(self) -> models.Retention | None:
        """The tier that a turn gets here which asks for none in particular; None where that is not declared."""
        if self.capabilities is None:
            return None
        told = self.capabilities.default_retention
        offered: list[str] = list(self.capabilities.retention)
        default = told if isinstance(told, str) else min(offered, key=_TIERS.index, default="none")
        carried = [tier for tier in _TIERS[_TIERS.index(default) :] if tier in self.tiers()]
        return carried[0] if carried else None

    @property
    def kept_tier(self) -> models.Retention | None:
        """The tier to ask for where a check means to go on from a turn; None where the default is kept anyway."""
        default = self.default_tier
        if not self.native or self.extended or self.capabilities is None or default not in (None, "none"):
            return None  # over OpenAI's wires `store` asks for it
        kept = next((tier for tier in _KEPT if tier in self.tiers()), None)
        # Without a default on this wire every start has to name its tier, and be it the weakest.
        return kept if kept is not None or default is not None or "none" not in self.tiers() else "none"

    @property
    def stores_nothing(self) -> bool:
        """Whether the endpoint was found to take only `store: false` on this wire."""
        return not self.native and only_unstored(self.budget, self.wire)

    @property
    def least_retention(self) -> models.Retention:
        """What `store: false` asks for on this wire."""
        return "connection" if self.is_stream else "none"

    def needs_tier(self, *wanted: models.Retention) -> models.Retention:
        """Return the first of these tiers that is declared; skip the check where none is."""
        for tier in wanted:
            if tier in self.tiers():
                return tier
        raise NotOffered(f"retention {' or '.join(wanted)} is not offered")

    def needs_keys(self) -> None:
        """Skip the check where nobody needs a key: there is no wrong one, and nobody to be kept apart."""
        if self.capabilities is not None and self.capabilities.principal == "single":
            raise NotOffered("nobody needs a key here: all callers are one principal")

    def base_context(self, **settings: Any) -> dict[str, Any]:
        """Return a context: the model and the members that were asked for, and these settings."""
        model = {} if self.settings.model is None else {"model": self.settings.model}
        return {**self.settings.extra_body, **model, **settings}

    # -- clients

    def options(self, *, second: bool = False, key: str | None = None, compress: bool = True) -> Options:
        """Return how to connect: as the first principal, the second, or with another key altogether."""
        own = self.settings.second_api_key if second else self.settings.api_key
        principal = "other" if key is not None else "second" if second else "first"
        tap = self.recorder.line(principal)
        options = options_of(
            self.settings, key=own if key is None else key, tap=tap, pace=self._pace, compress=compress
        )
        return options if self._between is None else replace(options, between=self._between(principal))

    @asynccontextmanager
    async def open(self, *, second: bool = False) -> AsyncIterator[Client]:
        """Give a client: over a WebSocket a connection of its own, over HTTP a pool."""
        if second:
            self.needs_keys()
        label = f"{self.wire.rpartition('-')[2]}{next(self._labels)}" + (" (second key)" if second else "")
        # Bare sockets offer compression, as some clients do; these do not, as others: both are tried.
        options = self.options(second=second, compress=False)
        with _patient():
            link = await open_link(self.wire, self.url, options, label=label, routes=self.routes)
        session = Session(link, self.wire, context=self.base_context(), limit=self.settings.timeout)
        self._sessions.add(session)
        try:
            yield Client(self, session)
        finally:
            self._sessions.discard(session)
            await session.close()

    async def aclose(self) -> None:
        """Close what a check left open: one that was given up in the middle closes nothing itself."""
        for session in list(self._sessions):
            self._sessions.discard(session)
            await session.close()
        if self.account is not None:
            self.account.close()

    def spend(self) -> None:
        """Count one request against the budget."""
        self.budget.spend()
        self.requests += 1

    @property
    def tokens(self) -> int:
        """How many tokens its turns have cost so far."""
        return self.account.tokens if self.account is not None else 0

    # -- raw access, for checks of what one wire frames

    @asynccontextmanager
    async def socket(
        self,
        *,
        key: str | None = None,
        subprotocols: tuple[str, ...] | None = None,
        bare: bool = False,
        declare: bool = True,
    ) -> AsyncIterator[Socket]:
        """Give a bare WebSocket on this wire's URL.

        With the extension its frames are messages, as on a Segue wire, unless `bare` asks for the frames themselves;
        `declare=False` leaves its header out.
        """
        own = ("segue.v1",) if self.native and not self.extended else ()
        wanted = own if subprotocols is None else subprotocols
        label = f"raw{next(self._labels)}"
        options = self.options(key=key)
        if self.extended and declare:
            options = replace(options, headers={**options.headers, **declaration()})
        with _patient():
            socket = await open_socket(self.url, options, subprotocols=wanted, label=label)
        try:
            yield TranslatedSocket(socket) if self.extended and not bare else socket
        finally:
            await socket.close()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        key: str | None = None,
        base: str | None = None,
        **headers: str,
    ) -> AsyncIterator[Streaming]:
        """Give the answer to a bare HTTP request below this wire's URL while it comes; names of headers with `_`."""
        self.spend()
        if base is None and self.extended and path.startswith(_ROUTES):
            if self.routes is None:
                raise NotOffered("Segue over HTTP is not served beside this wire")
            base = self.routes
        pool = HTTPPool(base or self.url, self.options(key=key))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            asked = Request(method, path, named, body, key_header=_KEY_HEADERS.get(self.wire, "authorization"))
            for left in reversed(range(_REPEATS + 1)):
                async with pool.stream(asked) as answer:
                    if not _is_busy(answer):
                        yield answer
                        return
                    wait = _wait_of(answer)
                    if not left:
                        raise Busy(f"the endpoint is busy: it answered {answer.status}", wait)
                await asyncio.sleep(min(wait, _LONGEST_WAIT))
                self.spend()
        finally:
            await pool.close()

    async def send_part(self, method: str, path: str, body: bytes, size: int, **headers: str) -> None:
        """Send the first `size` bytes of a bare HTTP request's body, as if the rest came, and hang up."""
        self.spend()
        pool = HTTPPool(self.url, self.options())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with suppress(TransportError):
                await pool.send_part(Request(method, path, named, body), size)
        finally:
            await pool.close()

    async def fetch(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        key: str | None = None,
        base: str | None = None,
        **headers: str,
    ) -> Answer:
        """Return the whole answer to a bare HTTP request below this wire's URL."""
        async with self.request(method, path, body, key=key, base=base, **headers) as answer:
            data = b"".join([chunk async for chunk in answer.chunks()])
            return Answer(answer.status, dict(answer.headers), data)


class Client:
    """One principal's session, with the words of a check: `turn` for what is judged, `say` for what leads up to it."""

    def __init__(self, subject: Subject, session: Session) -> None:
        self.subject = subject
        self.session = session
        # What an OpenAI wire promises to hold: by lane the response that a WebSocket has in memory, and not what was
        # answered with `store: false` over HTTP.
        self._newest: dict[str | None, str] = {}
        self._unkept: set[str] = set()
        self._excuse: tuple[Outcome, CheckSignal] | None = None

    @property
    def welcome(self) -> models.Welcome | None:
        """The welcome, on the wire that has one."""
        return self.session.welcome

    async def start(self, input: Input, **options: Any) -> Turn:
        """Start a turn and return it while it runs. Options as `Session.turn`; `context=INHERIT` sends none.

        `broken=True` says that the turn is meant to be invalid; every other one has to be valid.
        """
        self.subject.spend()
        context, broken = options.pop("context", None), options.pop("broken", False)
        if self.subject.stores_nothing:
            options.setdefault("retention", self.subject.least_retention)
        elif self.subject.kept_tier is not None:
            options.setdefault("retention", self.subject.kept_tier)
        if context is INHERIT:
            start = models.TurnStart(turn=options.pop("name", None) or turn_name(), input=message_items(input))
            parent = options.pop("parent", None)
            if parent is not None:
                start.parent = parent.id if isinstance(parent, models.Continuation) else parent
            for member, value in options.items():
                setattr(start, member, value)
            if not broken:
                _own(start)
            return await self.session.start(start)
        context = self.subject.base_context() if context is None else context
        turn = await self.session.turn(input, context=context, **options)
        if not broken:
            _own(turn.result.start)
        return turn

    async def turn(self, input: Input, **options: Any) -> Outcome:
        """Return what became of a turn. Inconclusive where the endpoint is only too busy to say, time and again."""
        outcome = await (await self.start(input, **options)).outcome()
        if not self.subject.native and refuses_to_store(outcome):
            learn(self.subject.budget, self.subject.wire)
            outcome = await (await self.start(input, **options)).outcome()
        if not self.subject.native and refuses_to_store(outcome, asked=True):
            raise NotOffered("`store: true` is refused")
        for _ in range(_REPEATS):
            waits = ("rate_limited",) if self.subject.native else ("rate_limited", "overloaded")
            if outcome.refused is None or outcome.refused.code not in waits:
                break
            wait = outcome.refused.retry_after_ms
            await asyncio.sleep(min(wait / 1000 if isinstance(wait, int) else 1.0, _LONGEST_WAIT))
            outcome = await (await self.start(input, **options)).outcome()
        link = self.session.link
        if isinstance(link, HTTPLink) and not self.subject.native:
            # A stream may end a little behind its terminal event, and one endpoint was found that stores the response
            # in between: a client that goes on at once is then told, now and then, that there is no such parent.
            await link.settled(_STREAM_END)
        if not self.subject.native:
            self._remember(outcome)
        return self.judged(outcome)

    def _remember(self, outcome: Outcome) -> None:
        start, told = outcome.start, outcome.continuation
        if not isinstance(start, models.TurnStart):
            return
        stored = start.retention not in ("none", "connection")
        lane = start.lane if isinstance(start.lane, str) else None
        parent = start.parent if isinstance(start.parent, str) else None
        if parent in self._unkept and outcome.refused is not None:
            self._excuse = (outcome, Untestable("the Response said `store: false`, so that nothing can go on from it"))
        if not self.subject.is_stream:
            if told is not None and told.retention == "none" and (stored or self.subject.stores_nothing):
                self._unkept.add(told.id)
            return
        older = parent is not None and parent not in self._newest.values()
        if told is not None:
            self.subject.reads_store |= older and stored
            self._newest[lane] = told.id
        elif outcome.refused is not None:
            if older and not self.subject.reads_store and outcome.refused.code == "continuation_not_found":
                told_lost = "an older response was told to be lost: over this wire it need not be read from a store"
                self._excuse = (outcome, Inconclusive(told_lost))
            if self._newest.get(lane) == parent:
                self._newest.pop(lane, None)

    def excuse(self, outcome: Outcome) -> Outcome:
        """Return an outcome, unless it is a miss that an OpenAI wire documents: then say what that makes of the check.

        Over HTTP a response that was not stored is no parent. A WebSocket holds the latest response of each lane, and
        a refused turn takes its parent away there; an older one MAY be read from the store, so that only an endpoint
        that was seen to read one has to. On Segue's own wires it may be given up where little room is declared.
        """
        if self._excuse is not None and outcome is self._excuse[0]:
            raise self._excuse[1]
        bound = self.subject.limits.continuations if self.subject.limits is not None else None
        lost = outcome.refused is not None and outcome.refused.code == "continuation_not_found"
        if self.subject.native and lost and isinstance(bound, int) and bound <= _FEW:
            # What is cached is kept as well as can be, and a miss was told (SEG-CONT-045).
            raise Inconclusive(f"the parent is held no more, there being room for {bound} continuations")
        return outcome

    def judged(self, outcome: Outcome) -> Outcome:
        """Return the outcome unless it says nothing about the endpoint's rules: a rate limit is no verdict."""
        accepted = outcome.accepted
        if self.subject.extended and accepted is not None and not isinstance(accepted.context, str):
            raise Deviation(
                "a request of a declared client was answered as on the plain wire",
                expected="`segue.accepted` with the name of its turn and its context",
                actual="neither of both in its first event",
                requirement="SEG-EXT-010",
            )
        error = outcome.error
        if error is not None and error.code in _BUSY:
            wait = error.retry_after_ms / 1000 if isinstance(error.retry_after_ms, int) else None
            raise Busy(f"the endpoint is busy: {error.code}: {error.message}", wait)
        return outcome

    async def say(self, input: Input, **options: Any) -> Outcome:
        """Return a turn that has to work for the check to mean anything; Untestable where it does not."""
        outcome = self.excuse(await self.turn(input, **options))
        if outcome.completed is None:
            error = outcome.error
            told = f"{error.code}: {error.message}" if error else "no answer"
            if self.subject.native and outcome.refused is not None and error is not None and _is_setting(error):
                raise NotOffered(f"a setting that the check stands on is not honoured: {told}")
            raise Untestable(f"a turn that leads up to the check did not complete ({told})")
        return outcome

    async def handle(self, input: Input, **options: Any) -> tuple[models.Continuation, Outcome]:
        """Return the continuation of a turn that has to work, and its outcome."""
        outcome = await self.say(input, **options)
        return handle_of(outcome), outcome

    async def under_way(self, turn: Turn) -> bool:
        """Read a turn up to its first delta; return whether it still runs then."""
        while not turn.result.ended and not any(isinstance(e, models.ItemDelta) for e in turn.result.events):
            await turn.next()
        return not turn.result.ended


def _is_setting(error: models.Error) -> bool:
    """Whether a refusal says that a setting of the context has no effect here (SEG-CTX-031)."""
    return error.code == "not_offered" and isinstance(error.param, str) and error.param.startswith("/context/")


@contextmanager
def _patient() -> Iterator[None]:
    """Take a refused upgrade for what it is where it says no more than that too much is asked."""
    try:
        yield
    except WrongKind as fault:
        if fault.status == 429:
            raise Busy(f"the endpoint is busy: {fault.what}") from None
        raise


def _is_busy(answer: Streaming) -> bool:
    """Whether an answer says no more than that too much is asked: 429, or 503 that says when to come again."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def _wait_of(answer: Streaming) -> float:
    """Return the seconds that an answer asks to wait; 1 where it does not say, or says a date."""
    precise, told = answer.headers.get("retry-after-ms", ""), answer.headers.get("retry-after", "")
    return float(precise) / 1000 if precise.isdigit() else float(told) if told.isdigit() else 1.0


def kept(outcome: Outcome) -> Outcome:
    """Return the outcome of a turn that is to have a handle; NotOffered where nothing is kept of it (SEG-CONT-002)."""
    if outcome.accepted is not None and outcome.accepted.retention == "none":
        raise NotOffered("nothing is kept: the turn was granted retention none")
    return outcome


def handle_of(outcome: Outcome) -> models.Continuation:
    """Return the handle that a turn which leads up to a check issued; Untestable where it issued none."""
    kept(outcome)
    if outcome.continuation is None:
        raise Untestable("a turn that leads up to the check issued no continuation")
    return outcome.continuation


def said(value: object, what: str) -> str:
    """Return a member that an endpoint tells as a string; Untestable where it left that out."""
    if not isinstance(value, str):
        raise Untestable(f"the endpoint did not tell {what}")
    return value


def completed(outcome: Outcome, what: str, *, requirement: str | None = None) -> Outcome:
    """Return the outcome if the turn completed; Deviation, with what came instead, if not."""
    if outcome.completed is not None:
        return outcome
    error = outcome.error
    how = "refused" if outcome.refused is not None else "failed"
    raise Deviation(
        f"{what}, and it was {how}",
        expected="turn.completed",
        actual=f"{error.code}: {error.message}" if error else "nothing",
        requirement=requirement,
        refusal=outcome.refused.code if outcome.refused is not None else None,
    )


def refused(
    outcome: Outcome, what: str, *codes: str, native: bool = True, requirement: str | None = None
) -> models.Error:
    """Return the refusal of a turn that must not run; Deviation if it ran, put out anything, or was told wrongly.

    On a foreign wire a turn that was announced and then failed with no output is a refusal too, and there its code is
    a recommendation: what counts is that the request was called at fault (spec: binding-openai-http).
    """
    outputs = [e for e in outcome.events if isinstance(e, models.ItemStarted | models.ItemDelta | models.ItemCompleted)]
    error = outcome.refused or (outcome.failed.error if outcome.failed and not native else None)
    if outputs or error is None:
        shown = f"an answer: {outcome.text[:200]!r}" if outcome.completed else f"{len(outputs)} output events"
        raise Deviation(
            f"{what}, and it was not refused",
            expected="a refusal before any output" + (f" ({' or '.join(codes)})" if codes else ""),
            actual=shown,
            requirement=requirement,
        )
    if codes and error.code not in codes and not (not native and _client_fault(error)):
        raise Deviation(
            f"{what}, and it was refused as something else",
            expected=" or ".join(codes),
            actual=f"{error.code} ({error.message})" + (f" {error.detail}" if isinstance(error.detail, dict) else ""),
            requirement=requirement,
        )
    return error


def _client_fault(error: models.Error) -> bool:
    """Whether a foreign refusal calls the request at fault: a 400, 404, 409 or 422, or no status at all."""
    status = error.detail.get("status") if isinstance(error.detail, dict) else None
    return status in (400, 404, 409, 422) or (status is None and error.effect == "none")


def _own(message: models.TurnStart | models.TurnResume) -> None:
    """Make sure that what the suite itself sends is valid: its own fault must never be the endpoint's.

    By the models, which are fast; items and contexts are not looked into, since some checks send broken ones.
    """
    msgspec.json.decode(msgspec.json.encode(message), type=type(message))


def own_items(items: Sequence[Mapping[str, Any] | bytes | msgspec.Raw]) -> list[dict[str, Any]]:
    """Return items as a client that rebuilt them would send: without ids, status, or anything sealed."""
    plain = []
    for item in items:
        members = dict(item) if isinstance(item, Mapping) else msgspec.json.decode(item)
        if members.get("type") == "reasoning":
            continue  # readable only to who sealed it, and no part of what was said
        plain.append({name: value for name, value in members.items() if name not in ("id", "status")})
    return plain


__all__ += ["HTTPLink", "WebSocketLink", "completed", "handle_of", "kept", "own_items", "refused"]
