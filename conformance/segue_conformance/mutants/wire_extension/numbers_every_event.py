"""Numbers events by `sequence_number`, not as the record does."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.numbers_are_the_records",))
ALSO = {
    "resume.*": "a client resumes behind a number that the record does not have",
    "recommended.*": "a client resumes behind a number that the record does not have",
    "names.*": "a client resumes behind a number that the record does not have",
    "steers.*": "what is told twice has other numbers each time",
    "limits.unkept_turn_is_read_to_its_end": "a client resumes behind a number that the record does not have",
    "turns.numbers_rise": "there are gaps",
    "merging.merged_deltas_are_neighbours": "a merged delta's number is smaller than its first",
    "wire_extension.resumed_by_events_of_the_wire": "a client resumes behind a number that the record does not have",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what is counted."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count all events."""
        if "seq" in event.get("segue", {}) and "sequence_number" in event:
            event["segue"]["seq"] = event["sequence_number"]
        return event
