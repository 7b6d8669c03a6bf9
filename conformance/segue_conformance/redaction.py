"""Blanks secrets in everything that leaves the suite. The recorder does so for frames; this is for all the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from .settings import Settings

__all__ = ["BLANK", "Redactor", "secret_headers", "secrets_of", "shown_url"]

BLANK = "[blanked]"
# A shorter secret is blanked only where it stands alone, or it would eat parts of words. One so short that it may be a
# word itself ("a", "none", "test") is blanked only behind what names a secret.
_LONG, _WORD = 8, 5
_NAMED = "|".join(
    f"(?<={before}{sign})"
    for before, signs in {
        "[Bb]earer": [" "], "[Bb]asic": [" "], "[Kk][Ee][Yy]": ["=", ": ", '":"', '": "', " ['\"`]"],
        "[Tt][Oo][Kk][Ee][Nn]": ["=", ": ", " ['\"`]"], "[Ss][Ee][Cc][Rr][Ee][Tt]": ["=", ": "],
    }.items()
    for sign in signs
)  # fmt: skip
_SECRET_NAME = re.compile(r"authorization|cookie|token|secret|passw|credential|api[-_]?key|\bkey\b|\bsig\b", re.I)

R = TypeVar("R")


class Redactor:
    """Replaces secrets by a mark, in texts and in whole values."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        parts = [_pattern(form) for form in sorted(forms, key=len, reverse=True)]
        self._pattern = re.compile("|".join(parts)) if parts else None

    def text(self, value: str) -> str:
        """Return a text without secrets."""
        return self._pattern.sub(BLANK, value) if self._pattern else value

    def value(self, value: R) -> R:
        """Return a copy of a value (a dataclass that msgspec can write and read) without secrets."""
        if self._pattern is None:
            return value
        plain = self._walk(msgspec.to_builtins(value))
        return msgspec.convert(plain, type(value))

    def _walk(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {key: self._walk(member) for key, member in value.items()}
            case list() | tuple():
                return [self._walk(member) for member in value]
        return value


def _pattern(form: str) -> str:
    literal = re.escape(form)
    if len(form) >= _LONG:
        return literal
    alone = rf"(?<![A-Za-z0-9]){literal}(?![A-Za-z0-9])"
    return alone if len(form) >= _WORD else rf"(?:{_NAMED}){literal}(?![A-Za-z0-9])"


def _forms(secret: str) -> set[str]:
    """Return the spellings in which a secret may come back: as it is, in a URL, in JSON."""
    return {secret, quote(secret, safe=""), msgspec.json.encode(secret)[1:-1].decode()}


def secret_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the values of those headers whose names say that they are secrets, with and without their scheme."""
    values = [value for name, value in headers.items() if _SECRET_NAME.search(name)]
    return values + [value.partition(" ")[2] for value in values if " " in value]


def secrets_of(settings: Settings) -> list[str]:
    """Return everything in the settings of a run that is a secret, in the URL too."""
    found = [*settings.secrets, *secret_headers(settings.headers)]
    try:
        parts = urlsplit(settings.url)
        pairs = parse_qsl(parts.query)
    except ValueError:
        return found
    return found + [part for part in (parts.password, *(v for n, v in pairs if _SECRET_NAME.search(n))) if part]


def shown_url(url: str) -> str:
    """Return a URL without the password and the secret parameters that it may bear."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        netloc = f"{BLANK}@{host}" if "@" in parts.netloc else parts.netloc
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return url
    query = parts.query
    if any(_SECRET_NAME.search(name) for name, _ in pairs):
        query = urlencode([(name, BLANK if _SECRET_NAME.search(name) else value) for name, value in pairs], safe="[]")
    return urlunsplit(parts._replace(netloc=netloc, query=query))
