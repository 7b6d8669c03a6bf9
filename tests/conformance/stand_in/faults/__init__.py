"""What a vendor's bug may be, area by area. Where a fault opens no seam, the stand-in has a switch of its name."""

from __future__ import annotations

from ..seams import Seam
from . import continuation, errors, events, further, isolation, lanes, limits, liveness, retention, schema, warm_up

__all__ = ["AREAS", "FAULTS"]

#: By area and name.
AREAS = {
    "continuation": continuation.FAULTS,
    "isolation": isolation.FAULTS,
    "retention": retention.FAULTS,
    "events": events.FAULTS,
    "schema": schema.FAULTS,
    "errors": errors.FAULTS,
    "lanes": lanes.FAULTS,
    "warm_up": warm_up.FAULTS,
    "liveness": liveness.FAULTS,
    "limits": limits.FAULTS,
}
FAULTS: dict[str, tuple[str, dict[str, Seam]]] = {
    name: fault for areas in (AREAS, further.AREAS) for area in areas.values() for name, fault in area.items()
}
