"""What routes share: the process's settings and database, and who may see the operators' side."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, Final, cast
from urllib.parse import quote

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from api.errors import ProblemError
from config.settings import Settings
from domain.audit.record import Actor
from domain.kernel.database import Database
from domain.webhooks.means import WebhookMeans

if TYPE_CHECKING:
    from starlette.responses import Response

SESSION_SECONDS: Final = 12 * 3600
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="gatehouse"'}


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


class AdminSession:
    """The cookie of a browser that has shown the admin token. It ends after `SESSION_SECONDS` or with the token."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.admin_token.get_secret_value() if settings.admin_token else ""
        self._https = settings.public_url.startswith("https://")
        self._sealer = URLSafeTimedSerializer(settings.secret_key.get_secret_value(), salt="admin-session")
        self.cookie = "__Host-gatehouse-admin" if self._https else "gatehouse-admin"

    @property
    def is_closed(self) -> bool:
        """Whether nobody can be let in, because no token is set."""
        return not self._token

    def accepts(self, token: str) -> bool:
        """Return whether this is the token, in a time that does not depend on how much of it is right."""
        return not self.is_closed and hmac.compare_digest(token.encode(), self._token.encode())

    def open(self, response: Response) -> None:
        """Let the browser that gets `response` in."""
        response.set_cookie(
            self.cookie,
            self._sealer.dumps(self._generation()),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="lax",
            secure=self._https,
        )

    def end(self, response: Response) -> None:
        """Forget the browser that gets `response`."""
        response.delete_cookie(self.cookie, httponly=True, samesite="lax", secure=self._https)

    def is_open(self, request: Request) -> bool:
        """Return whether the request carries a valid cookie, and for a change also comes from our own pages."""
        sealed = request.cookies.get(self.cookie)
        if sealed is None or self.is_closed:
            return False
        if request.method not in {"GET", "HEAD"} and request.headers.get("sec-fetch-site") != "same-origin":
            return False
        try:
            generation = self._sealer.loads(sealed, max_age=SESSION_SECONDS)
        except BadSignature:
            return False
        return isinstance(generation, str) and hmac.compare_digest(generation, self._generation())

    def _generation(self) -> str:
        """Return a fingerprint of the token, so that a new token ends all sessions."""
        return hashlib.sha256(b"admin-session:" + self._token.encode()).hexdigest()[:16]


def require_admin(request: Request, settings: SettingsDep) -> None:
    """Let in who sends the bearer GATEHOUSE_ADMIN_TOKEN, or a browser that signed in with it.

    Anyone else gets 401, a browser that wants a page is sent to sign in, and without a token set it is 403 for all.
    """
    session = AdminSession(settings)
    if session.is_closed:
        raise ProblemError(403, "The operators' side is closed: GATEHOUSE_ADMIN_TOKEN is not set.", kind="closed")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and session.accepts(token.strip()):
        return
    if session.is_open(request):
        return
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        wanted = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="/")
        raise ProblemError(303, headers={"Location": f"/sign-in?next={wanted}"})
    raise ProblemError(401, "Send the admin token as a bearer.", kind="sign-in", headers=_CHALLENGE)


RequireAdmin = Depends(require_admin)


def acting(request: Request) -> Actor:
    """Return who acts, for the audit log: whoever holds the admin token, and where the request came from."""
    return Actor(
        name="admin token",
        role="super_admin",
        ip=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        request_id=getattr(request.state, "request_id", None),
    )


ActorDep = Annotated[Actor, Depends(acting)]
