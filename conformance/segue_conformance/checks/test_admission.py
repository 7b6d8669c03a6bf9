"""Who is let in: origins of browsers, names of the host, credentials in a URL (spec: security)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from segue_adapters import draws
from segue_adapters.errors import TransportError
from segue_adapters.transports.websocket import open_socket

from ..registry import check
from ..subject import Subject
from ..verdicts import Deviation, NotOffered, Untestable

_HERE = ("127.0.0.1", "localhost", "::1")
# Names that never mean anybody (RFC 6761): no list has them.
_ORIGIN, _HOST = "https://segue-check.invalid", "segue-check.invalid"


@check("SEG-SEC-003", profile="core", wires=("segue-ws",))
async def test_foreign_origin_of_an_upgrade(subject: Subject) -> None:
    """An upgrade that comes from a page of a site which is not on the list is denied with 403."""
    subject.spend()
    plain = subject.options()
    options = replace(plain, headers={**plain.headers, "Origin": _ORIGIN})
    try:
        socket = await open_socket(subject.url, options, subprotocols=("segue.v1",), label="from a page")
    except TransportError as fault:
        status = getattr(fault, "status", None)
        if status != 403:
            raise Deviation(f"an upgrade of origin {_ORIGIN}", expected="403", actual=str(status or fault)) from None
        return
    await socket.close()
    raise Deviation(f"an upgrade of origin {_ORIGIN}", expected="status 403", actual="the upgrade was accepted")


@check("SEG-SEC-012", profile="core", wires=("segue-http",))
async def test_foreign_origin_of_a_request(subject: Subject) -> None:
    """Where nobody needs a key, a request from a page of another site is denied with 403."""
    _single(subject)
    answer = await subject.fetch("GET", _unknown(), origin=_ORIGIN)
    if answer.status != 403:
        raise Deviation(f"a request of origin {_ORIGIN}", expected="status 403", actual=f"status {answer.status}")


@check("SEG-SEC-009", profile="core", wires=("segue-http",))
async def test_other_host(subject: Subject) -> None:
    """Where nobody needs a key, a request under a name that may lead here from elsewhere is refused."""
    _single(subject)
    _here(subject, "it is called by a name that is not this machine's alone")
    answer = await subject.fetch("GET", _unknown(), host=_HOST)
    if answer.status not in (400, 403, 421):
        raise Deviation(f"a request for the host {_HOST}", expected="a refusal", actual=f"status {answer.status}")


@check("SEG-SEC-011", profile="core", wires=("segue-http",))
async def test_credential_in_the_query(subject: Subject) -> None:
    """A key in the query of a URL lets nobody in: queries stand in logs."""
    _here(subject, "a key in a URL stays in logs: this is tried on this machine only")
    subject.needs_keys()
    key = subject.settings.api_key
    if not key:
        raise NotOffered("no key was given that could be put into a query")
    path = _unknown()
    if (await subject.fetch("GET", path, key="")).status not in (401, 403):
        raise Untestable("nobody is asked for a key")
    for name in ("access_token", "api_key"):
        answer = await subject.fetch("GET", f"{path}?{name}={key}", key="")
        if answer.status not in (401, 403):
            raise Deviation(
                f"a key as `{name}` in the query, and no other", expected="status 401", actual=f"status {answer.status}"
            )


def _single(subject: Subject) -> None:
    if subject.capabilities is None or subject.capabilities.principal != "single":
        raise NotOffered("callers need a key here, which no page of another site has")


def _here(subject: Subject, reason: str) -> None:
    if urlsplit(subject.url).hostname not in _HERE:
        raise NotOffered(reason)


def _unknown() -> str:
    return f"/continuations/resp_{draws.token_hex(16)}"
