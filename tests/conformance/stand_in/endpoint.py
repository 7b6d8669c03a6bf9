"""The stand-in without sockets: what it holds, what it refuses, and the events of a response.

Every `"name" in self.on` is a switch: test_legal_oddities.py names those that are legal, test_stand_in_faults.py those
that break something. With none on it does what OpenAI documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .asking import Asker, Connection, Refused, Response
from .model import Item, Reply, reply, text_of
from .models import MODELS
from .seams import At, Seam, Seams
from .telling import Teller

__all__ = ["Connection", "Refused", "Response", "StandIn"]


class StandIn(Asker, Teller):
    """An endpoint for the principals of `keys` (key by name), with these switches on and these seams open."""

    def __init__(self, keys: Mapping[str, str], *switches: str, seams: Iterable[Mapping[str, Seam]] = ()) -> None:
        self.principals = {key: name for name, key in keys.items()}
        self.on = frozenset(switches)
        self.seams = Seams(seams)
        self.held: dict[str, Response] = {}
        self.notes: dict[Any, Any] = {}
        self._asked = self._said = 0

    # -- who asks, and how often

    def principal(self, authorization: str | None) -> str | None:
        """Return whose key it is; None for nobody's."""
        known = self.principals.get((authorization or "").removeprefix("Bearer "))
        if authorization is None and "takes_no_key" in self.on:
            return "stranger"
        return known or ("stranger" if "takes_any_key" in self.on else None)

    def knock(self) -> None:
        """Refuse one request in seven, where the endpoint is busy now and then."""
        self._asked += 1
        if "busy_now_and_then" in self.on and self._asked % 7 == 6:
            raise Refused(429, "rate_limit_exceeded", "Rate limit reached. Please try again in 20ms.")
        if "overloaded_now_and_then" in self.on and self._asked % 7 == 6:
            raise Refused(503, "server_overloaded", "The server is overloaded. Please try again later.")

    # -- responses by id

    def read(self, identifier: str, principal: str) -> dict[str, Any]:
        """Return a stored Response."""
        if "cannot_read" in self.on:
            raise Refused(405, None, "Method not allowed.")
        owner = None if "foreign_read" in self.on else principal
        return self._route("read", identifier, principal, lambda: self._named(identifier, owner).body)

    def listed(self, identifier: str, principal: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the items that a stored Response was made from, the newest first."""
        if "cannot_read" in self.on or "cannot_list" in self.on:
            raise Refused(404, None, "Not found.")

        def page() -> dict[str, Any]:
            found = self._named(identifier, principal)
            items = [{"id": f"msg_{identifier[5:12]}{at}", **item} for at, item in enumerate(found.history)]
            items = items[: len(items) - len(found.body["output"])]
            if query.get("order", "desc") == "desc" and "lists_oldest_first" not in self.on:
                items.reverse()
            ids = [item["id"] for item in items]
            begin = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
            limit = int(query.get("limit", "20"))
            shown = items[begin : begin + limit]
            ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
            return {"object": "list", "data": shown, **ends, "has_more": len(items) > begin + limit}

        return self._route("listed", identifier, principal, page, dict(query))

    def delete(self, identifier: str, principal: str) -> dict[str, Any]:
        """Delete a stored Response."""
        if status := next((int(s[-3:]) for s in self.on if s.startswith("cannot_delete_")), None):
            raise Refused(status, None, "Deleting is not implemented.")

        def gone() -> dict[str, Any]:
            found = self._named(identifier, None if "foreign_delete" in self.on else principal)
            if "deletes_nothing" not in self.on:
                del self.held[found.id]
            return {"id": identifier, "object": "response", "deleted": True}

        return self._route("deleted", identifier, principal, gone)

    def _route(
        self, seam: str, identifier: str, principal: str, act: Callable[[], dict[str, Any]], query: Any = None
    ) -> dict[str, Any]:
        made = self.held.get(identifier)
        try:
            told: Any = act()
        except Refused as refused:
            told = refused
        told = self.seams(seam, told, At(self, {"id": identifier, **(query or {})}, principal, made=made))
        if isinstance(told, Refused):
            raise told
        answer: dict[str, Any] = told
        return answer

    def _named(self, identifier: str, principal: str | None) -> Response:
        found = self.held.get(identifier)
        if found is None or (principal is not None and found.owner != principal):
            raise Refused(404, None, f"Response with id '{identifier}' not found.")
        return found

    # -- creates

    def create(self, asked: dict[str, Any], principal: str, connection: Connection | None = None) -> Response:
        """Run a create and return the response, finished, with its events; Refused where it is not run."""
        at = At(self, asked, principal, connection)
        asked = at.asked = self.seams("asked", asked, at)
        lane = asked.get("stream_id")
        try:
            return self._create(asked, principal, connection, lane, at)
        except Refused as refused:
            named = asked.get("previous_response_id")
            if connection is not None and lane in connection.latest and connection.latest[lane].id == named:
                del connection.latest[lane]  # as documented: the store may still have it
            if "refusal_evicts_parent" in self.on and refused.status == 400:
                self.held.pop(str(named), None)
            told = self.seams("refused", refused, at)
            if isinstance(told, Response):
                return told
            raise told from None

    def _create(
        self, asked: dict[str, Any], principal: str, connection: Connection | None, lane: str | None, at: At
    ) -> Response:
        given = self.seams("checked", self._checked(asked, connection), at)
        try:
            resolved: Any = self._parent(asked, principal, connection)
        except Refused as refused:
            resolved = refused
        parent: Response | None = self.seams("parent", resolved, at)
        if isinstance(parent, Refused):
            raise parent
        at.parent = parent
        past = self.seams("past", list(self._past(parent)), at) if parent else []
        history = [*past, *given]
        if not self.on & {"drops_calls", "drops_outputs", "orphan_is_taken"}:
            _pair(history)
        silent = asked.get("generate") is False and "warm_up_generates" not in self.on
        kept = [] if silent and "warm_up_is_lost" in self.on else given
        if parent is None and asked.get("previous_response_id") and "lost_is_answered_empty" in self.on:
            silent = True
        said = Reply() if silent else self._says(history, self.seams("settings", asked, at))
        output, cut = ([], False) if silent else self._output(said, asked.get("max_output_tokens"))
        output = self.seams("output", output, at)
        stored = asked.get("store") is not False and "unstored_only" not in self.on
        own = self.seams("kept", [*kept, *output], at)
        if parent is not None and "siblings_share" in self.on:
            parent.history += own
            history = parent.history
        else:
            history = [*history[: len(history) - len(given)], *own]
        name = parent.id if parent and "handle_is_reused" in self.on else self._id("resp")
        made = at.made = Response(name, principal, parent, own, history, stored, slow=said.slow)
        words = [sum(len(text_of(item).split()) for item in items) for items in (history, output)]
        made.body = self.seams("body", self._body(made, asked, output, cut, words), at)
        made.events = self.seams("events", self._events(made.body, made.body.get("output", output)), at)
        kept_anyway = ("unstored_resolves_over_http" in self.on and not connection) or "unstored_survives" in self.on
        made.at = at
        if self.seams("stores", stored or kept_anyway, at):
            self.held[made.id] = made
        if connection is not None:
            connection.latest[lane] = connection.last = made
        return made

    def _says(self, history: list[Item], settings: dict[str, Any]) -> Reply:
        other = next((MODELS[name][1] for name in self.on if name in MODELS), None)
        if other is None:
            return reply(history, settings, self.on)
        self._said += 1
        return other(history, settings, self._said)

    def _parent(self, asked: dict[str, Any], principal: str, connection: Connection | None) -> Response | None:
        identifier = asked.get("previous_response_id")
        if identifier is None and "null_parent_is_lost" in self.on and "previous_response_id" in asked:
            raise self._lost("null", False)
        if identifier is None:
            return connection.last if connection and "socket_wide_memory" in self.on else None
        if "ignores_parent" in self.on or ("ignores_parent_on_socket" in self.on and connection is not None):
            return None
        if "ignores_parent_unstreamed" in self.on and connection is None and not asked.get("stream"):
            return None
        if not re.fullmatch(r"[\w.:~-]+", identifier) and "takes_malformed_ids" not in self.on:
            told = f"Invalid 'previous_response_id': '{identifier}' has characters that no id has."
            raise Refused(400, "invalid_value", told, "previous_response_id")
        if connection is not None:
            if "newest_for_any_unstored" in self.on and connection.last and asked.get("store") is False:
                return connection.last
            for latest in connection.latest.values():
                if latest.id == identifier:
                    return latest
            if "forgets_other_connections" in self.on and identifier in self.held:
                return None
        found = self.held.get(identifier)
        if found is not None and connection is not None and "never_hydrates" in self.on:
            found = None
        foreign = found is not None and found.owner != principal
        if foreign and ("foreign_parent" in self.on or ("foreign_parent_on_socket" in self.on and connection)):
            foreign = False
        if found is not None and not foreign:
            return found
        forgiving = {"lost_is_forgotten", "lost_is_answered_empty"} & self.on
        if forgiving or ("takes_malformed_ids" in self.on and " " in identifier):
            return None
        raise self._lost(identifier, foreign)

    def _lost(self, identifier: str, foreign: bool) -> Refused:
        told = f"Previous response with id '{identifier}' not found."
        if foreign and "foreign_is_told" in self.on:
            return Refused(400, "previous_response_not_found", "It belongs to someone else.", "previous_response_id")
        if "lost_is_500" in self.on:
            return Refused(500, "server_error", "KeyError")
        if "lost_is_404" in self.on:
            return Refused(404, "not_found", told, "previous_response_id")
        if "lost_by_text" in self.on:
            return Refused(400, None, told)
        return Refused(400, "previous_response_not_found", told, "previous_response_id")

    def _past(self, parent: Response) -> list[Item]:
        """Return the history behind a parent, less what a fault loses of it."""
        if "keeps_last_turn_only" in self.on:
            past = parent.own
        elif "deletion_truncates" in self.on:
            past, at = [], parent
            while at is not None and (not at.stored or at.id in self.held):
                past, at = [*at.own, *past], at.parent  # type: ignore[assignment]
        else:
            past = parent.history
        lost = {
            "drops_assistant": lambda item: item.get("role") == "assistant",
            "drops_calls": lambda item: item["type"] == "function_call",
            "drops_outputs": lambda item: item["type"] == "function_call_output",
        }
        gone = [test for name, test in lost.items() if name in self.on]
        return [item for item in past if not any(test(item) for test in gone)]


def _pair(history: list[Item]) -> None:
    """Refuse outputs of calls that were never made, and calls that nobody answered, as OpenAI does."""
    opened = [item["call_id"] for item in history if item["type"] == "function_call"]
    closed = [item["call_id"] for item in history if item["type"] == "function_call_output"]
    if orphans := [name for name in closed if name not in opened]:
        raise Refused(400, None, f"No tool call found for function call output with call_id {orphans[0]}.", "input")
    if left := [name for name in opened if name not in closed]:
        raise Refused(400, None, f"No tool output found for function call {left[0]}.", "input")
