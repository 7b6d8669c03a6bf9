"""The lines of a transcript (NDJSON): what each kind holds, and how bytes and faults are written.

    head      what was checked and with what: suite, specification, seed, target, settings that bear on the grading
    begin     an attempt at a check: `key`
    open      `c` numbers the connection or exchange; a WebSocket's address, or a request whole
    opened    the answer to an upgrade, or status and headers of an answer
    sent      a frame of a WebSocket
    received  a frame, or a piece of a body
    ping      whether one was answered, and how long it took (`ms`)
    fault     what the transport raised
    closed    this side closed it, or left the rest of an answer
    ended     the body ended
    end       the end of an attempt
    verdict   what it was graded as, at that time

Every line has `at`, seconds from the beginning of the run. Secrets are blanked.
"""

from __future__ import annotations

import base64
from typing import Any

from segue_adapters import errors
from segue_adapters.errors import TransportError

__all__ = ["FORMAT", "data_of", "fault_of", "with_data", "with_fault"]

FORMAT = "segue-transcript/1"
_FAULTS = ("Unreachable", "TLSFault", "TimedOut", "Unauthorised", "WrongKind", "ConnectionCut", "AnswerTooLarge")
_MORE = ("status", "code", "reason")


def with_data(data: str | bytes) -> dict[str, Any]:
    """Return the members that hold a frame or a piece: `text`, or `base64` where it is none."""
    if isinstance(data, str):
        return {"text": data}
    try:
        return {"utf8": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def data_of(line: dict[str, Any]) -> str | bytes:
    """Return what `with_data` wrote."""
    if "text" in line:
        return str(line["text"])
    return str(line["utf8"]).encode() if "utf8" in line else base64.b64decode(line.get("base64", ""))


def with_fault(fault: TransportError) -> dict[str, Any]:
    """Return the members that hold a fault of a transport."""
    more = {name: getattr(fault, name) for name in _MORE if getattr(fault, name, None) is not None}
    return {"fault": type(fault).__name__, "what": fault.what, "where": fault.where, "hint": fault.hint, **more}


def fault_of(line: dict[str, Any]) -> TransportError:
    """Return what `with_fault` wrote."""
    kind = getattr(errors, str(line["fault"])) if line["fault"] in _FAULTS else TransportError
    more = {name: line[name] for name in _MORE if name in line}
    found: TransportError = kind(line["what"], line["where"], line["hint"], **more)
    return found
