"""Signing in through an OpenID provider: off to it, and back with its word for who somebody is."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.access.browser import now_of
from api.access.requires import public
from api.access.sealed_cookies import SealedCookie
from api.access.visitor import visitor_of
from api.deps import DatabaseDep, SettingsDep
from api.errors import ProblemError
from api.routes.sign_in import HOME, Next, answer, local, sign_in_page
from domain.access.openid import sign_in_as
from domain.access.openid_ports import Attempt, NotVouchedForError, ProviderAwayError
from domain.audit.record import Act, record

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.access.openid_ports import OpenIdProvider
    from domain.kernel.database import Database

router = APIRouter(include_in_schema=False)

RETURN: Final = "/sign-in/oidc/callback"
BEGUN: Final = SealedCookie("gatehouse-openid", b"gatehouse openid sign-in v1", seconds=600)
"""What binds the answer to the browser that began, and where it wanted to go."""
_AWAY: Final = "Your sign-in provider does not answer just now. Try again in a moment, or sign in another way."
_NOT_BEGUN: Final = "That sign-in was begun in another browser, was finished already, or took too long. Begin again."
_NOT_PROVED: Final = "Your sign-in provider's answer could not be verified, so nobody was signed in. Begin again."
_DECLINED: Final = "Your sign-in provider did not sign you in. Try again, or sign in another way."

_Part = Annotated[str, Query(max_length=4096)]


@router.get("/sign-in/oidc", dependencies=[public("leads to the provider, and remembers that in this browser alone")])
def begin(request: Request, settings: SettingsDep, wanted: Next = HOME) -> Response:
    """Send the browser to the provider."""
    provider = _provider(request)
    attempt = Attempt(*(secrets.token_urlsafe(48) for _ in range(3)))
    try:
        address = provider.address(attempt, settings.public_url + RETURN)
    except ProviderAwayError:
        return sign_in_page(request, settings, wanted, 503, problem=_AWAY)
    response = RedirectResponse(address, status_code=303)
    kept = {"state": attempt.state, "nonce": attempt.nonce, "verifier": attempt.verifier, "next": local(wanted)}
    BEGUN.put(request, response, settings, kept)
    return response


@router.get(RETURN, dependencies=[public("checks the provider's word, bound to the browser that asked for it")])
def finish(
    request: Request,
    settings: SettingsDep,
    database: DatabaseDep,
    state: _Part = "",
    code: _Part = "",
    error: _Part = "",
) -> Response:
    """Take the provider's answer, once."""
    request.app.state.quotas.count_sign_in(request, None)
    response = _finish(request, settings, database, state, code, error=error)
    BEGUN.clear(response, settings)
    return response


def _finish(request: Request, settings: Settings, database: Database, state: str, code: str, *, error: str) -> Response:
    provider = _provider(request)
    kept = BEGUN.read(request, settings)
    if kept is None or not hmac.compare_digest(state.encode(), kept["state"].encode()):
        return sign_in_page(request, settings, HOME, 400, problem=_NOT_BEGUN)
    wanted = kept["next"]
    if error or not code:
        return sign_in_page(request, settings, wanted, 401, problem=_DECLINED)
    attempt = Attempt(kept["state"], kept["nonce"], kept["verifier"])
    try:
        identity = provider.identify(attempt, code, settings.public_url + RETURN)
    except ProviderAwayError:
        return sign_in_page(request, settings, wanted, 503, problem=_AWAY)
    except NotVouchedForError:
        with database.platform_scope() as session:
            after = {"way": "openid", "words": "not vouched for"}
            record(session, visitor_of(request), Act("user.sign_in_failed", "user", "unknown", after=after))
        return sign_in_page(request, settings, wanted, 401, problem=_NOT_PROVED)
    with database.platform_scope() as session:
        came_to = sign_in_as(session, identity, now_of(request), visitor_of(request))
    return answer(request, settings, database, came_to, wanted)


def _provider(request: Request) -> OpenIdProvider:
    provider: OpenIdProvider | None = request.app.state.openid
    if provider is None:
        raise ProblemError(404, "This installation has no sign-in provider.")
    return provider
