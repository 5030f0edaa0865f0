"""Whose browser this is, by its session cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.access.bearer import ADMIN_TOKEN
from api.deps import AdminSession

if TYPE_CHECKING:
    from fastapi import Request

    from config.settings import Settings
    from domain.access.principal import Principal
    from domain.kernel.database import Database


def principal_of(request: Request, settings: Settings, database: Database) -> Principal | None:  # noqa: ARG001
    """Return who signed in with this browser, None for nobody."""
    return ADMIN_TOKEN if AdminSession(settings).is_open(request) else None
