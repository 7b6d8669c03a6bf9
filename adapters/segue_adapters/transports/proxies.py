"""Which proxy an address is reached by: what the environment says, read in one place for HTTP and for WebSockets.

`HTTP_PROXY` is for http:// and ws://, `HTTPS_PROXY` for https:// and wss://, `ALL_PROXY` for what these leave out, and
`NO_PROXY` lists who is reached directly. The loopback interface is never proxied unless that is asked for: a proxy
elsewhere would take `127.0.0.1` for itself.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from ..errors import LocalProtocolError

__all__ = ["by_proxy", "is_loopback", "proxy_for"]

_VARIABLES = {"http": "http_proxy", "ws": "http_proxy", "https": "https_proxy", "wss": "https_proxy"}
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SCHEMES = ("http", "https")


def proxy_for(url: str, *, loopback: bool = False, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the URL of the proxy by which `url` is reached; None where it is reached directly.

    `loopback`: ask the environment about the loopback interface too. Raises LocalProtocolError for a proxy of a kind
    that is not spoken here.
    """
    said = os.environ if environ is None else environ
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None  # no URL at all: whoever opens it says so
    if not host or (is_loopback(host) and not loopback):
        return None
    name = _VARIABLES.get(parts.scheme, "")
    found = next(((key, value) for key in (name, "all_proxy") if (value := _variable(said, key))), None)
    if found is None or _excepted(host, port, _variable(said, "no_proxy").split(",")):
        return None
    return _checked(*found)


def by_proxy(url: str, proxy: str | None) -> str:
    """Return how an address is told in a fault: with the proxy on the way, without that one's password."""
    if proxy is None:
        return url
    parts = urlsplit(proxy)
    return f"{url} by the proxy {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's loopback interface."""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _variable(environ: Mapping[str, str], name: str) -> str:
    """Return a variable's value, the lower-case spelling first, as other programs read them."""
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _checked(variable: str, proxy: str) -> str:
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(proxy)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise LocalProtocolError(f"{variable.upper()} in the environment is no URL of a proxy (http://host:port)")
    if parts.scheme not in _SCHEMES:
        told = f"{variable.upper()} in the environment names a proxy of the kind {parts.scheme}://"
        raise LocalProtocolError(f"{told}; http:// and https:// are spoken (set NO_PROXY to go without)")
    return proxy


def _excepted(host: str, port: int, entries: Iterable[str]) -> bool:
    """Whether a list of NO_PROXY names a host: itself, a domain of its, a network, or everything (`*`)."""
    for entry in (entry.strip().lower() for entry in entries):
        name, colon, only = entry.rpartition(":")
        if colon and only.isdigit() and (":" not in name or name.startswith("[")):
            if int(only) != port:
                continue
            entry = name
        if entry == "*" or (entry and _named(host.lower().rstrip("."), entry.strip("[]"))):
            return True
    return False


def _named(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        domain = entry.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
