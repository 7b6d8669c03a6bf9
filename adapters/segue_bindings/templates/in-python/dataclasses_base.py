"""What all dataclasses share: a place for what this version does not know.

<BANNER>
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Members:
    """Base of all dataclasses.

    `unknown_members` holds the members that this version does not know; `null_members` names the optional
    members that were received as null: None alone means absent, and absent is never written as null.
    """

    unknown_members: dict[str, Any] = field(default_factory=dict, repr=False)
    null_members: frozenset[str] = field(default=frozenset(), repr=False)
