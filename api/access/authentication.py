"""Who asks: an `Authorization` header, or else a browser's cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.access import bearer, browser

if TYPE_CHECKING:
    from fastapi import Request

    from config.settings import Settings
    from domain.access.principal import Principal
    from domain.kernel.database import Database


def authenticate(request: Request, settings: Settings, database: Database) -> Principal | None:
    """Return who asks, None for anybody. What is sent but not valid counts as nothing.

    An `Authorization` header is looked at alone, if there is one: a wrong key is not helped by a good cookie.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        return browser.principal_of(request, settings, database)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    return bearer.principal_of(request, token.strip(), settings, database)
