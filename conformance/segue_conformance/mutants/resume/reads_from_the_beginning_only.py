"""Reads a record from its beginning only, and behind no number."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.refusals import events_gone
from segue_schemas import models

KILLED_BY = {
    "segue-ws": (
        "resume.resume_from_a_number",
        "resume.cut_and_resume",
    ),
    "segue-http": (
        "resume.resume_from_a_number",
        "wire_segue_http.last_event_id",
    ),
}
ALSO = {
    "readings.resume_where_the_turn_is_read": "it resumes behind a number",
    "recommended.resume_from_the_future": "it resumes behind a number",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for readings from the middle."""

    async def resume(self, caller: Caller, message: models.TurnResume) -> Reading:
        """Refuse a number."""
        if isinstance(message.after, int):
            raise events_gone(message.turn)
        return await super().resume(caller, message)
