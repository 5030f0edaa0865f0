"""Have somebody told of every job that died."""

from __future__ import annotations

import threading
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from config.telemetry import DEATHS, SCHEDULER_LOOKED, begin_at_zero
from domain.deadletters.kinds import load_kinds
from domain.kernel.database import Database
from domain.queue.announce import BATCH, announce
from domain.queue.message import specs

LOOK_EVERY: Final = 1.0
_log = structlog.get_logger(__name__)


class Announcer:
    """Runs in a thread of the scheduler. Any number may run: each death is told once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        load_kinds()
        begin_at_zero(DEATHS, ((kind,) for kind in specs()))

    def run(self, stopping: threading.Event) -> None:
        """Look every second until `stopping` is set; without a pause while more wait."""
        while not stopping.is_set():
            try:
                more = self.tick() == BATCH
            except DBAPIError as error:
                _log.warning("announcement_delayed", error=type(error).__name__)
                more = False
            if not more:
                stopping.wait(LOOK_EVERY)

    def tick(self) -> int:
        """Enqueue the telling of deaths of which nobody was told; return how many that were."""
        with self._database.platform_scope() as session:
            told = announce(session)
        SCHEDULER_LOOKED.labels("announcer").set_to_current_time()
        return told
