"""Where a server is, as an operator writes it: `valkey://host:port/db?prefix=…`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..base import Unusable

__all__ = ["Address"]

_OPTIONS = {"prefix", "password-env"}
_PREFIX = re.compile(r"[A-Za-z0-9:._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Address:
    """A server, a database in it, and what all keys there begin with. The password is in no message and no repr."""

    host: str = "127.0.0.1"
    port: int = 6379
    database: int = 0
    prefix: str = "segue:"
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Address:
        """Return what a URL says; Unusable, with what is wrong with it."""
        shown = re.sub(r"//[^/@]*@", "//…@", url)
        try:
            parts = urlsplit(url)
            port = parts.port or 6379
        except ValueError as error:
            raise Unusable(f"{shown}: {error}") from None
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if set(options) - _OPTIONS or parts.fragment:
            raise Unusable(f"{shown}: behind the database only ?prefix=… and password-env=… can stand")
        database = parts.path.strip("/") or "0"
        if not database.isdecimal():
            raise Unusable(f"{shown}: the database is a number, not {database!r}")
        prefix = options.get("prefix", "segue:")
        if not _PREFIX.fullmatch(prefix):
            raise Unusable(f"{shown}: a prefix is 1 to 64 of A-Z a-z 0-9 : . _ -")
        password = None if parts.password is None else unquote(parts.password)
        variable = options.get("password-env")
        if variable is not None:
            password = os.environ.get(variable)
            if not password:
                raise Unusable(f"{shown}: the environment variable {variable!r} of password-env is not set")
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=port,
            database=int(database),
            prefix=prefix,
            tls=parts.scheme in ("valkeys", "rediss"),
            username=unquote(parts.username) if parts.username else None,
            password=password,
        )

    def __str__(self) -> str:
        """Return it as it is told to people."""
        return f"{'valkeys' if self.tls else 'valkey'}://{self.host}:{self.port}/{self.database}"

    def options(self) -> dict[str, Any]:
        """Return what the client library wants to know to connect."""
        told: dict[str, Any] = {"host": self.host, "port": self.port, "db": self.database}
        if self.username is not None:
            told["username"] = self.username
        if self.password is not None:
            told["password"] = self.password
        return told
