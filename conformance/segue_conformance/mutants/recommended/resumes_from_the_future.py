"""Takes a resume behind a number that is not written yet, and says nothing."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("recommended.resume_from_the_future",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for numbers of the future."""

    async def resume(self, caller: Caller, message: models.TurnResume) -> Reading:
        """Return a reading from wherever."""
        source = await self.attach(caller.principal, message.turn)
        after = message.after if isinstance(message.after, int) else None
        return self.reading(source, after=after, replayed=True)
