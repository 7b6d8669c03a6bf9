"""What a server's own settings let the store promise; read when it is opened and whenever it is reached anew.

A step is answered behind the write to the append-only file, and with `appendfsync always` behind the disk. What may be
thrown away to make room, or lost when a replica takes over that was written to behind the answer, is not promised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segue_schemas import models

from ..base import Unusable

__all__ = ["Promises", "check_version", "promises"]

_TIERS: Sequence[models.Retention] = ("connection", "cached")
_DURABLE: Sequence[models.Retention] = (*_TIERS, "durable")
_LEAST = 7  # scripts are refused whole where memory is short, and sorted sets know BYSCORE and LT
#: What is asked of `CONFIG GET`.
SETTINGS = ("appendonly", "appendfsync", "maxmemory-policy")


@dataclass(frozen=True, slots=True)
class Promises:
    """The tiers that can be kept, what names outlive, and why it is not more."""

    tiers: Sequence[models.Retention] = _TIERS
    names_survive: models.NamesSurvive = "process"
    why: str = "the server does not tell its settings"


def promises(settings: Mapping[str, str], info: Mapping[str, str]) -> Promises:
    """Return what can be promised. A server that does not tell its settings gets the least."""
    if not all(name in settings for name in SETTINGS):
        return Promises()
    evicts = settings["maxmemory-policy"] != "noeviction"
    writes = settings["appendonly"] == "yes"
    waits = writes and settings["appendfsync"] == "always"
    # A replica is written to behind the answer: one that takes over has not all of it.
    replicated = info.get("role") != "master" or info.get("connected_slaves", "0") != "0"
    clustered = info.get("cluster_enabled", "0") != "0"
    why = [
        *(["maxmemory-policy is not noeviction"] if evicts else []),
        *(["appendonly is not yes"] if not writes else []),
        *(["appendfsync is not always"] if writes and not waits else []),
        *(["a replica may take over"] if replicated or clustered else []),
    ]
    if not why:
        return Promises(_DURABLE, "node_loss", "")
    survive: models.NamesSurvive = "restart" if writes and not evicts else "process"
    return Promises(_TIERS, survive, "; ".join(why))


def check_version(info: Mapping[str, str], where: str) -> None:
    """Refuse a server that is too old; Unusable."""
    version = info.get("redis_version", "")
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < _LEAST:
        raise Unusable(f"{where} is version {version or 'unknown'}: Valkey, or Redis from {_LEAST}.0 on, is needed")
    if info.get("cluster_enabled", "0") != "0":
        raise Unusable(f"{where} is a node of a cluster, over which one principal's steps are not atomic; name another")
