"""Who sends a bearer: the admin token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.deps import AdminSession
from domain.access.principal import Grant, Principal
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.kernel.database import Database

ADMIN_TOKEN: Final = Principal(kind="admin_token", name="admin token", grants=(Grant("super_admin", PLATFORM_ORG_ID),))


def principal_of(token: str, settings: Settings, database: Database) -> Principal | None:  # noqa: ARG001
    """Return whose token this is, None for nobody's."""
    return ADMIN_TOKEN if AdminSession(settings).accepts(token) else None
