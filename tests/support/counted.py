"""A day's statistics, as if jobs had run and messages had come: for pages that draw them."""

from __future__ import annotations

import math
import random
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.kernel.database import Database
from domain.statistics.activities import Activity
from domain.statistics.flusher import Flusher
from domain.statistics.tally import Tally

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

_KINDS: Final = (
    ("conversations.process", "inbound", 0.08),
    ("delivery.send", "outbound", 0.2),
    ("alerts.digest", "default", 0.02),
    ("webhooks.send", "default", 0.4),
)
_GUARDS: Final = ("opted_out", "quiet_hours", "bot_enabled")
_MINUTE: Final = 60


def count_a_day(urls: DatabaseUrls, org_id: UUID, client_id: UUID, *, every: int = 4) -> None:
    """Count something `every` so many minutes of the last day. The same each time."""
    rng = random.Random(4)
    now = time.time()
    tally = Tally(lambda: at)
    for ago in range(0, 24 * 60, every):
        at = now - ago * _MINUTE
        busy = 1 + math.sin(ago / 180)
        for kind, queue, seconds in _KINDS:
            for _ in range(round(4 * busy) + rng.randrange(3)):
                outcome = rng.choices(("completed", "retry", "dead"), (95, 4, 1))[0]
                waited = rng.expovariate(1 / 0.05)
                tally.job_ended(org_id, kind, queue, outcome, waited=waited, ran=rng.expovariate(1 / seconds))
        for activity, label, most in (
            (Activity.RECEIVED, "sms", 6),
            (Activity.REPLIED, "sms", 5),
            (Activity.DELIVERY, "sms.accepted", 5),
            (Activity.DELIVERY, "sms.delivered", 5),
            (Activity.DELIVERY, "sms.failed", 2),
            (Activity.BLOCKED, rng.choice(_GUARDS), 3),
            (Activity.LEAD, "captured", 2),
        ):
            times = rng.randrange(most)
            if times:
                tally.happened(activity, label, org_id=org_id, client_id=client_id, times=times)
    with closing(Database(urls.app, urls.platform)) as database:
        assert Flusher(tally, database).flush()
