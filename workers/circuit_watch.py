"""Watch the circuits of providers: how many are open, and who has to be told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.telemetry import CIRCUITS_OPEN, SCHEDULER_LOOKED
from domain.delivery.circuit_notices import tell_of_circuits

if TYPE_CHECKING:
    from collections.abc import Collection

    from domain.kernel.database import Database
    from providers.health.health import SharedHealth

LOOK_EVERY: Final = 5.0
TELL_EVERY: Final = 6
"""Looks at Redis for one at the database."""
_log = structlog.get_logger(__name__)


class CircuitWatch:
    """Runs in a thread of the scheduler. A circuit of a provider that is not `in_use` is nobody's business.

    Nobody calls such a provider, so its circuit would stay open for good.
    """

    def __init__(self, database: Database, health: SharedHealth, in_use: Collection[str]) -> None:
        self._in_use = in_use
        self._database = database
        self._health = health
        self._providers = set(in_use)

    def run(self, stopping: threading.Event) -> None:
        """Look until `stopping` is set."""
        looks = 0
        while not stopping.wait(LOOK_EVERY):
            looks += 1
            self.tick(tell=looks % TELL_EVERY == 0)
        self._health.close()

    def tick(self, *, tell: bool) -> None:
        """Count the open circuits; `tell`: also bring the notices up to date."""
        open_since = {key: since for key, since in self._health.open_circuits().items() if key[0] in self._in_use}
        count = Counter(provider for provider, _ in open_since)
        self._providers |= set(count)
        for provider in self._providers:
            CIRCUITS_OPEN.labels(provider).set(count[provider])
        SCHEDULER_LOOKED.labels("circuits").set_to_current_time()
        if not tell:
            return
        try:
            with self._database.platform_scope() as session:
                tell_of_circuits(session, open_since, time.time())
        except SQLAlchemyError as error:
            _log.warning("circuits_not_told", error=type(error).__name__)
