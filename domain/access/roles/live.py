"""The roles in force now, in a running process: changed files and overrides are taken up while it runs.

`scope_of` looks in dictionaries. A thread looks at the files every second, and reads the overrides of the organizations
that were asked about lately in one query. Only the first question about an organization asks the database itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from domain.access.roles.files import RoleFiles
from domain.access.roles.narrow import override
from domain.access.roles.overrides import Stored, stored_overrides
from domain.access.roles.telling import tell_of_files
from domain.access.roles.watch import FileWatch
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from domain.access.authorize import Permission, Scope
    from domain.access.roles.book import Roles
    from domain.access.roles.role import Role
    from domain.kernel.database import Database

LOOK_EVERY: Final = 1.0
FORGET_AFTER: Final = 60.0
"""Seconds after which an organization that nobody asks about is no longer kept up to date."""
TOO_OLD: Final = 10.0
"""Seconds after which what is known of an organization is not trusted, as when the database was away."""
TELL_EVERY: Final = 300.0
"""Seconds after which a person is told again of files that are still wrong."""
_NOTHING: Final[Mapping[str, Role]] = {}
_NOTHING_STORED: Final[Stored] = {}
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Tenant:
    """What is known of an organization: what it stored, and the roles that this makes."""

    stored: Stored
    roles: Mapping[str, Role]
    read_at: float
    asked_at: float


class LiveRoles:
    """The roles in force; a `Hubs`. Threads share it. Before `serve`, files alone count.

    Raises RoleFilesError when the files are wrong to begin with; later, the last good ones stay in force.
    """

    def __init__(self, directory: Path, more: Path | None = None) -> None:
        self._watch = FileWatch(RoleFiles(directory, more))
        self._current = self._watch.current
        self._tenants: dict[UUID, _Tenant] = {}
        self._database: Database | None = None
        # Held while the database is asked, so that of two answers the later one stays.
        self._loading = threading.RLock()
        self._told: tuple[str, ...] | None = None
        self._told_at = float("-inf")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> Roles:
        """What the files say."""
        return self._current

    @property
    def permissions(self) -> Mapping[str, Permission]:
        """Everything that can be allowed, by name."""
        return self._current.permissions

    @property
    def roles(self) -> Mapping[str, Role]:
        """The roles that can be given, by name, as their files say."""
        return self._current.roles

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:
        """Return how far a role's permission goes in an organization, which may narrow it; None when it has none."""
        found = self.effective(role, org_id)
        return None if found is None else found.scopes.get(permission)

    def effective(self, role: str, org_id: UUID) -> Role | None:
        """Return a role as an organization has it, None when there is none that can be given.

        May raise SQLAlchemyError when nothing recent is known of the organization and the database is away: without
        knowing what a tenant took away, nothing is allowed.
        """
        found = self._of_tenant(org_id).get(role)
        return self._current.roles.get(role) if found is None else found

    def serve(self, database: Database) -> None:
        """Count in what organizations changed from now on."""
        self._database = database

    def start(self) -> None:
        """Keep up with the files and with what organizations change, in a thread, until `close`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="roles", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop keeping up; what is known stays."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._database = None

    def refresh(self, org_id: UUID) -> None:
        """Take up at once what was changed in an organization, in this process. Raises SQLAlchemyError."""
        if self._database is not None:
            self._load(self._database, [org_id])

    def tick(self) -> None:
        """Look at the files, and read what organizations changed that were asked about in the last minute."""
        self._look_at_files()
        now = time.monotonic()
        for org_id, tenant in list(self._tenants.items()):
            if now - tenant.asked_at > FORGET_AFTER:
                self._tenants.pop(org_id, None)
        if self._tenants and self._database is not None:
            self._load(self._database, list(self._tenants))

    def _run(self) -> None:
        is_away = False
        while not self._stopping.wait(LOOK_EVERY):
            try:
                self.tick()
            except SQLAlchemyError as error:
                if not is_away:
                    _log.warning("roles_not_refreshed", error=type(error).__name__)
                is_away = True
            except Exception:  # noqa: BLE001
                # The next look may do better; a thread that ended would leave old roles in force without a word.
                _log.exception("roles_not_refreshed")
            else:
                is_away = False

    def _of_tenant(self, org_id: UUID) -> Mapping[str, Role]:
        tenant, database = self._tenants.get(org_id), self._database
        if database is None or org_id == PLATFORM_ORG_ID:
            return _NOTHING if tenant is None else tenant.roles
        now = time.monotonic()
        if tenant is None or now - tenant.read_at > TOO_OLD:
            with self._loading:
                tenant = self._tenants.get(org_id)
                if tenant is None or now - tenant.read_at > TOO_OLD:
                    tenant = self._load(database, [org_id])[org_id]
        tenant.asked_at = now
        return tenant.roles

    def _load(self, database: Database, org_ids: Collection[UUID]) -> dict[UUID, _Tenant]:
        with self._loading:
            now = time.monotonic()
            with database.platform_scope() as session:
                found = stored_overrides(session, org_ids)
            loaded = {}
            for org_id in org_ids:
                stored, tenant = found.get(org_id, _NOTHING_STORED), self._tenants.get(org_id)
                if tenant is None or tenant.stored != stored:
                    asked_at = now if tenant is None else tenant.asked_at
                    tenant = _Tenant(stored, self._made_of(org_id, stored), now, asked_at)
                tenant.read_at = now
                self._tenants[org_id] = loaded[org_id] = tenant
            return loaded

    def _made_of(self, org_id: UUID, stored: Stored) -> Mapping[str, Role]:
        """Return the roles that an organization changed. One that no file knows any more is left out."""
        roles = {}
        for name, document in stored.items():
            role = self._current.roles.get(name)
            if role is not None:
                roles[name], mistakes = override(role, self._current.permissions, document)
                if mistakes:
                    _log.warning("role_override_refused", org_id=org_id, role=name, mistakes=len(mistakes))
        return roles

    def _look_at_files(self) -> None:
        if self._watch.look():
            with self._loading:
                self._current = self._watch.current
                for org_id, tenant in list(self._tenants.items()):
                    tenant.roles = self._made_of(org_id, tenant.stored)
            _log.info("roles_reloaded", roles=len(self._current.roles))
        self._tell(self._watch.mistakes)

    def _tell(self, mistakes: tuple[str, ...]) -> None:
        """Tell a person of wrong files, again every few minutes while they are; and that they are right, once."""
        if mistakes != self._told and mistakes:
            files = sorted({mistake.partition(":")[0] for mistake in mistakes})
            _log.error("roles_not_reloaded", files=files, mistakes=len(mistakes))
        now = time.monotonic()
        again = bool(mistakes) and now - self._told_at > TELL_EVERY
        if self._database is not None and (mistakes != self._told or again):
            with self._database.platform_scope() as session:
                tell_of_files(session, mistakes)
            self._told, self._told_at = mistakes, now
