"""How far apart the deliveries of one client come back that wait for their provider.

Thousands that were held at once would come back at once, every few seconds, to learn that they must wait on.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.kernel.database import raw_connection

WAKES_PER_SECOND: Final = 50
"""About as many of one client's deliveries ask again in a second, however many wait."""
FEW: Final = 100
"""So many may come at once: what waits of them follows the provider's recovery as fast as it did before."""
COUNTED: Final = 5_000
LONGEST: Final = timedelta(minutes=5)
"""For more than are counted."""

# Counted no further than matters. In the order of the index `deliveries_unsent`, so that nothing else is read.
_UNSENT: Final = """
    SELECT count(*) FROM (
        SELECT FROM deliveries WHERE client_id = %s AND state IN ('pending', 'sending', 'unknown')
        ORDER BY client_id, to_address, id LIMIT %s
    ) unsent
"""


def spread(session: Session, client_id: UUID) -> timedelta:
    """Return what one held delivery of the client waits longer: at random, up to what its backlog calls for."""
    row = raw_connection(session).execute(_UNSENT, [client_id, COUNTED], prepare=True).fetchone()
    return widest_spread(0 if row is None else row[0]) * random.random()  # noqa: S311  no secret


def widest_spread(unsent: int) -> timedelta:
    """Return over how long the wake-ups of so many unsent deliveries are spread."""
    if unsent <= FEW:
        return timedelta(0)
    return LONGEST if unsent >= COUNTED else timedelta(seconds=unsent / WAKES_PER_SECOND)
