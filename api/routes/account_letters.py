"""Where the links of letters lead: accept an invitation, prove an address, set a new password.

Programs that look for danger open each link of a letter, so only the form behind one uses it up. What a page's address
holds is told to nobody: a referrer names our host alone, and the log writes the route's template.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import Response

from api.access.browser import now_of
from api.access.requires import public
from api.access.visitor import visitor_of
from api.csrf import from_our_page
from api.deps import DatabaseDep, WebhooksDep
from api.pages import page
from domain.access.address_changes import prove_address, see_address
from domain.access.invitations import accept_invitation, see_invitation
from domain.access.password_changes import request_reset, reset_password, see_reset
from domain.access.tokens import TokenSpentError
from domain.kernel.errors import BusyError, ConflictError, InvalidInputError

if TYPE_CHECKING:
    from domain.access.invitations import Invited

_ANYBODY: Final = public("who comes has no session yet; the token of a letter says who it is")
router = APIRouter(include_in_schema=False, dependencies=[_ANYBODY])
Token = Annotated[str, Path(max_length=200)]
Text = Annotated[str, Form(max_length=1024)]
_OFFERED: Final = 100
"""So many offers are put to a new person at once; others wait on the page of their account."""
Accepts = Annotated[Sequence[UUID], Form(alias="accept", max_length=_OFFERED)]
_DIFFER: Final = "The two passwords differ."


@router.get("/account/invite/{token}")
def see_invite(request: Request, token: Token, database: DatabaseDep) -> Response:
    """Ask an invited person for their name and a password, and whether they accept. This uses nothing up."""
    try:
        with database.platform_scope() as session:
            return _invitation(request, see_invitation(session, request.app.state.roles, token, now_of(request)))
    except TokenSpentError as error:
        return _spent(request, str(error))


@router.post("/account/invite/{token}", dependencies=[from_our_page])
def accept(
    request: Request,
    token: Token,
    database: DatabaseDep,
    name: Text = "",
    password: Text = "",
    again: Text = "",
    accepts: Accepts = (),
) -> Response:
    """Set the password of an invited person, who can then sign in, and let count what they agreed to."""
    request.app.state.quotas.count_letter(request, None)
    now = now_of(request)
    try:
        with database.platform_scope() as session:
            invited = see_invitation(session, request.app.state.roles, token, now)
    except TokenSpentError as error:
        return _spent(request, str(error))
    if password != again:
        return _invitation(request, invited, _DIFFER, name=name, accepts=accepts)
    try:
        accept_invitation(database, token, name, password, now, visitor_of(request), accepts=accepts)
    except TokenSpentError as error:
        return _spent(request, str(error))
    except (InvalidInputError, BusyError) as error:
        return _invitation(request, invited, str(error), name=name, accepts=accepts)
    return _said(request, "You can begin", "Your password is set. Sign in with it.")


@router.get("/account/verify/{token}")
def see_verify(request: Request, token: Token, database: DatabaseDep) -> Response:
    """Ask whether to use an address. This uses nothing up."""
    try:
        with database.platform_scope() as session:
            address = see_address(session, token, now_of(request))
    except TokenSpentError as error:
        return _spent(request, str(error))
    return _private(page("account_verify.html", request=request, address=address))


@router.post("/account/verify/{token}", dependencies=[from_our_page])
def verify(request: Request, token: Token, database: DatabaseDep, means: WebhooksDep) -> Response:
    """Give an account the address that its person proves with this."""
    try:
        with database.platform_scope() as session:
            prove_address(session, token, now_of(request), visitor_of(request), sealer=means.sealer)
    except (TokenSpentError, ConflictError) as error:
        return _spent(request, str(error))
    return _said(request, "This is your address now", "From now on you sign in with it, and letters go to it.")


@router.get("/account/reset")
def ask_reset(request: Request) -> Response:
    """Ask for the address of the account whose password is forgotten."""
    return _private(page("account_reset.html", request=request))


@router.post("/account/reset", dependencies=[from_our_page])
def take_reset(request: Request, database: DatabaseDep, means: WebhooksDep, email: Text = "") -> Response:
    """Have a letter written, if there is such an account. The answer and its time are the same if there is none."""
    request.app.state.quotas.count_letter(request, email)
    with database.platform_scope() as session:
        request_reset(session, email, visitor_of(request), sealer=means.sealer)
    return _said(
        request,
        "Look into your mailbox",
        "If there is an account with this address, we wrote to it. The link lasts an hour.",
    )


@router.get("/account/reset/{token}")
def see_reset_form(request: Request, token: Token, database: DatabaseDep) -> Response:
    """Ask for a new password. This uses nothing up."""
    try:
        with database.platform_scope() as session:
            see_reset(session, token, now_of(request))
    except TokenSpentError as error:
        return _spent(request, str(error))
    return _new_password(request)


@router.post("/account/reset/{token}", dependencies=[from_our_page])
def reset(
    request: Request, token: Token, database: DatabaseDep, means: WebhooksDep, password: Text = "", again: Text = ""
) -> Response:
    """Set a new password, which ends every session of its person."""
    request.app.state.quotas.count_letter(request, None)
    if password != again:
        return _new_password(request, _DIFFER)
    try:
        reset_password(database, token, password, now_of(request), visitor_of(request), sealer=means.sealer)
    except TokenSpentError as error:
        return _spent(request, str(error))
    except (InvalidInputError, BusyError) as error:
        return _new_password(request, str(error))
    return _said(request, "Your password is set", "Wherever you were signed in, you are signed out. Sign in with it.")


def _invitation(
    request: Request, invited: Invited, problem: str = "", *, name: str | None = None, accepts: Sequence[UUID] = ()
) -> Response:
    """Return the form. Several offers are ticked by whoever accepts them: not all need be from somebody they know."""
    return _private(
        page(
            "account_invite.html",
            422 if problem else 200,
            request=request,
            email=invited.user.email,
            name=invited.user.name if name is None else name,
            offers=invited.offers[:_OFFERED],
            more=max(0, len(invited.offers) - _OFFERED),
            ticked=set(accepts),
            given=invited.given,
            problem=problem,
        )
    )


def _new_password(request: Request, problem: str = "") -> Response:
    return _private(page("account_new_password.html", 422 if problem else 200, request=request, problem=problem))


def _spent(request: Request, words: str) -> Response:
    return _private(
        page("account_said.html", 404, request=request, heading="This does not work", words=words, way="reset")
    )


def _said(request: Request, heading: str, words: str) -> Response:
    return _private(page("account_said.html", request=request, heading=heading, words=words, way="sign-in"))


def _private(response: Response) -> Response:
    """Let the address of the page, which may hold a token, be told to nobody, nor found by a search engine."""
    # Not no-referrer: with that, browsers call the origin of the page's own form "null", as they do another site's.
    response.headers["referrer-policy"] = "strict-origin"
    response.headers["x-robots-tag"] = "noindex"
    return response
