"""Continuations and contexts of the store in a server: what is sent of a history, and what is read of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ...contexts import Context
from ...history import History
from ..base import Bounds, Handle, Held, RetentionLost, StoreFull
from ..encoding import decode_terminal, encode_terminal
from ..weights import context_weight
from .loaded import Loaded
from .private import Private
from .steps import Steps

__all__ = ["Continuations"]

_FIRST_STRETCH, _LONGEST_STRETCH = 16, 4_096  # turns of a history that are read at once


class Continuations:
    """The part of the store that keeps continuations and contexts."""

    bounds: Bounds
    _loaded: Loaded
    _private: Private
    _steps: Steps
    _scopes: dict[str, set[str]]

    if TYPE_CHECKING:

        async def _write(self, step: str, principal: str, turn: str, epoch: int, *arguments: Any) -> list[Any]: ...

    async def write_end(self, principal: str, head: tuple[Any, ...], handle: Handle | None) -> float | None:
        """Write a terminal event with its continuation; return what is left of that in ms. StaleEpoch, RetentionLost.

        What the server surely holds (the turns before this one, the context of the record) is not sent; where it
        holds them no more, all of it is.
        """
        if handle is None:
            await self._write("finish", principal, *head, "")
            return None
        terminal = encode_terminal(handle.terminal)
        kept = msgspec.msgpack.encode(
            {
                "id": handle.id,
                "r": handle.retention,
                "s": handle.scope,
                "p": handle.parent,
                "l": handle.life_ms,
                "a": handle.created_at,
                "x": None if terminal is None else terminal.decode(),
            }
        )
        uses = self._steps.uses(principal)
        for whole in (False, True):
            context = (handle.context.digest, context_weight(handle.context), handle.context.raw if whole else b"")
            chain = [part for link in self._loaded.chain(handle.history, whole=whole) for part in link]
            told = await self._write("finish", principal, *head, kept, uses, *context, *chain)
            if told[0] != b"need":
                break
        if told[0] != b"ok":
            raise RetentionLost
        if handle.scope is not None:
            self._scopes.setdefault(principal, set()).add(handle.scope)
        self._loaded.keep(handle.history)
        self._loaded.keep_context(principal, handle.context)
        return float(told[1]) if told[1] else None

    async def resolve(self, principal: str, identifier: str, scope: str | None) -> Held | None:
        """Return a continuation by one lookup of principal and id."""
        told = await self._steps.run("resolve", principal, identifier, scope or "")
        if not told:
            return None
        left, body = told
        node, digest, retention, turn, bound, parent, life, created, *terminal = msgspec.msgpack.decode(body)
        history = await self._history(principal, node)
        context = self._loaded.context(principal, digest) or await self.context(principal, digest)
        if history is None or context is None:
            return None  # deleted since
        self._steps.use(principal, identifier)
        handle = Handle(
            id=identifier,
            history=history,
            context=context,
            retention=retention,
            turn=turn,
            scope=bound or None,
            parent=parent or None,
            life_ms=None if life is False else life,
            created_at=created,
            terminal=decode_terminal(terminal[0].encode()) if terminal else None,
        )
        return Held(handle, float(left) if left else None)

    async def _history(self, principal: str, node: str) -> History | None:
        """Return the history that ends with a turn: from memory, else read in stretches that grow."""
        known = self._loaded.find(node)
        bodies: list[tuple[str, bytes]] = []
        stretch = _FIRST_STRETCH
        above = node
        while known is None and above != "root":
            listed, following = await self._steps.run("load", principal, above, stretch)
            for identifier, body in zip(map(bytes.decode, listed[::2]), listed[1::2], strict=True):
                known = self._loaded.find(identifier)
                if known is not None:
                    break
                bodies.append((identifier, body))
            above = following.decode()
            if known is None and not above:
                return None
            stretch = min(stretch * 4, _LONGEST_STRETCH)
        history = known
        for identifier, body in reversed(bodies):
            history = self._loaded.place(identifier, body, history)
        if history is not None:
            self._loaded.keep(history)
        return history

    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        """Delete a continuation and the records that hold its output."""
        told = await self._steps.run("delete", principal, identifier, scope or "", int(descendants))
        return [one.decode() for one in told[0]] if told else None

    async def close_scope(self, principal: str, scope: str) -> None:
        """Delete the handles of a connection that ended."""
        held = self._scopes.get(principal, set())
        held.discard(scope)
        if not held:
            self._scopes.pop(principal, None)
        await self._steps.run("close_scope", principal, scope)

    async def renew_scopes(self) -> None:
        """Say that the connections of this node still live, so that nobody frees what is held for them."""
        for principal, scopes in list(self._scopes.items()):
            await self._steps.run("renew_scopes", principal, *scopes)

    # -- contexts

    def sent_context(self, principal: str, context: Context, *, raw: bool) -> tuple[str, int, bytes]:
        """Return a context as it is sent: with its bytes where the server may not hold it, or asked for them."""
        held = not raw and self._loaded.context(principal, context.digest) is not None
        return context.digest, context_weight(context), b"" if held else context.raw

    async def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that is held for the principal."""
        read = self._loaded.context(principal, digest)
        told = await self._steps.run("context", principal, digest, int(read is not None))
        if not told:
            return self._private.context(principal, digest)
        return read if read is not None else self._loaded.read_context(principal, digest, told[0])

    async def put_context(self, principal: str, context: Context) -> None:
        """Hold a context without a handle, for as long as a `cached` one lives."""
        told = await self._steps.run(
            "put_context", principal, context.digest, context_weight(context), context.raw, self._steps.uses(principal)
        )
        if told[0] != b"ok":
            raise StoreFull("contexts")
        self._loaded.keep_context(principal, context)
