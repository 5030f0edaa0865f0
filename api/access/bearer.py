"""Who sends a bearer: the admin token, an API key, or a token of the configured issuer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from api.access import admin_token, machine_tokens
from domain.access.key_text import prefix_of
from domain.access.key_use import identify

if TYPE_CHECKING:
    from fastapi import Request

    from config.settings import Settings
    from domain.access.principal import Principal
    from domain.kernel.database import Database

_DOTS_OF_A_JWT: Final = 2


def principal_of(request: Request, token: str, settings: Settings, database: Database) -> Principal | None:
    """Return whose token this is, None for nobody's: all that is wrong looks the same from outside."""
    if admin_token.accepts(settings, token):
        return admin_token.HOLDER
    if prefix_of(token) is not None:
        return identify(database, token, datetime.now(UTC))
    if token.count(".") == _DOTS_OF_A_JWT:
        return machine_tokens.principal_of(request, token, settings, database)
    return None
