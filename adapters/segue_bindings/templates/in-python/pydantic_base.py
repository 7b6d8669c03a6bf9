"""What all models share: strict types, unknown members kept, null only where the schema says so.

<BANNER>
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

_NULLABLE: dict[str, list[str]] = {}  # <NULLABLE>


class Model(BaseModel):
    """Base of all models. Write with `model_dump_json(exclude_unset=True, by_alias=True)`: absent is never null."""

    model_config = ConfigDict(strict=True, extra="allow", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _null_only_where_allowed(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            for name, member in value.items():
                if member is None and name in known and name not in _NULLABLE.get(cls.__name__, ()):
                    raise ValueError(f"`{name}` of {cls.__name__} may be absent, but not null")
        return value
