"""Ask for the work that is due every so often (`domain.maintenance.work`); workers run it as platform jobs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from config.telemetry import SCHEDULE_EVERY_SECONDS, SCHEDULE_LAST_ASKED, SCHEDULER_LOOKED
from domain.kernel.database import Database
from domain.maintenance.work import PERIODIC, Work
from domain.queue.periodic import ask, look
from workers.connection import PlatformConnection

LOOK_EVERY: Final = 1.0
_log = structlog.get_logger(__name__)


class PeriodicWork:
    """Runs in a thread of the scheduler. Any number may run: each period is asked for once."""

    def __init__(self, connection: PlatformConnection, database: Database, periodic: Sequence[Work] = PERIODIC) -> None:
        self._connection = connection
        self._database = database
        self._periodic = {one.name: one for one in periodic}
        self._periods = {one.name: one.every for one in periodic}
        self._outage = True

    def run(self, stopping: threading.Event) -> None:
        """Look every second until `stopping` is set."""
        while True:
            try:
                self.tick()
            except (psycopg.Error, DBAPIError) as error:
                self._outage = True
                _log.warning("periodic_work_delayed", error=type(error).__name__)
            if stopping.wait(LOOK_EVERY):
                break
        self._connection.close()

    def tick(self) -> int:
        """Ask for everything that is due; return how many jobs that were."""
        if not self._periods:
            return 0
        asked = 0
        for name, (asked_at, due) in self._connection.run(lambda c: look(c, self._periods)).items():
            SCHEDULE_LAST_ASKED.labels(name).set(asked_at)
            one = self._periodic[name]
            SCHEDULE_EVERY_SECONDS.labels(name).set(one.every.total_seconds())
            early = self._outage and one.after_outage
            asked += (due or early) and self._ask(one, timedelta(0) if early else one.every)
        self._outage = False
        SCHEDULER_LOOKED.labels("periodic").set_to_current_time()
        return asked

    def _ask(self, one: Work, every: timedelta) -> bool:
        with self._database.platform_scope() as session:
            return ask(session, one.name, every, one.message)
