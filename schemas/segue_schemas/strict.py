"""Reads JSON as Segue's messages must be written: I-JSON (RFC 7493), refused where readers would disagree.

Two parsers that both accept a text can still read different things: of a duplicate key one keeps the
first value and another the last; a lone surrogate becomes a replacement character here and an error
there; `NaN` is no JSON, and Python reads it all the same. A server that checks the text before it
decodes can be sure that what it stores is what the client meant.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

__all__ = ["StrictJSONError", "strict_loads"]

_SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJSONError(ValueError):
    """The text is not I-JSON; `reason` says why, `kind` names the fault for machines.

    Kinds: `not_json`, `invalid_utf8`, `duplicate_key`, `lone_surrogate`, `not_a_number` (NaN, Infinity,
    or a number that no double can hold), `too_deep`.
    """

    def __init__(self, reason: str, kind: str = "not_json") -> None:
        """Keep both as attributes; the message is the reason."""
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


def strict_loads(data: bytes | bytearray | memoryview | str, *, max_depth: int = 100) -> Any:
    """Return the value of one JSON text, or raise `StrictJSONError`.

    Refused: bytes that are not UTF-8 (a byte order mark too), duplicate keys of one object, lone
    surrogates, NaN and Infinity, numbers beyond a double's range, arrays and objects nested deeper
    than `max_depth`, and anything behind the value.
    """
    if isinstance(data, str):
        text = data
    else:
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError as error:
            raise StrictJSONError(f"byte {error.start} is not UTF-8", "invalid_utf8") from None
    try:
        value = _DECODER.decode(text)
    except StrictJSONError:
        raise
    except RecursionError:
        raise StrictJSONError(f"nested deeper than {max_depth}", "too_deep") from None
    except json.JSONDecodeError as error:
        raise StrictJSONError(f"no JSON at character {error.pos}: {error.msg}") from None
    except ValueError:
        # CPython refuses to convert integers of several thousand digits.
        raise StrictJSONError("a number is out of range", "not_a_number") from None
    _check(text, value, max_depth)
    return value


def _check(text: str, value: Any, max_depth: int) -> None:
    # Both checks walk the tree, so they are skipped where the text proves that they can't fail:
    # brackets bound the depth, and a surrogate comes in only by an escape or by a str of the caller's.
    shallow = text.count("[") + text.count("{") <= max_depth
    clean = "\\u" not in text and (text.isascii() or _SURROGATE.search(text) is None)
    if shallow and clean:
        return
    level = [value]
    depth = 0
    while level:
        below: list[Any] = []
        for node in level:
            if isinstance(node, str):
                if _SURROGATE.search(node):
                    raise StrictJSONError("a string holds a lone surrogate", "lone_surrogate")
            elif isinstance(node, dict):
                below.extend(node.keys())
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
        # A level that holds any array or object is one deeper than the levels above it.
        depth += any(isinstance(node, (dict, list)) for node in level)
        if depth > max_depth:
            raise StrictJSONError(f"nested deeper than {max_depth}", "too_deep")
        level = below


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise StrictJSONError(f"duplicate key {key[:64]!r}", "duplicate_key")
    return members


def _float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise StrictJSONError(f"{literal[:32]} is beyond the range of a double", "not_a_number")
    return number


def _int(literal: str) -> int:
    if len(literal) > 308 and math.isinf(float(literal)):
        raise StrictJSONError(f"{literal[:32]}… is beyond the range of a double", "not_a_number")
    return int(literal)


def _constant(name: str) -> NoReturn:
    raise StrictJSONError(f"{name} is no JSON", "not_a_number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)
