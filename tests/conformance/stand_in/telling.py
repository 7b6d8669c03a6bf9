"""What the stand-in says of a response: its output, its body, its events, and how they go out."""

from __future__ import annotations

import asyncio
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from .model import Item, Reply
from .seams import Seams

if TYPE_CHECKING:
    from .endpoint import Response

__all__ = ["Event", "Teller"]

Event = dict[str, Any]

_NEEDED = ("id", "object", "created_at", "status", "model", "output", "parallel_tool_calls", "tool_choice", "tools")
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


class Teller:
    """Says what a response is, with these switches on."""

    on: frozenset[str]
    seams: Seams
    notes: dict[Any, Any]

    def _id(self, prefix: str) -> str:
        if "uuid_ids" in self.on:
            return str(uuid.uuid4())
        if "short_ids" in self.on:
            self.notes["ids"] = self.notes.get("ids", 0) + 1
            return f"{prefix}_{self.notes['ids']}"
        if "dotted_ids" in self.on:
            return f"{prefix}.{secrets.token_hex(6)}:{secrets.token_hex(6)}~1"
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
        created = 1.5e9 if "created_at_is_float" in self.on else 1_500_000_000
        body: dict[str, Any] = {
            "id": made.id, "object": "response", "created_at": created, "completed_at": None,
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
        # The event says how it ended also where the Response has lost that member.
        events.append({"type": f"response.{body.get('status', 'completed')}", "response": last})
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
        at = {"item_id": "changing" if "item_ids_change" in self.on else item.get("id", "item")}
        if item["type"] == "message":
            yield {"type": f"{name}.added", "item": {**item, "status": "in_progress", "content": []}}
            for place, part in enumerate(item["content"]):
                where = {**at, "content_index": place}
                if part["type"] == "refusal":
                    yield {"type": "response.content_part.added", **where, "part": {**part, "refusal": ""}}
                    yield {"type": "response.refusal.delta", **where, "delta": part["refusal"]}
                    yield {"type": "response.refusal.done", **where, "refusal": part["refusal"]}
                    yield {"type": "response.content_part.done", **where, "part": part}
                    continue
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
        elif item["type"] != "reasoning":
            yield {"type": f"{name}.added", "item": {**item, "status": "in_progress"}}
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
        pace = (0.6 if "lanes_share_a_queue" in self.on else 0.12) / max(1, len(made.events))
        for number, event in enumerate(made.events):
            if number == 1 and "slow_first_token" in self.on:
                await asyncio.sleep(0.15)
            if number == 1 and "slow_answers" in self.on:
                await asyncio.sleep(0.3)
            await asyncio.sleep(pace if made.slow else 0.005 if "lane_not_in_order" in self.on else 0)
            if "unknown_events" in self.on:
                yield {"type": "codex.rate_limits", "rate_limits": {"allowed": True}}
                yield {"type": ("keepalive", "vendor.ping")[number % 2], "sequence_number": number}
            event = {**event, "sequence_number": self._number(number, len(made.events))}
            if (event := self.seams("event", event, made.at)) is not None:
                yield self.dressed(event)
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
