"""Faults below HTTP, known by their kind anywhere in the chain, or by their text where the kind was lost."""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib

import httpx
import pytest
from segue_adapters.errors import ConnectionCut, TLSFault, TransportError, Unreachable
from segue_adapters.transports.base import Options, network_fault
from segue_adapters.transports.http import Inflater
from segue_adapters.transports.http import _fault as http_fault

BOTH = (
    "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed ('127.0.0.1', 1)"
)


def chained(*faults: BaseException) -> BaseException:
    first, last = RuntimeError("all failed"), None
    for fault in faults:
        fault.__cause__, last = last, fault
    first.__context__ = last
    return first


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, "refused"),
        (chained(ConnectionRefusedError(111, "x"), ValueError("y")), Unreachable, "refused"),
        (socket.gaierror(-2, "Name or service not known"), Unreachable, "no such host"),
        (chained(socket.gaierror(-2, "x")), Unreachable, "no such host"),
        (chained(ConnectionResetError(104, "Connection reset by peer")), ConnectionCut, "cut before an answer came"),
        (BrokenPipeError(32, "Broken pipe"), ConnectionCut, "cut before an answer came"),
        (OSError(113, "No route to host"), Unreachable, "the connection failed: No route to host"),
        (OSError(99999, None), Unreachable, "the connection failed"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)"), TLSFault, "handshake failed"),
        (chained(ssl.SSLCertVerificationError(1, "x")), TLSFault, "certificate was not accepted"),
        (RuntimeError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), TLSFault, "certificate was not accepted"),
        (RuntimeError("[Errno -2] Name or service not known"), Unreachable, "no such host"),
        (RuntimeError("getaddrinfo failed"), Unreachable, "no such host"),
        (RuntimeError("[SSL: WRONG_VERSION_NUMBER]"), TLSFault, "handshake failed"),
        (RuntimeError("All connection attempts failed"), Unreachable, "refused"),
        (RuntimeError("Connection refused"), Unreachable, "refused"),
        (OSError(BOTH), Unreachable, "refused"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_kinds(error: BaseException, kind: type[TransportError], words: str) -> None:
    fault = network_fault(error, "http://a")
    assert type(fault) is kind
    assert words in fault.what
    assert fault.hint or kind is ConnectionCut


@pytest.mark.parametrize("error", [RuntimeError("anything"), OSError("no number"), ValueError()])
def test_what_is_no_fault_of_the_network(error: BaseException) -> None:
    assert network_fault(error, "http://a") is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ProxyError("503 Busy"), "the proxy let nothing through: 503 Busy"),
        (httpx.UnsupportedProtocol("odd"), "the connection failed: odd"),
        (httpx.ConnectError(""), "the connection failed: ConnectError"),
    ],
)
def test_every_fault_of_httpx_has_a_sentence(error: httpx.HTTPError, told: str) -> None:
    fault = http_fault(error, "http://a", Options(), started=False)
    assert type(fault) is Unreachable
    assert fault.what == told


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_inflating_in_any_pieces(step: int) -> None:
    content = bytes(range(256)) * 1024
    packed = gzip.compress(content) + b"behind the end" * 4
    inflater = Inflater()
    pieces = [p for at in range(0, len(packed), step) for p in inflater.feed(packed[at : at + step])]
    inflater.close()
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 65536


def test_a_compression_that_does_not_end_is_told() -> None:
    inflater = Inflater()
    inflater.close()  # a body without any bytes is no compression
    assert b"".join(inflater.feed(gzip.compress(bytes(100))[:-1])) == bytes(100)
    with pytest.raises(zlib.error, match="in the middle"):
        inflater.close()
