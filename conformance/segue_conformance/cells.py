"""State and transport apart: one promise, that what was said is known later, in each combination of the two.

Who holds the history (the endpoint, or only a connection and the client), whether the answer is streamed or comes
whole, over which wire: a history that is lost in one of these is often there in the next. So one check asks in each,
and a row shows them side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .results import CheckResult, Report

__all__ = ["CELLS", "Cell", "results_of"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of state and delivery, and the check that asks in it, by kind of wire."""

    state: str
    delivery: str
    stream: str
    request: str

    def check(self, wire: str) -> str:
        """Return the id of the check that asks over a wire."""
        return self.stream if "-ws" in wire else self.request


#: What is stored is asked for by its handle. What is not is held by a connection, or sent again by the client.
CELLS = (
    Cell("stored", "streamed", "continuation.users_words_one_hop", "continuation.users_words_one_hop"),
    Cell("stored", "whole", "continuation.users_words_in_a_whole_answer", "continuation.users_words_in_a_whole_answer"),
    Cell("not stored", "streamed", "retention.connection_handle_on_its_connection", "full_resend.users_words"),
    Cell(
        "not stored", "whole",
        "unstored.connections_history_in_a_whole_answer", "unstored.resent_history_in_a_whole_answer",
    ),
)  # fmt: skip


def results_of(report: Report) -> Mapping[Cell, Mapping[str, CheckResult]]:
    """Return what came of it, by cell and wire; cells in which nothing was asked are left out."""
    found = {(result.check, result.wire): result for result in report.results}
    rows = {
        cell: {wire: found[cell.check(wire), wire] for wire in report.wires if (cell.check(wire), wire) in found}
        for cell in CELLS
    }
    return {cell: row for cell, row in rows.items() if row}
