"""What routes share: the process's settings, its database, and what calls webhook endpoints."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from api.errors import ProblemError
from config.settings import Settings
from domain.kernel.database import Database
from domain.webhooks.means import WebhookMeans


def settings_of(request: Request) -> Settings:
    """Return the settings of this process."""
    return cast("Settings", request.app.state.settings)


def database_of(request: Request) -> Database:
    """Return the database of this process; its scopes block, so use them in `def` routes."""
    return cast("Database", request.app.state.database)


def webhooks_of(request: Request) -> WebhookMeans:
    """Return what calls webhook endpoints."""
    return cast("WebhookMeans", request.app.state.webhooks)


SettingsDep = Annotated[Settings, Depends(settings_of)]
DatabaseDep = Annotated[Database, Depends(database_of)]
WebhooksDep = Annotated[WebhookMeans, Depends(webhooks_of)]


def require_development(settings: SettingsDep) -> None:
    """Hide a route from production, where it is 404 like any other unknown path."""
    if settings.is_production:
        raise ProblemError(404)


RequireDevelopment = Depends(require_development)
