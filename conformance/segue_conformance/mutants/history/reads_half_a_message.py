"""Reads the first 32 kB of a message, and of instructions the first 8 kB."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.long_message", "history.long_instructions"))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        context = {**whole.context, "instructions": str(whole.context.get("instructions", ""))[:8_000]}
        return replace(whole, context=context, items=[_cut(item) for item in whole.items])


def _cut(item: bytes) -> bytes:
    return msgspec.json.encode(_short(msgspec.json.decode(item)))


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(each) for each in value]
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return value[:32_000] if isinstance(value, str) else value


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for how much it reads."""

    turn_type = _Turn
