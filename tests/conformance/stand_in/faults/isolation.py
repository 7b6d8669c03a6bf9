"""Faults in the area isolation: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..endpoint import Refused
from ..seams import Seam
from .state import (
    evict_foreign,
    foreign,
    no_parent,
    parent_if,
    remove,
    stored_parent,
    told_foreign,
    words,
)

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "foreign_parent_is_empty": ("a foreign parent is taken without its history", parent_if(foreign, no_parent)),
    "foreign_parent_over_http": (
        "any key goes on from any response, over HTTP alone",
        parent_if(lambda f, at: foreign(f, at) and not at.socket, stored_parent),
    ),
    "foreign_is_403": (
        "a foreign parent is answered 403",
        parent_if(foreign, told_foreign(403, "forbidden", "You do not have access to this response.")),
    ),
    "foreign_has_another_code": (
        "a foreign parent is refused by another code",
        parent_if(foreign, told_foreign(400, "invalid_previous_response", "Previous response not found.")),
    ),
    "foreign_try_evicts": ("a stranger's try takes the response away", {"parent": evict_foreign}),
    "foreign_delete_in_secret": (
        "a foreign delete answers 404 and deletes",
        {"deleted": lambda a, at: remove(a, at) if isinstance(a, Refused) else a},
    ),
    "foreign_read_is_403": (
        "reading a foreign response is answered 403",
        {"read": lambda a, at: Refused(403, None, "Forbidden.") if isinstance(a, Refused) and at.made else a},
    ),
    "foreign_delete_is_403": (
        "deleting a foreign response is answered 403",
        {"deleted": lambda a, at: Refused(403, None, "Forbidden.") if isinstance(a, Refused) and at.made else a},
    ),
    "foreign_input_is_listed": (
        "any key lists the input of any response",
        {
            "listed": lambda a, at: (
                at.stand_in.listed(at.asked["id"], at.made.owner, {}) if isinstance(a, Refused) and at.made else a
            )
        },
    ),
    "strangers_share_a_socket_memory": (
        "what one key said, another key's first turn knows",
        {
            "checked": lambda given, at: [*at.notes.get("said", []), *given] if at.socket else given,
            "kept": lambda kept, at: (at.notes.update(said=[i for i in kept if words(i)][-1:]), kept)[1],
        },
    ),
}
