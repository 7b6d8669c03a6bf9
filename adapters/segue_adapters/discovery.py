"""Finds out what an endpoint speaks: the discovery document first, then probing (SEG-CAP)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec
from segue_schemas import models

from .errors import LocalProtocolError, TransportError, Unauthorised, Unreachable, WrongKind
from .links import STREAM_WIRES, exchange_wire, not_declared
from .transports.base import Options, refused_status
from .transports.http import HTTPPool
from .transports.websocket import open_socket
from .wires.base import Answer, Request, check_json
from .wires.extension import EXTENDED, declaration, declares, is_declared, plain_wire
from .wires.stateless import STATELESS
from .wires.stateless_sides import StatelessClient

__all__ = ["Found", "Offer", "find", "offer_at", "offer_of", "reach"]

_ORDER = ("segue-ws", "segue-http", *EXTENDED.values(), *EXTENDED, *STATELESS)
# What a whole answer calls itself, where an endpoint answers an empty request.
_WHOLE = ("response", "chat.completion")
_FORCED = {"segue+ws": "ws", "segue+wss": "wss", "segue+http": "http", "segue+https": "https"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One wire and the URL where it is served; `routes`: where Segue over HTTP is, beside an OpenAI wire."""

    wire: str
    url: str
    routes: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found at a URL, best wire first, and how."""

    offers: list[Offer]
    how: Literal["discovery document", "probing", "as asked"]
    document: models.Discovery | None = None


async def find(
    url: str,
    options: Options,
    *,
    wires: Sequence[str] | None = None,
    model: str | None = None,
    try_them: bool = True,
) -> Found:
    """Return the wires that the endpoint at `url` serves, of those asked for (None: all).

    Without `try_them` a discovery document is believed: whoever opens a wire will see.

    With a `model`, an endpoint whose refusals nobody can read is asked one small question over OpenAI's HTTP.

    `url` is a base URL (`https://host/v1`), or that of one wire (`segue+ws://…` says so). Raises the TransportError
    that says in one sentence why there is nothing to talk to.
    """
    url, forced = _parse(url)
    if forced is not None:
        if wires is not None and forced not in wires:
            raise LocalProtocolError(f"the URL's scheme asks for {forced}, --wire for {', '.join(wires)}")
        return Found([await _reach(forced, url, options, model)], "as asked")
    for wire in wires or ():
        if wire not in _ORDER:
            raise LocalProtocolError(f"there is no wire {wire!r}; it is one of {', '.join(_ORDER)}")
    base = _base_of(url)
    document, document_url = await _document(base, options)
    if document is not None:
        # Wires that this version does not know are told by name only.
        offered = [binding.wire for binding in document.bindings]
        wanted = [offer for offer in _offered(document, document_url) if offer.wire in (wires or _ORDER)]
        wanted.sort(key=lambda offer: _ORDER.index(offer.wire))
        missing = [wire for wire in wires or () if wire not in [o.wire for o in wanted]]
        if missing or not wanted:
            told = f"the wire {', '.join(missing) or 'asked for'} is not offered"
            raise WrongKind(f"{told} (offered: {', '.join(offered) or 'none'})", base)
        for offer in wanted if try_them else ():
            await _reach(offer.wire, offer.url, options, model)
        return Found(wanted, "discovery document", document)
    if wires is not None and not try_them:
        return Found([Offer(wire, _url_of(wire, url, base)) for wire in wires], "as asked")
    if wires is not None:
        return Found([await _reach(wire, _url_of(wire, url, base), options, model) for wire in wires], "as asked")
    return Found(await _probe(url, base, options, model), "probing")


def _offered(document: models.Discovery, document_url: str) -> list[Offer]:
    """Return the wires of a document that are known here, an OpenAI wire with the extension besides without it."""
    known = [offer_of(binding, document_url) for binding in document.bindings if binding.wire in _ORDER]
    routes = next((offer.url for offer in known if offer.wire == "segue-http"), None)
    declared = [offer for offer in known if offer.wire in EXTENDED and is_declared(document, offer.wire)]
    plain = [replace(offer, routes=routes) if offer in declared else offer for offer in known]
    return [*plain, *(Offer(EXTENDED[offer.wire], offer.url, routes) for offer in declared)]


def _parse(url: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(url.strip())._replace(fragment="")
        _ = parts.port
    except ValueError as error:
        raise Unreachable(f"that is no usable URL: {error}", url, "a port is a number up to 65535") from None
    if parts.scheme in _FORCED:
        scheme = _FORCED[parts.scheme]
        return urlunsplit(parts._replace(scheme=scheme)), "segue-ws" if scheme.startswith("ws") else "segue-http"
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        hint = "write it as http://, https://, ws:// or wss:// and a host"
        raise Unreachable("that is no URL of an endpoint", url, hint)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/"))), None


def _as_http(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme={"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme), query=""))


def _as_ws(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme={"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)))


def offer_of(binding: models.Binding, document_url: str) -> Offer:
    """Return where a binding of a discovery document is served; WrongKind where its URL is none."""
    try:
        url = urljoin(document_url, binding.url)
        parts = urlsplit(url)
        usable = parts.port != 0 and bool(parts.hostname) and parts.scheme in ("http", "https", "ws", "wss")
    except ValueError:
        usable = False
    if not usable:
        told = f"the discovery document gives {binding.url[:120]!r} as the URL of {binding.wire}"
        raise WrongKind(told, document_url, "the endpoint has to name an http or ws address")
    # For foreign wires the document names the base URL that their clients are configured with.
    return Offer(binding.wire, _url_of(binding.wire, url, _base_of(url)))


def offer_at(url: str, wire: str) -> Offer:
    """Return where a wire is served at a URL by that wire's own rule; nothing is asked.

    Raises Unreachable for a URL that is none of an endpoint, LocalProtocolError for one that says another wire.
    """
    url, forced = _parse(url)
    if forced not in (None, wire):
        raise LocalProtocolError(f"the URL's scheme asks for {forced}, --wire for {wire}")
    return Offer(wire, _url_of(wire, url, _base_of(url)))


def _base_of(url: str) -> str:
    """Return the base URL of what is served below it, also where the URL is that of a route."""
    base = _as_http(url).rstrip("/")
    for route in ("/responses", "/chat/completions", "/messages"):
        base = base.removesuffix(route)
    return base.rstrip("/")


def _url_of(wire: str, url: str, base: str) -> str:
    """Return where a wire is served when no document says so: OpenAI's at `{base}/responses`, Segue's at the URL."""
    wire = plain_wire(wire)
    if wire == "openai-http" or wire in STATELESS:
        return base
    if wire == "openai-ws":
        query = urlsplit(url).query
        return _as_ws(base + "/responses") + (f"?{query}" if query else "")
    return _as_ws(url) if wire == "segue-ws" else _as_http(url)


async def _document(base: str, options: Options) -> tuple[models.Discovery | None, str]:
    """Return the discovery document, looked for below the base URL and then at the origin."""
    origin = urlunsplit(urlsplit(base)._replace(path="", query=""))
    for place in dict.fromkeys((base, origin)):
        pool = HTTPPool(place, options)
        try:
            request = Request("GET", "/.well-known/segue", {"accept": "application/json"})
            answer = await pool.fetch(request, limit=options.connect_timeout)
        finally:
            await pool.close()
        if answer.status == 200:
            try:
                document = msgspec.json.decode(answer.body, type=models.Discovery)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # some other page: not a Segue endpoint's
            return document, f"{place}/.well-known/segue"
    return None, ""


async def reach(offer: Offer, options: Options) -> None:
    """Make sure that something answers there and takes the key; raises the TransportError that says what is wrong."""
    await _reach(offer.wire, offer.url, options, None)


async def _reach(wire: str, url: str, options: Options, model: str | None) -> Offer:
    """Make sure that something answers on a wire and takes the key; return the offer."""
    extended = wire in EXTENDED.values()
    if wire in STREAM_WIRES:
        subprotocols = STREAM_WIRES[wire]().subprotocols
        asking = replace(options, headers={**options.headers, **declaration()}) if extended else options
        socket = await open_socket(url, asking, subprotocols=subprotocols, label="probe")
        await socket.close()
        if extended and not declares(socket.response_headers):
            raise not_declared(url)
        return Offer(wire, url)
    if plain_wire(wire) == "openai-http":
        headers = {"content-type": "application/json", **(declaration() if extended else {})}
        answer = await _ask(url, Request("POST", "/responses", headers, b"{}"), options)
        if extended and not declares(answer.headers):
            raise not_declared(url)
        speaks = _speaks(answer) or await _answers(url, answer.status, options, model)
        if answer.status in (401, 403) or not speaks:
            kind = answer.headers.get("content-type", "")
            place = answer.headers.get("location", "")
            where = url + "/responses"
            raise refused_status(answer.status, where, answer.body, kind, upgrade=False, location=place)
        return Offer(wire, url)
    if wire in STATELESS:
        return await _reach_stateless(wire, url, options)
    answer = await _ask(url, Request("GET", "/turns/probe", {"accept": "application/json"}), options)
    try:
        known = isinstance(check_json(answer.body), dict)
    except ValueError:
        known = False
    if answer.status in (401, 403) or not known:
        kind = answer.headers.get("content-type", "")
        place = answer.headers.get("location", "")
        raise refused_status(answer.status, url, answer.body, kind, upgrade=False, location=place)
    return Offer(wire, url)


async def _reach_stateless(wire: str, url: str, options: Options) -> Offer:
    """Make sure that a wire without state is spoken: an empty request is refused in words."""
    client = exchange_wire(wire, options)
    assert isinstance(client, StatelessClient)
    request = client.request(b"{}")
    answer = await _ask(url, request, options)
    if answer.status in (401, 403) or not _speaks(answer):
        kind, place = answer.headers.get("content-type", ""), answer.headers.get("location", "")
        raise refused_status(answer.status, url + request.path, answer.body, kind, upgrade=False, location=place)
    return Offer(wire, url)


async def _ask(base: str, request: Request, options: Options) -> Answer:
    pool = HTTPPool(base, options)
    try:
        return await pool.fetch(request, limit=options.connect_timeout)
    finally:
        await pool.close()


def _speaks(answer: Answer) -> bool:
    """Whether an answer to an empty create is one that an endpoint of that wire could give."""
    if answer.status in (404, 405, 501) or not 200 <= answer.status < 600 or 300 <= answer.status < 400:
        return False
    try:
        body = check_json(answer.body)
    except ValueError:
        return False
    whole = isinstance(body, dict) and (body.get("object") in _WHOLE or body.get("type") == "message")
    return isinstance(body, dict) and (whole or "error" in body or "detail" in body)


async def _answers(url: str, status: int, options: Options, model: str | None) -> bool:
    """Whether an endpoint that refused an empty create, and in no known envelope, answers a whole one."""
    if model is None or status not in (400, 415, 422, 500):
        return False
    body = msgspec.json.encode({"model": model, "input": [{"role": "user", "content": "Say hello."}]})
    answer = await _ask(url, Request("POST", "/responses", {"content-type": "application/json"}, body), options)
    try:
        told = check_json(answer.body)
    except ValueError:
        return False
    return answer.status == 200 and isinstance(told, dict) and told.get("object") == "response"


async def _probe(url: str, base: str, options: Options, model: str | None) -> list[Offer]:
    """Try the OpenAI wires, and where neither is spoken those without state; raise what is most telling."""
    offers: list[Offer] = []
    faults: list[TransportError] = []
    order = ("openai-ws", "openai-http") if urlsplit(url).scheme in ("ws", "wss") else ("openai-http", "openai-ws")
    for wire in (*order, *STATELESS):
        if wire == STATELESS[0] and offers:
            break
        try:
            offers.append(await _reach(wire, _url_of(wire, url, base), options, model))
        except TransportError as fault:
            faults.append(fault)
            if isinstance(fault, Unauthorised) and not offers:
                with suppress(TransportError):  # the one wire on which the key stands under another header
                    return [await _reach("anthropic", base, options, model)]
            if not isinstance(fault, WrongKind) and not offers:
                raise  # nothing listens there, or the key is wrong: the other wires would say the same
    if not offers:
        raise WrongKind(
            f"no wire was found: {faults[0].what}", base, "name one with --wire, or check the base URL"
        ) from None
    return sorted(offers, key=lambda offer: _ORDER.index(offer.wire))
