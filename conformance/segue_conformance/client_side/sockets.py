"""The front of the endpoint over a WebSocket: the upgrade, each message in both directions, and the end."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from segue_gateway.outlet import OUTLET

from .actions import Answer, Drop, Frames, Through
from .seen import Ask

if TYPE_CHECKING:
    from .front import Front, Message, Receive, Scope, Send

__all__ = ["SocketFront"]

_WIRES = {"/v1/responses": "openai-ws", "/segue/v1": "segue-ws"}
_ENDS = ("response.completed", "response.incomplete", "response.failed", "turn.completed", "turn.failed")


class SocketFront:
    """One connection of the agent."""

    def __init__(self, front: Front, scope: Scope, receive: Receive, send: Send) -> None:
        self._front = front
        self._log = front.log
        self._scope = scope
        self._receive = receive
        self._send = send
        self._wire = _WIRES.get(scope["path"], "")
        self._label = f"{(scope.get('client') or ('', 0))[1]}"
        self._over = False
        # Of each lane (over OpenAI's wire), or of each turn (over Segue's): those that wait, and the one that runs.
        self._waiting: dict[str | None, deque[Ask]] = {}
        self._running: dict[str | None, Ask] = {}
        self._actions: dict[int, Through] = {}

    async def serve(self) -> None:
        """Serve the connection to its end."""
        opened = sum(each.status == 101 for each in self._log.upgrades)
        served = self._wire in self._front.wires
        denied = self._front.hooks.upgrade(self._wire, opened) if served else None
        if denied is not None or not served:
            status = denied.status if denied is not None else 426
            self._log.upgrade(self._wire, status)
            self._log.frame("sent", self._label, "open", f"upgrade {self._scope['path']}")
            self._log.frame("received", self._label, "response", str(status))
            await self._receive()
            body = denied.body if denied is not None else b"{}"
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await self._send({"type": "websocket.http.response.start", "status": status, "headers": headers})
            await self._send({"type": "websocket.http.response.body", "body": body, "more_body": False})
            return
        self._log.upgrade(self._wire, 101)
        self._log.frame("sent", self._label, "open", f"upgrade {self._scope['path']}")
        # No way out past this front: what the endpoint says is looked at, message by message.
        beyond = {name: it for name, it in self._scope.get("extensions", {}).items() if name != OUTLET}
        try:
            await self._front.app({**self._scope, "extensions": beyond}, self._incoming, self._outgoing)
        finally:
            for ask in [*self._running.values(), *(ask for waiting in self._waiting.values() for ask in waiting)]:
                ask.cut = ask.cut or not ask.record.end
                self._log.done(ask)

    # -- what the agent sends

    async def _incoming(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code")
                self._log.frame("sent", self._label, "close", f"{code}")
            if message["type"] != "websocket.receive" or self._over:
                return message
            text = message.get("text")
            data = text.encode() if text is not None else message.get("bytes") or b""
            self._log.frame("sent", self._label, "text", data.decode("utf-8", "replace"))
            ask = self._asked(data)
            if ask is None or not await self._answered(ask):
                return message

    def _asked(self, data: bytes) -> Ask | None:
        try:
            message = json.loads(data)
        except ValueError:
            return None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind not in ("response.create", "turn.start", "turn.resume"):
            return None
        return self._log.ask(
            self._wire, self._label, data, message, kind="resume" if kind == "turn.resume" else "start"
        )

    async def _answered(self, ask: Ask) -> bool:
        """Return whether the scenario has answered; else the endpoint behind does."""
        action = self._front.hooks.act(ask)
        if isinstance(action, Frames):
            self._log.done(ask)
            for message in action.messages:
                if message.get("type") != "connection.draining":
                    ask.record.take(dict(message))
                await self._give(message)
            if action.close is not None:
                await self._close(action.close)
            return True
        if isinstance(action, Drop | Answer):
            self._cut(ask)
            return True
        if action is not None:
            self._actions[ask.number] = action
        self._waiting.setdefault(self._place(ask), deque()).append(ask)
        return False

    def _place(self, ask: Ask) -> str | None:
        return ask.lane if self._wire == "openai-ws" else ask.turn

    # -- what the endpoint sends

    async def _outgoing(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] != "websocket.send" or message.get("text") is None:
            if message["type"] == "websocket.close":
                self._log.frame("received", self._label, "close", str(message.get("code")))
            await self._send(message)
            return
        event = json.loads(message["text"])
        place = event.get("stream_id" if self._wire == "openai-ws" else "turn")
        ask = self._of(place)
        if ask is None:
            for each in self._front.hooks.loose(self._wire, event):
                await self._give(each)
            return
        await self._tell(ask, place, event)

    def _of(self, place: str | None) -> Ask | None:
        if place not in self._running:
            waiting = self._waiting.get(place)
            if not waiting:
                return None
            self._running[place] = waiting.popleft()
        return self._running[place]

    async def _tell(self, ask: Ask, place: str | None, event: dict[str, Any]) -> None:
        action = self._actions.get(ask.number, Through())
        if action.first and not ask.record.begun:
            await asyncio.sleep(action.first)
        if action.between:
            await asyncio.sleep(action.between)
        ask.record.take(event)
        ends = event.get("type") in (*_ENDS, "error")
        if ends:
            self._running.pop(place, None)
            self._log.done(ask)
        events = [event] if action.rewrite is None else action.rewrite(event)
        for each in events:
            await self._give(each)
        if action.cut_at is not None and action.cut_at(event):
            self._running.pop(place, None)
            if action.clean:
                ask.cut = True
                self._log.done(ask)
                await self._close(1000)
            else:
                self._cut(ask)
        elif ends and action.close is not None:
            await self._close(action.close)

    async def _give(self, message: Any) -> None:
        text = json.dumps(message)
        self._log.frame("received", self._label, "text", text)
        if not self._over:
            await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int) -> None:
        self._log.frame("received", self._label, "close", str(code))
        self._over = True
        if code == 1006:
            self._front.abort(self._scope)
        else:
            await self._send({"type": "websocket.close", "code": code, "reason": ""})

    def _cut(self, ask: Ask) -> None:
        ask.cut = True
        self._over = True
        self._log.frame("note", self._label, "cut", "the endpoint cuts the connection, without a close frame")
        self._front.abort(self._scope)
        self._log.done(ask)
