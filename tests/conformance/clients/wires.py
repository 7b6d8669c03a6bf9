"""How the small agent asks for a turn on each wire: plain code on the standard library and `websockets`."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
import time
from urllib.parse import urlsplit

__all__ = ["WIRES", "Closed", "Cut", "Denied", "Failure", "Link"]

# What Segue's advice is for what OpenAI's wires say (spec: binding-openai-http).
_ADVICE = {
    "previous_response_not_found": "resend_full", "websocket_connection_limit_reached": "reconnect",
    "rate_limit_exceeded": "wait", "insufficient_quota": "give_up", "server_error": "retry",
}  # fmt: skip
_ENDS = ("response.completed", "response.incomplete")


class Failure(Exception):
    """A turn was refused or failed; `wait` is in seconds."""

    def __init__(self, told: str, advice: str, wait: float | None = None) -> None:
        super().__init__(told)
        self.advice = advice
        self.wait = wait


class Cut(Exception):
    """The answer ended before its end; `output` is what came."""

    def __init__(self, output: list[dict]) -> None:
        super().__init__("the answer was cut")
        self.output = output


class Closed(Exception):
    """The connection is gone and can't be had again."""


class Denied(Exception):
    """No WebSocket is to be had."""


def read_error(status: int | None, body: dict, headers: dict[str, str]) -> Failure:
    """Return what an error in any of OpenAI's envelopes says."""
    error = body.get("error") if isinstance(body.get("error"), dict) else body
    code, text = error.get("code"), str(error.get("message") or error.get("detail") or body)
    lost = error.get("param") == "previous_response_id" or "previous_response" in text.lower()
    advice = _ADVICE.get(str(code)) or ("resend_full" if lost else None)
    if advice is None:
        advice = "wait" if status == 429 else "retry" if status is None or status >= 500 else "fix"
    headers = {**headers, **(body.get("headers") or {})}
    wait = headers.get("retry-after")
    return Failure(text, advice, float(wait) if wait else None)


class Link:
    """A way to an endpoint. `ask` returns the handle of the turn and its output."""

    def __init__(self, *, stream: bool, faults: frozenset[str]) -> None:
        self.stream = stream
        self.faults = faults

    def ask(self, parent: str | None, items: list[dict], tool: dict) -> tuple[str | None, list[dict]]:
        raise NotImplementedError

    def reconnect(self) -> None:
        """Take another connection for the next turn."""

    def close(self) -> None:
        """End it."""


class Events:
    """Gathers the events of one response of OpenAI's wires."""

    def __init__(self, faults: frozenset[str]) -> None:
        self.faults = faults
        self.output: list[dict] = []
        self.texts: dict[int, str] = {}
        self.known = ("response.", "error")

    def take(self, event: dict) -> tuple[str, list[dict]] | None:
        kind = event["type"]
        if not kind.startswith(self.known):
            if "chokes_on_unknown" in self.faults:
                raise SystemExit(f"unknown event {kind}")
            return None
        if "chokes_on_members" in self.faults and "vendor_note" in event:
            raise SystemExit("unknown member vendor_note")
        if kind == "response.output_text.delta":
            at = event["output_index"]
            self.texts[at] = self.texts.get(at, "") + event["delta"]
        elif kind == "response.output_item.done":
            if "chokes_on_items" in self.faults and ":" in event["item"]["type"]:
                raise SystemExit(f"unknown item {event['item']['type']}")
            self.output.append(event["item"])
        elif kind == "error":
            raise read_error(event.get("status", event.get("status_code")), event, {})
        elif kind == "response.failed":
            raise read_error(500, event["response"], {})
        elif kind in _ENDS:
            if kind == "response.incomplete" and "drops_incomplete" in self.faults:
                return event["response"]["id"], []
            return event["response"]["id"], self.output
        return None

    def partial(self) -> list[dict]:
        """What came of an answer that was cut, as items."""
        texts = [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
            }
            for text in self.texts.values()
        ]
        return self.output or texts


class OpenAIHTTP(Link):
    """`POST /responses`, a connection for each request."""

    base, key = "OPENAI_BASE_URL", "OPENAI_API_KEY"

    def request(self, method: str, path: str, body: dict) -> http.client.HTTPResponse:
        url = urlsplit(os.environ[self.base])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        headers = {"authorization": f"Bearer {os.environ[self.key]}", "content-type": "application/json"}
        connection.request(method, url.path.removesuffix("/v1") + path, json.dumps(body), headers)
        return connection.getresponse()

    def body(self, parent: str | None, items: list[dict], tool: dict) -> dict:
        body = {"model": os.environ.get("SEGUE_MODEL", "m"), "input": items, "tools": [tool]}
        if parent is not None:
            body["previous_response_id"] = parent
        if "sends_segue" in self.faults:
            body["segue"] = {"turn": "t_1"}
        return body

    def ask(self, parent, items, tool):
        body = {**self.body(parent, items, tool), "stream": self.stream}
        seen = Events(self.faults)
        try:
            if "impatient" in self.faults:
                return self.hasty(body, seen)
            answer = self.request("POST", "/v1/responses", body)
            if answer.status != 200:
                raise read_error(answer.status, self.parsed(answer.read()), dict(answer.headers))
            if not self.stream:
                return self.whole(json.loads(answer.read()))
            for line in answer:
                if line.startswith(b"data: {") and (ended := seen.take(json.loads(line[6:]))) is not None:
                    return ended
        except (OSError, http.client.HTTPException):
            raise Cut(seen.partial()) from None
        raise Cut(seen.partial())

    def hasty(self, body: dict, seen: Events):
        """Wait half a second for the answer, and ask again where it is not there."""
        first = self.request_with_patience(body, 0.5)
        answer = first or self.request("POST", "/v1/responses", body)
        for line in answer:
            if line.startswith(b"data: {") and (ended := seen.take(json.loads(line[6:]))) is not None:
                return ended
        raise Cut(seen.partial())

    def request_with_patience(self, body: dict, patience: float) -> http.client.HTTPResponse | None:
        url = urlsplit(os.environ[self.base])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=patience)
        headers = {"authorization": f"Bearer {os.environ[self.key]}", "content-type": "application/json"}
        connection.request("POST", "/v1/responses", json.dumps(body), headers)
        try:
            return connection.getresponse()
        except TimeoutError:
            return None

    def whole(self, response: dict) -> tuple[str, list[dict]]:
        if "chokes_on_members" in self.faults and "vendor_note" in response:
            raise SystemExit("unknown member vendor_note")
        if response["status"] == "failed":
            raise read_error(500, response, {})
        return response["id"], response["output"]

    @staticmethod
    def parsed(body: bytes) -> dict:
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        return value if isinstance(value, dict) else {"message": body[:80].decode("utf-8", "replace")}


class Sockets(Link):
    """What the two WebSocket wires share."""

    subprotocols: tuple[str, ...] | None = None
    fallback: type[Link] | None = None

    def __init__(self, **more) -> None:
        super().__init__(**more)
        self.socket = None
        self.other: Link | None = None

    def place(self) -> str:
        raise NotImplementedError

    def open(self):
        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import connect

        if self.socket is not None:
            return self.socket
        for attempt in range(1, 1000):
            try:
                self.socket = connect(
                    self.place(), subprotocols=self.subprotocols, compression=None, proxy=None,
                    additional_headers={"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
                )  # fmt: skip
            except InvalidStatus as denied:
                if "burns_upgrades" in self.faults:
                    continue
                raise Denied(f"status {denied.response.status_code} behind {attempt} upgrades") from None
            return self.socket
        raise Denied("no upgrade")

    def ask(self, parent, items, tool):
        from websockets.exceptions import ConnectionClosed

        if self.other is not None:
            return self.other.ask(parent, items, tool)
        try:
            self.open()
        except Denied:
            if self.fallback is None or "no_fallback" in self.faults:
                raise
            self.other = self.fallback(stream=self.stream, faults=self.faults)
            return self.other.ask(parent, items, tool)
        self.begin()
        try:
            return self.turn(parent, items, tool)
        except ConnectionClosed:
            self.reconnect()
            if "never_reconnects" in self.faults:
                raise Closed("the connection was closed") from None
            raise Cut(self.partial()) from None

    def begin(self) -> None:
        raise NotImplementedError

    def turn(self, parent, items, tool):
        raise NotImplementedError

    def partial(self) -> list[dict]:
        return []

    def reconnect(self) -> None:
        self.close()
        self.socket = None

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()


class OpenAIWS(Sockets):
    """`response.create` on one connection."""

    fallback = OpenAIHTTP

    def place(self) -> str:
        return os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1) + "/responses"

    def begin(self) -> None:
        self.seen = Events(self.faults)

    def partial(self) -> list[dict]:
        return self.seen.partial()

    def turn(self, parent, items, tool):
        body = OpenAIHTTP.body(self, parent, items, tool)
        self.socket.send(json.dumps({"type": "response.create", **body}))
        if "impatient" in self.faults:
            time.sleep(0.3)
            self.socket.send(json.dumps({"type": "response.create", **body}))
        while True:
            event = json.loads(self.socket.recv(timeout=None if "hangs" in self.faults else 20))
            if "hangs" in self.faults and event["type"] == "error":
                continue
            if (ended := self.seen.take(event)) is not None:
                return ended


class Native:
    """What Segue's two wires share: names, advice, and items built from deltas."""

    def begin(self) -> None:
        self.built: dict[int, dict] = {}
        self.seen_text = ""

    def start(self, parent: str | None, items: list[dict], tool: dict) -> dict:
        name = "t_" + secrets.token_urlsafe(16)
        start = {"type": "turn.start", "turn": name, "input": items}
        if parent is not None:
            start["parent"] = parent
        else:
            start["context"] = {"model": "scripted", "tools": [tool]}
        if "fractions" in self.faults:
            return {**start, "deadline_ms": 60000.0}
        return {**start, "deadline_ms": 60000}

    def take(self, event: dict) -> tuple[str | None, list[dict]] | None:
        kind = event["type"]
        if kind == "turn.accepted" and "builds_on" not in self.faults:
            self.built = {}
        elif kind == "item.started":
            if "builds_on" not in self.faults or event["index"] not in self.built:
                self.built[event["index"]] = event["item"]
        elif kind == "item.delta":
            self.grow(self.built[event["index"]], event["at"].strip("/").split("/"), event)
        elif kind == "item.completed" and "item" in event:
            self.built[event["index"]] = event["item"]
        elif kind == "turn.completed":
            return (event.get("continuation") or {}).get("id"), self.output()
        elif kind in ("turn.failed", "error"):
            raise self.failure(event["error"])
        elif not kind.startswith(("turn.", "item.", "welcome", "connection.")) and "chokes_on_unknown" in self.faults:
            raise SystemExit(f"unknown message {kind}")
        if "chokes_on_members" in self.faults and "vendor_note" in event:
            raise SystemExit("unknown member vendor_note")
        return None

    def output(self) -> list[dict]:
        items = [item for _, item in sorted(self.built.items())]
        if "chokes_on_items" in self.faults and any(item["type"].startswith("vendor:") for item in items):
            raise SystemExit("unknown item")
        return items

    def partial(self) -> list[dict]:
        return [item for item in self.built.values() if item["type"] == "message"]

    def grow(self, value, path, event) -> None:
        for step in path[:-1]:
            value = value[int(step) if isinstance(value, list) else step]
        last = int(path[-1]) if isinstance(value, list) else path[-1]
        if "append" in event:
            value[last] += event["append"]
        elif isinstance(value, list) and last == len(value):
            value.append(event["put"])
        else:
            value[last] = event["put"]

    def failure(self, error: dict) -> Failure:
        advice = error["advice"]
        if "knows_codes_only" in self.faults and error["code"].startswith("vendor_"):
            advice = "give_up" if advice != "give_up" else "retry"
        if "knows_no_advice" in self.faults and error["code"].startswith("vendor_"):
            advice = "retry"
        wait = error.get("retry_after_ms")
        return Failure(f"{error['code']}: {error['message']}", advice, wait / 1000 if wait else None)


class SegueHTTP(Native, OpenAIHTTP):
    """`PUT /turns/{turn}`, answered by events."""

    base, key = "SEGUE_URL", "SEGUE_API_KEY"

    def ask(self, parent, items, tool):
        self.begin()
        start = self.start(parent, items, tool)
        if not self.stream:
            start["delivery"] = {"mode": "final"}
        for attempt in range(4):
            try:
                answer = self.request("PUT", f"/segue/v1/turns/{start['turn']}", start)
                if answer.status >= 400:
                    raise self.failure(json.loads(answer.read()))
                if not self.stream:
                    return self.snapshot(json.loads(answer.read()))
                for line in answer:
                    if line.startswith(b"data: {") and (ended := self.take(json.loads(line[6:]))) is not None:
                        return ended
            except (OSError, http.client.HTTPException):
                pass
            if "cut_is_success" in self.faults or attempt == 3:
                break
        raise Cut(self.partial())

    def snapshot(self, told: dict):
        if "chokes_on_members" in self.faults and "vendor_note" in told:
            raise SystemExit("unknown member vendor_note")
        if told.get("failed"):
            raise self.failure(told["failed"]["error"])
        return (told["completed"].get("continuation") or {}).get("id"), told["items"]


class SegueWS(Native, Sockets):
    """`turn.start` on one connection; what was cut is repeated under its name on the next."""

    subprotocols = ("segue.v1",)
    fallback = SegueHTTP

    def place(self) -> str:
        return os.environ["SEGUE_URL"].removesuffix("/v1").replace("http", "ws", 1) + "/segue/v1"

    def turn(self, parent, items, tool):
        from websockets.exceptions import ConnectionClosed

        start = self.start(parent, items, tool)
        for _ in range(4):
            try:
                self.open().send(json.dumps(start))
                if "impatient" in self.faults:
                    time.sleep(0.3)
                    self.socket.send(json.dumps({**start, "turn": "t_" + secrets.token_urlsafe(16)}))
                while True:
                    event = json.loads(self.socket.recv(timeout=20))
                    if event["type"] == "welcome" and "one_version" in self.faults and event["protocol"] != "1.0":
                        raise Denied(f"version {event['protocol']}")
                    if (ended := self.take(event)) is not None:
                        return ended
            except ConnectionClosed:
                if self.faults & {"never_reconnects", "cut_is_success"}:
                    raise
                self.reconnect()
        raise Cut([])


WIRES = {"openai-http": OpenAIHTTP, "openai-ws": OpenAIWS, "segue-http": SegueHTTP, "segue-ws": SegueWS}

if __name__ == "__main__":
    sys.exit("this is a part of agent.py")
