"""Endpoints that leave one recommendation aside: a check may warn, and no more than that.

They are mutants, too: each is caught by the check of its recommendation. Here it is seen that this check does not call
it a fault, and that no other one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..mutants.bodies import reads_any_type
from ..mutants.items import takes_orphan_outputs
from ..mutants.recommended import (
    lets_streams_be_buffered,
    merges_nothing,
    needs_no_subprotocol,
    no_websocket_told_as_404,
    resumes_from_the_future,
    sends_items_twice,
    tells_no_reuse,
    tells_no_timing,
)
from ..mutants.wire_fault import NATIVE
from ..mutants.wire_segue_ws import does_not_compress

__all__ = [
    "CompressesNothing", "GoesOnWithoutASubprotocol", "LetsStreamsBeBuffered", "MergesNothing", "ReadsAnyType",
    "ResumesFromTheFuture", "SendsItemsTwice", "TakesOrphanOutputs", "TellsNoReuse", "TellsNoTiming",
    "TellsNoWebSocketAs404",
]  # fmt: skip


class CompressesNothing(does_not_compress.MutantEndpoint):
    """A WebSocket is not compressed.

    Legal: SEG-WS-006 is a recommendation.
    """

    wires = ("segue-ws",)
    WARNS: ClassVar[Mapping[str, str]] = {"wire_segue_ws.compression": "SEG-WS-006 is left aside"}


class GoesOnWithoutASubprotocol(needs_no_subprotocol.MutantEndpoint):
    """An upgrade without `segue.v1` is accepted.

    Legal: SEG-WS-002 is a recommendation.
    """

    wires = ("segue-ws",)
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.no_subprotocol_is_denied": "SEG-WS-002 is left aside"}


class TellsNoWebSocketAs404(no_websocket_told_as_404.MutantEndpoint):
    """An upgrade where no WebSocket is served is denied with 404.

    Legal: SEG-WS-004 is a recommendation.
    """

    wires = ("segue-ws",)
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.no_websocket_is_426": "SEG-WS-004 is left aside"}


class LetsStreamsBeBuffered(lets_streams_be_buffered.MutantEndpoint):
    """Proxies are not told to leave streams unbuffered.

    Legal: SEG-HTTP-034 is a recommendation.
    """

    wires = ("segue-http",)
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.streams_are_not_buffered": "SEG-HTTP-034 is left aside"}


class ReadsAnyType(reads_any_type.MutantEndpoint):
    """A body is read whatever its Content-Type says.

    Legal: SEG-HTTP-063 is a recommendation.
    """

    wires = ("segue-http",)
    WARNS: ClassVar[Mapping[str, str]] = {"bodies.*": "SEG-HTTP-063 is left aside"}


class MergesNothing(merges_nothing.MutantEndpoint):
    """Deltas are not merged for whoever asks for it.

    Legal: SEG-ITEM-015 is a recommendation.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"merging.merged_deltas_are_neighbours": "SEG-ITEM-015 is left aside"}


class ResumesFromTheFuture(resumes_from_the_future.MutantEndpoint):
    """A resume behind a number that is not written yet is taken, and waits for it.

    Legal: SEG-TURN-082 is a recommendation.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.resume_from_the_future": "SEG-TURN-082 is left aside"}


class SendsItemsTwice(sends_items_twice.MutantEndpoint):
    """Items come whole behind their deltas, too.

    Legal: SEG-ITEM-007 is a recommendation; "Where `item.completed` carries the item, that item holds".
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"recommended.items_are_not_sent_twice": "SEG-ITEM-007 is left aside"}


class TakesOrphanOutputs(takes_orphan_outputs.MutantEndpoint):
    """An output of a tool that nobody called is taken.

    Legal: SEG-ITEM-025 is a recommendation.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"items.orphan_output_refused": "SEG-ITEM-025 is left aside"}


class TellsNoReuse(tells_no_reuse.MutantEndpoint):
    """Nobody is told what came from state.

    Legal: SEG-CONT-022 is a recommendation.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"observability.reused_items": "SEG-CONT-022 is left aside"}


class TellsNoTiming(tells_no_timing.MutantEndpoint):
    """Nobody is told where the time went.

    Legal: SEG-OBS-010 is a recommendation.
    """

    wires: ClassVar[tuple[str, ...]] = NATIVE
    WARNS: ClassVar[Mapping[str, str]] = {"observability.timing_*": "SEG-OBS-010 is left aside"}
