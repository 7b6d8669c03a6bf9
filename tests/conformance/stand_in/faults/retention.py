"""Faults in the area retention: by name a sentence, and the seams that break it."""

from __future__ import annotations

from ..endpoint import Refused
from ..seams import Seam
from .state import evict_parents, forgets, found, lost, parent_if, remove_parent

__all__ = ["FAULTS"]

FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    "unstored_is_read": (
        "`store: false` can be read by its id",
        {
            "stores": lambda s, at: True,
            "parent": lambda f, at: (
                lost(at)
                if found(f) and not f.stored and (not at.socket or f not in at.connection.latest.values())
                else f
            ),
        },
    ),
    "unstored_over_http_from_socket": (
        "`store: false` of a WebSocket resolves over HTTP",
        {
            "stores": lambda s, at: s or at.socket,
            "parent": lambda f, at: (
                lost(at) if found(f) and not f.stored and at.socket and f not in at.connection.latest.values() else f
            ),
        },
    ),
    "absent_store_is_false": (
        "without `store` nothing is stored",
        {"stores": lambda s, at: s and at.asked.get("store") is True},
    ),
    "socket_stores_nothing": ("over the WebSocket nothing is stored", {"stores": lambda s, at: s and not at.socket}),
    "unstored_misses_at_once": (
        "`store: false` is no parent on its own connection",
        parent_if(lambda f, at: found(f) and at.socket and not f.stored, lambda f, at: lost(at)),
    ),
    "unstored_forgets": (
        "`store: false` is taken as a parent without its history",
        forgets(lambda at: at.socket and at.parent is not None and not at.parent.stored),
    ),
    "parent_goes_with_its_child": ("a response is gone once another goes on from it", {"events": evict_parents}),
    "deleted_resolves": (
        "a deleted response is still a parent",
        {
            "deleted": lambda a, at: (at.notes.setdefault("bin", {}).update({at.asked["id"]: at.made}), a)[1],
            "parent": lambda f, at: (
                at.notes.get("bin", {}).get(at.asked.get("previous_response_id"), f) if isinstance(f, Refused) else f
            ),
        },
    ),
    "deleted_is_read": (
        "a deleted response can still be read",
        {
            "deleted": lambda a, at: (at.notes.setdefault("bin", {}).update({at.asked["id"]: at.made}), a)[1],
            "read": lambda a, at: (
                at.notes["bin"][at.asked["id"]].body
                if isinstance(a, Refused) and at.asked["id"] in at.notes.get("bin", {})
                else a
            ),
        },
    ),
    "delete_takes_the_parent": ("deleting a response deletes its parent", {"deleted": remove_parent}),
    "delete_of_unknown_is_200": (
        "deleting an unknown response is answered 200",
        {
            "deleted": lambda a, at: (
                {"id": at.asked["id"], "object": "response", "deleted": True} if isinstance(a, Refused) else a
            )
        },
    ),
    "delete_says_false": (
        "a delete says `deleted: false`",
        {"deleted": lambda a, at: {**a, "deleted": False} if isinstance(a, dict) else a},
    ),
    "delete_names_another": (
        "a delete names another id",
        {"deleted": lambda a, at: {**a, "id": "resp_0"} if isinstance(a, dict) else a},
    ),
    "read_without_output": (
        "a response read by its id has no output",
        {"read": lambda a, at: {**a, "output": []} if isinstance(a, dict) else a},
    ),
    "read_in_progress": (
        "a response read by its id is in progress for ever",
        {"read": lambda a, at: {**a, "status": "in_progress"} if isinstance(a, dict) else a},
    ),
    "read_names_another": (
        "a response read by its id has another",
        {"read": lambda a, at: {**a, "id": "resp_" + "0" * 32} if isinstance(a, dict) else a},
    ),
    "read_of_unknown_is_200": (
        "reading an unknown response is answered 200 null",
        {"read": lambda a, at: {} if isinstance(a, Refused) else a},
    ),
    "read_without_usage": (
        "a response read by its id has no usage",
        {"read": lambda a, at: {**a, "usage": None} if isinstance(a, dict) else a},
    ),
    "stored_is_not_read": (
        "a stored response can not be read",
        {"read": lambda a, at: Refused(404, None, "Not found.")},
    ),
    "list_is_empty": (
        "the input of a response is listed as empty",
        {"listed": lambda a, at: {**a, "data": []} if isinstance(a, dict) else a},
    ),
    "list_has_the_output": (
        "the output is listed as input",
        {"listed": lambda a, at: {**a, "data": [*at.made.body["output"], *a["data"]]} if isinstance(a, dict) else a},
    ),
    "list_ignores_order": (
        "the order of a list is ignored",
        {
            "listed": lambda a, at: (
                {**a, "data": sorted(a["data"], key=lambda i: -int(i["id"][-1]))} if isinstance(a, dict) else a
            )
        },
    ),
    "list_ignores_limit": (
        "the limit of a list is ignored",
        {
            "listed": lambda a, at: (
                at.stand_in.listed(at.asked["id"], at.principal, {"order": at.asked["order"]})
                if isinstance(a, dict) and at.asked.get("limit")
                else a
            )
        },
    ),
    "list_ignores_after": (
        "`after` is ignored: every page is the first",
        {
            "listed": lambda a, at: (
                at.stand_in.listed(
                    at.asked["id"], at.principal, {n: v for n, v in at.asked.items() if n in ("order", "limit")}
                )
                if isinstance(a, dict) and at.asked.get("after")
                else a
            )
        },
    ),
    "list_always_has_more": (
        "a list always has more",
        {"listed": lambda a, at: {**a, "has_more": True} if isinstance(a, dict) else a},
    ),
    "list_of_unknown_is_200": (
        "the input of an unknown response is listed as empty",
        {
            "listed": lambda a, at: (
                {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
                if isinstance(a, Refused)
                else a
            )
        },
    ),
}
