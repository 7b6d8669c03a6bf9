"""The stand-in without sockets: what it holds, what it refuses, and the events of a response.

Every `"name" in self.on` is a switch: test_legal_oddities.py names those that are legal, test_stand_in_faults.py those
that break something. With none on it does what OpenAI documents.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .model import Item, Reply, reply, text_of

__all__ = ["Connection", "Refused", "Response", "StandIn"]

Event = dict[str, Any]

_NEEDED = ("id", "object", "created_at", "status", "model", "output", "parallel_tool_calls", "tool_choice", "tools")
_KNOWN = {
    "input", "instructions", "max_output_tokens", "metadata", "model", "parallel_tool_calls", "previous_response_id",
    "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_p", "truncation", "include",
    "reasoning", "text", "user",
}  # fmt: skip
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")
#: What a lean endpoint, or a broken one, does not send.
_LEFT_OUT = {
    "no_in_progress": ("response.in_progress",),
    "no_item_added": ("response.output_item.added",),
    "no_parts": ("response.content_part.added", "response.content_part.done", "response.output_text.done"),
    "no_deltas": ("response.output_text.delta", "response.function_call_arguments.delta"),
    "items_never_whole": ("response.output_item.done",),
}
_NULLS = {
    "message": ("phase",),
    "function_call": ("namespace", "caller"),
    "reasoning": ("content", "status"),
    "output_text": ("logprobs",),
}


class Refused(Exception):
    """A request that is not run: its status, and the members of the error."""

    def __init__(self, status: int, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}


@dataclass
class Response:
    """One response: whose it is, the turn's own items, the whole history with them, and what is said of it."""

    id: str
    owner: str
    parent: Response | None
    own: list[Item]
    history: list[Item]
    stored: bool
    body: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    slow: bool = False


@dataclass
class Connection:
    """The memory of one WebSocket: the latest response of each lane."""

    latest: dict[str | None, Response] = field(default_factory=dict)
    last: Response | None = None


class StandIn:
    """An endpoint for the principals of `keys` (key by name), with these switches on."""

    def __init__(self, keys: Mapping[str, str], *switches: str) -> None:
        self.principals = {key: name for name, key in keys.items()}
        self.on = frozenset(switches)
        self.held: dict[str, Response] = {}
        self._asked = 0

    # -- who asks, and how often

    def principal(self, authorization: str | None) -> str | None:
        """Return whose key it is; None for nobody's."""
        known = self.principals.get((authorization or "").removeprefix("Bearer "))
        return known or ("stranger" if "takes_any_key" in self.on else None)

    def knock(self) -> None:
        """Refuse one request in seven, where the endpoint is busy now and then."""
        self._asked += 1
        if "busy_now_and_then" in self.on and self._asked % 7 == 6:
            raise Refused(429, "rate_limit_exceeded", "Rate limit reached. Please try again in 20ms.")

    # -- responses by id

    def read(self, identifier: str, principal: str) -> dict[str, Any]:
        """Return a stored Response."""
        if "cannot_read" in self.on:
            raise Refused(405, None, "Method not allowed.")
        return self._named(identifier, None if "foreign_read" in self.on else principal).body

    def delete(self, identifier: str, principal: str) -> dict[str, Any]:
        """Delete a stored Response."""
        if status := next((int(s[-3:]) for s in self.on if s.startswith("cannot_delete_")), None):
            raise Refused(status, None, "Deleting is not implemented.")
        found = self._named(identifier, None if "foreign_delete" in self.on else principal)
        if "deletes_nothing" not in self.on:
            del self.held[found.id]
        return {"id": identifier, "object": "response", "deleted": True}

    def _named(self, identifier: str, principal: str | None) -> Response:
        found = self.held.get(identifier)
        if found is None or (principal is not None and found.owner != principal):
            raise Refused(404, None, f"Response with id '{identifier}' not found.")
        return found

    # -- creates

    def create(self, asked: dict[str, Any], principal: str, connection: Connection | None = None) -> Response:
        """Run a create and return the response, finished, with its events; Refused where it is not run."""
        lane = asked.get("stream_id")
        try:
            return self._create(asked, principal, connection, lane)
        except Refused as refused:
            named = asked.get("previous_response_id")
            if connection is not None and lane in connection.latest and connection.latest[lane].id == named:
                del connection.latest[lane]  # as documented: the store may still have it
            if "refusal_evicts_parent" in self.on and refused.status == 400:
                self.held.pop(str(named), None)
            raise

    def _create(
        self, asked: dict[str, Any], principal: str, connection: Connection | None, lane: str | None
    ) -> Response:
        given = self._checked(asked, connection is not None)
        parent = self._parent(asked, principal, connection)
        history = [*(self._past(parent) if parent else []), *given]
        if not self.on & {"drops_calls", "drops_outputs"}:
            _pair(history)
        silent = asked.get("generate") is False and "warm_up_generates" not in self.on
        kept = [] if silent and "warm_up_is_lost" in self.on else given
        if parent is None and asked.get("previous_response_id") and "lost_is_answered_empty" in self.on:
            silent = True
        said = Reply() if silent else reply(history, asked, self.on)
        output, cut = ([], False) if silent else self._output(said, asked.get("max_output_tokens"))
        stored = asked.get("store") is not False and "unstored_only" not in self.on
        if parent is not None and "siblings_share" in self.on:
            parent.history += [*kept, *output]
            history = parent.history
        else:
            history = [*history[: len(history) - len(given)], *kept, *output]
        name = parent.id if parent and "handle_is_reused" in self.on else self._id("resp")
        made = Response(name, principal, parent, [*kept, *output], history, stored, slow=said.slow)
        words = [sum(len(text_of(item).split()) for item in items) for items in (history, output)]
        made.body = self._body(made, asked, output, cut, words)
        made.events = self._events(made.body, output)
        if stored or ("unstored_resolves_over_http" in self.on and not connection) or "unstored_survives" in self.on:
            self.held[made.id] = made
        if connection is not None:
            connection.latest[lane] = connection.last = made
        return made

    def _checked(self, asked: dict[str, Any], socket: bool) -> list[Item]:
        """Return the input as items; Refused for whatever is not as documented."""
        if "unstored_only" in self.on and asked.get("store") is True:
            raise Refused(
                400, "unsupported_value", "'store' must be false: this organization retains no data.", "store"
            )
        if "store_must_be_false" in self.on and asked.get("store") is not False:
            raise Refused(400, None, "Store must be set to false")
        if not isinstance(asked.get("model"), str):
            raise Refused(400, "missing_required_parameter", "Missing required parameter: 'model'.", "model")
        known = _KNOWN | ({"type", "generate", "stream_id"} if socket else set())
        if "strict_parameters" in self.on and (unknown := sorted(set(asked) - known)):
            raise Refused(400, "unknown_parameter", f"Unknown parameter: '{unknown[0]}'.", unknown[0])
        for refusing, name in (
            ("no_lanes", "stream_id"),
            ("no_warm_up", "generate"),
            ("no_limit", "max_output_tokens"),
        ):
            if refusing in self.on and name in asked:
                raise Refused(400, "unsupported_parameter", f"'{name}' is not supported.", name)
        limit = asked.get("max_output_tokens")
        if limit is not None and (not isinstance(limit, int) or limit < (64 if "high_minimum" in self.on else 16)):
            raise Refused(400, "integer_below_min_value", "'max_output_tokens' is too small.", "max_output_tokens")
        given = asked.get("input")
        if "text_input_refused" in self.on and isinstance(given, str):
            raise Refused(400, "invalid_type", "'input' must be an array.", "input")
        given = [{"role": "user", "content": given}] if isinstance(given, str) else given
        if not isinstance(given, list) or not (given or asked.get("previous_response_id")):
            raise Refused(400, "missing_required_parameter", "One of 'input' or 'prompt' must be provided.", "input")
        return [self._item(item, f"input[{at}]") for at, item in enumerate(given)]

    def _item(self, item: Any, where: str) -> Item:
        kind = item.get("type", "message") if isinstance(item, dict) else None
        if kind not in _ITEMS:
            raise Refused(400, "invalid_value", f"Invalid value for '{where}'.", where)
        content = item.get("content")
        if kind == "message" and not isinstance(content, str | list):
            if "wrong_type_is_500" in self.on:
                raise Refused(500, "server_error", "The server had an error while processing your request.")
            raise Refused(400, "invalid_type", f"Invalid type for '{where}.content'.", f"{where}.content")
        if kind == "message" and isinstance(content, list):
            wanted = ("output_text", "refusal") if item.get("role") == "assistant" else ("input_text",)
            if any(part.get("type") not in wanted for part in content):
                raise Refused(400, "invalid_value", f"Supported values are: {wanted}.", f"{where}.content[0]")
        return {**item, "type": kind}

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
        if not re.fullmatch(r"[\w-]+", identifier) and "takes_malformed_ids" not in self.on:
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

    # -- output

    def _id(self, prefix: str) -> str:
        if "uuid_ids" in self.on:
            return str(uuid.uuid4())
        if "long_ids" in self.on:
            return f"{prefix}_{secrets.token_hex(100)}"[:200]
        return (
            f"vnd-{secrets.token_urlsafe(12)}" if "other_prefixes" in self.on else f"{prefix}_{secrets.token_hex(16)}"
        )

    def _output(self, said: Reply, limit: int | None) -> tuple[list[Item], bool]:
        """Return the output items, and whether they were cut."""
        output: list[Item] = []
        if "reasoning_first" in self.on:
            summary = [{"type": "summary_text", "text": "The user asks; I answer."}]
            sealed = {"encrypted_content": "gAAAAAB" + secrets.token_hex(20)}
            output.append({"id": self._id("rs"), "type": "reasoning", "summary": summary, **sealed})
        if said.calls:
            same = self._id("call")
            for name in said.calls:
                call = same if "call_ids_repeat" in self.on else self._id("call")
                arguments: Any = {} if "arguments_as_object" in self.on else "{}"
                members = {"call_id": call, "name": name, "arguments": arguments}
                output.append({"id": self._id("fc"), "type": "function_call", "status": "completed", **members})
            return output, False
        words = said.text.split(" ")
        if "ignores_limit" in self.on:
            limit = None
        cut = limit is not None and len(words) > limit
        text = " ".join(words[:limit]) if cut else said.text
        if "commentary_first" in self.on:
            output.append(self._message(["I will look at it."], phase="commentary"))
        phase = {"phase": "final_answer"} if "commentary_first" in self.on else {}
        texts = [text[: len(text) // 2], text[len(text) // 2 :]] if "parts_are_split" in self.on else [text]
        output.append(self._message(texts, **phase) | ({"status": "incomplete"} if cut else {}))
        return output, cut

    def _message(self, texts: list[str], **more: Any) -> Item:
        extra = {} if "no_logprobs" in self.on else {"logprobs": []}
        content = [{"type": "output_text", "text": text, "annotations": [], **extra} for text in texts]
        head = {"id": self._id("msg"), "type": "message", "role": "assistant", "status": "completed"}
        return {**head, "content": content, **more}

    def _body(
        self, made: Response, asked: dict[str, Any], output: list[Item], cut: bool, words: list[int]
    ) -> dict[str, Any]:
        told_cut = cut and "cut_is_told_as_whole" not in self.on
        body: dict[str, Any] = {
            "id": made.id, "object": "response", "created_at": 1.5e9, "completed_at": None,
            "status": "incomplete" if told_cut else "completed", "background": False, "error": None,
            "instructions": asked.get("instructions"),
            "incomplete_details": {"reason": "max_output_tokens"} if told_cut else None, "metadata": {},
            "max_output_tokens": asked.get("max_output_tokens"), "model": asked["model"], "output": output,
            "frequency_penalty": 0, "presence_penalty": 0, "top_logprobs": 0, "max_tool_calls": None, "user": None,
            "safety_identifier": None, "prompt_cache_key": None, "parallel_tool_calls": True, "temperature": 1.0,
            "previous_response_id": asked.get("previous_response_id"), "reasoning": {"effort": None, "summary": None},
            "service_tier": "default", "store": made.stored, "text": {"format": {"type": "text"}},
            "tool_choice": "auto", "tools": asked.get("tools") or [], "top_p": 1.0, "truncation": "disabled",
        }  # fmt: skip
        if "lean_response" in self.on:
            body = {name: body[name] for name in (*_NEEDED, *(["incomplete_details"] if told_cut else []))}
        if "cut_without_reason" in self.on and told_cut:
            body["incomplete_details"] = None
        if "no_usage" not in self.on:
            total = sum(words) + ("usage_does_not_add_up" in self.on)
            details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
            usage = {"input_tokens": words[0], "output_tokens": words[1], "total_tokens": total, **details}
            body["usage"] = None if "null_usage" in self.on else usage
            if "usage_lacks_total" in self.on:
                del body["usage"]["total_tokens"]
        return body

    # -- events

    def _events(self, body: dict[str, Any], output: list[Item]) -> list[Event]:
        begun = {
            **body,
            "id": self._id("resp") if "id_changes" in self.on else body["id"],
            "status": "in_progress",
            "output": [],
            "usage": None,
            "incomplete_details": None,
        }
        events: list[Event] = [{"type": f"response.{kind}", "response": begun} for kind in ("created", "in_progress")]
        if "queued_first" in self.on:
            events.insert(0, {"type": "response.queued", "response": {**begun, "status": "queued"}})
        for index, item in enumerate(output):
            events += [{**event, "output_index": index} for event in self._item_events(item)]
        last = dict(body)
        if "terminal_lists_nothing" in self.on:
            last["output"] = []
        if "terminal_without_output" in self.on:
            del last["output"]
        if "terminal_lists_others" in self.on:
            last["output"] = [self._message(["Something else."])]
        events.append({"type": f"response.{body['status']}", "response": last})
        if "terminal_twice" in self.on:
            events.append(dict(events[-1]))
        if "event_behind_terminal" in self.on:
            events.append({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "…"})
        if "cut_has_no_end" in self.on and body["status"] == "incomplete":
            events = events[:-1]
        dropped = [kind for name, kinds in _LEFT_OUT.items() if name in self.on for kind in kinds]
        return [event for event in events if event["type"] not in dropped]

    def _item_events(self, item: Item) -> Iterator[Event]:
        name = "response.output_item"
        at = {"item_id": "changing" if "item_ids_change" in self.on else item["id"]}
        if item["type"] == "message":
            yield {"type": f"{name}.added", "item": {**item, "status": "in_progress", "content": []}}
            for place, part in enumerate(item["content"]):
                where = {**at, "content_index": place}
                yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
                for piece in self._pieces(part["text"]):
                    extra = {} if "no_logprobs" in self.on else {"logprobs": []}
                    padding = {"obfuscation": secrets.token_hex(4)} if "obfuscation" in self.on else {}
                    yield {"type": "response.output_text.delta", **where, "delta": piece, **extra, **padding}
                copied = "Another text." if "done_copy_differs" in self.on else part["text"]
                yield {"type": "response.output_text.done", **where, "text": copied}
                yield {"type": "response.content_part.done", **where, "part": part}
        elif item["type"] == "function_call":
            yield {"type": f"{name}.added", "item": {**item, "status": "in_progress", "arguments": ""}}
            if isinstance(item["arguments"], str):
                yield {"type": "response.function_call_arguments.delta", **at, "delta": item["arguments"]}
                yield {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]}
        else:
            sealed = {"encrypted_content": "gAAAAAB"}
            yield {"type": f"{name}.added", "item": {**item, "summary": [], **sealed}}
            where, part = {**at, "summary_index": 0}, item["summary"][0]
            yield {"type": "response.reasoning_summary_part.added", **where, "part": {**part, "text": ""}}
            yield {"type": "response.reasoning_summary_text.delta", **where, "delta": part["text"]}
            yield {"type": "response.reasoning_summary_text.done", **where, "text": part["text"]}
            yield {"type": "response.reasoning_summary_part.done", **where, "part": part}
        if "final_text_differs" in self.on and item["type"] == "message":
            item = {**item, "content": [{**part, "text": part["text"] + " (edited)"} for part in item["content"]]}
        yield {"type": f"{name}.done", "item": item}

    def _pieces(self, text: str) -> list[str]:
        pieces = [text] if "one_delta" in self.on else re.findall(r"\S+\s*|\s+", text)
        if "letter_by_letter" in self.on:
            pieces = list(text)
        if "empty_deltas" in self.on:
            pieces = [piece for each in pieces for piece in ("", each)]
        return pieces

    async def play(self, made: Response) -> AsyncIterator[Event]:
        """Yield the events of a response as they go out, numbered, at the model's pace."""
        pace = (0.6 if "lanes_share_a_queue" in self.on else 0.12) / len(made.events)
        for number, event in enumerate(made.events):
            if number == 1 and "slow_first_token" in self.on:
                await asyncio.sleep(0.15)
            await asyncio.sleep(pace if made.slow else 0.005 if "lane_not_in_order" in self.on else 0)
            if "unknown_events" in self.on:
                yield {"type": "codex.rate_limits", "rate_limits": {"allowed": True}}
                yield {"type": ("keepalive", "vendor.ping")[number % 2], "sequence_number": number}
            yield self.dressed({**event, "sequence_number": self._number(number, len(made.events))})
        if "unknown_events" in self.on:
            yield {"type": "vendor.trailer"}

    def _number(self, number: int, of: int) -> int:
        for name, other in (
            ("numbers_repeat", number // 2),
            ("numbers_restart", number % max(3, of // 2)),
            ("numbers_from_one", number + 1),
            ("numbers_with_gaps", number * 3),
        ):
            if name in self.on:
                return other
        return number

    def dressed(self, told: Any) -> Any:
        """Return an object with the members that nobody documents, or with null for those that may be."""
        if isinstance(told, list):
            return [self.dressed(each) for each in told]
        if not isinstance(told, dict):
            return told
        more = {"vendor_note": {"é": [1, None, "→"]}} if "unknown_members" in self.on else {}
        if "null_members" in self.on:
            more |= dict.fromkeys(_NULLS.get(str(told.get("type")), ()))
        return {**more, **{name: self.dressed(value) for name, value in told.items()}}


def _pair(history: list[Item]) -> None:
    """Refuse outputs of calls that were never made, and calls that nobody answered, as OpenAI does."""
    opened = [item["call_id"] for item in history if item["type"] == "function_call"]
    closed = [item["call_id"] for item in history if item["type"] == "function_call_output"]
    if orphans := [name for name in closed if name not in opened]:
        raise Refused(400, None, f"No tool call found for function call output with call_id {orphans[0]}.", "input")
    if left := [name for name in opened if name not in closed]:
        raise Refused(400, None, f"No tool output found for function call {left[0]}.", "input")
