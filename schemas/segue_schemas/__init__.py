"""Schemas, models and digest of Segue: what both sides of every wire share.

`models` holds the generated msgspec Structs; the functions here compute digests, find the schemas
and read JSON strictly. Nothing in this package opens a socket or fetches a schema.
"""

from segue_schemas import models
from segue_schemas.digest import (
    EMPTY_HISTORY,
    canonical_context,
    canonical_item,
    chain,
    context_digest,
    extend,
    extend_all,
    history_digest,
    item_digest,
)
from segue_schemas.loader import VERSION, load, registry, validator
from segue_schemas.strict import StrictJSONError, strict_loads

__all__ = [
    "EMPTY_HISTORY",
    "VERSION",
    "StrictJSONError",
    "canonical_context",
    "canonical_item",
    "chain",
    "context_digest",
    "extend",
    "extend_all",
    "history_digest",
    "item_digest",
    "load",
    "models",
    "registry",
    "strict_loads",
    "validator",
]
