"""Watch the role files and what organizations changed of roles, and tell a person of what is wrong with either."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.telemetry import SCHEDULER_LOOKED
from domain.access.roles.telling import tell_of_overrides

if TYPE_CHECKING:
    from domain.access.roles.live import LiveRoles
    from domain.kernel.database import Database

LOOK_EVERY: Final = 30.0
_log = structlog.get_logger(__name__)


class RoleWatch:
    """Runs in a thread of the scheduler. Its roles follow the files in a thread of their own."""

    def __init__(self, roles: LiveRoles, database: Database) -> None:
        self._roles = roles
        self._database = database

    def run(self, stopping: threading.Event) -> None:
        """Look until `stopping` is set."""
        self._roles.serve(self._database)
        self._roles.start()
        while not stopping.wait(LOOK_EVERY):
            self.tick()
        self._roles.close()

    def tick(self) -> None:
        """Bring the notices of changed roles up to date."""
        SCHEDULER_LOOKED.labels("roles").set_to_current_time()
        try:
            with self._database.platform_scope() as session:
                tell_of_overrides(session, self._roles.current)
        except SQLAlchemyError as error:
            _log.warning("roles_not_told", error=type(error).__name__)
