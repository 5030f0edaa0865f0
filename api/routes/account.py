"""A person's own account: their name, address, password and second factor, and what they are invited to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.browser import now_of
from api.access.signed_in import Myself, signed_in
from api.deps import DatabaseDep, WebhooksDep
from api.errors import ProblemError
from api.pages import page
from domain.access import consent, second_factor_setup
from domain.access.address_changes import request_address
from domain.access.grants import grants_of
from domain.access.password_changes import change_password, prove_password
from domain.access.people import get_user
from domain.access.users import rename_user
from domain.kernel.errors import BusyError, ConflictError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.settings import Settings
    from domain.kernel.database import Database

router = APIRouter(include_in_schema=False)
Me = Annotated[Myself, signed_in("one's own account")]
Text = Annotated[str, Form(max_length=1024)]

_WRONG: Final = (InvalidInputError, ConflictError, BusyError)
"""What is shown on the page, beside the form that it is about."""
_NOBODYS: Final = (
    "You are signed in with the admin token, which is nobody's. Make an account by `gatehouse users create`,"
    " and sign in with that."
)
_DONE: Final[Mapping[str, str]] = {
    "name": "Your name is changed.",
    "address": "We wrote to the new address. Open the link in that letter to use it.",
    "password": "Your password is changed. Everywhere else you are signed out.",
    "second-factor-removed": "The second factor is removed.",
    "accepted": "You accepted. It counts from now on.",
    "declined": "You declined. Whoever invited you learns that, and nothing else about you.",
    "closed": "That invitation is not open any more: it was answered, withdrawn, or is too old.",
}


def my_id(me: Me) -> UUID:
    """Return whose account it is; 404 for the admin token, which has none."""
    user_id = me.browser.session.user_id
    if user_id is None:
        raise ProblemError(404, _NOBODYS)
    return user_id


MyId = Annotated[UUID, Depends(my_id)]


@router.get("/account")
def show(request: Request, me: Me, database: DatabaseDep, done: str = "") -> Response:
    """Show what can be changed."""
    user_id = me.browser.session.user_id
    if user_id is None:
        return page("account_said.html", request=request, heading="You have no account", words=_NOBODYS, way="back")
    return _account(request, database, user_id, done=_DONE.get(done, ""))


@router.post("/account/name")
def rename(request: Request, user_id: MyId, me: Me, database: DatabaseDep, name: Text = "") -> Response:
    """Take another name."""
    try:
        with database.platform_scope() as session:
            rename_user(session, user_id, name, me.actor)
    except _WRONG as error:
        return _account(request, database, user_id, "name", str(error))
    return _back("name")


@router.post("/account/address")
def address(
    request: Request,
    user_id: MyId,
    me: Me,
    database: DatabaseDep,
    means: WebhooksDep,
    email: Text = "",
    password: Text = "",
) -> Response:
    """Have a letter sent to another address, which will be the account's when its link is used."""
    request.app.state.quotas.count_new_address(request, user_id)
    try:
        request_address(database, user_id, email, password, now_of(request), me.actor, sealer=means.sealer)
    except _WRONG as error:
        return _account(request, database, user_id, "address", str(error))
    return _back("address")


@router.post("/account/password")
def password(
    request: Request,
    user_id: MyId,
    me: Me,
    database: DatabaseDep,
    means: WebhooksDep,
    present: Text = "",
    new: Text = "",
    again: Text = "",
) -> Response:
    """Change the password, which ends every session but this one."""
    if new != again:
        return _account(request, database, user_id, "password", "The two new passwords differ.")
    this = me.browser.session.token_hash
    try:
        change_password(
            database, user_id, present, new, now_of(request), me.actor, sealer=means.sealer, this_session=this
        )
    except _WRONG as error:
        return _account(request, database, user_id, "password", str(error))
    return _back("password")


@router.post("/account/second-factor")
def begin(request: Request, user_id: MyId, database: DatabaseDep, means: WebhooksDep, password: Text = "") -> Response:
    """Show a new secret for an authenticator app, and ask for a code of it.

    It takes the password: who only borrowed a browser must not shut its owner out with a phone of their own.
    """
    try:
        prove_password(database, user_id, password, now_of(request))
        with database.platform_scope() as session:
            enrolment = second_factor_setup.begin(session, user_id, means.sealer)
    except _WRONG as error:
        return _account(request, database, user_id, "second-factor", str(error))
    return _shown("account_second_factor.html", request, enrolment=enrolment, problem="")


@router.post("/account/second-factor/confirm")
def confirm(
    request: Request, user_id: MyId, me: Me, database: DatabaseDep, means: WebhooksDep, code: Text = ""
) -> Response:
    """Turn the second factor on with a code of the app, and show the recovery codes, this once."""
    now, this = now_of(request), me.browser.session.token_hash
    try:
        with database.platform_scope() as session:
            codes = second_factor_setup.confirm(
                session, user_id, code, now, me.actor, sealer=means.sealer, this_session=this
            )
    except second_factor_setup.WrongCodeError as error:
        with database.platform_scope() as session:
            enrolment = second_factor_setup.begun(session, user_id, means.sealer)
        return _shown("account_second_factor.html", request, 422, enrolment=enrolment, problem=str(error))
    except _WRONG as error:
        return _account(request, database, user_id, "second-factor", str(error))
    return _shown("account_recovery_codes.html", request, codes=codes)


@router.post("/account/second-factor/remove")
def remove(
    request: Request, user_id: MyId, me: Me, database: DatabaseDep, means: WebhooksDep, password: Text = ""
) -> Response:
    """Turn the second factor off."""
    now = now_of(request)
    try:
        second_factor_setup.remove(database, user_id, password, now, me.actor, sealer=means.sealer)
    except _WRONG as error:
        return _account(request, database, user_id, "second-factor", str(error))
    return _back("second-factor-removed")


def _account(
    request: Request, database: Database, user_id: UUID, wrong: str = "", problem: str = "", *, done: str = ""
) -> Response:
    """Return the page; `problem` stands beside the form that is called `wrong`."""
    with database.platform_scope() as session:
        user = get_user(session, user_id)
        left = second_factor_setup.codes_left(session, user_id)
        offers = consent.offers_to(session, request.app.state.roles, user_id, now_of(request))
        grants = grants_of(session, user_id)
    return _shown(
        "account.html",
        request,
        422 if problem else 200,
        user=user,
        codes_left=left,
        offers=offers,
        belongs=bool(grants),
        several=len({grant.org_id for grant in grants}) > 1,
        wrong=wrong,
        problem=problem,
        done=done,
    )


def _shown(template: str, request: Request, status: int = 200, **context: object) -> Response:
    """Return a page with the way to all others above it."""
    settings: Settings = request.app.state.settings
    return page(template, status, request=request, sandbox=not settings.is_production, **context)


def _back(done: str) -> Response:
    return RedirectResponse(f"/account?done={done}", status_code=303)
