"""Discovery: one document that says what is offered, and says the truth (spec: capabilities; G10)."""

from __future__ import annotations

import json
from urllib.parse import urlsplit, urlunsplit

from segue_adapters.discovery import offer_of
from segue_adapters.errors import TransportError
from segue_adapters.transports.websocket import open_socket
from segue_schemas import StrictJSONError, strict_loads, validator

from ..answers import shown
from ..registry import EVERY_WIRE, check
from ..subject import Subject
from ..verdicts import Deviation, NotOffered, Untestable

#: Milliseconds for which a record can be read again at least (SEG-CAP-018).
_LEAST_REPLAY = 1_000

NATIVE = ("segue-ws", "segue-http")


@check("SEG-CAP-003", "SEG-CAP-001", profile="core", wires=NATIVE, needs_turn=False)
async def test_document_is_valid(subject: Subject) -> None:
    """The discovery document fits its schema and is served as JSON."""
    base = _base(subject)
    answer = await subject.fetch("GET", "/.well-known/segue", base=base)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if answer.status != 200 or kind != "application/json":
        raise Deviation(
            "the discovery document", expected="200 application/json", actual=f"{answer.status} {kind}",
            requirement="SEG-CAP-001",
        )  # fmt: skip
    try:
        document = strict_loads(answer.body)
    except StrictJSONError as error:
        raise Deviation("the discovery document", expected="I-JSON", actual=str(error)) from None
    faults = list(validator("capabilities.json#/$defs/Discovery").iter_errors(document))
    if faults:
        where = "/".join(str(step) for step in faults[0].absolute_path)
        raise Deviation(
            f"the document at /{where}", expected=faults[0].message[:200], actual=json.dumps(document)[:200]
        )


@check("SEG-CAP-005", profile="core", wires=NATIVE, needs_turn=False)
async def test_bindings_answer(subject: Subject) -> None:
    """Each wire of `bindings` is served at the URL that stands there."""
    document = subject.document
    if document is None:
        raise NotOffered("there is no discovery document")
    base = _base(subject) + "/.well-known/segue"
    for binding in document.bindings:
        if binding.wire not in EVERY_WIRE:
            continue
        url = offer_of(binding, base).url
        if binding.wire.endswith("-ws"):
            protocols = ("segue.v1",) if binding.wire == "segue-ws" else ()
            try:
                socket = await open_socket(url, subject.options(), subprotocols=protocols, label=binding.wire)
            except TransportError as fault:
                raise Deviation(f"{binding.wire} at {binding.url}", expected="an upgrade", actual=str(fault)) from None
            await socket.close()
        elif binding.wire == "segue-http":
            try:
                answer = await subject.fetch("GET", "/turns/t_that_never_was", base=url)
            except TransportError as fault:
                raise Deviation(f"{binding.wire} at {binding.url}", expected="an answer", actual=str(fault)) from None
            if answer.status != 404 or b"turn_not_found" not in answer.body:
                raise Deviation(
                    f"{binding.wire} at {binding.url}",
                    expected="404 turn_not_found",
                    actual=shown(answer),
                )


@check("SEG-CAP-014", "SEG-CAP-013", "SEG-CAP-017", "SEG-CAP-018", profile="core", wires=NATIVE, needs_turn=False)
async def test_document_is_consistent(subject: Subject) -> None:
    """The default tier and what is claimed only are listed, and no wire offers more than the endpoint."""
    document = subject.document
    if document is None:
        raise NotOffered("there is no discovery document")
    offered = document.capabilities
    if isinstance(offered.default_retention, str) and offered.default_retention not in offered.retention:
        raise Deviation("default_retention", expected=str(offered.retention), actual=offered.default_retention)
    if ("resume" in offered.features or subject.wire == "segue-http") and document.limits.replay_ms < _LEAST_REPLAY:
        raise Deviation(
            "how long a turn can be read again",
            expected=f"replay_ms of at least {_LEAST_REPLAY}",
            actual=f"replay_ms {document.limits.replay_ms}",
            requirement="SEG-CAP-018",
        )
    claimed = set(offered.claimed_only or []) - set(offered.features)
    if claimed:
        raise Deviation(
            "what is claimed only", expected="features that are listed", actual=str(sorted(claimed)),
            requirement="SEG-CAP-017",
        )  # fmt: skip
    for binding in document.bindings:
        for name in ("retention", "features"):
            more = set(getattr(binding, name) or []) - set(getattr(offered, name))
            if more:
                raise Deviation(
                    f"{binding.wire} lists {name} that the endpoint does not offer",
                    expected=str(getattr(offered, name)),
                    actual=str(sorted(more)),
                    requirement="SEG-CAP-013",
                )


@check("SEG-CAP-002", profile="core", wires=NATIVE, needs_turn=False)
async def test_document_at_origin(subject: Subject) -> None:
    """The document is served at the origin as well."""
    answer = await subject.fetch("GET", "/.well-known/segue", base=_origin(subject))
    if answer.status != 200:
        raise Deviation("/.well-known/segue at the origin", expected="200", actual=str(answer.status))


def _origin(subject: Subject) -> str:
    parts = urlsplit(subject.url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, "", "", ""))


def _base(subject: Subject) -> str:
    """Return the base URL that users configure; the check has no other than the one it was given."""
    if subject.document is None:
        raise Untestable("no discovery document was found")
    parts = urlsplit(subject.settings.url)
    if not parts.hostname or not parts.scheme.removeprefix("segue+").startswith("http"):
        return _origin(subject)
    return urlunsplit(parts._replace(scheme=parts.scheme.removeprefix("segue+"), query="")).rstrip("/")
