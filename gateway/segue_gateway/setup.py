"""What is to be served, from the options: looked at before anything is opened, told to people, and made."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from segue_adapters.wires.base import WIRE_NAMES

from .hosts import is_loopback
from .options import Setting
from .settings import Settings

if TYPE_CHECKING:
    from .endpoint import Endpoint
    from .engines.base import Engine
    from .observing import Observer
    from .observing.metrics import Metrics

__all__ = ["Setup", "Upstream"]

#: Names of variables as they are written everywhere; whatever else stands in such a place may be the secret itself.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider: where, over which wire (None: found out at the start), and the variable and value of its key."""

    url: str
    wire: str | None
    variable: str | None
    silence: float
    models: tuple[str, ...]
    key: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """Its address without what may be a credential in it."""
        return re.sub(r"//[^/@]*@", "//…@", self.url)


@dataclass(frozen=True, slots=True)
class Scrape:
    """Where metrics are served: with the rest (`host` None), or at an address of their own, or nowhere."""

    served: bool
    host: str | None = None
    port: int = 0

    @property
    def told(self) -> str:
        """Return where that is, for people."""
        if not self.served:
            return "nowhere"
        return "/metrics" if self.host is None else f"http://{self.host}:{self.port}/metrics"


@dataclass(frozen=True, slots=True)
class Observed:
    """Who watches the process: all of them, the one that answers scrapes, and what sends the last traces."""

    observer: Observer
    metrics: Metrics | None
    flush: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that `segue serve` was told, with secrets read and nothing opened.

    `keys` are secrets by principal, `logs` the level and the form.
    """

    host: str
    port: int
    store: str
    upstream: Upstream | None
    settings: Settings
    logs: tuple[str, str]
    metrics: Scrape
    keys: Mapping[str, str] = field(repr=False)
    #: Where each option was given, for whoever has to be told.
    places: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, ctx: click.Context, given: Mapping[str, Any]) -> Setup:
        """Return what options say; UsageError, with where it was said and what to do, for what can't be served."""
        places = {one.name or "": one.place(ctx) for one in ctx.command.params if isinstance(one, Setting)}
        keys = dict(_secret(places["key"], key) for key in given["key"])
        host = given["host"]
        if not is_loopback(host):
            if not keys:
                raise click.UsageError(f"without --key the endpoint serves this machine only, not {host}")
            if not given["plain_text"]:
                raise click.UsageError(f"{host} is not this machine: put TLS in front, or say --plain-text")
        names = {one.name for one in fields(Settings)}
        settings = Settings(
            **{name: value for name, value in given.items() if name in names and name != "model"},
            model=given["model"] or "scripted",
            origins=frozenset(given["origin"]),
            hosts=frozenset(map(str.lower, given["allow_host"])),
        )
        made = cls(
            host=host,
            port=given["port"],
            store=given["store"],
            upstream=_upstream(places, given),
            settings=settings,
            logs=(given["log_level"], given["log_format"]),
            metrics=_scrape(places["metrics"], given["metrics"], host),
            keys=keys,
            places=places,
        )
        made.check_store()
        return made

    def check_store(self) -> None:
        """Refuse an address at which there can be no store; nothing is opened."""
        from .stores.opening import Unusable, store_at

        try:
            store_at(self.store)
        except Unusable as error:
            raise click.UsageError(f"{self.places['store']}: {error}") from None

    def told(self) -> Iterator[tuple[str, str]]:
        """Yield what would be served, by subject, without secrets."""
        from .capabilities import WIRES
        from .observing.exporting import Unsendable, destination
        from .stores.opening import shown

        yield "address", f"http://{self.host}:{self.port or '(any free port)'}"
        yield "surfaces", ", ".join(f"{wire} at {path}" for wire, path in WIRES.items())
        yield "principals", ", ".join(self.keys) or "one, without a key, on this machine only"
        if self.upstream is None:
            yield "engine", f"scripted, as model {self.settings.model}"
        else:
            key = "no key" if self.upstream.variable is None else f"key from {self.upstream.variable}"
            yield "upstream", f"{self.upstream.shown}, {self.upstream.wire or 'wire found out at the start'}, {key}"
        yield "store", shown(self.store)
        yield "metrics", self.metrics.told
        try:
            yield "traces", destination()
        except Unsendable as error:
            yield "traces", f"nowhere: {error}"
        yield "logs", f"{self.logs[0]} and above, as {self.logs[1]}"
        numbers = ((one.name, getattr(self.settings, one.name)) for one in fields(Settings))
        yield "limits", ", ".join(f"{name} {value}" for name, value in numbers if isinstance(value, int))

    def observed(self) -> Observed:
        """Set up logs, metrics and traces of the process."""
        from .observing import SILENT, Observers
        from .observing.exporting import Unsendable, traces
        from .observing.logs import Logs, configure

        level, form = self.logs
        configure(level, form)
        observers: list[Observer] = []
        flush: Callable[[], None] = lambda: None  # noqa: E731
        try:
            found = traces()
        except Unsendable as error:
            logging.getLogger("segue.gateway").warning("%s", error, extra={"event": "traces.missing"})
        else:
            if found is not None:
                observers.append(found[0])  # before the log: it names the trace
                flush = found[1]
        if level != "error":
            observers.append(Logs())
        metrics = None
        if self.metrics.served:
            from .observing.metrics import Metrics

            metrics = Metrics()
            observers.append(metrics)
        return Observed(Observers(observers) if observers else SILENT, metrics, flush)

    @contextmanager
    def scraped(self, observed: Observed) -> Iterator[None]:
        """Serve metrics at the address of their own, where they have one, for as long as the block lasts."""
        if observed.metrics is None or self.metrics.host is None:
            yield
            return
        from prometheus_client import start_http_server

        try:
            server, thread = start_http_server(self.metrics.port, self.metrics.host, observed.metrics.registry)
        except OSError as error:
            raise click.ClickException(f"--metrics: can't listen on {self.metrics.told}: {error.strerror}") from None
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

    def endpoint(self, observer: Observer) -> Endpoint:
        """Open the store, find the upstream, and return the endpoint; ClickException where one can't be had."""
        # Imported here: `segue --help` lists this command without starting a server's worth of modules.
        from .endpoint import Endpoint
        from .stores.base import Bounds
        from .stores.opening import Unusable, open_store

        engine = None if self.upstream is None else self._engine(self.upstream)
        try:
            store = open_store(self.store, Bounds.of(self.settings))
        except Unusable as error:
            raise click.UsageError(f"{self.places['store']}: {error}") from None
        return Endpoint(engine, settings=self.settings, keys=self.keys, store=store, observer=observer)

    def _engine(self, upstream: Upstream) -> Engine:
        from .engines.opening import UnusableUpstream, open_upstream

        try:
            return open_upstream(
                upstream.url, upstream.wire, key=upstream.key, silence=upstream.silence, models=upstream.models
            )
        except UnusableUpstream as error:
            raise click.ClickException(f"{self.places['upstream']}: {upstream.shown}: {error}") from None


def _upstream(places: Mapping[str, str], given: Mapping[str, Any]) -> Upstream | None:
    url, wire, variable = given["upstream"], given["wire"], given["upstream_key_env"]
    if url is None:
        if wire or variable:
            raise click.UsageError("--wire and --upstream-key-env are about an --upstream, and none is given")
        return None
    if wire is not None and wire not in WIRE_NAMES:
        raise click.UsageError(f"{places['wire']}: {wire!r} is none of {', '.join(WIRE_NAMES)}")
    key = None if variable is None else _variable(places["upstream_key_env"], variable)
    models = () if given["model"] is None else (given["model"],)
    upstream = Upstream(url, wire, variable, given["upstream_timeout"], models, key)
    try:
        usable = bool(urlsplit(url).hostname)
    except ValueError:
        usable = False
    if not usable:
        text = "that is no URL of a provider; write http:// or https://, a host, and a path"
        raise click.UsageError(f"{places['upstream']}: {upstream.shown}: {text}")
    return upstream


def _scrape(place: str, where: str, host: str) -> Scrape:
    if where in ("on", "off", "loopback"):
        return Scrape(where == "on" or (where == "loopback" and is_loopback(host)))
    name, _, port = where.rpartition(":")
    if not name or not port.isdecimal() or int(port) > 65_535:
        raise click.UsageError(f"{place}: {where!r} is none of loopback, on, off, and no HOST:PORT")
    return Scrape(True, name.strip("[]"), int(port))


def _secret(place: str, key: str) -> tuple[str, str]:
    name, _, variable = key.partition("=")
    if not name or not variable:
        told = f", got {name!r} and no variable" if "=" not in key else ""
        raise click.UsageError(f"{place} wants NAME=ENVVAR: a principal and the variable that holds its key{told}")
    return name, _variable(f"{place} {name}", variable)


def _variable(place: str, name: str) -> str:
    """Return the secret that a variable holds; a name that looks like none is not said again: it may be the secret."""
    secret = os.environ.get(name, "")
    if secret:
        return secret
    if not _VARIABLE.match(name):
        text = "wants the name of an environment variable, such as SOME_KEY, and never the key itself"
        raise click.UsageError(f"{place} {text}")
    raise click.UsageError(f"{place}: the environment variable {name} is not set; set it to the key, or take this out")
